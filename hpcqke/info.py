"""hpcqke info CASE: grid, ranks, memory, time-step limits and estimated cost; writes nothing."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from hpcqke.conduct import make_schedules
from hpcqke.grids import MomentumGrid, ZGrid
from hpcqke.simulation import build_terms, stencil
from hpcqke.units import label

STAGES = {"rk3bs": 4, "rk4": 4, "rk5dp": 7, "rk8vr": 13, "midpoint": 20}
# Largest stable |lambda| dt on the imaginary axis (advection and precession are oscillations).
REACH = {"rk3bs": 1.73, "rk4": 2.83, "rk5dp": 1.0, "rk8vr": 2.5, "midpoint": np.inf}
VECTORS = {"rk3bs": 8, "rk4": 8, "rk5dp": 11, "rk8vr": 17, "midpoint": 40}


def describe(case, ranks: int) -> str:
    """The report, lines of text. `CaseError` if so many ranks cannot be laid out."""
    from hpcqke.phase_space import choose_process_grid

    z = ZGrid(case.grid.z.length, case.grid.z.cells, case.grid.z.boundary)
    momentum = MomentumGrid.from_case(case.grid.momentum)
    terms, w = build_terms(case), stencil(case)
    rz, rp = choose_process_grid(
        ranks, z.cells, w, momentum, case.grid.z.ranks, case.grid.momentum.ranks
    )
    species = 2 if case.flavors.antineutrinos else 1
    blocks = momentum.blocks(rp)
    row = blocks.count * blocks.width * species * case.flavors.count**2
    memory = 8 * row * z.cells * VECTORS[case.time.integrator] / ranks
    grids = _Sizes(z, momentum)
    rates = {t.name: t.max_rate(grids) for t in terms}
    limit = REACH[case.time.integrator] / sum(rates.values()) if any(rates.values()) else np.inf
    step = case.time.step or min(limit, case.output.series_every or np.inf)
    span = case.time.end - case.time.start
    step = min(step, span)
    evaluations = STAGES[case.time.integrator] * span / step
    cells = z.cells * momentum.p.size * momentum.v.size
    rate = measure_rate(case, momentum, z, terms)
    seconds = evaluations * cells / rate / ranks
    time, rate_unit = (label(unit, case.units.system) for unit in ("1/mu", "mu"))
    lines = [
        f"case            {case.name}",
        f"z               {z.cells} cells of {z.dz:.6g} on [{-z.length / 2:g}, {z.length / 2:g}) "
        f"{time}",
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
    lines += [
        f"step            {'given' if case.time.step else 'stable to about'} {step:.4g} {time} "
        f"({case.time.integrator}; limit {limit:.4g})",
        f"cost            about {evaluations:.3g} right-hand sides of {cells} cells, "
        f"{seconds:.2g} s of stepping at {rate / 1e6:.3g} Mcell updates/s/core",
    ]
    frames = make_schedules(case)["fields"].count()
    if case.output.fields_every_steps:
        frames = max(frames, int(span / step / case.output.fields_every_steps) + 1)
    size = frames * 8 * cells * species * case.flavors.count**2
    lines.append(f"fields.nc       about {frames} frames, {size / 2**20:.6g} MiB in all")
    return "\n".join(lines)


class _Sizes:
    """What a term's `max_rate` looks at."""

    def __init__(self, z: ZGrid, momentum: MomentumGrid) -> None:
        self.z, self.momentum = z, momentum


def measure_rate(case, momentum: MomentumGrid, z: ZGrid, terms, seconds: float = 0.2) -> float:
    """Cell updates per second of the kernel on this machine, for at most 1000 rows of this case."""
    from hpcqke.kernels import kinetic

    species = 2 if case.flavors.antineutrinos else 1
    blocks = momentum.blocks()
    rows = min(z.cells, 1000)
    order, strength = next((t.scheme() for t in terms if t.kind == "transport"), (0, 0.0))
    chunk_start = (blocks.chunk_columns * blocks.per_column).astype(np.intc)
    kernel = kinetic.Kinetic(
        case.flavors.count,
        species,
        blocks.v,
        blocks.weight,
        chunk_start,
        order=order,
        dz=z.dz,
        filter=strength,
    )
    length = blocks.count * blocks.width * species * case.flavors.count**2
    X, F = np.zeros((rows, length)), np.zeros((rows, length))
    ghost = np.zeros((max(order // 2, 1), length))
    count, begun = 0, perf_counter()
    while count < 3 or perf_counter() - begun < seconds:
        kernel.fused(X, ghost, ghost, F, 0, rows, 1.0, None, None, None)
        count += 1
    cells = rows * momentum.p.size * momentum.v.size
    # A time step moves the state through memory about twice more than the kernel does.
    return 0.4 * count * cells / (perf_counter() - begun)
