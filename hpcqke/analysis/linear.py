"""Linearised flavor waves, psi_b = P^x_b + i P^y_b ~ a_b exp[-i(Omega t - k z)].

From dP/dt + v d_z P = W x P with W_b = mu sum_b' w_b' (1 - v_b v_b') (P_b' - Pbar_b'), at first
order around P = P^z z (nu and nubar precess about the same W):

    Omega a_b    = (v_b k - W^z_b) a_b    + P^z_b    mu sum_b' w_b' (1 - v_b v_b') (a_b' - abar_b')
    Omega abar_b = (v_b k - W^z_b) abar_b + Pbar^z_b mu sum_b' w_b' (1 - v_b v_b') (a_b' - abar_b')

The net wave a - abar obeys the first line with P^z - Pbar^z alone; whatever is not in it only
streams (real Omega), so growth rates are computed from the net system of N_v waves.

Three flavors with diagonal rho: the element rho_ab decouples from the others and obeys the same
equations with psi = 2 conj(rho_ab) and P^z = rho_aa - rho_bb (see `sectors`).

Units: mu = sqrt2 G_F n sets them; k, Omega in mu, lengths and times in 1/mu.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpcqke.errors import CaseError

#: f' = (1/h) sum_m c_m (f_{+m} - f_{-m}), m = 1...order/2
CENTRAL = {
    2: (1 / 2,),
    4: (2 / 3, -1 / 12),
    6: (3 / 4, -3 / 20, 1 / 60),
    8: (4 / 5, -1 / 5, 4 / 105, -1 / 280),
}
#: Im Omega below this fraction of the largest rate in the matrix is round-off of a real root.
ROUND_OFF = 1e-7


class Modes(NamedTuple):
    """Normal modes, fastest growing first: omega (nk, n), vectors (nk, n, n), one a column."""

    omega: NDArray[np.complex128]
    vectors: NDArray[np.complex128]

    @property
    def gamma(self) -> NDArray[np.float64]:
        """Growth rate max Im Omega at each k, shape (nk,), in mu."""
        return self.omega[:, 0].imag


@dataclass(frozen=True)
class LinearSystem:
    """A homogeneous state: v, weight of shape (Nv,), polarization P^z of shape (S, Nv), mu.

    S = 1: neutrinos; S = 2: neutrinos and antineutrinos.  One-dimensional input means S = 1.
    """

    v: NDArray[np.float64]
    weight: NDArray[np.float64]
    polarization: NDArray[np.float64]
    mu: float = 1.0

    def __post_init__(self) -> None:
        v = np.atleast_1d(np.asarray(self.v, float))
        weight = np.broadcast_to(np.asarray(self.weight, float), v.shape)
        polarization = np.atleast_2d(np.asarray(self.polarization, float))
        if polarization.shape not in ((1, v.size), (2, v.size)):
            raise ValueError(f"polarization of shape {polarization.shape} for {v.size} directions")
        object.__setattr__(self, "v", v)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "polarization", polarization)

    @property
    def net(self) -> NDArray[np.float64]:
        """P^z - Pbar^z per direction, (Nv,)."""
        return self.polarization[0] - self.polarization[1:].sum(axis=0)

    @property
    def coupling(self) -> NDArray[np.float64]:
        """mu w_b' (1 - v_b v_b'), (Nv, Nv)."""
        return self.mu * self.weight * (1 - np.multiply.outer(self.v, self.v))

    @property
    def bandwidth(self) -> float:
        """mu sum w (|P^z| + |Pbar^z|): the scale of every growth rate and unstable k."""
        return float(abs(self.mu) * np.sum(np.abs(self.weight * self.polarization)))

    def matrix(self, k: ArrayLike, *, species: bool = False) -> NDArray[np.float64]:
        """Matrix whose eigenvalues are Omega, (nk, n, n): n = Nv (net waves) or S Nv (species)."""
        k = np.atleast_1d(np.asarray(k, float))
        pz = self.polarization if species else self.net[np.newaxis]
        S, nv = pz.shape
        coupling = self.coupling
        sign = np.array([1.0, -1.0])[:S]
        interaction = np.einsum("sb,bc,r->sbrc", pz, coupling, sign).reshape(S * nv, S * nv)
        frequency = np.multiply.outer(k, self.v) - coupling @ self.net
        n = S * nv
        out = np.broadcast_to(interaction, (k.size, n, n)).copy()
        out[:, np.arange(n), np.arange(n)] += np.tile(frequency, (1, S))
        return out

    def modes(self, k: ArrayLike, *, species: bool = False) -> Modes:
        """All normal modes at each k, the fastest growing first (shapes: see `Modes`)."""
        matrix = self.matrix(k, species=species)
        omega, vectors = np.linalg.eig(matrix)
        omega, vectors = omega.astype(complex), vectors.astype(complex)
        order = np.argsort(-omega.imag, axis=1, kind="stable")
        return Modes(
            np.take_along_axis(omega, order, axis=1),
            np.take_along_axis(vectors, order[:, np.newaxis, :], axis=2),
        )

    def growth(self, k: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(gamma, Re Omega) of the fastest growing wave at each k, both (nk,), in mu.

        gamma is 0.0 and Re Omega is nan where every root is real (to round-off).
        """
        k = np.atleast_1d(np.asarray(k, float))
        gamma, real = np.zeros(k.shape), np.full(k.shape, np.nan)
        # blocks of about 32 MB, so that many directions times many k need no huge array
        block = max(1, int(4e6 / self.v.size**2))
        for start in range(0, k.size, block):
            part = slice(start, start + block)
            matrix = self.matrix(k[part])
            omega = np.linalg.eigvals(matrix)
            fastest = np.take_along_axis(omega, omega.imag.argmax(axis=1)[:, np.newaxis], 1)[:, 0]
            grows = fastest.imag > ROUND_OFF * np.abs(matrix).max(axis=(1, 2))
            gamma[part] = np.where(grows, fastest.imag, 0.0)
            real[part] = np.where(grows, fastest.real, np.nan)
        return gamma, real

    def energy_rate(self, k: float, amplitudes: ArrayLike) -> float:
        """(dU_osc/dt)/L of the wave psi_b = a_b e^{ikz}, amplitudes (S, Nv), in mu^2.

        With M = sum w D, F = sum w v D, F2 = sum w v^2 D (D = P - Pbar) the equation of motion
        gives d_t M = -d_z F, d_t F = -d_z F2 + M x F - F x F2, and for
        U_osc = (mu/4) int (M.M - F.F) dz:  dU_osc/dt = (mu/2) int (F.d_z F2 - M.d_z F) dz,
        which is Eq. (7).  At second order only the transverse part contributes:
        dU_osc/dt = (mu/2) k L Im(M* F - F* F2).
        """
        a = np.atleast_2d(np.asarray(amplitudes, complex))
        net = a[0] - a[1:].sum(axis=0)
        M, F, F2 = (np.sum(self.weight * self.v**n * net) for n in range(3))
        return float(0.5 * self.mu * k * (np.conj(M) * F - np.conj(F) * F2).imag)


def eigenmode(
    system: LinearSystem, k: float, alpha: float
) -> tuple[NDArray[np.complex128], complex]:
    """Amplitudes (S, Nv) and Omega of the fastest growing wave at k, in the paper's normalisation.

    psi_b(z, t) = a_b exp[-i(Omega t - k z)] with a size fixed by the energy it frees or takes,

        Delta U_osc(t) = 2 k^2 L alpha^2 (exp(2 gamma t) - 1) / mu

    (Eq. 12 with the longitudinal part, which is of the same order, added; for more than two beams
    the sign can differ, the size then holds for the modulus).  Two beams: |psi_+|^2 =
    4 |k| zeta_+ alpha^2 / mu for zeta_+ > 0.  The first amplitude that is not zero is real and
    positive.  Raises CaseError if the wave does not grow or its energy does not change (k = 0).
    """
    omega, vectors = (x[0] for x in system.modes(k, species=True))
    a, gamma = vectors[:, 0], omega[0].imag
    if gamma <= ROUND_OFF * np.abs(system.matrix(k)).max():
        raise CaseError([f"initial.n: the wave of k = {k:.6g} does not grow, gamma = 0"])
    rate = abs(system.energy_rate(k, a.reshape(system.polarization.shape)))
    if rate <= ROUND_OFF * gamma * system.bandwidth * np.linalg.norm(a) ** 2:
        raise CaseError([f"initial.n: the wave of k = {k:.6g} has no energy to fix its size by"])
    a = a * alpha * np.sqrt(4 * gamma * k * k / (abs(system.mu) * rate))
    first = a[np.argmax(np.abs(a) > 1e-12 * np.abs(a).max())]
    a = a * (np.conj(first) / abs(first))
    return a.reshape(system.polarization.shape), complex(omega[0])


def central_wavenumber(k: ArrayLike, step: float, order: int) -> NDArray[np.float64]:
    """k_eff = (1/h) sum_m 2 c_m sin(m k h): what the central difference makes of e^{ikz}.

    k any shape, in mu; step h in 1/mu; order 2, 4, 6 or 8.
    """
    k = np.asarray(k, float)
    terms = (2 * c * np.sin((m + 1) * k * step) for m, c in enumerate(CENTRAL[order]))
    return np.asarray(sum(terms)) / step


def two_beam_growth(k: ArrayLike, zeta_plus: float, zeta_minus: float) -> NDArray[np.float64]:
    """gamma = sqrt((k2 - k)(k - k1)), else 0; v = +-1, mu = 1.

    k1,2 = zeta_- - zeta_+ -+ 2 sqrt(-zeta_+ zeta_-); no growth if the zetas have the same sign.
    """
    k = np.asarray(k, float)
    middle, half = zeta_minus - zeta_plus, 2 * np.sqrt(max(0.0, -zeta_plus * zeta_minus))
    return np.sqrt(np.maximum(0.0, (middle + half - k) * (k - middle + half)))


def sectors(
    v: ArrayLike, weight: ArrayLike, diagonal: ArrayLike, mu: float = 1.0
) -> dict[str, LinearSystem]:
    """The decoupled linear problems of diagonal initial data.

    diagonal: rho_aa (S, Nv, N_f), S = 1 or 2, of nu (and nubar); N_f = 2: {"ex"}; N_f = 3:
    {"emu", "etau", "mutau"}; sector ab has P^z = rho_aa - rho_bb and psi = 2 conj(rho_ab).
    """
    diagonal = np.asarray(diagonal, float)
    nf = diagonal.shape[-1]
    pairs = {"ex": (0, 1)} if nf == 2 else {"emu": (0, 1), "etau": (0, 2), "mutau": (1, 2)}
    return {
        name: LinearSystem(v, weight, diagonal[..., a] - diagonal[..., b], mu)
        for name, (a, b) in pairs.items()
    }
