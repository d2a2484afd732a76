"""The picture of the local mean momentum shift of each beam in space and time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hpcqke.analysis import momenta, spacetime
from hpcqke.analysis.drawing import Skip, title
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.style import picture

#: A part of the shifts this small does not make a map of both signs.
ONE_SIGN = 0.02


def draw_shift(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """One space-time diagram for each beam, all on one scale."""
    grid = momenta.grid_of(run)
    if not run.has_fields() or run.fields.sizes["time"] < 2:
        raise Skip("fewer than 2 frames in fields.nc")
    if run.fields.sizes["z"] < 2:
        raise Skip("there is only one cell in z")
    beams = momenta.beams_of(run, grid)
    shift = momenta.local_shift(run, grid, beams)
    cmap, low, high = colors(shift.values)
    bar = {"pad": 0.01, "aspect": 30}
    panels = {"nrows": len(beams), "sharex": True, "sharey": True, "squeeze": False}
    with picture(file, (7.0, 0.9 + 2.5 * len(beams)), **panels) as (figure, axes):
        for ax, beam, values in zip(axes[:, 0], beams, shift.values, strict=True):
            mesh = spacetime.draw(ax, shift.time, shift.z, values, cmap=cmap, low=low, high=high)
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2.5}
            ax.text(0.015, 0.96, beam.label, transform=ax.transAxes, va="top", bbox=box)
        axes[-1, 0].set_xlabel(r"$t$  [$1/\mu$]")
        axes[0, 0].set_title(title(run))
        label = r"momentum shift $\langle q\rangle(z, t) - \langle q\rangle(0)$  [$\mu$]"
        figure.colorbar(mesh, ax=axes[:, 0].tolist(), label=label, **bar)


def colors(values: np.ndarray) -> tuple[str, float, float]:
    """Map, lowest and highest value; no shift is light, both signs have a hue each."""
    low, high = min(0.0, float(np.nanmin(values))), max(0.0, float(np.nanmax(values)))
    if high < ONE_SIGN * -low:
        return "magma", low, 0.0
    if -low < ONE_SIGN * high:
        return "magma_r", 0.0, high
    size = max(-low, high, 1e-300)
    return "RdBu_r", -size, size
