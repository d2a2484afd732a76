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
            (series[f"energy_{name}_direction"].values / weight[None, :, None])[:, order] / self.unit
            for name in ("kinetic", "work")
        )
        self.net = self.net.sum(axis=-1)
        self.refractive, self.kinetic, self.total = (
            (series[f"energy_{name}"].values - series[f"energy_{name}"].values[0]) / self.unit
            for name in ("refractive", "kinetic", "total")
        )

    def late(self) -> np.ndarray:
        """The mean work over the last half of the run: (direction, species)."""
        return self.work[len(self.work) // 2 :].mean(axis=0)


def draw_directions(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """Survival and energies against time, K_v against time and v, the work on each species late."""
    from hpcqke.grids import MomentumGrid

    series = series_of(run)
    if series.sizes["time"] < 2 or series.sizes["direction"] < FEWEST:
        raise Skip(f"needs two rows in series.nc and {FEWEST} directions")
    if not abs(series["energy_refractive_osc"].values[0]) > 0:
        raise Skip("U_osc is 0 at the start")
    weight = MomentumGrid.from_case(run.case.grid.momentum).v_weight
    paid, t = Payments(series, weight), series["time"].values
    with picture(file, (10.0, 7.0), nrows=2, ncols=2) as (figure, axes):
        figure.suptitle(title(run), fontsize=11)
        _survival(axes[0, 0], t, series)
        _energies(axes[1, 0], t, paid)
        _map(figure, axes[0, 1], t, paid)
        _late(axes[1, 1], paid, [str(name) for name in series["species"].values])
        for ax in (axes[0, 0], axes[1, 0], axes[0, 1]):
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
    ax.legend(loc="center left")


def _map(figure: Any, ax: Any, t: np.ndarray, paid: Payments) -> None:
    """White is nothing; what is lost and what is gained differ in lightness at the ends only."""
    top = np.abs(paid.net).max() or 1.0
    mesh = ax.pcolormesh(t, paid.v, paid.net.T, cmap="PuOr_r", vmin=-top, vmax=top,
                         shading="nearest", rasterized=True)  # fmt: skip
    ax.grid(visible=False)
    ax.set_ylabel(r"$v = \cos\theta$")
    figure.colorbar(mesh, ax=ax, label=r"$dK/dv$ / $|U_{\rm osc}(0)|$, all species")


def _late(ax: Any, paid: Payments, species: list[str]) -> None:
    late = paid.late()
    for s, name in enumerate(species):
        ax.plot(paid.v, late[:, s], label=NAMES.get(name, name), **line(s + 1))
    if len(species) > 1:
        ax.plot(paid.v, late.sum(axis=1), label="together", **line(0))
    ax.set_xlabel(r"$v = \cos\theta$")
    ax.set_ylabel(r"work / $dv$ / $|U_{\rm osc}(0)|$, last half")
    ax.legend()
