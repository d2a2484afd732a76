"""hpcqke info CASE: grid, ranks, memory, time step, run time and disk space.

The time comes from a second of the run itself (`hpcqke.calibration`), which leaves no files.
"""

from __future__ import annotations

import math

import numpy as np

from hpcqke import gauss, parallel
from hpcqke.calibration import Trial, calibrate
from hpcqke.case_sections import SPLITTINGS
from hpcqke.forecast import Forecast, forecast
from hpcqke.grids import MomentumGrid, ZGrid
from hpcqke.progress import duration
from hpcqke.simulation import build_terms, ranks_along_momentum, stencil
from hpcqke.splitting import longest_step
from hpcqke.units import label

# Largest stable |lambda| dt on the imaginary axis (advection and precession are oscillations), of
# gauss2 the one that its fixed point converges well for.
REACH = {"rk3bs": 1.73, "rk4": 2.83, "rk5dp": 1.0, "rk8vr": 2.5, "midpoint": np.inf}
REACH["gauss2"] = gauss.REACH
VECTORS = {"rk3bs": 8, "rk4": 8, "rk5dp": 11, "rk8vr": 17, "midpoint": 40, "gauss2": 10}
VECTORS |= {name: 6 for name in SPLITTINGS}


def describe(case, ranks: int | None = None) -> str:
    """The report, lines of text, for ``ranks`` ranks (None: as many as there are). Collective.

    `CaseError` if so many ranks cannot be laid out; what a run raises, if its first second does.
    """
    from hpcqke.phase_space import choose_process_grid

    ranks = parallel.world().size if ranks is None else ranks
    z = ZGrid(case.grid.z.length, case.grid.z.cells, case.grid.z.boundary)
    momentum = MomentumGrid.from_case(case.grid.momentum)
    terms, w = build_terms(case), stencil(case)
    rz, rp = choose_process_grid(
        ranks, z.cells, w, momentum, case.grid.z.ranks, ranks_along_momentum(case)
    )
    species = 2 if case.flavors.antineutrinos else 1
    blocks = momentum.blocks(rp)
    row = blocks.count * blocks.width * species * case.flavors.count**2
    memory = 8 * row * z.cells * VECTORS[case.time.integrator] / ranks
    grids = _Sizes(z, momentum)
    rates = {t.name: t.max_rate(grids) for t in terms}
    if case.time.integrator in SPLITTINGS:
        limit = longest_step(z.dz, momentum.v)
    else:
        limit = REACH[case.time.integrator] / sum(rates.values()) if any(rates.values()) else np.inf
    time, rate_unit = (label(unit, case.units.system) for unit in ("1/mu", "mu"))
    lines = [
        f"case            {case.name}",
        f"z               {z.cells} cells of {z.dz:.6g} on [{-z.length / 2:g}, {z.length / 2:g}) "
        f"{time}, {' and '.join(z.ends or [z.boundary])}",
        f"momentum        {momentum.p.size} |p| x {momentum.v.size} directions, "
        f"{blocks.count} blocks of {blocks.width} lanes",
        f"flavors         {case.flavors.count}, " + ("nu and nubar" if species == 2 else "nu"),
        f"ranks           {ranks} = {rz} (z) x {rp} (momentum), {w} ghost rows",
        f"memory per rank {memory / 2**20:.3g} MiB",
    ]
    lines += [
        f"term            {t.name}: {t.doc()}; fastest rate {rates[t.name]:.4g} {rate_unit}"
        for t in terms
    ]
    trial = calibrate(case)
    dt = None
    if trial.share < 1 and case.time.step is None:
        dt = landing_step(case, limit)
    whole = forecast(case, trial, ranks, dt)
    cells = z.cells * momentum.p.size * momentum.v.size
    return "\n".join([*lines, *costs(case, trial, whole, ranks, cells, limit, dt)])


def landing_step(case, limit: float) -> float:
    """The stable step, shortened as it is where rows or fields are due at the end of several."""
    span = case.time.end - case.time.start
    every = [e for e in (case.output.series_every, case.output.fields_every) if e]
    interval = min([span, *every])
    return interval / math.ceil(interval / limit) if limit < interval else interval


def costs(case, trial: Trial, whole: Forecast, ranks: int, cells: int, limit: float,
          dt: float | None) -> list[str]:
    """The lines about steps, time and disk space."""
    time = label("1/mu", case.units.system)
    rate = trial.slopes * cells * trial.share / trial.step / trial.ranks * 1e-6
    if case.time.step:
        step = f"given {case.time.step:.4g}"
    elif dt:
        step = f"assumed {dt:.4g}, the longest stable one"
    else:
        step = f"adaptive, {trial.dt:.4g} on average up to t = {trial.t:.4g}"
    piece = "of this run" if trial.share == 1 else f"of {100 * trial.share:.2g} % of its rows"
    parts = ", ".join(f"{name} {seconds:.2g}" for name, seconds in whole.seconds.items())
    size = case.state_bytes()
    lines = [
        f"step            {step} {time} ({case.time.integrator}; limit {limit:.4g})",
        f"trial           {trial.steps} steps {piece} on {several(trial.ranks, 'rank')}, to t = "
        f"{trial.t:.4g}: {rate:.1f} Mcell/s/core stepping",
        f"cost            {counted(whole.steps)} steps, {counted(whole.slopes)} right-hand sides "
        f"of {cells} cells, {several(whole.rows, 'row')}, {several(whole.frames, 'frame')}, "
        f"{several(whole.checkpoints, 'checkpoint')}",
        f"run time        {spoken(whole.total)} ({parts} s)",
        f"fields.nc       {several(whole.frames, 'frame')}, {whole.frames * size / 2**20:.6g} MiB",
        f"checkpoints     {(case.checkpoint.keep + 1) * size / 2**20:.6g} MiB at most",
    ]
    assumed = []
    if not case.time.step and trial.t < case.time.end and not dt:
        assumed.append("steps stay as long as they were in the trial")
    if trial.share < 1:
        assumed.append("rows and files cost in proportion to the cells")
    if ranks != trial.ranks:
        assumed.append(f"{several(ranks, 'core')} like this share steps and rows without loss; for "
                       f"a trial on all: mpirun -n {ranks} hpcqke info")
    return lines + [f"assumed         {text}" for text in assumed]


def counted(number: float) -> str:
    """All digits where they are few."""
    return f"{number:.0f}" if number < 1e6 else f"{number:.4g}"


def several(number: int, what: str) -> str:
    """3 frames, 1 frame."""
    return f"{number} {what}{'s' * (number != 1)}"


def spoken(seconds: float) -> str:
    """About so long, with h:mm:ss where that is easier to read."""
    text = f"about {seconds:.3g} s"
    return text if seconds < 100 else f"{text}, {duration(seconds)}"


class _Sizes:
    """What a term's `max_rate` looks at."""

    def __init__(self, z: ZGrid, momentum: MomentumGrid) -> None:
        self.z, self.momentum = z, momentum
