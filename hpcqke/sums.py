"""Sums whose bits do not depend on the order of the addends, hence not on the ranks.

Each value is written as an integer multiple of 2^-36 and of 2^-72 of the largest magnitude; integer
addition is associative, so any decomposition gives the same sum, to 2^-72 of that magnitude.
"""

from __future__ import annotations

import numpy as np

from hpcqke.kernels import integrals


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
    top, total = np.empty((2, values.shape[1]))
    limbs = np.empty((2, values.shape[1]), dtype=np.int64)
    integrals.columns_top(values, top)
    comm.Allreduce(MPI.IN_PLACE, top, MPI.MAX)
    integrals.columns_limbs(values, top, limbs)
    comm.Allreduce(MPI.IN_PLACE, limbs, MPI.SUM)
    integrals.columns_total(limbs, top, total)
    return total
