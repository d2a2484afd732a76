"""Is the state finite, and if not, where is the first value that is not?"""

from __future__ import annotations

import numpy as np

from hpcqke import state
from hpcqke.kernels.guard import first_nonfinite


def is_finite(X: np.ndarray) -> bool:
    """Is every number of this rank finite?"""
    return first_nonfinite(X) < 0


def first_bad(ps, X: np.ndarray) -> str | None:
    """Position of the first value that is not finite, in words, the same on all ranks; or None.

    Collective. "First" is by z, then momentum, direction, species, component.
    """
    mine = None
    if not is_finite(X):
        A = ps.to_natural(X)
        where = np.argwhere(~np.isfinite(A))[0]
        i, m, d = (int(x) + part.start for x, part in zip(where, ps.own, strict=False))
        mine = (i, m, d, int(where[3]), int(where[4]), float(A[tuple(where)]))
    found = [x for x in ps.comm.allgather(mine) if x is not None]
    if not found:
        return None
    i, m, d, s, c, value = min(found, key=lambda x: x[:5])
    return (
        f"z = {ps.z.z[i]:.9g} (cell {i}), momentum = {ps.momentum.p[m]:.6g}, "
        f"direction = {ps.momentum.v[d]:.6g} ({d}), species {ps.species[s]}, "
        f"component {state.COMPONENTS[ps.N][c]} = {value}"
    )
