"""Pair correlations, three-body ones left out (BBGKY-2): FOR SHORT TIMES ONLY.

With T_ij^ab = <sigma_i^a sigma_j^b>, g_ij = mu J_ij/N, and e_abc the antisymmetric tensor,

    dP_i^a/dt   = (b_i x P_i)^a + sum_j g_ij e_abc T_ji^bc
    dT_ij^ab/dt = e_acd b_i^c T_ij^db + sum_k!=i,j g_ik e_acd <sigma_k^c sigma_i^d sigma_j^b>
                  + (the same of j) + g_ij e_abc (P_i - P_j)^c

closed by <ABC> = <A><BC> + <B><AC> + <C><AB> - 2<A><B><C>. Exact for N = 2. Several neutrinos
depart from the exact solution after mu t of about 0.5, and then |P| <= 1 need not hold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hpcqke.manybody import extrapolation
from hpcqke.manybody.evolution import Evolution, increasing
from hpcqke.manybody.system import SpinSystem

LARGEST = 200

EPSILON = np.zeros((3, 3, 3))
for _a, _b, _c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
    EPSILON[_a, _b, _c], EPSILON[_b, _a, _c] = 1.0, -1.0


def evolve(system: SpinSystem, times: ArrayLike, tolerance: float = 1e-11) -> Evolution:
    """P of each neutrino, one by one of system.kind; good for short times only (see above).

    NumericsError if the closed equations diverge before the last time.
    """
    if system.N > LARGEST:
        raise ValueError(f"{system.N} neutrinos: bbgky.evolve has 9 N^2 numbers, N <= {LARGEST}")
    single, N = system.one_by_one(), system.N
    g = single.pairs() * (1 - np.eye(N))

    def rate(y):
        P, T = y[: 3 * N].reshape(N, 3), y[3 * N :].reshape(N, N, 3, 3)
        return np.concatenate([x.ravel() for x in _rates(single.field, g, P, T)])

    times = increasing(times)
    T = np.einsum("ia,jb->ijab", single.spin, single.spin)
    start = np.concatenate([single.spin.ravel(), T.ravel()])
    path = extrapolation.trajectory(rate, start, times, tolerance)
    P = np.array([y[: 3 * N].reshape(N, 3) for y in path])
    return Evolution(times, single.spin, P)


def _rates(b, g, P, T):
    """d_t P and d_t T; T_ii, which nothing has a use for, stays."""
    dP = np.cross(b, P) + _turn(np.einsum("ij,jibc->ibc", g, T))
    # field on i without j's: (sum_k g_ik P_k - g_ij P_j), and correlation C = T - P P
    C = T - np.einsum("ia,jb->ijab", P, P)
    G = g @ P
    field = (b + G)[:, None] - np.einsum("ij,jc->ijc", g, P)
    # <k^c i^d j^b> = P_k^c T_ij^db + P_i^d C_kj^cb + P_j^b C_ki^cd for k other than i and j
    gk = np.einsum("ik,kjcb->ijcb", g, C) - np.einsum("ij,jjcb->ijcb", g, C)
    gi = np.einsum("ik,kicd->icd", g, C)[:, None] - np.einsum("ij,jicd->ijcd", g, C)
    half = np.einsum("acd,ijc,ijdb->ijab", EPSILON, field, T)
    half += np.einsum("acd,ijcb,id->ijab", EPSILON, gk, P)
    half += np.einsum("ija,jb->ijab", _turn(gi), P)
    dT = half + half.transpose(1, 0, 3, 2)
    dT += np.einsum("ij,abc,ijc->ijab", g, EPSILON, P[:, None] - P[None])
    dT[np.arange(len(P)), np.arange(len(P))] = 0
    return dP, dT


def _turn(X):
    """e_abc X_bc over the last two axes."""
    return np.einsum("abc,...bc->...a", EPSILON, X)
