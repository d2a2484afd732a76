"""Error against CPU time of the integrators, stepping alone, through PETSc TS, on one core:

    python tests/bench/error_cost.py [--json FILE] [--rounds N] [--only two-beam|box]

two-beam: the case two_beam_lcg (L = 100) at t = 20, relative L2 error of P against bm6 on a fine
grid, compared on that grid by Fourier interpolation. box: the fast-flavor box of
tests/physics/fast_flavor_box.py, largest error of <P_ee> at t = 100, 200, ... 2000 against bm6 on
a fine grid. All settings take turns, round after round; a time is the least of its rounds.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import process_time

import numpy as np
from mpi4py import MPI

import hpcqke
from hpcqke.integrate import Integrator, Progress

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "physics"))
import fast_flavor_box  # noqa: E402

TARGET = 1e-6
FINE = {"two-beam": ("bm6", 4096, 0.05), "box": ("bm6", 256, 2.0)}
SETTINGS = {  # integrator, cells, step
    "two-beam": (
        [("rk4", n, h) for n, h in ((1000, 0.06), (1400, 0.04), (1500, 0.0205))]
        + [("rk5dp", n, h) for n, h in ((1000, 0.09), (1450, 0.068), (2000, 0.045))]
        + [("bm4", n, h) for n, h in ((800, 0.12), (1000, 0.08), (1250, 0.05))]
        + [("bm6", n, h) for n, h in ((800, 0.3), (960, 0.22), (1000, 0.22), (1250, 0.18))]
    ),
    "box": (
        [("rk4", n, h) for n, h in ((96, 1.25), (104, 1.1), (112, 1.0), (128, 0.8))]
        + [("rk5dp", n, h) for n, h in ((96, 2.0), (112, 1.6), (128, 1.25))]
        + [("bm4", n, h) for n, h in ((80, 4.0), (96, 2.5), (96, 2.0), (112, 1.25))]
        + [("bm6", n, h) for n, h in ((64, 6.25), (80, 5.0), (88, 5.0), (96, 5.0), (112, 3.125))]
    ),
}


def two_beam(integrator: str, cells: int, step: float):
    """(P at t = 20 as (component, direction, z), seconds)."""
    settings = {
        "grid.z.cells": cells,
        "time.end": 20.0,
        "time.integrator": integrator,
        "time.step": step,
        "terms.advection.order": 8,
    }
    case = hpcqke.load_case("two_beam_lcg", settings)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim._initial_state()
        seconds = advance(sim, [20.0], lambda: None)
        return np.moveaxis(sim.state()[:, 0, :, 0, 1:], 0, -1), seconds


def box(integrator: str, cells: int, step: float):
    """(<P_ee> at t = 100, 200, ..., seconds)."""
    case = fast_flavor_box.case_of(cells, integrator, step)
    found = []
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(fast_flavor_box.state)
        times = np.arange(100.0, fast_flavor_box.END + 1, 100.0)
        seconds = advance(
            sim, times, lambda: found.append(fast_flavor_box.survival(sim.state())[0])
        )
        return np.array(found), seconds


def advance(sim, times, look) -> float:
    """CPU seconds of stepping from time to time; ``look()`` after each is not counted."""
    case, seconds = sim.case, 0.0
    run = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
    run.begin(Progress(0.0, 0, run.first_step, 0.0), sim.vec)
    for until in times:
        begun = process_time()
        run.advance(float(until))
        seconds += process_time() - begun
        look()
    run.destroy()
    return seconds


def on_grid(P: np.ndarray, cells: int) -> np.ndarray:
    """P on a finer grid that begins at the same z."""
    modes = np.fft.rfft(P, axis=-1)
    pad = cells // 2 + 1 - modes.shape[-1]
    wide = np.pad(modes, [(0, 0)] * (P.ndim - 1) + [(0, pad)])
    return np.fft.irfft(wide, cells, axis=-1) * (cells / P.shape[-1])


def error(problem: str, found: np.ndarray, exact: np.ndarray) -> float:
    if problem == "box":
        return float(np.abs(found - exact).max())
    found = on_grid(found, exact.shape[-1])
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def measure(problem: str, rounds: int) -> list[dict]:
    """One row per setting."""
    solve = {"two-beam": two_beam, "box": box}[problem]
    exact, _ = solve(*FINE[problem])
    rows = [
        {"problem": problem, "integrator": i, "cells": n, "step": h, "seconds": np.inf}
        for i, n, h in SETTINGS[problem]
    ]
    for _ in range(rounds):
        for row in rows:
            found, seconds = solve(row["integrator"], row["cells"], row["step"])
            row["error"] = error(problem, found, exact)
            row["seconds"] = min(row["seconds"], seconds)
    return rows


def cheapest(rows: list[dict], integrator: str) -> float:
    """The least time of a setting that is good to `TARGET`; inf if none is."""
    good = (r["seconds"] for r in rows if r["integrator"] == integrator and r["error"] <= TARGET)
    return min(good, default=np.inf)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=SETTINGS)
    wanted = parser.parse_args()
    every = []
    for problem in [wanted.only] if wanted.only else SETTINGS:
        rows = measure(problem, wanted.rounds)
        every += rows
        print(f"{problem:9s} {'cells':>6s} {'step':>6s} {'error':>9s} {'ms':>8s}")
        for row in rows:
            print(
                f"{row['integrator']:9s} {row['cells']:6d} {row['step']:6g} {row['error']:9.1e} "
                f"{1e3 * row['seconds']:8.2f}",
                flush=True,
            )
        best = {i: cheapest(rows, i) for i in dict.fromkeys(r["integrator"] for r in rows)}
        told = ", ".join(f"{i} {1e3 * s:.1f}" for i, s in best.items())
        print(f"ms to an error of {TARGET:g}: {told}")
    if wanted.json:
        Path(wanted.json).write_text(json.dumps(every, indent=1) + "\n")


if __name__ == "__main__":
    main()
