"""What the pictures of a run share: its title, its rows, and the way to leave one out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpcqke.analysis.open_run import Run
from hpcqke.grids import MomentumGrid

if TYPE_CHECKING:
    import xarray as xr


#: What a picture reads of fields.nc: of more, evenly spaced frames, but not fewer than the last.
MOST_FRAMES, MOST_BYTES, FEWEST_FRAMES = 300, 2e9, 24


class Skip(Exception):
    """A picture that this run has no data for; the text says why."""


def title(run: Run) -> str:
    """Name of the case, and where an unfinished run has got to."""
    if run.status == "finished":
        return run.case.name
    word = {"running": "running, at", "resume": "stopped at", "failed": "failed after"}
    t = series_of(run)["time"].values[-1]
    return f"{run.case.name} ({word.get(run.status, run.status)} $t$ = {t:.4g})"


def series_of(run: Run) -> xr.Dataset:
    """The series, if it has a row."""
    series = run.series
    if series.sizes.get("time", 0) == 0:
        raise Skip("series.nc has no rows yet")
    return series


def frames_from(run: Run, cells: int = 1) -> xr.Dataset:
    """The fields, if there are 2 frames or more and `cells` cells or more."""
    if not run.has_fields() or run.fields.sizes["time"] < 2:
        raise Skip("fewer than 2 frames in fields.nc")
    if run.fields.sizes["z"] < cells:
        raise Skip("there is only one cell in z")
    count = run.fields.sizes["time"]
    room = int(MOST_BYTES / (run.fields["rho"].nbytes / count))
    every = -(-count // min(MOST_FRAMES, max(FEWEST_FRAMES, room)))
    chosen = sorted({*range(0, count, every), count - 1})
    return run.fields if every == 1 else run.fields.isel(time=chosen)


def direction_weights(run: Run) -> np.ndarray:
    """w_v of the directions of a run."""
    return MomentumGrid.from_case(run.case.grid.momentum).v_weight


def energy_axis(fields: xr.Dataset) -> tuple[np.ndarray, str]:
    """What tells the bins in energy apart: omega if the case gave it, else |p|, and its label."""
    if "frequency" in fields.variables:
        return fields["frequency"].values, r"$\omega = \Delta m^2/2|p|$  [$\mu$]"
    p = fields["momentum"]
    return p.values, r"$|p|$  [MeV]" if p.attrs.get("units") == "MeV" else r"$|p| - p_0$  [$\mu$]"
