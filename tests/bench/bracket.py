"""Nanoseconds a mode and row (all species and flavors) for the gradient terms beside the kinetic
equation that they are added to, on grids in the cache.

python tests/bench/bracket.py [isa]      isa: avx512, avx2, sse2; default the best one
"""

from __future__ import annotations

import sys

import numpy as np
from kernel import aligned, rate

from hpcqke.kernels import kinetic
from hpcqke.kernels.bracket import Bracket
from hpcqke.momentum_operator import on_axis

CASES = (  # flavors, species, rows, momenta, directions (2: v = +-1), lanes
    (2, 1, 256, 48, 2, 2),
    (2, 2, 256, 48, 2, 2),
    (3, 1, 256, 48, 2, 2),
    (2, 1, 256, 16, 16, 8),
    (3, 2, 64, 16, 16, 8),
)


def operator(momenta: int, directions: int) -> tuple[np.ndarray, ...]:
    """v and X: differences in |p| for v = +-1, else random neighbours in |p| and v."""
    rng = np.random.default_rng(2)
    if directions == 2:
        v = np.array([1.0, -1.0])
        X = on_axis(0.1 * np.arange(momenta), v, 2)
        return v, X.along_p, X.below, X.above
    v, shape = np.linspace(-0.9, 0.9, directions), (momenta, directions)
    below, above = rng.uniform(-1, 1, (2, *shape))
    below[:, 0] = above[:, -1] = 0
    return v, rng.uniform(-1, 1, (3, *shape)), below, above


def costs(flavors: int, species: int, rows: int, momenta: int, directions: int, W: int,
          isa: str | None) -> tuple[float, float, float]:
    """ns for the fused kinetic kernel (8th order), force() and drift()."""
    rng = np.random.default_rng(1)
    v, along, below, above = operator(momenta, directions)
    blocks, C = directions // W, flavors**2
    shape = (momenta * blocks, W)
    v = np.tile(v, momenta).reshape(shape)
    below, above, along = below.reshape(shape), above.reshape(shape), along.reshape(-1, *shape)
    fused = kinetic.Kinetic(flavors, species, v, 0.01 * np.ones(shape), range(len(v) + 1), order=8,
                            dz=0.1, filter=0.0, isa=isa).fused
    bracket = Bracket(flavors, species, v, blocks, along, below, above, 0.1 * v, order=8, dz=0.1,
                      isa=isa)
    column = blocks * species * C * W
    X, F = (aligned((rows, momenta * column), rng) for _ in range(2))
    lo, hi = (aligned((4, momenta * column), rng) for _ in range(2))
    before, after = (aligned((rows, column), rng) for _ in range(2))
    A, B = (rng.uniform(-1, 1, (rows + 8, C)) for _ in range(2))
    calls = (
        lambda: fused(X, lo, hi, F, 0, rows, 1.0, None, None, None),
        lambda: bracket.force(X, before, after, A, B[:rows], F, 0, rows),
        lambda: bracket.drift(X, lo, hi, B, F, 0, rows),
    )
    cells = rows * momenta * directions
    return tuple(1e3 / rate(lambda call=call: (call(), cells)[1]) for call in calls)


def main() -> None:
    """One line for each case."""
    isa = sys.argv[1] if len(sys.argv) > 1 else None
    print(f"{isa or kinetic.isa()}, one core")
    for flavors, species, rows, momenta, directions, W in CASES:
        kinetics, force, drift = costs(flavors, species, rows, momenta, directions, W, isa)
        print(f"{flavors} flavors, {species} species, {rows} x {momenta} x {directions}: "
              f"kinetic {kinetics:.2f} ns, force {force:.2f} ns ({force / kinetics:.2f} of it), "
              f"drift {drift:.2f} ns ({drift / kinetics:.2f})")


if __name__ == "__main__":
    main()
