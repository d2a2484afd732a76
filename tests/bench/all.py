"""How fast hpcqke is here, in one table:  python tests/bench/all.py [--quick] [--json FILE]

    --quick     half a minute: fewer grids, fewer repeats
    --json FILE the table with all its numbers
    --ratios    print each rate over the one that is stored for this processor (never fails)
    --update    store these rates for this processor

Rates are in Mcell/s/core, as in each run's closing line: million right-hand sides of one (z,
direction) cell, here with rho and rho-bar, per second and core. "of bandwidth" and "of peak" say
what part of the measured limits of one core that takes, if every cell is read and its slope
written once (a step moves more), and with the operations of `FLOPS`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import baseline
import gradient
import kernel
import machine
import stepping

import hpcqke
from hpcqke.kernels import kinetic

FORMAT = 1
TARGET = 1e-6
# Operations a cell: stencil (order 6: 3 differences, 3 products, 2 sums for each of 8 or 18 real
# numbers; order 8: 4, 4, 3), momentum sums 15 | 45, Hamiltonian 12 | 36, commutator 24 | 192.
FLOPS = {(2, 6): 64 + 51, (3, 6): 144 + 273, (2, 8): 88 + 51, (3, 8): 198 + 273}
NUMBERS = {2: 8, 3: 18}
KERNELS = (  # flavors, z cells, directions, order
    (2, 200, 16, 6), (2, 200, 16, 8), (2, 1000, 16, 8), (2, 1000, 100, 8), (2, 10000, 100, 8),
    (2, 1000, 2, 8), (3, 200, 16, 8), (3, 1000, 16, 8), (3, 1000, 100, 8),
)  # fmt: skip
RUNS = (  # flavors, z cells, directions, integrator, arrays of the state that it goes through
    (2, 200, 16, "rk4", 4), (2, 1000, 16, "rk4", 4), (2, 1000, 100, "rk4", 4),
    (2, 200, 16, "rk5dp", 9), (2, 1000, 16, "rk5dp", 9), (2, 1000, 100, "rk5dp", 9),
    (3, 200, 16, "rk4", 4), (3, 1000, 16, "rk4", 4),
)  # fmt: skip
QUICK_KERNELS = (KERNELS[1], KERNELS[2], KERNELS[3], KERNELS[6])
QUICK_RUNS = (RUNS[0], RUNS[1], RUNS[3], RUNS[6])


def row(name: str, value: float, unit: str, **more) -> dict:
    """One line of the table."""
    return {"name": name, "value": value, "unit": unit, **more}


def limits(seconds: float) -> tuple[list[dict], dict[str, float], float | None]:
    """Rows of what the machine can do, its bandwidths in GB/s, its peak in GFlop/s."""
    widths, peak = machine.bandwidth(seconds), machine.peak(seconds)
    rows = [row(f"copy in {level}", value, "GB/s") for level, value in widths.items()]
    if peak is None:
        return rows, widths, None
    names = {"fused": "peak, fused multiply-add", "separate": "peak, multiply and add"}
    rows += [row(names[key], value, "GFlop/s") for key, value in peak.items()]
    return rows, widths, max(peak.values())


def shares(flavors: int, order: int, cells: int, arrays: int, rate: float, widths, peak) -> dict:
    """Where ``arrays`` states of so many cells lie, and the parts of the limits that are used."""
    numbers = NUMBERS[flavors]
    size, held = machine.cache_bytes(), 8 * numbers * cells * arrays
    level = "L2" if held <= size["L2"] else "L3" if held <= size["L3"] else "DRAM"
    found = {"memory": level, "of_bandwidth": rate * 1e-3 * 16 * numbers / widths[level]}
    if peak:
        found["of_peak"] = rate * 1e-3 * FLOPS[flavors, order] / peak
    return found


def kernels(cases, widths, peak) -> Iterator[dict]:
    """The fused kernel by itself."""
    for flavors, cells, directions, order in cases:
        state = kernel.State(flavors, cells, directions, order, None)
        rate = kernel.rate(state.slope)
        name = f"kernel, {flavors} flavors, {cells} x {directions}, order {order}"
        part = shares(flavors, order, cells * directions, 2, rate, widths, peak)
        yield row(name, rate, baseline.RATE, **part)


def runs(cases, seconds: float, widths, peak) -> Iterator[dict]:
    """Whole steps through PETSc TS (order 8)."""
    for flavors, cells, directions, integrator, arrays in cases:
        rate = stepping.rate(stepping.box(cells, directions, integrator, flavors), seconds)
        name = f"{integrator} through TS, {flavors} flavors, {cells} x {directions}"
        part = shares(flavors, 8, cells * directions, arrays, rate, widths, peak)
        yield row(name, rate, baseline.RATE, **part)


def gradients(quick: bool) -> Iterator[dict]:
    """Runs with the gradient terms and relaxation, and how many times a flavor run they cost."""
    for base in ("gradient",) if quick else ("gradient", "axisymmetric"):
        for integrator in ("rk5dp",) if quick else ("rk4", "rk5dp"):
            without, _, relaxed = gradient.compare(base, {}, integrator)
            yield row(f"{base}, {integrator}", relaxed.rate, baseline.RATE)
            cost = without.rate / relaxed.rate
            yield row(f"{base}, {integrator}: cost over a flavor run", cost, "times")


def memory(flavors: int, cells: int, directions: int) -> dict:
    """Bytes a cell of a run with rk4, all that it allocates to step."""
    held = stepping.bytes_per_cell(stepping.box(cells, directions, "rk4", flavors))
    return row(f"memory, rk4, {flavors} flavors", held, "bytes/cell")


def error_against_cost() -> Iterator[dict]:
    """The cheapest setting of each integrator that is good to 10^-6, from error_cost.py."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "rows.json"
        script = Path(__file__).with_name("error_cost.py")
        subprocess.run([sys.executable, script, "--json", told, "--rounds", "3"], check=True,
                       timeout=600, stdout=subprocess.DEVNULL)
        settings = json.loads(told.read_text())
    best: dict[tuple[str, str], float] = {}
    for one in settings:
        if one["error"] <= TARGET:
            key = one["problem"], one["integrator"]
            best[key] = min(best.get(key, one["seconds"]), one["seconds"])
    for (problem, integrator), seconds in best.items():
        yield row(f"{problem} to {TARGET:g}, {integrator}", 1e3 * seconds, "ms")


def measure(quick: bool) -> dict:
    """The whole table, as it is written to JSON."""
    kernel.SECONDS, gradient.TURNS = (0.2, 5) if quick else (1.0, 40)
    rows = [] if quick else [memory(2, 10000, 100), memory(3, 4000, 100)]
    more, widths, peak = limits(0.2 if quick else 1.0)
    rows = more + rows
    rows += kernels(QUICK_KERNELS if quick else KERNELS, widths, peak)
    rows += runs(QUICK_RUNS if quick else RUNS, 0.5 if quick else 3.0, widths, peak)
    rows += gradients(quick)
    if not quick:
        rows += error_against_cost()
    return {
        "format": FORMAT,
        "program": hpcqke.__version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.cpu(),
        "instructions": kinetic.isa(),
        "quick": quick,
        "rows": rows,
    }


def table(found: dict) -> str:
    """For people."""
    cpu = found["machine"]
    lines = [f"{cpu['name']} (family {cpu['family']}, model {cpu['model']}), {cpu['cores']} cores, "
             f"kernels for {found['instructions']}, one of the cores used"]
    lines.append(f"{'':48s} {'':>10s} {'':14s} {'in':>5s} {'of bandwidth':>12s} {'of peak':>8s}")
    for one in found["rows"]:
        parts = [f"{100 * one[k]:.0f} %" if k in one else "" for k in ("of_bandwidth", "of_peak")]
        line = (f"{one['name']:48s} {one['value']:10.4g} {one['unit']:14s} "
                f"{one.get('memory', ''):>5s} {parts[0]:>12s} {parts[1]:>8s}")
        lines.append(line.rstrip())
    if not any("peak" in one["name"] for one in found["rows"]):
        lines.append("no C compiler here: the arithmetic peak was not measured")
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description="How fast hpcqke is on this machine.")
    options.add_argument("--quick", action="store_true", help="half a minute: fewer grids")
    options.add_argument("--json", type=Path, metavar="FILE", help="the table with all its numbers")
    options.add_argument("--ratios", action="store_true", help="over what is stored for this CPU")
    options.add_argument("--update", action="store_true", help="store these rates for this CPU")
    asked = options.parse_args()
    found = measure(asked.quick)
    print(table(found))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n")
    if asked.ratios:
        print("\n".join(baseline.ratios(found, baseline.stored(found["machine"]))))
    if asked.update:
        print(f"stored in {baseline.store(found)}")


if __name__ == "__main__":
    main()
