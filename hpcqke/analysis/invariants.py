"""The picture of what must not change: drifts, energies and both sides of Eq. (7)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcqke.analysis.drawing import Skip, series_of, title
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.style import LINES, line, picture

if TYPE_CHECKING:
    import xarray as xr

#: Where drifts of exactly zero are drawn.
FLOOR = 1e-17
#: With which sign a species counts in flavor; a tracer does not.
SIGNS = {"nu": 1.0, "nubar": -1.0}
#: Rates of U_osc below this fraction of mu U_osc are round-off.
ROUND_OFF = 1e-13


def drifts(series: xr.Dataset, standard: bool = True) -> dict[str, np.ndarray]:
    """Relative change since the start of each invariant that the series has, by label, (time,).

    Lengths of vectors and matrices are compared with their largest initial entry. standard: is
    it Eq. (1)? With gradient terms or collisions |P| of single momenta changes, and Eq. (7) is not
    all of it.
    """
    out = {}
    if "number" in series:
        out[r"number"] = _relative(series["number"].values)
    if "flavor_matrix" in series:
        matrix = series["flavor_matrix"].transpose("time", "species", "component").values
        sign = [SIGNS.get(str(name), 0.0) for name in series["species"].values]
        net = np.einsum("s,tsc->tc", sign, matrix)
        scale = max(np.abs(matrix[0]).max(), 1e-300)
        out[r"flavor $\int(\rho-\bar\rho)$"] = np.abs(net - net[0]).max(axis=1) / scale
    if "trace_rho_squared" in series:
        out[r"$\int {\rm Tr}\,\rho^2$"] = _relative(series["trace_rho_squared"].values)
    if standard and "polarization_norm_error" in series:
        out[r"$\int P^2$, worst mode"] = np.abs(series["polarization_norm_error"].values)
    sides = eq7_sides(series)
    if sides is not None and standard:
        left, right = sides
        if _exchanges_energy(series):
            out["Eq. (7), left $-$ right"] = np.abs(left - right) / np.nanmax(np.abs(right))
    return out


def eq7_sides(series: xr.Dataset) -> tuple[np.ndarray, np.ndarray] | None:
    """dU_osc/dt by the chain rule and right-hand side of Eq. (7), (time,), if both are there."""
    names = ("energy_refractive_osc_rate_measured", "energy_refractive_osc_rate")
    if not all(name in series for name in names):
        return None
    return series[names[0]].values, series[names[1]].values


def _exchanges_energy(series: xr.Dataset) -> bool:
    """Is there more to Eq. (7) than round-off?"""
    rate, energy = series["energy_refractive_osc_rate"], series["energy_refractive_osc"]
    return bool(np.nanmax(np.abs(rate.values)) > ROUND_OFF * np.nanmax(np.abs(energy.values)))


def draw_invariants(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """Three panels over one time axis: drifts (log), energies, Eq. (7)."""
    series = series_of(run)
    if series.sizes["time"] < 2:
        raise Skip("only one row in series.nc")
    if "flux_left" in series:
        raise Skip("between open ends nothing is kept, see ends.png")
    t = series["time"].values
    with picture(file, (7.0, 8.5), nrows=3, sharex=True) as (figure, axes):
        standard = not {"gradient", "collisions"} & set(run.case.terms)
        for i, (label, values) in enumerate(drifts(series, standard).items()):
            axes[0].semilogy(t, np.maximum(np.abs(values), FLOOR), label=label, **line(i))
        axes[0].set_ylabel("relative change\n" + r"(none: $10^{-17}$)")
        figure.suptitle(title(run), fontsize=11)
        _energies(axes[1], series)
        sides = eq7_sides(series)
        if sides is not None:
            axes[2].plot(t, sides[1], label="right-hand side of Eq. (7)", **line(0))
            # about 40 marks: enough to see that they sit on the line
            axes[2].plot(t, sides[0], label="chain rule with the evaluated $d\\rho/dt$",
                         marker="o", markersize=4, markevery=max(1, t.size // 40),
                         color=line(1)["color"], linestyle="none")  # fmt: skip
            if not _exchanges_energy(series):
                axes[2].set_ylim(-1, 1)
        axes[2].set_ylabel(r"$dU_{\rm osc}/dt$  [$\mu n$]")
        axes[2].set_xlabel(r"$t$  [$1/\mu$]")
        for ax in axes:
            ax.margins(x=0)
            if ax.lines:
                where = {"loc": "lower right", "bbox_to_anchor": (1, 1), "frameon": False}
                ax.legend(ncol=5, columnspacing=1.0, handlelength=2.2, **where)


def _energies(ax: Any, series: xr.Dataset) -> None:
    """Changes of the energies; curves that lie on each other show as stripes of unlike width."""
    curves = {
        "energy_total": ("total", 7.0, "0.82", "-"),
        "energy_refractive": ("$U$", 4.0, "#6ea8dc", "-"),
        "energy_refractive_osc": (r"$U_{\rm osc}$", 1.2, LINES[0][0], "-"),
        "energy_kinetic": ("$K$", 1.6, LINES[1][0], "--"),
    }
    for name, (label, width, color, dash) in curves.items():
        if name in series and np.any(np.isfinite(series[name].values)):
            change = series[name].values - series[name].values[0]
            style = {"linewidth": width, "color": color, "linestyle": dash}
            ax.plot(series["time"].values, change, label=label, **style)
    ax.set_ylabel(r"change of energy  [$\mu n/\mu$]")


def _relative(values: np.ndarray) -> np.ndarray:
    """Largest relative change over the columns of (time, n) that do not start at zero."""
    values = values.reshape(values.shape[0], -1)
    start = values[0]
    kept = start != 0
    if not kept.any():
        return np.zeros(values.shape[0])
    return np.abs(values[:, kept] / start[kept] - 1).max(axis=1)
