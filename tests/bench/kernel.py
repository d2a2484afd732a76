"""Million cell rates (z, direction; rho and rhobar) a second and core: the kernel alone, and the
four of a classical Runge-Kutta step, made by nothing but calls of the kernel.

python tests/bench/kernel.py [isa]      isa: avx512, avx2, sse2; default the best one
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from hpcqke.kernels import kinetic

CASES = (  # flavors, z cells, directions, order
    (2, 1000, 16, 8),
    (2, 1000, 16, 6),
    (2, 1000, 100, 8),
    (2, 1000, 2, 8),
    (3, 1000, 16, 8),
    (3, 1000, 100, 8),
)
SECONDS = 0.5


def aligned(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Random numbers at a multiple of 64 bytes, as a solver would keep its state."""
    room = rng.random(shape[0] * shape[1] + 8)
    start = -(room.ctypes.data // 8) % 8
    return room[start:start + shape[0] * shape[1]].reshape(shape)


class State:
    """A kernel, the arrays y, Y, Y', acc of a Runge-Kutta step, and ghost rows."""

    def __init__(self, nflavors: int, nz: int, directions: int, order: int, isa: str | None):
        rng = np.random.default_rng(1)
        W = next(W for W in (1, 2, 4, 8) if W == 8 or directions <= W)
        blocks = -(-directions // W)
        v = rng.uniform(-1, 1, (blocks, W))
        self.kernel = kinetic.Kinetic(nflavors, 2, v, np.full_like(v, 0.1), range(blocks + 1),
                                      order=order, dz=0.1, filter=0.0, isa=isa)
        row = blocks * 2 * nflavors**2 * W
        self.y, self.first, self.second, self.acc = (aligned((nz, row), rng) for _ in range(4))
        self.lo, self.hi = (aligned((order // 2, row), rng) for _ in range(2))
        self.cells = nz * directions
        h = 1e-3
        self.stages = [
            self.stage(self.y, [self.first, self.acc], [self.y, self.y], [h / 2, h / 6]),
            self.stage(self.first, [self.second, self.acc], [self.y, self.acc], [h / 2, h / 3]),
            self.stage(self.second, [self.first, self.acc], [self.y, self.acc], [h, h / 3]),
            self.stage(self.first, [self.y], [self.acc], [h / 6]),
        ]

    def stage(self, X, targets, bases, coefficients):
        """The state that a stage starts from, and the stage."""
        stage = kinetic.Stage(targets, bases, [[]] * len(targets))
        stage.coefficients[:, 0] = coefficients
        return X, stage

    def slope(self) -> int:
        """One evaluation; the number of cells done."""
        self.kernel.fused(self.y, self.lo, self.hi, self.acc, 0, len(self.y), 1.0, None, None, None)
        return self.cells

    def step(self) -> int:
        """One Runge-Kutta step; the number of cells done."""
        for X, stage in self.stages:
            self.kernel.fused_stage(X, self.lo, self.hi, 0, len(X), 1.0, None, None, None, stage)
        return 4 * self.cells


def rate(work: Callable[[], int]) -> float:
    """The best of as many calls as fit into SECONDS, in Mcell/s."""
    best, end = 0.0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        begin = time.perf_counter()
        cells = work()
        best = max(best, cells / (time.perf_counter() - begin))
    return best / 1e6


def main() -> None:
    """One line for each case."""
    isa = sys.argv[1] if len(sys.argv) > 1 else None
    print(f"{isa or kinetic.isa()}, one core, nu and nubar, state in cache or near")
    for nflavors, nz, directions, order in CASES:
        state = State(nflavors, nz, directions, order, isa)
        print(f"{nflavors} flavors, {nz} x {directions:3d}, order {order}: kernel "
              f"{rate(state.slope):4.0f}, Runge-Kutta 4 {rate(state.step):4.0f} Mcell/s")


if __name__ == "__main__":
    main()
