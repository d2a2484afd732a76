"""Rates of the fused kernel: million cells (z, direction; rho and rhobar) a second and core.

python tests/bench/kernel.py [isa]      isa: avx512, avx2, sse2; default the best one
"""

from __future__ import annotations

import sys
import time

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


def rate(nflavors: int, nz: int, directions: int, order: int, isa: str | None) -> float:
    """The best of as many calls as fit into SECONDS, in Mcell/s."""
    rng = np.random.default_rng(1)
    W = next(W for W in (1, 2, 4, 8) if W == 8 or directions <= W)
    blocks = -(-directions // W)
    v = rng.uniform(-1, 1, (blocks, W))
    kernel = kinetic.Kinetic(nflavors, 2, v, np.ones_like(v), range(blocks + 1),
                             order=order, dz=0.1, filter=0.0, isa=isa)
    row = blocks * 2 * nflavors**2 * W
    X, F = aligned((nz, row), rng), aligned((nz, row), rng)
    lo, hi = aligned((order // 2, row), rng), aligned((order // 2, row), rng)
    best, end = np.inf, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        begin = time.perf_counter()
        kernel.fused(X, lo, hi, F, 0, nz, 1.0, None, None, None)
        best = min(best, time.perf_counter() - begin)
    return nz * directions / best / 1e6


def main() -> None:
    """One line for each case."""
    isa = sys.argv[1] if len(sys.argv) > 1 else None
    print(f"fused kernel, {isa or kinetic.isa()}, one core, 2 species, state in cache or near")
    for nflavors, nz, directions, order in CASES:
        found = rate(nflavors, nz, directions, order, isa)
        print(f"{nflavors} flavors, {nz} x {directions:3d}, order {order}: {found:6.0f} Mcell/s")


if __name__ == "__main__":
    main()
