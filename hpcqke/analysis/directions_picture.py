"""Which directions pay for U: the picture of a run with [terms.ledger]."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcqke.analysis.drawing import Skip, series_of, title
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.style import line, picture

if TYPE_CHECKING:
    import xarray as xr

FEWEST = 4
"""Directions below which there is no distribution in v to draw."""
NAMES = {"nu": r"$\nu$", "nubar": r"$\bar\nu$"}


class Payments:
    """K_v and the work per width of a cell, over |U_osc(0)|: ``net`` (time, direction), all species
    together, and ``work`` (time, direction, species).

    ``v`` in rising order. ``refractive``, ``kinetic``, ``total``: changes since the start over
    |U_osc(0)|; the last one is 0 if the ledger closes.
    """

    def __init__(self, series: xr.Dataset, weight: np.ndarray) -> None:
        self.unit = float(abs(series["energy_refractive_osc"].values[0]))
        order = np.argsort(series["direction"].values)
        self.v = series["direction"].values[order]
        self.net, self.work = (
            (series[f"energy_{name}_direction"].values / weight[None, :, None])[:, order]
            / self.unit
            for name in ("kinetic", "work")
        )
        self.net = self.net.sum(axis=-1)
        self.refractive, self.kinetic, self.total = (
            (series[f"energy_{name}"].values - series[f"energy_{name}"].values[0]) / self.unit
            for name in ("refractive", "kinetic", "total")
        )

    def late(self, values: np.ndarray) -> np.ndarray:
        """The mean of ``net`` or ``work`` over the last half of the run."""
        return values[len(values) // 2 :].mean(axis=0)


def draw_directions(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """Survival, energies, waves and K_v against time; late work by species, K_v and work by v."""
    from hpcqke.grids import MomentumGrid

    series = series_of(run)
    if series.sizes["time"] < 2 or series.sizes["direction"] < FEWEST:
        raise Skip(f"needs two rows in series.nc and {FEWEST} directions")
    if not abs(series["energy_refractive_osc"].values[0]) > 0:
        raise Skip("U_osc is 0 at the start")
    weight = MomentumGrid.from_case(run.case.grid.momentum).v_weight
    paid, t = Payments(series, weight), series["time"].values
    with picture(file, (12.5, 6.2), nrows=2, ncols=3) as (figure, axes):
        figure.suptitle(title(run), fontsize=11)
        _survival(axes[0, 0], t, series)
        _energies(axes[1, 0], t, paid)
        _map(figure, axes[0, 1], t, paid)
        _waves(axes[1, 1], t, series)
        names = [NAMES.get(str(name), str(name)) for name in series["species"].values]
        _against_v(axes[0, 2], paid.v, dict(zip(names, paid.late(paid.work).T, strict=True)))
        axes[0, 2].set_ylabel(r"late work$/dv$ / $|U_{\rm osc}(0)|$")
        both = {"$K_v$": paid.late(paid.net), "work": paid.late(paid.work).sum(axis=-1)}
        _against_v(axes[1, 2], paid.v, both)
        axes[1, 2].set_ylabel(r"late, all species$/dv$ / $|U_{\rm osc}(0)|$")
        for ax in axes[:, :2].flat:
            ax.set_xlabel(r"$t$  [$1/\mu$]")
            ax.margins(x=0)


def _survival(ax: Any, t: np.ndarray, series: xr.Dataset) -> None:
    labels = (r"$\langle P_{ee}\rangle$", r"$\langle \bar P_{ee}\rangle$")
    for s, label in zip(range(series.sizes["species"]), labels, strict=False):
        ax.plot(t, series["survival"].values[:, s, 0], label=label, **line(s))
    ax.set_ylabel("survival")
    ax.legend()


def _energies(ax: Any, t: np.ndarray, paid: Payments) -> None:
    ax.plot(t, paid.refractive, label=r"$\Delta U$", **line(0))
    ax.plot(t, paid.kinetic, label=r"$\Delta K$", **line(1))
    size = np.abs(paid.refractive).max()
    left = np.abs(paid.total).max() / size if size > 0 else 0.0
    ax.plot(t, paid.total, label=rf"sum, {left:.0e} of max$\,|\Delta U|$", **line(2))
    ax.set_ylabel(r"energy / $|U_{\rm osc}(0)|$")
    where = {"loc": "lower right", "bbox_to_anchor": (1, 1), "frameon": False}
    ax.legend(ncol=3, columnspacing=1.0, borderaxespad=0.1, **where)


def _map(figure: Any, ax: Any, t: np.ndarray, paid: Payments) -> None:
    """White is nothing; what is lost and what is gained differ in lightness at the ends only."""
    top = np.abs(paid.net).max() or 1.0
    ax.grid(visible=False)
    mesh = ax.pcolormesh(t, paid.v, paid.net.T, cmap="PuOr_r", vmin=-top, vmax=top,
                         shading="nearest", rasterized=True)  # fmt: skip
    ax.set_ylabel(r"$v = \cos\theta$")
    figure.colorbar(mesh, ax=ax, label=r"$dK/dv$ / $|U_{\rm osc}(0)|$, all species")


def _waves(ax: Any, t: np.ndarray, series: xr.Dataset) -> None:
    rms = series["off_diagonal_rms"].values
    if np.any(rms > 0):
        ax.semilogy(t, rms, **line(0))
    ax.set_ylabel(r"rms of $P^x + iP^y$  [$n$]")


def _against_v(ax: Any, v: np.ndarray, lines: dict[str, np.ndarray]) -> None:
    for i, (label, values) in enumerate(lines.items()):
        ax.plot(v, values, label=label, **line(i))
    ax.set_xlabel(r"$v = \cos\theta$")
    ax.legend(loc="lower left")
