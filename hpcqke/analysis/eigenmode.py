"""The growing eigenmode of one k, and the refractive energy that it frees or takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpcqke.analysis.linear import ROUND_OFF, LinearSystem
from hpcqke.errors import CaseError


def energy_rate(system: LinearSystem, k: float, amplitudes: ArrayLike) -> float:
    """(dU_osc/dt)/L of the wave psi_s = a_s e^{ikz}, amplitudes (S, Np, Nv), in mu^2.

    With M = sum w D, F = sum w v D, F2 = sum w v^2 D (D = P - Pbar) the equation of motion
    gives d_t M = -d_z F, d_t F = -d_z F2 + M x F - F x F2, and for
    U_osc = (mu/4) int (M.M - F.F) dz:  dU_osc/dt = (mu/2) int (F.d_z F2 - M.d_z F) dz,
    which is Eq. (7).  At second order only the transverse part contributes:
    dU_osc/dt = (mu/2) k L Im(M* F - F* F2).
    """
    a = np.asarray(amplitudes, complex).reshape(system.polarization.shape)
    net = np.einsum("s,p,spv->v", system.sign, system.p_weight, a)
    M, F, F2 = (np.sum(system.weight * system.v**n * net) for n in range(3))
    return float(0.5 * system.mu * k * (np.conj(M) * F - np.conj(F) * F2).imag)


def eigenmode(
    system: LinearSystem, k: float, alpha: float
) -> tuple[NDArray[np.complex128], complex]:
    """Amplitudes (S, Nv) and Omega of the fastest growing wave at k, in the paper's normalisation.

    For one |p|, and no more than self-interaction and a uniform potential.


    psi_b(z, t) = a_b exp[-i(Omega t - k z)] with a size fixed by the energy it frees or takes,

        Delta U_osc(t) = 2 k^2 L alpha^2 (exp(2 gamma t) - 1) / mu

    (Eq. 12 with the longitudinal part, which is of the same order, added; for more than two beams
    the sign can differ, the size then holds for the modulus).  Two beams: |psi_+|^2 =
    4 |k| zeta_+ alpha^2 / mu for zeta_+ > 0.  The first amplitude that is not zero is real and
    positive.  Raises CaseError if the wave does not grow or its energy does not change (k = 0).
    """
    omega, vectors = (x[0] for x in system.species_modes(k))
    a, gamma = vectors[:, 0], omega[0].imag
    if gamma <= ROUND_OFF * np.abs(system.species_matrix(k)).max():
        raise CaseError([f"initial.n: the wave of k = {k:.6g} does not grow, gamma = 0"])
    rate = abs(energy_rate(system, k, a))
    if rate <= ROUND_OFF * gamma * system.bandwidth * np.linalg.norm(a) ** 2:
        raise CaseError([f"initial.n: the wave of k = {k:.6g} has no energy to fix its size by"])
    a = a * alpha * np.sqrt(4 * gamma * k * k / (abs(system.mu) * rate))
    first = a[np.argmax(np.abs(a) > 1e-12 * np.abs(a).max())]
    a = a * (np.conj(first) / abs(first))
    return a.reshape(len(system.sign), system.v.size), complex(omega[0])
