"""A run in which something goes wrong:  driver.py SITE WHAT RANK STEP FOLDER [SECTION.KEY=VALUE]

WHAT happens on rank RANK (-1: on all) once step STEP is done, at the place called SITE. Everything
else is the program's own: `hpcqke run` with a small case.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time

import numpy as np

from hpcqke import signals

SMALL = ["grid.z.cells=60", "time.end=4.0", "output.series_every=0.25", "output.fields_every=0.5"]
SMALL += ["checkpoint.every=1.0", "time.integrator=rk4"]


def throw(error: BaseException) -> None:
    raise error


def petsc_error() -> None:
    from petsc4py import PETSc

    raise PETSc.Error(76)


def limit_files() -> None:
    """No file of this process may grow beyond 4 KiB: stands for a full disk."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))


def sleep_on(seconds: float) -> None:
    """A step that does not end: signals do not shorten it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.1)


def fill(path: str, free: str) -> None:
    """Fill the disk of this file up to ``free`` KiB."""
    room = os.statvfs(os.path.dirname(path))
    with open(path, "wb") as ballast:
        ballast.write(bytes(room.f_bavail * room.f_frsize - int(free) * 1024))


WHAT = {
    "ValueError": lambda: throw(ValueError("a fault was injected")),
    "MemoryError": lambda: throw(MemoryError("a fault was injected")),
    "KeyboardInterrupt": lambda: throw(KeyboardInterrupt("a fault was injected")),
    "Error": petsc_error,
    "exit3": lambda: sys.exit(3),
    "exit0": lambda: sys.exit(0),
    "limit": limit_files,
    "USR1": lambda: os.kill(os.getpid(), signal.SIGUSR1),
    "sleep": lambda: sleep_on(60.0),
}


class Fault:
    """Strikes once, on one rank or all, when the run has done a step."""

    def __init__(self, what: str, rank: int, step: int, ps) -> None:
        self.what, self.rank, self.step, self.ps = what, rank, step, ps
        self.done = lambda: 0
        self.struck = False

    def strike(self, vec=None) -> None:
        """Do it, if it is time and this is the rank. vec: the state, for faults in it."""
        if self.struck or self.done() < self.step:
            return
        self.struck = True
        if self.what.startswith("state:"):
            self.spoil(self.ps.array(vec))
        elif self.rank not in (-1, self.ps.rank):
            return
        elif self.what.startswith("fill:"):
            fill(*self.what.split(":")[1:])
        else:
            WHAT[self.what]()

    def spoil(self, X: np.ndarray) -> None:
        """WHAT = state:VALUE:CELL:MOMENTUM:DIRECTION:SPECIES:COMPONENT: put the value there."""
        value, *where = self.what.split(":")[1:]
        here = [int(n) for n in where]
        for axis, part in enumerate(self.ps.own):
            if here[axis] not in range(part.start, part.stop):
                return
            here[axis] -= part.start
        A = self.ps.to_natural(X)
        A[tuple(here)] = float(value)
        X[...] = self.ps.from_natural(A)

    def before(self, thing, name: str, vec=None) -> None:
        """Strike before each call of ``thing.name``; ``vec``: the argument that is the state."""
        inner = getattr(thing, name)

        def outer(*args, **keywords):
            self.strike(None if vec is None else args[vec])
            return inner(*args, **keywords)

        setattr(thing, name, outer)


def install(site: str, sim, fault: Fault) -> None:
    """Put the fault where SITE says; of what the run itself makes, the class is changed."""
    from hpcqke import diagnostics, fields, hook, integrate, outputs, progress, stages

    begin = integrate.Integrator.begin

    def watched(self, now, vec):
        fault.done = lambda: now.step
        begin(self, now, vec)

    integrate.Integrator.begin = watched
    places = {
        "initial": (sim, "_initial_state"),
        "begin": (integrate.Integrator, "begin"),
        "rhs": (sim.equation, "evaluate", 1),
        "stage": (sim.equation, "evaluate_stage", 1),
        "ghosts": (sim.ps.ghosts, "end"),
        "hook": (hook.StepHook, "_after", 2),
        "row": (diagnostics.Diagnostics, "row"),
        "append": (fields.Fields, "append"),
        "checkpoint": (outputs.Outputs, "checkpoint"),
        "end": (progress.Reporter, "close"),
    }
    if site == "set_state":
        sim.set_state(lambda *points: fault.strike() or half(*points))
    else:
        fault.before(*places[site])
        if site == "stage":
            stages.way = lambda equation, count: None  # one by one: between them faults can strike


def half(_species, z, momentum, direction) -> np.ndarray:
    return np.broadcast_to(0.5 * np.eye(2), (z.size, momentum.size, direction.size, 2, 2))


def main(site: str, what: str, rank: str, after: str, folder: str, *settings: str) -> int:
    """Run the four-beam case with this fault; returns the exit code."""
    from hpcqke import parallel
    from hpcqke.case import load_case
    from hpcqke.simulation import Simulation

    step = [] if any("time.tolerance" in s for s in settings) else ["time.step=0.07"]
    case = load_case("multi_beam", [*SMALL, *step, f"output.directory={folder}", *settings])
    parallel.start_petsc()
    signals.install()
    with Simulation(case) as sim:
        install(site, sim, Fault(what, int(rank), int(after), sim.ps))
        return sim.run().exit_code


if __name__ == "__main__":
    signals.install()
    from hpcqke.parallel import run_main

    run_main(lambda: main(*sys.argv[1:]))
