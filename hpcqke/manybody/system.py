"""N neutrinos as spins 1/2:  H = 1/2 sum_i b_i.sigma_i + (mu/2N) sum_i<j J_ij sigma_i.sigma_j.

Neutrinos that agree in b, J and their first state are one kind k, n_k of them, sum n_k = N. Product
states obey, at leading order in 1/N, the mean field

    dP_k/dt = [b_k + (mu/N) sum_l n_l J_kl P_l] x P_k

that is the homogeneous kinetic equation with w rho_k = n_k/N (1 + P_k.sigma)/2. +z is nu_e. An
antineutrino (convention of Sigl and Raffelt) is the spin -Pbar with -omega: it sees the same
[...] and sigma.sigma then has one sign for all pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class SpinSystem:
    """Kinds of neutrinos: count n_k, field b_k (K, 3), spin P_k(0) (K, 3), J (K, K); mu.

    |P_k(0)| = 1; b and mu have the unit of 1/time. ValueError says what does not fit.
    """

    count: NDArray[np.int64]
    field: NDArray[np.float64]
    spin: NDArray[np.float64]
    coupling: NDArray[np.float64]
    mu: float

    def __post_init__(self) -> None:
        count = np.atleast_1d(np.asarray(self.count))
        if not np.issubdtype(count.dtype, np.integer) or (count < 1).any():
            raise ValueError(f"count = {count}: must be integers >= 1")
        K = count.size
        object.__setattr__(self, "count", count)
        for name, shape in (("field", (K, 3)), ("spin", (K, 3)), ("coupling", (K, K))):
            value = np.asarray(getattr(self, name), float)
            if value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"{name} of shape {value.shape}: must be finite, of shape {shape}")
            object.__setattr__(self, name, value)
        if not np.array_equal(self.coupling, self.coupling.T):
            raise ValueError("coupling: must be symmetric")
        length = np.sqrt((self.spin**2).sum(axis=1))
        if np.abs(length - 1).max() > 1e-9:
            raise ValueError(f"spin of length {length}: must be 1, pure states")

    @property
    def N(self) -> int:
        """How many neutrinos."""
        return int(self.count.sum())

    @property
    def kind(self) -> NDArray[np.int64]:
        """The kind of each of the N neutrinos."""
        return np.repeat(np.arange(self.count.size), self.count)

    def one_by_one(self) -> SpinSystem:
        """The same system with N kinds of one neutrino each."""
        k = self.kind
        ones = np.ones(k.size, dtype=int)
        return SpinSystem(ones, self.field[k], self.spin[k], self.coupling[np.ix_(k, k)], self.mu)

    def pairs(self) -> NDArray[np.float64]:
        """g_kl = mu J_kl/N, the strength of one pair, (K, K)."""
        return self.mu / self.N * self.coupling


def beams_along(
    v: ArrayLike,
    omega: ArrayLike,
    flavor: Sequence[int],
    theta: float = 0.0,
    mu: float = 1.0,
    count: ArrayLike | int = 1,
) -> SpinSystem:
    """Kinds with v = cos(theta_n), omega = dm2/2E, flavor +1 (nu_e) or -1 (nu_x); `count` of each.

    b = omega (sin 2theta, 0, -cos 2theta), J = 1 - v v'. An antineutrino has -omega and the
    opposite flavor.
    """
    v = np.atleast_1d(np.asarray(v, float))
    axis = np.array([np.sin(2 * theta), 0.0, -np.cos(2 * theta)])
    field = np.broadcast_to(np.asarray(omega, float), v.shape)[:, None] * axis
    spin = np.zeros((v.size, 3))
    spin[:, 2] = flavor
    count = np.broadcast_to(np.asarray(count), v.shape)
    return SpinSystem(count, field, spin, 1 - np.multiply.outer(v, v), mu)
