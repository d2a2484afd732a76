"""What the pictures of a run share: its title, its rows, and the way to leave one out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcqke.analysis.open_run import Run

if TYPE_CHECKING:
    import xarray as xr


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
