"""Two beams of pure flavor, any N: total spins j_A = n_A/2, j_B = n_B/2 and the states between.

    H = b_A J_A^z + b_B J_B^z + (2 mu/N) J_AB J_A.J_B + const

(mixing angle 0: b along z). From all of A up, all of B down, J^z is kept, and H acts among the
states |n> = |m_A = j_A - n, m_B = -j_B + n>, n = 0 ... min(n_A, n_B), as a tridiagonal matrix:

    <n|H|n>   = b_A m_A + b_B m_B + (2 mu/N) J_AB m_A m_B
    <n+1|H|n> = (mu/N) J_AB (n + 1) sqrt((n_A - n)(n_B - n))

|n> is at once the Schmidt decomposition between the beams: their entropy is that of |psi_n|^2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hpcqke.manybody import chebyshev
from hpcqke.manybody.evolution import Evolution, entropy, increasing, one_body_entropy
from hpcqke.manybody.system import SpinSystem

#: Up to this dimension H is diagonalised, beyond it is only multiplied with.
DENSE = 600
LARGEST = 10_000


def evolve(system: SpinSystem, times: ArrayLike) -> Evolution:
    """<P> and one-body entropy of a neutrino of each beam, entropy between the beams.

    ValueError unless there are two kinds of opposite flavor with b along z, N <= LARGEST.
    """
    times, diagonal, beside = increasing(times), *tridiagonal(system)
    n = np.arange(diagonal.size)
    converted, between = np.empty(times.size), np.empty(times.size)
    for i, p in enumerate(_probabilities(diagonal, beside, times)):
        converted[i], between[i] = p @ n, entropy(p)
    P = np.zeros((times.size, 2, 3))
    P[..., 2] = system.spin[:, 2] * (1 - 2 * converted[:, None] / system.count)
    return Evolution(times, system.spin, P, one_body_entropy(P), between)


def tridiagonal(system: SpinSystem) -> tuple[np.ndarray, np.ndarray]:
    """<n|H|n> and <n+1|H|n>."""
    if system.count.size != 2 or np.abs(system.field[:, :2]).max() > 0:
        raise ValueError("beams.evolve: must be two kinds of neutrinos with b along z (theta = 0)")
    if not np.array_equal(system.spin[0], -system.spin[1]) or abs(system.spin[0, 2]) != 1:
        raise ValueError("beams.evolve: must start as pure nu_e and pure nu_x")
    if system.N > LARGEST:
        raise ValueError(f"{system.N} neutrinos: beams.evolve is for N <= {LARGEST}")
    A, B = (0, 1) if system.spin[0, 2] > 0 else (1, 0)
    n_A, n_B = system.count[[A, B]]
    n = np.arange(min(n_A, n_B) + 1)
    m_A, m_B = 0.5 * n_A - n, -0.5 * n_B + n
    g = system.pairs()[A, B]
    diagonal = system.field[A, 2] * m_A + system.field[B, 2] * m_B + 2 * g * m_A * m_B
    n = n[:-1]
    return diagonal, g * (n + 1) * np.sqrt((n_A - n) * (n_B - n))


def _probabilities(diagonal, beside, times):
    """|psi_n(t)|^2 at each of the times, from psi = |0>."""
    if diagonal.size <= DENSE:
        H = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        energy, vectors = np.linalg.eigh(H)
        for block in np.array_split(times, -(-times.size // 500)):
            psi = vectors @ (np.exp(-1j * np.outer(energy, block)) * vectors[0][:, None])
            yield from (psi.real**2 + psi.imag**2).T
        return

    def apply(psi):
        out = diagonal * psi
        out[1:] += beside * psi[:-1]
        out[:-1] += beside * psi[1:]
        return out

    # Gershgorin's circles
    radius = np.abs(np.append(beside, 0)) + np.abs(np.append(0, beside))
    bounds = (diagonal - radius).min(), (diagonal + radius).max()
    psi, now = np.zeros(diagonal.size, dtype=complex), 0.0
    psi[0] = 1
    for t in times:
        psi, now = chebyshev.propagate(apply, bounds, psi, t - now), t
        yield psi.real**2 + psi.imag**2
