"""From few ranks to ten thousand:  mpirun -n N python tests/bench/scaling.py [options]

Measures on 1, 2, 4, ... N ranks of one start (N >= 2; the others sleep): whole steps of rk4 through
PETSc TS on a fixed grid, split along z and along momentum; messages between the first and the last
rank; agreements and sums of all ranks. Fits `scaling_model` to them and extrapolates to 10^4 ranks.

    --quick     a few seconds        --json FILE, --png FILE     what was measured, a picture
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, sleep

import machine
import numpy as np
from mpi4py import MPI
from scaling_model import Machine, Problem, efficiency, fit_messages, fit_sums
from stepping import box, stepping

from hpcqke.parallel import start_petsc

FORMAT = 1
ROWS, DIRECTIONS = 2000, 64
"""The grid of the strong scaling; 16 directions are few enough for one rank's cache."""
CACHED = (200, 16)
NETWORK = {"alpha": 1.5e-6, "width": 10e9, "level": 1.5e-6, "gather": 10e9}
EXAMPLES = {
    "z = 10⁵, 128 directions": Problem(100_000, 128),
    "z = 10⁵, 128 directions, 20 energies": Problem(100_000, 128 * 20),
}
RANKS = (1, 16, 64, 256, 1024, 2048, 4096, 8192, 10_000)
MOMENTUM = (1, 2, 4, 8)
ASSUMED = (
    "every core steps as many cells a second as one core does here on a grid in its cache",
    "two messages for each evaluation of a rank's slopes, one after the other, no other traffic",
    "one agreement of all ranks a step (rk4: 4 evaluations), log2(ranks) levels",
    "no noise of the system, no imbalance but that of whole rows",
)


def on_first(world, count: int, work: Callable):
    """work(comm) on the first ranks, while the others sleep; its result of rank 0 on all."""
    comm = world.Split(0 if world.rank < count else MPI.UNDEFINED, world.rank)
    result = work(comm) if comm != MPI.COMM_NULL else None
    if comm != MPI.COMM_NULL:
        comm.Free()
    arrived = world.Ibarrier()
    while not arrived.Test():
        sleep(0.002)
    return world.bcast(result)


def best(comm, action: Callable, budget: float) -> float:
    """Seconds of one action: the slowest rank's, the least of what fits into the budget."""
    least, repeat, end = np.inf, 1, perf_counter() + budget
    while comm.bcast(perf_counter() < end or least == np.inf):
        comm.Barrier()
        begun = perf_counter()
        for _ in range(repeat):
            action()
        spent = comm.allreduce(perf_counter() - begun, MPI.MAX)
        least = min(least, spent / repeat)
        repeat = min(max(repeat, int(0.1 * budget / least)), 2 * repeat)
    return least


def step_time(comm, grid: tuple[int, int], split: str, budget: float) -> float:
    """Seconds of a step of rk4 on all ranks of ``comm``, which split z or the directions."""
    ranks = {"z": (comm.size, 1), "momentum": (1, comm.size)}[split]
    with stepping(box(*grid, "rk4", ranks=ranks), comm) as (advance, _):
        advance(5)
        return best(comm, lambda: advance(1), budget)


def strong(world, counts: list[int], budget: float) -> list[dict]:
    """Step times of the same grid on more and more ranks, by turns."""
    found: dict[tuple[str, int], float] = {}
    for _ in range(2):
        for split in ("z", "momentum"):
            for count in counts:
                if split == "z" or count <= DIRECTIONS // 8:
                    time = on_first(
                        world, count,
                        lambda comm, s=split: step_time(comm, (ROWS, DIRECTIONS), s, budget),
                    )  # fmt: skip
                    found[split, count] = min(time, found.get((split, count), np.inf))
    return [
        {"split": split, "ranks": k, "seconds": t, "efficiency": found[split, 1] / (k * t)}
        for (split, k), t in sorted(found.items(), key=lambda item: (item[0][0] != "z", item[0]))
    ]


def messages(world, budget: float) -> list[dict]:
    """Half a round trip between the first and the last rank, by size."""
    last = world.size - 1
    pair = world.Split(0 if world.rank in (0, last) else MPI.UNDEFINED, world.rank)
    rows = []
    for size in 8 * 4 ** np.arange(9):
        if pair == MPI.COMM_NULL:
            continue
        buffer = np.zeros(size // 8)

        def there_and_back(pair=pair, buffer=buffer):
            for sender in (0, 1):
                if pair.rank == sender:
                    pair.Send(buffer, dest=1 - pair.rank)
                else:
                    pair.Recv(buffer, source=1 - pair.rank)

        seconds = best(pair, there_and_back, budget) / 2
        rows.append({"bytes": int(size), "seconds": seconds})
    if pair != MPI.COMM_NULL:
        pair.Free()
    arrived = world.Ibarrier()
    while not arrived.Test():
        sleep(0.002)
    return world.bcast(rows)


def gather_time(comm, size: int, budget: float) -> float:
    """Seconds in which all ranks get ``size`` bytes, of which each has a part."""
    part = np.zeros(max(1, size // 8 // comm.size))
    whole = np.zeros(part.size * comm.size)
    return best(comm, lambda: comm.Allgather(part, whole), budget)


def sums(world, counts: list[int], budget: float) -> list[dict]:
    """What momentum sums and agreements take: an Allgather by ranks and size."""
    rows = []
    for count in counts:
        for size in (64, 4096, 65536, 524288):
            if count > 1:
                seconds = on_first(
                    world, count, lambda comm, size=size: gather_time(comm, size, budget)
                )
                rows.append({"ranks": count, "bytes": size, "seconds": seconds})
    return rows


def layouts(ranks: int, problem: Problem) -> list[tuple[int, int]]:
    """Splits of so many ranks that leave a rank twice as many rows as it has ghosts on a side."""
    found = [(ranks // rp, rp) for rp in MOMENTUM if ranks % rp == 0]
    return [s for s in found if problem.rows // s[0] >= 2 * problem.ghosts and s[0] >= 1]


def extrapolate(fitted: Machine) -> list[dict]:
    """Efficiencies of the examples by ranks, for the best split, here and on a usual network."""
    machines = {"measured": fitted, "network": dataclasses.replace(fitted, **NETWORK)}
    rows = []
    for name, problem in EXAMPLES.items():
        for ranks in RANKS:
            for label, one in machines.items():
                splits = layouts(ranks, problem)
                rz, rp = max(splits, key=lambda s: efficiency(one, problem, *s))
                rows.append({
                    "example": name, "ranks": ranks, "machine": label, "z": rz, "momentum": rp,
                    "efficiency": efficiency(one, problem, rz, rp),
                    "hidden": efficiency(one, problem, rz, rp, True),
                })  # fmt: skip
    return rows


def measure(world, quick: bool) -> dict:
    """Everything, as it is written to JSON."""
    counts = [2**i for i in range(world.size.bit_length()) if 2**i <= world.size]
    budget = 0.05 if quick else 1.0
    cores = os.cpu_count() * len(set(world.allgather(MPI.Get_processor_name())))
    steps = strong(world, [k for k in counts if k <= cores], budget)
    sent, summed = messages(world, 0.3 * budget), sums(world, counts, 0.3 * budget)
    alone = on_first(world, 1, lambda comm: step_time(comm, CACHED, "z", budget))
    alpha, width = fit_messages(*([row[key] for row in sent] for key in ("bytes", "seconds")))
    keys = ("ranks", "bytes", "seconds")
    level, gather = fit_sums(*([row[key] for row in summed] for key in keys), cores)
    rate = 4 * CACHED[0] * CACHED[1] / alone
    fitted = Machine(alpha, width, level, gather, rate, split_rate(steps, level, gather))
    return {
        "format": FORMAT,
        "machine": machine.cpu(),
        "ranks": world.size,
        "cores": cores,
        "strong": steps,
        "messages": sent,
        "sums": summed,
        "fit": dataclasses.asdict(fitted),
        "extrapolation": extrapolate(fitted),
    }


def split_rate(steps: list[dict], level: float, gather: float) -> float:
    """How fast the kernels of a momentum split are, beside those that take the sums themselves."""
    time = {(row["split"], row["ranks"]): row["seconds"] for row in steps}
    if ("momentum", 2) not in time:
        return 1.0
    travel = 4 * (level + 8 * (DIRECTIONS // 8) * ROWS * 8 / gather)
    return min(1.0, time["momentum", 1] / (2 * max(time["momentum", 2] - travel, 1e-9)))


def report(found: dict) -> str:
    """The tables, for people."""
    cpu, fit = found["machine"], found["fit"]
    lines = [f"{cpu['name']} (family {cpu['family']}, model {cpu['model']}), "
             f"{found['ranks']} ranks on {found['cores']} cores", "",
             f"one grid of {ROWS} x {DIRECTIONS} cells, rk4 through TS"]
    lines += [f"  {row['split']:8s} on {row['ranks']:4d} ranks {1e6 * row['seconds']:10.1f} us a "
              f"step, efficiency {100 * row['efficiency']:4.0f} %" for row in found["strong"]]
    lines += ["", "message from the first to the last rank, measured and alpha + m / width"]
    for row in found["messages"]:
        model = fit["alpha"] + row["bytes"] / fit["width"]
        lines.append(f"  {row['bytes']:8d} bytes {1e6 * row['seconds']:9.2f} us  model "
                     f"{1e6 * model:9.2f}")
    lines += ["", "sum over ranks (Allgather), measured and model; waits for a core are in both"]
    for row in found["sums"]:
        model = fit["level"] * np.log2(row["ranks"]) + row["bytes"] / fit["gather"]
        model *= max(1, row["ranks"] / found["cores"])
        lines.append(f"  {row['ranks']:4d} ranks {row['bytes']:7d} bytes "
                     f"{1e6 * row['seconds']:9.2f} us  model {1e6 * model:9.2f}")
    lines += ["", "fitted: "
              f"alpha {1e6 * fit['alpha']:.2f} us, width {1e-9 * fit['width']:.1f} GB/s, "
              f"{1e6 * fit['level']:.2f} us a level of a sum, "
              f"gather {1e-9 * fit['gather']:.1f} GB/s; {1e-6 * fit['rate']:.0f} Mcell/s/core, "
              f"{100 * fit['split']:.0f} % of it where momentum is split"]
    lines += ["", "efficiency of a step (in brackets: if messages travel while inner rows are "
              "computed)"]
    for name in EXAMPLES:
        lines.append(f"{name}: ranks, z x momentum as measured here, and on a network of "
                     f"{1e6 * NETWORK['alpha']:g} us and {1e-9 * NETWORK['width']:g} GB/s a rank")
        for ranks in RANKS:
            words = [f"  {ranks:6d}"]
            for row in found["extrapolation"]:
                if (row["example"], row["ranks"]) == (name, ranks):
                    words.append(f"{row['z']:6d} x {row['momentum']} "
                                 f"{100 * row['efficiency']:4.0f} % ({100 * row['hidden']:3.0f} %)")
            lines.append("   ".join(words))
    return "\n".join([*lines, "", "assumed:", *(f"  {text}" for text in ASSUMED)])


def main() -> None:
    options = argparse.ArgumentParser(description="Scaling, measured and extrapolated.")
    options.add_argument("--quick", action="store_true", help="a few seconds")
    options.add_argument("--json", type=Path, metavar="FILE", help="what was measured and fitted")
    options.add_argument("--png", type=Path, metavar="FILE", help="a picture of the extrapolation")
    asked = options.parse_args()
    world = MPI.COMM_WORLD
    start_petsc()  # which all ranks must do together
    if world.size < 2:
        options.error("needs 2 ranks or more: mpirun -n 2 python tests/bench/scaling.py")
    found = measure(world, asked.quick)
    if world.rank == 0:
        print(report(found), flush=True)
        if asked.json:
            asked.json.write_text(json.dumps(found, indent=1) + "\n")
        if asked.png:
            from scaling_picture import draw

            draw(found, asked.png)


if __name__ == "__main__":
    main()
