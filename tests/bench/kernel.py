"""Million cell rates (z, direction; rho and rhobar) a second and core: the kernel alone, and the
four of a classical Runge-Kutta step, made by nothing but calls of the kernel.

python tests/bench/kernel.py [isa]      isa: avx512, avx2, sse2; default the best one

Each line also has the fraction of the arithmetic peak (a multiplication and an addition a lane,
twice a cycle) and the bytes that must move, read and written, if nothing is kept: GB/s.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from hpcqke.kernels import kinetic

GRIDS = (
    (200, 16, "L2"),
    (1000, 16, "1-4 MB"),
    (1000, 100, "L3"),
    (10000, 100, "DRAM"),
    (1000, 2, "2 beams"),
)
ORDERS = (6, 8)
GHZ = 4.25  # the clock that the peak is reckoned with
FLOP_A_CYCLE = {"avx512": 32, "avx2": 16, "sse2": 8, "generic": 4}
FLOP = {2: {6: 115, 8: 139}, 3: {6: 417, 8: 471}}  # a cell, by flavors and order
SECONDS = 0.3


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
        chunks = np.linspace(0, blocks, min(blocks, 8) + 1).astype(int)  # as grids.py makes them
        self.kernel = kinetic.Kinetic(nflavors, 2, v, np.full_like(v, 0.1), chunks,
                                      order=order, dz=0.1, filter=0.0, isa=isa)
        row = blocks * 2 * nflavors**2 * W
        self.y, self.first, self.second, self.acc = (aligned((nz, row), rng) for _ in range(4))
        self.lo, self.hi = (aligned((order // 2, row), rng) for _ in range(2))
        self.cells, self.bytes = nz * directions, 8 * row / directions
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

    def nothing(self) -> int:
        """A call for no rows: what Python and the checks of the arguments cost."""
        self.kernel.fused(self.y, self.lo, self.hi, self.acc, 0, 0, 1.0, None, None, None)
        return 1


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
    isa = sys.argv[1] if len(sys.argv) > 1 else kinetic.isa()
    peak = 1e3 * GHZ * FLOP_A_CYCLE[isa]
    print(f"{isa}, one core, nu and nubar, peak {peak / 1e3:.0f} GF/s at {GHZ} GHz")
    call = 1 / rate(State(2, 200, 16, 6, isa).nothing)
    print(f"a call takes {call:.2f} us by itself, which is in the rates: much for a state in L2")
    print("flavors         grid         order   kernel  of peak   GB/s   Runge-Kutta 4   GB/s")
    for nflavors in (2, 3):
        for nz, directions, where in GRIDS:
            for order in ORDERS:
                state = State(nflavors, nz, directions, order, isa)
                kernel, steps = rate(state.slope), rate(state.step)
                # a slope: X in, F out; four stages: 9 arrays in, 7 out
                print(f"{nflavors}   {nz:5d} x {directions:3d} {where:>8s} {order:8d} "
                      f"{kernel:10.0f} "
                      f"{kernel * FLOP[nflavors][order] / peak:8.2f} "
                      f"{2 * state.bytes * kernel / 1e3:6.0f} {steps:15.0f} "
                      f"{16 / 4 * state.bytes * steps / 1e3:6.0f}", flush=True)


if __name__ == "__main__":
    main()
