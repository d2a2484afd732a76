"""A second of a case's own run, to predict the whole from: the cost of steps, rows and files.

The trial is the very run (grid, ranks, integrator, terms, initial data, outputs and their
schedules) in a folder of its own that is removed afterwards; the run's own folder is not touched.
A case of more than `MOST_CELLS` cells a rank is tried on fewer rows of the same spacing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from hpcqke import conduct, parallel
from hpcqke.case_machine import nearest_existing
from hpcqke.diagnostics import Diagnostics
from hpcqke.grids import MomentumGrid
from hpcqke.hook import LABEL, StepHook
from hpcqke.integrate import Integrator
from hpcqke.outputs import Outputs
from hpcqke.progress import Clock, Log, Reporter
from hpcqke.run_folder import RunFolder
from hpcqke.simulation import Simulation, stencil
from hpcqke.storage import on_root, storage_error

SECONDS = 1.0
MOST_CELLS = 2**19
ENOUGH, LONG = 5, 1.0


@dataclass(frozen=True)
class Trial:
    """What was measured, in seconds; ``share``: the part of the case's cells that was stepped.

    The trial got to time ``t`` in ``steps`` steps; the later half of them took ``step`` seconds and
    advanced ``dt`` each. ``slopes``: right-hand sides a step. ``start``: before the first step,
    without rows and frames; ``end``: after the last.
    """

    ranks: int
    share: float
    t: float
    steps: int
    dt: float
    step: float
    slopes: float
    row: float
    frame: float
    checkpoint: float
    start: float
    end: float


class Timed:
    """The outputs of a run, of which the first `ENOUGH` rows, frames and checkpoints are made, or
    fewer if those take more than `LONG` seconds.

    ``seconds[name]`` are their durations on rank 0; the time of others goes into steps.
    """

    def __init__(self, outputs: Outputs, comm) -> None:
        self.comm = comm
        self.begin, self.flush, self.provenance = outputs.begin, outputs.flush, outputs.provenance
        self.seconds: dict[str, list[float]] = {}
        for name in LABEL:
            setattr(self, name, self._timed(name, getattr(outputs, name)))

    def _timed(self, name: str, action: Callable) -> Callable:
        spent = self.seconds[name] = []

        def call(now, vec) -> None:
            if len(spent) == ENOUGH or sum(spent) > LONG:
                return
            begun = perf_counter()
            action(now, vec)
            spent.append(self.comm.bcast(perf_counter() - begun))

        return call

    def usual(self, name: str) -> float:
        """Seconds of one, from the later half of them: the first ones find no memory yet."""
        spent = self.seconds[name]
        return median(spent[len(spent) // 2 :])

    def all(self) -> float:
        """Seconds in all of them so far."""
        return sum(map(sum, self.seconds.values()))


class Stopwatch:
    """The step hook of the trial: the run's own one, a sample of each step, and the end of it."""

    def __init__(self, ps, hook: StepHook, timed: Timed, seconds: float) -> None:
        self.ps, self.hook, self.timed, self.seconds = ps, hook, timed, seconds
        self.samples: list[tuple[float, float]] = []
        self._lost = 0.0

    def start(self, t: float) -> None:
        """The trial begins at time t."""
        self._begun, self._before = perf_counter(), self.timed.all()
        self.samples.append((t, 0.0))

    def __call__(self, now, vec) -> bool:
        stop = self.hook(now, vec)
        reached = perf_counter()
        spent = reached - self._begun - self._lost - self.timed.all() + self._before
        self.samples.append((now.t, spent))
        late = parallel.agree(self.ps.comm, int(self.ps.rank == 0 and spent > self.seconds))
        self._lost += perf_counter() - reached
        return stop or bool(late[0])

    def later_half(self) -> tuple[float, float]:
        """(simulated time, seconds) of a step, outputs left out, without the first steps."""
        n = len(self.samples) - 1
        (t0, s0), (t1, s1) = self.samples[n // 2], self.samples[n]
        return (t1 - t0) / (n - n // 2), (s1 - s0) / (n - n // 2)


def calibrate(case, comm=None, seconds: float = SECONDS) -> Trial:
    """Run ``case`` for about ``seconds`` on ``comm`` (default: all ranks). Collective.

    Raises what a run raises: `CaseError`, `StorageError` if nothing can be written beside the run
    folder, `NumericsError` if the state does not stay finite.
    """
    comm = comm or parallel.world()
    piece, share = part_of(case, comm.size)
    folder = on_root(comm, lambda: _make_folder(Path(case.output.directory)))
    try:
        output = replace(piece.output, directory=str(folder))
        with Simulation(replace(piece, output=output), comm) as sim:
            if share < 1:
                sim.set_state(smooth(case.flavors.count, piece.grid.z.length))
            return _trial(sim, RunFolder(folder), share, seconds)
    finally:
        if comm.rank == 0:
            shutil.rmtree(folder, ignore_errors=True)


def part_of(case, ranks: int):
    """The case, or fewer rows of it with the same spacing; and the part of its cells that is."""
    z, momentum = case.grid.z, MomentumGrid.from_case(case.grid.momentum)
    rows = MOST_CELLS * ranks // (momentum.p.size * momentum.v.size)
    rows = max(rows, 4 * max(1, stencil(case)) * ranks)
    if rows >= z.cells:
        return case, 1.0
    shorter = replace(z, cells=rows, length=z.length * rows / z.cells)
    return replace(case, grid=replace(case.grid, z=shorter)), rows / z.cells


def smooth(flavors: int, length: float) -> Callable:
    """A state for fewer rows than the case has: the work does not depend on it."""

    def rho(species: str, z, momentum, direction) -> np.ndarray:
        wave = 0.01 * np.cos(2 * np.pi * z / length)[:, None, None, None, None]
        matrix = 0.5 * np.eye(flavors) + wave * np.ones((flavors, flavors))
        shape = (z.size, momentum.size, direction.size, flavors, flavors)
        return np.broadcast_to(matrix, shape).astype(complex)

    return rho


def _make_folder(run: Path) -> Path:
    """A new, hidden folder on the file system that the run will write to."""
    place = nearest_existing(run.absolute())
    try:
        return Path(tempfile.mkdtemp(prefix=".hpcqke-info-", dir=place))
    except OSError as fault:
        raise storage_error(place, fault) from fault


def _trial(sim: Simulation, folder: RunFolder, share: float, seconds: float) -> Trial:
    case, ps = sim.case, sim.ps
    begun = perf_counter()
    log, clock, schedules = Log(False), Clock(), conduct.make_schedules(case)
    diagnostics = Diagnostics(sim.equation, case.output.spectrum_modes)
    reporter = Reporter(log, sim.equation, case.time.start, case.time.end, 2 * seconds)
    outputs = Outputs(case, ps, folder, diagnostics, log, ENOUGH)
    timed = Timed(outputs, ps.comm)
    hook = Stopwatch(ps, StepHook(ps, timed, schedules, reporter, clock), timed, seconds)
    integrator = Integrator(case.time, ps, sim.equation, hook, [])
    with conduct.owned(integrator, diagnostics):
        now = conduct.begin(sim, timed, None, integrator, diagnostics, folder, log, clock)
        start = perf_counter() - begun
        hook.start(now.t)
        going = True
        while going and now.t < integrator.end:
            going = integrator.advance(conduct.next_landing(schedules, now, integrator.end))
        for name in LABEL:  # those that the trial had few of
            for _ in range(ENOUGH):
                getattr(timed, name)(now, sim.vec)
        ended = perf_counter()
        outputs.write_series()
        dt, step = hook.later_half()
        row, frame, checkpoint = (timed.usual(name) for name in LABEL)
        return Trial(
            ranks=ps.size,
            share=share,
            t=now.t,
            steps=now.step,
            dt=dt,
            step=step,
            slopes=sim.equation.calls / now.step,
            row=row,
            frame=frame,
            checkpoint=checkpoint,
            start=max(start - row - frame, 0.0),
            end=perf_counter() - ended,
        )
