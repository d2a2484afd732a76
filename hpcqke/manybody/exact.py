"""All 2^N amplitudes of N <= 14 neutrinos, without H as a matrix:  sigma_i.sigma_j = 2 SWAP_ij - 1.

psi has an axis of length 2 for each neutrino, index 0 = nu_e (sigma_z = +1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hpcqke.manybody import chebyshev
from hpcqke.manybody.evolution import Evolution, entropy, increasing, one_body_entropy
from hpcqke.manybody.system import SpinSystem

LARGEST = 14


def evolve(system: SpinSystem, times: ArrayLike, part: Sequence[int] | None = None) -> Evolution:
    """<P_i>, one-body entropies, entropy between `part` and the others; one by one of system.kind.

    part: numbers of neutrinos, by default those whose P^z is positive at the start. ValueError for
    more than LARGEST neutrinos.
    """
    if system.N > LARGEST:
        raise ValueError(f"{system.N} neutrinos: exact.evolve has 2^N amplitudes, N <= {LARGEST}")
    times, single = increasing(times), system.one_by_one()
    if part is None:
        part = np.flatnonzero(single.spin[:, 2] > 0)
    psi, limits, now = product_state(single), bounds(single), 0.0
    P = np.empty((times.size, system.N, 3))
    between = np.empty(times.size)
    for n, t in enumerate(times):
        psi = chebyshev.propagate(lambda x: hamiltonian(single, x), limits, psi, t - now)
        now, P[n] = t, polarization(psi)
        between[n] = entropy(schmidt(psi, part))
    return Evolution(times, single.spin, P, one_body_entropy(P), between)


def product_state(single: SpinSystem) -> np.ndarray:
    """The product of the spins: complex, N axes of length 2."""
    psi = np.ones(())
    for x, y, z in single.spin:
        up = np.sqrt(max(0.5 * (1 + z), 0.0))
        # of the two phases the one that has no division by zero
        one = np.array([up, 0.5 * (x + 1j * y) / up]) if z > -0.5 else np.array(
            [0.5 * (x - 1j * y), 0.5 * (1 - z)]) / np.sqrt(0.5 * (1 - z))  # fmt: skip
        psi = np.multiply.outer(psi, one)
    return psi.astype(complex)


def hamiltonian(single: SpinSystem, psi: np.ndarray) -> np.ndarray:
    """H psi."""
    g, N = single.pairs(), single.N
    upper = np.triu_indices(N, 1)
    out = -0.5 * g[upper].sum() * psi
    for i, j in zip(*upper, strict=True):
        if g[i, j] != 0:
            out += g[i, j] * np.swapaxes(psi, i, j)
    for i, (x, y, z) in enumerate(single.field):
        b = 0.5 * np.array([[z, x - 1j * y], [x + 1j * y, -z]])
        shape = (2**i, 2, 2 ** (N - i - 1))
        out += (b @ psi.reshape(shape)).reshape(psi.shape)
    return out


def bounds(single: SpinSystem) -> tuple[float, float]:
    """Numbers between which H's eigenvalues lie: each pair is from -3 g/2 to g/2 (g > 0)."""
    g = single.pairs()[np.triu_indices(single.N, 1)]
    one = 0.5 * np.sqrt((single.field**2).sum(axis=1)).sum()
    low, high = np.minimum(-1.5 * g, 0.5 * g).sum(), np.maximum(-1.5 * g, 0.5 * g).sum()
    return float(low - one), float(high + one)


def polarization(psi: np.ndarray) -> np.ndarray:
    """<sigma_i> of each neutrino, (N, 3)."""
    P = np.empty((psi.ndim, 3))
    for i in range(psi.ndim):
        up, down = np.moveaxis(psi, i, 0).reshape(2, -1)
        off = 2 * np.vdot(up, down)
        P[i] = off.real, off.imag, np.vdot(up, up).real - np.vdot(down, down).real
    return P


def schmidt(psi: np.ndarray, part: Sequence[int]) -> np.ndarray:
    """Probabilities of the Schmidt states between `part` and the others."""
    part = list(part)
    front = np.moveaxis(psi, part, range(len(part)))
    return np.linalg.svd(front.reshape(2 ** len(part), -1), compute_uv=False) ** 2
