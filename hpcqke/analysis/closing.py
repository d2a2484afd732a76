"""The last lines of a run with output.growth_window: its growth beside the linearised equations."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hpcqke.analysis import growth
from hpcqke.analysis.homogeneous import linear_systems, run_systems
from hpcqke.analysis.linear import LinearSystem
from hpcqke.analysis.open_run import Run, open_run
from hpcqke.errors import CaseError
from hpcqke.units import label

#: Bytes of a frame up to which the state that the run began with is read back, not the recipe.
FRAME = 2**28


def growth_lines(path: Path) -> list[str]:
    """A line for each large wave of the run in folder `path`: measured and predicted rate.

    Where there is nothing to compare, one line that says why.
    """
    with open_run(path) as run:
        window = run.case.output.growth_window
        try:
            systems = _systems(run)
        except CaseError as why:
            return [f"growth: no prediction: {why}"]
        fit = growth.fit_growth(run.series, window)
        waves = growth.compare(run.series, systems, fit, growth.scheme_of(run.case))
        times = f"t = {window[0]:g}...{window[1]:g}"
        if not waves:
            return [f"growth: too few rows or too small waves for {times}"]
        title = f"growth, {times}, {fit.rows} rows, in {label('mu', run.case.units.system)}"
        lines = [f"{title:42s} {'measured':>13s} {'predicted':>13s} {'on grid':>13s} {'rms':>8s}"]
        for w in waves:
            name = f"  {w.pair}: k = {w.k + 0.0:.6g} (n = {w.n})"
            lines.append(f"{name:42s} {w.measured:13.8g} {w.predicted:13.8g} {w.on_grid:13.8g} "
                         f"{w.residual:8.1e}")  # fmt: skip
        linear = growth.linear_end(run.series, systems)
        if window[1] > linear:
            lines.append(f"  the linear phase ends at t = {linear:.4g}, inside the window")
        return lines + _breaking(run, systems, window)


def _systems(run: Run) -> dict[str, LinearSystem]:
    """The state at the start if it is small enough to read, else what the case says of it."""
    small = run.has_fields() and 8 * run.fields["rho"].isel(time=0).size <= FRAME
    return run_systems(run) if small else linear_systems(run.case)


def _breaking(run: Run, systems: dict[str, LinearSystem], window: tuple) -> list[str]:
    """With azimuths: waves exp(+-i phi) are in no spectrum, but in the rms of all modes."""
    if run.case.grid.momentum.azimuths == 1:
        return []
    k = growth.spectrum(run.series)["k"].values
    if "advection" not in run.case.terms:
        k = np.zeros(1)
    best = {b: max(s.growth(k, b)[0].max() for s in systems.values()) for b in
            ("symmetric", "breaking")}  # fmt: skip
    time, rms = (run.series[name].values for name in ("time", "off_diagonal_rms"))
    use = (time >= window[0] - 1e-9) & (time <= window[1] + 1e-9) & (rms > 0)
    if use.sum() < 3:
        return []
    slope = np.polyfit(time[use], np.log(rms[use]), 1)[0]
    return [f"  rms of all modes: {slope:.8g}; fastest predicted: {best['symmetric']:.8g} "
            f"symmetric, {best['breaking']:.8g} exp(+-i phi)"]  # fmt: skip
