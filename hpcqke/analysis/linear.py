"""Linearised flavor waves, psi_s = P^x_s + i P^y_s ~ a_s exp[-i(Omega t - k z)].

s is a mode: species, |p| and v. From dP/dt + v d_z P = V x P + C[P] at first order around
P = P^z z, with sigma = +1 for neutrinos, -1 for antineutrinos (convention of Sigl and Raffelt):

    Omega a_s = [v_s k - V^z_s - i (Gamma_s + kappa_s)] a_s + i kappa_s <a>_s
                + P^z_s mu sum_s' w_s' sigma_s' (1 - v_s v_s') a_s'
    V^z_s     = mu sum_s' w_s' sigma_s' (1 - v_s v_s') P^z_s' + V_s

V_s is the rest of H_aa - H_bb: matter, and vacuum with the sign sigma (its off-diagonal elements
only seed: linear theory is that of mixing angles to zero, with H_vac's own diagonal). Gamma and
kappa are the means of the two flavors' absorption and scattering rates, <a> the mean over
directions of one species and |p|. This is the branch of axial symmetry; waves ~ exp(+-i phi) around
the axis obey the same with -(1/2) sqrt(1 - v^2) sqrt(1 - v'^2) in place of 1 - v v' and <a> = 0.

Modes of one v whose own frequency and rates agree are summed: A, B = sum w sigma (1, v) a is all
they act by, and what is not in the sum only streams. Without vacuum and collisions N_v net waves
are left. Three flavors with diagonal rho: rho_ab decouples from the others and obeys the same with
psi = 2 conj(rho_ab) and P^z = rho_aa - rho_bb (`sectors`). A wave of psi with k and Re Omega is one
of rho_ab with -k and -Re Omega.

Units: mu = sqrt2 G_F n sets them; k, Omega in mu, lengths and times in 1/mu.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpcqke.state import PAIR_NAMES, PAIRS

#: f' = (1/h) sum_m c_m (f_{+m} - f_{-m}), m = 1...order/2
CENTRAL = {
    2: (1 / 2,),
    4: (2 / 3, -1 / 12),
    6: (3 / 4, -3 / 20, 1 / 60),
    8: (4 / 5, -1 / 5, 4 / 105, -1 / 280),
}
#: Im Omega below this fraction of the largest rate in the matrix is round-off of a real root.
ROUND_OFF = 1e-7
#: Axial symmetry kept, or broken by waves exp(+-i phi).
BRANCHES = ("symmetric", "breaking")
#: Matrices up to this size are solved whole, larger ones by SLEPc.
DENSE = 1500


class Modes(NamedTuple):
    """Normal modes, fastest growing first: omega (nk, n), vectors (nk, n, n), one a column."""

    omega: NDArray[np.complex128]
    vectors: NDArray[np.complex128]

    @property
    def gamma(self) -> NDArray[np.float64]:
        """Growth rate max Im Omega at each k, shape (nk,), in mu."""
        return self.omega[:, 0].imag


class Blocks(NamedTuple):
    """Waves of each block: own frequency, complex with collisions, source mu w sigma P^z, kappa."""

    local: NDArray
    source: NDArray[np.float64]
    scattering: NDArray[np.float64]


@dataclass(frozen=True)
class LinearSystem:
    """A homogeneous state: v, weight (Nv,), P^z (S, Np, Nv), mu, and what acts beside mu.

    S = 1: neutrinos; S = 2: neutrinos and antineutrinos; fewer dimensions mean S = 1, N_p = 1.
    p_weight (Np,); frequency V_s, damping Gamma_s and scattering kappa_s: (S, Np), in mu.
    azimuths: bins around the axis, 0 for a continuum.
    """

    v: NDArray[np.float64]
    weight: NDArray[np.float64]
    polarization: NDArray[np.float64]
    mu: float = 1.0
    p_weight: NDArray[np.float64] = field(default_factory=lambda: np.ones(1))
    frequency: NDArray[np.float64] | float = 0.0
    damping: NDArray[np.float64] | float = 0.0
    scattering: NDArray[np.float64] | float = 0.0
    azimuths: int = 0

    def __post_init__(self) -> None:
        v = np.atleast_1d(np.asarray(self.v, float))
        p_weight = np.atleast_1d(np.asarray(self.p_weight, float))
        polarization = np.atleast_2d(np.asarray(self.polarization, float))
        if polarization.ndim == 2:
            polarization = polarization[:, np.newaxis]
        if polarization.shape[1:] != (p_weight.size, v.size) or len(polarization) > 2:
            raise ValueError(f"polarization of shape {polarization.shape} for {v.size} directions")
        arrays = {"v": v, "p_weight": p_weight, "polarization": polarization}
        arrays["weight"] = np.broadcast_to(np.asarray(self.weight, float), v.shape)
        for name in ("frequency", "damping", "scattering"):
            value = np.asarray(getattr(self, name), float)
            arrays[name] = np.broadcast_to(value, polarization.shape[:2])
        for name, array in arrays.items():
            object.__setattr__(self, name, array)

    @property
    def sign(self) -> NDArray[np.float64]:
        """sigma of each species."""
        return np.array([1.0, -1.0])[: len(self.polarization)]

    @property
    def net(self) -> NDArray[np.float64]:
        """sum over |p| of P^z - Pbar^z per direction, (Nv,)."""
        return np.einsum("s,p,spv->v", self.sign, self.p_weight, self.polarization)

    def kernel(self, branch: str = "symmetric") -> NDArray[np.float64]:
        """What couples a_v to a_v' apart from weights: 1 - v v', or its part ~ exp(+-i phi)."""
        if branch == "symmetric":
            return 1 - np.multiply.outer(self.v, self.v)
        if branch != "breaking":
            raise ValueError(f"branch {branch!r}: one of {BRANCHES}")
        across = np.sqrt(1 - self.v**2)
        # on two bins m = 1 and m = -1 are the same wave
        share = 1.0 if self.azimuths == 2 else 0.5
        return -share * np.multiply.outer(across, across)

    @property
    def bandwidth(self) -> float:
        """mu sum w (|P^z| + |Pbar^z|): the scale of growth by self-interaction and of its k."""
        sizes = np.einsum("p,v,spv->", np.abs(self.p_weight), np.abs(self.weight),
                          np.abs(self.polarization))  # fmt: skip
        return float(abs(self.mu) * sizes)

    @property
    def precession(self) -> NDArray[np.float64]:
        """V^z of every wave, (S, Np, Nv)."""
        mean = self.mu * self.kernel() @ (self.weight * self.net)
        return mean + self.frequency[:, :, np.newaxis]

    @property
    def lossless(self) -> bool:
        """No collisions: roots are real or come in conjugate pairs."""
        return not (self.damping.any() or self.scattering.any())

    @cached_property
    def blocks(self) -> Blocks:
        """Species and momenta of equal frequency and rates, summed."""
        S, Np, Nv = self.polarization.shape
        rates = np.stack([self.frequency, self.damping, self.scattering], axis=-1)
        rates, index = np.unique(rates.reshape(S * Np, 3), axis=0, return_inverse=True)
        source = np.zeros((len(rates), Nv))
        terms = np.einsum("s,p,v,spv->spv", self.sign, self.p_weight, self.weight,
                          self.polarization)  # fmt: skip
        np.add.at(source, index.ravel(), terms.reshape(S * Np, Nv))
        # what sources nothing and is in no sum that sources something only streams
        keep = source.any(axis=1)
        keep[0] |= not keep.any()
        mean = self.mu * self.kernel() @ (self.weight * self.net)
        rates, source = rates[keep], source[keep]
        local = -mean - rates[:, :1]
        if not self.lossless:
            local = local - 1j * (rates[:, 1:2] + rates[:, 2:])
        return Blocks(local, self.mu * source, rates[:, 2])

    @property
    def size(self) -> int:
        """Coupled waves: the rows of `matrix`."""
        return self.blocks.source.size

    def matrix(self, k: ArrayLike, branch: str = "symmetric") -> NDArray:
        """Matrix of the summed waves, whose eigenvalues are Omega: (nk, n, n), n = `size`.

        Real without collisions. Its vectors are w sigma a, summed over what shares a block.
        """
        k = np.atleast_1d(np.asarray(k, float))
        local, source, scattering = self.blocks
        B, nv = source.shape
        one = np.einsum("bv,vu->bvu", source, self.kernel(branch))
        out = np.repeat(one[:, :, np.newaxis], B, axis=2).reshape(B, nv, B, nv)
        if branch == "symmetric" and scattering.any():
            gain = np.broadcast_to(self.weight[:, None] / self.weight.sum(), (nv, nv))
            gains = 1j * np.einsum("b,vu->bvu", scattering, gain)
            out = out.astype(complex)
            out[np.arange(B), :, np.arange(B)] += gains
        n = B * nv
        frequency = np.tile(np.multiply.outer(k, self.v), (1, B)) + local.reshape(n)
        out = np.broadcast_to(out.reshape(n, n), (k.size, n, n))
        out = out.astype(np.result_type(out, frequency), copy=True)
        out[:, np.arange(n), np.arange(n)] += frequency
        return out

    def species_matrix(self, k: float, branch: str = "symmetric") -> NDArray:
        """The same for the amplitudes a themselves, all species and momenta: (n, n), S Np Nv."""
        S, Np, nv = self.polarization.shape
        weights = self.mu * np.einsum("s,p,v->spv", self.sign, self.p_weight, self.weight)
        out = np.einsum("spv,vu,tqu->spvtqu", self.polarization, self.kernel(branch), weights)
        out = out.astype(float if self.lossless else complex)
        frequency = k * self.v - self.precession
        if not self.lossless:
            frequency = frequency - 1j * (self.damping + self.scattering)[:, :, None]
            gain = (branch == "symmetric") * self.weight / self.weight.sum()
            for s, p in np.ndindex(S, Np):
                out[s, p, :, s, p] += 1j * self.scattering[s, p] * gain
        out = out.reshape(S * Np * nv, S * Np * nv)
        out[np.diag_indices(S * Np * nv)] += frequency.ravel()
        return out

    def species_modes(self, k: ArrayLike) -> Modes:
        """All normal modes a at each k, the fastest growing first (shapes: see `Modes`)."""
        matrix = np.stack([self.species_matrix(x) for x in np.atleast_1d(np.asarray(k, float))])
        omega, vectors = np.linalg.eig(matrix)
        omega, vectors = omega.astype(complex), vectors.astype(complex)
        order = np.argsort(-omega.imag, axis=1, kind="stable")
        return Modes(
            np.take_along_axis(omega, order, axis=1),
            np.take_along_axis(vectors, order[:, np.newaxis, :], axis=2),
        )

    def roots(self, k: ArrayLike, branch: str = "symmetric", most: int = 1) -> NDArray:
        """Omega of the `most` fastest growing waves at each k, complex (nk, most), in mu.

        Im Omega within round-off of zero is zero. Without collisions only growing waves are
        listed, the rest is nan; SLEPc (`size` > DENSE) lists growing ones only in any case.
        """
        k = np.atleast_1d(np.asarray(k, float))
        out = np.full((k.size, most), np.nan, complex)
        if self.size > DENSE:
            from hpcqke.analysis.krylov import growing_roots

            for row, one in zip(out, k, strict=True):
                found = growing_roots(self, float(one), branch)[:most]
                row[: found.size] = found
            return out
        # blocks of about 32 MB, so that many directions times many k need no huge array
        step = max(1, int(4e6 / self.size**2))
        for start in range(0, k.size, step):
            part = slice(start, start + step)
            matrix = self.matrix(k[part], branch)
            omega = np.linalg.eigvals(matrix).astype(complex)
            omega = np.take_along_axis(omega, np.argsort(-omega.imag, axis=1)[:, :most], axis=1)
            floor = ROUND_OFF * np.abs(matrix).max(axis=(1, 2))[:, np.newaxis]
            omega.imag[np.abs(omega.imag) <= floor] = 0.0
            if self.lossless:
                omega[omega.imag <= 0] = np.nan
            out[part, : omega.shape[1]] = omega
        return out

    def growth(
        self, k: ArrayLike, branch: str = "symmetric"
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(gamma, Re Omega) of the fastest growing wave at each k, both (nk,), in mu.

        gamma is 0.0 and Re Omega is nan where every root is real (to round-off); with collisions
        gamma < 0 says how slowly the most persistent wave dies away.
        """
        omega = self.roots(k, branch)[:, 0]
        return np.where(np.isnan(omega), 0.0, omega.imag), omega.real


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
    v: ArrayLike, weight: ArrayLike, diagonal: ArrayLike, mu: float = 1.0, *,
    p_weight: ArrayLike = 1.0, energy: ArrayLike = 0.0, absorption: ArrayLike = 0.0,
    scattering: ArrayLike = 0.0, azimuths: int = 0,
) -> dict[str, LinearSystem]:  # fmt: skip
    """The decoupled linear problems of diagonal initial data.

    diagonal: rho_aa (S, Np, Nv, N_f) or (S, Nv, N_f), S = 1 or 2, of nu (and nubar); N_f = 2:
    {"ex"}; N_f = 3: {"emu", "etau", "mutau"}; sector ab has P^z = rho_aa - rho_bb and
    psi = 2 conj(rho_ab). energy: H_aa but for the self-interaction, with -H_vac for nubar;
    absorption, scattering: rates of each flavor; all three (S, Np, N_f), in mu.
    """
    diagonal = np.asarray(diagonal, float)
    if diagonal.ndim == 3:
        diagonal = diagonal[:, np.newaxis]
    S, Np, _, nf = diagonal.shape
    energy, absorption, scattering = (
        np.broadcast_to(np.asarray(x, float), (S, Np, nf)) for x in (energy, absorption, scattering)
    )
    return {
        name: LinearSystem(
            v, weight, diagonal[..., a] - diagonal[..., b], mu, p_weight,
            frequency=energy[..., a] - energy[..., b],
            damping=0.5 * (absorption[..., a] + absorption[..., b]),
            scattering=0.5 * (scattering[..., a] + scattering[..., b]),
            azimuths=azimuths,
        )
        for name, (a, b) in zip(PAIR_NAMES[nf], PAIRS[nf], strict=True)
    }  # fmt: skip
