"""Kernels for any sign and weight of each stored species.

The kinetic kernels know neutrinos, whose sums count with +, and antineutrinos, with -. A state of S
species with B blocks of directions is, in memory, also one species with S B blocks: seen like that
every species may have its own weight, which energies (both count with +) and the tracer of the
first-order momentum response (which is no source of the mean field) need.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpcqke.kernels import kinetic


def kinetic_kernel(ps, weight: np.ndarray, factors: Sequence[float], v=None, signs=None, **scheme):
    """A `Kinetic` for modes of ``weight`` (blocks, lanes), times a factor for each species.

    ``v`` (blocks, lanes) takes the place of cos(theta) in the second sum and in the commutator,
    with a sign for each species if there are ``signs``. ``scheme``: order, dz, filter and speed of
    the advection; none if left out.
    """
    v = ps.v if v is None else v
    scheme = {"order": 0, "dz": 1.0, "filter": 0.0, "speed": None, **scheme}
    if signs is None and tuple(factors) == (1.0, -1.0)[: ps.S]:
        return kinetic.Kinetic(ps.N, ps.S, v, weight, ps.chunk_start, **scheme)
    S = ps.S
    weights = weight[:, None, :] * np.asarray(factors, float)[None, :, None]
    if scheme["speed"] is not None:
        scheme["speed"] = np.repeat(scheme["speed"], S, axis=0)
    signs = np.ones(S) if signs is None else np.asarray(signs, float)
    v = (v[:, None, :] * signs[None, :, None]).reshape(-1, v.shape[1])
    return kinetic.Kinetic(ps.N, 1, v, weights.reshape(v.shape), ps.chunk_start * S, **scheme)
