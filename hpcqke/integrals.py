"""Integrals over z of every mode, the same on any number of ranks."""

from __future__ import annotations

import numpy as np

from hpcqke.kernels import integrals
from hpcqke.sums import power_of_two_above


def mode_integrals(ps, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int rho dz (momentum, direction, species, component) and int |P|^2 dz per mode.

    |P|^2 stands for 2 [Tr rho^2 - (Tr rho)^2 / N_f] / (2 if N_f = 3 else 1).
    """
    from mpi4py import MPI

    top = np.array([integrals.max_abs(X)])
    ps.comm.Allreduce(MPI.IN_PLACE, top, MPI.MAX)
    scale = power_of_two_above(top[0])
    scale2 = scale * scale * ps.C * 2
    width = ps.blocks.width
    linear = np.zeros((ps.row, 2), dtype=np.int64)
    square = np.zeros((ps.row // ps.C, 2), dtype=np.int64)
    integrals.mode_integrals(X, ps.S, ps.C, width, scale, scale2, linear, square)
    for limbs in (linear, square):
        ps.z_comm.Allreduce(MPI.IN_PLACE, limbs, MPI.SUM)
    limb = 2.0**40
    flat = (linear[:, 0] + linear[:, 1] / limb) * (scale / limb * ps.z.dz)
    flat2 = (square[:, 0] + square[:, 1] / limb) * (scale2 / limb * ps.z.dz)
    full = np.zeros((ps.np, ps.nv, ps.S, ps.C))
    full2 = np.zeros((ps.np, ps.nv, ps.S))
    own = ps.own[1:]
    full[own] = ps.unpack_modes(flat, ps.C)
    full2[own] = ps.unpack_modes(flat2, 1)[..., 0]
    for array in (full, full2):
        ps.p_comm.Allreduce(MPI.IN_PLACE, array, MPI.SUM)
    return full, full2
