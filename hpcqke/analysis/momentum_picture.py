"""The picture of each beam's spectrum of q = |p| - p0: at the start, at the end, the change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hpcqke.analysis import momenta
from hpcqke.analysis.drawing import Skip, series_of, title
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.style import line, picture

#: Where a spectrum is below this part of its peak, there is nothing to see.
EMPTY = 1e-4


def draw_momentum_spectra(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """A column for each beam: spectra above, their difference below."""
    series, grid = series_of(run), momenta.grid_of(run)
    if series.sizes["time"] < 2:
        raise Skip("only one row in series.nc")
    beams = momenta.beams_of(run, grid)
    times = [float(t) for t in series["time"].values[[0, -1]]]
    starts = [momenta.spectrum(series, grid, beam) for beam in beams]
    changes = [momenta.change(series, grid, beam) for beam in beams]
    edges = momenta.edges(grid)
    panels = {"nrows": 2, "ncols": len(beams), "sharex": True, "sharey": "row", "squeeze": False}
    size = (1.0 + 3.2 * max(2, len(beams)), 5.6)
    with picture(file, size, **panels) as (figure, axes):
        figure.suptitle(title(run), fontsize=11)
        for (upper, lower), beam, start, change in zip(axes.T, beams, starts, changes, strict=True):
            _spectra(upper, edges, [start, start + change], times)
            _change(lower, grid.p, edges, start, change)
            upper.set_title(beam.label)
            lower.set_xlabel(r"$q = |p| - p_0$  [$\mu$]")
        axes[0, 0].set_ylabel(r"$dN/dq$  [$n/\mu^2$]")
        axes[1, 0].set_ylabel(r"change of $dN/dq$  [$n/\mu^2$]")
        axes[0, 0].set_xlim(*_range(grid.p, np.array(starts)))
        for ax in axes[:, 0]:
            ax.legend(loc="upper right", handlelength=1.6)


def _spectra(ax: Any, edges: np.ndarray, pair: list[np.ndarray], times: list[float]) -> None:
    for values, t, width, i in zip(pair, times, (2.2, 1.2), (0, 1), strict=True):
        _bins(ax, values, edges, label=f"$t$ = {t:.4g}", linewidth=width, color=line(i)["color"])


def _change(ax: Any, q: np.ndarray, edges: np.ndarray, start: np.ndarray,
            change: np.ndarray) -> None:  # fmt: skip
    """The change, on what it were if the whole spectrum had moved by its mean."""
    shift = momenta.mean_shift(q, start, change)
    moved = -shift * np.gradient(start, q)
    ax.axhline(0, color="0.5", linewidth=0.8)
    name = r"$-\Delta\langle q\rangle\,\partial_q\,dN/dq$"
    _bins(ax, moved, edges, label=name, linewidth=1.6, color=line(2)["color"])
    ax.plot(q, change, label="run", marker="o", markersize=3.5, linestyle="none",
            color=line(1)["color"])  # fmt: skip
    text = rf"$\Delta\langle q\rangle = {shift:+.4f}\,\mu$"
    ax.text(0.03, 0.05, text, transform=ax.transAxes, va="bottom", ha="left")


def _bins(ax: Any, values: np.ndarray, edges: np.ndarray, **style: Any) -> None:
    """A histogram, above the grid's lines."""
    ax.stairs(values, edges, baseline=None, zorder=2.5, **style)


def _range(q: np.ndarray, spectra: np.ndarray) -> tuple[float, float]:
    """The q worth showing."""
    there = q[spectra.max(axis=0) > EMPTY * spectra.max()]
    return float(there.min()), float(there.max())
