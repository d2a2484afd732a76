"""Sums whose bits do not depend on the order of the addends, hence not on the ranks.

Each value is written as an integer multiple of 2^-36 and of 2^-72 of the largest magnitude; integer
addition is associative, so any decomposition gives the same sum, to 2^-72 of that magnitude.
"""

from __future__ import annotations

import numpy as np

LIMB = 2.0**36
PIECE = 4096
"""Addends that are worked on together, in a cache."""


def power_of_two_above(x: np.ndarray) -> np.ndarray:
    """The smallest power of two >= x (1 for x = 0), so that scaling by it is exact."""
    fraction, exponent = np.frexp(x)
    power = np.ldexp(1.0, exponent - (fraction == 0.5))
    return np.where((x > 0) & np.isfinite(x), power, 1.0)


def ordered_sum(values: np.ndarray, comm) -> np.ndarray:
    """Sum of ``values`` (n, K) over its first axis and over the ranks of ``comm``: shape (K,).

    At most 2^27 addends per rank count in all. Not-a-number anywhere gives not-a-number.
    """
    from mpi4py import MPI

    values = np.ascontiguousarray(values, dtype=float).reshape(-1, values.shape[-1])
    pieces = [values[i : i + PIECE] for i in range(0, len(values), PIECE)]
    top = np.zeros(values.shape[-1])
    for piece in pieces:
        np.maximum(top, np.abs(piece).max(axis=0), out=top)
    top[np.isnan(top)] = np.inf  # MPI's maximum of a not-a-number is not defined
    comm.Allreduce(MPI.IN_PLACE, top, MPI.MAX)
    scale = power_of_two_above(top)
    bad = ~np.isfinite(top)
    limbs = np.zeros((2, values.shape[-1]), dtype=np.int64)
    for piece in pieces:
        scaled = np.where(bad, 0.0, piece) * (LIMB / scale)
        high = np.rint(scaled)
        limbs[0] += high.astype(np.int64).sum(axis=0)
        limbs[1] += np.rint((scaled - high) * LIMB).astype(np.int64).sum(axis=0)
    comm.Allreduce(MPI.IN_PLACE, limbs, MPI.SUM)
    total = (limbs[0] + limbs[1] / LIMB) * (scale / LIMB)
    return np.where(bad, np.nan, total)
