"""rho as real components and as matrices.

N_f = 2:  rho = (P0 + P . sigma)/2,               components P0, Px, Py, Pz
N_f = 3:  the nine real entries of the matrix,    components ee, mumu, tautau, emu_re, emu_im, ...
(upper triangle: rho_emu = emu_re + i emu_im). Antineutrinos are kept in the Sigl-Raffelt
convention, in which rho and rho-bar obey the same commutator with the self-interaction.
"""

from __future__ import annotations

import numpy as np

COMPONENTS = {
    2: ("P0", "Px", "Py", "Pz"),
    3: ("ee", "mumu", "tautau", "emu_re", "emu_im", "etau_re", "etau_im", "mutau_re", "mutau_im"),
}
FLAVORS = {2: ("e", "x"), 3: ("e", "mu", "tau")}
PAIRS = {2: ((0, 1),), 3: ((0, 1), (0, 2), (1, 2))}
PAIR_NAMES = {2: ("ex",), 3: ("emu", "etau", "mutau")}
SPECIES = ("nu", "nubar")
TRACER = "tracer"

# Tr(a b) = sum_c METRIC[c] a_c b_c in these components.
METRIC = {2: np.full(4, 0.5), 3: np.array([1.0, 1, 1, 2, 2, 2, 2, 2, 2])}


def number_of_flavors(components: int) -> int:
    return {4: 2, 9: 3}[components]


def to_matrix(components: np.ndarray) -> np.ndarray:
    """Hermitian matrices (..., N_f, N_f) from real components (..., N_f^2)."""
    c = np.asarray(components, dtype=float)
    n = number_of_flavors(c.shape[-1])
    rho = np.empty((*c.shape[:-1], n, n), dtype=complex)
    if n == 2:
        p0, px, py, pz = np.moveaxis(c, -1, 0)
        rho[..., 0, 0] = 0.5 * (p0 + pz)
        rho[..., 1, 1] = 0.5 * (p0 - pz)
        rho[..., 0, 1] = 0.5 * (px - 1j * py)
    else:
        for i in range(3):
            rho[..., i, i] = c[..., i]
        for q, (i, j) in enumerate(PAIRS[3]):
            rho[..., i, j] = c[..., 3 + 2 * q] + 1j * c[..., 4 + 2 * q]
    for i, j in PAIRS[n]:
        rho[..., j, i] = rho[..., i, j].conj()
    return rho


def from_matrix(rho: np.ndarray) -> np.ndarray:
    """Real components (..., N_f^2) of Hermitian matrices (..., N_f, N_f)."""
    rho = np.asarray(rho)
    n = rho.shape[-1]
    if n == 2:
        a, b, off = rho[..., 0, 0].real, rho[..., 1, 1].real, rho[..., 0, 1]
        return np.stack([a + b, 2 * off.real, -2 * off.imag, a - b], axis=-1)
    parts = [rho[..., i, i].real for i in range(3)]
    for i, j in PAIRS[3]:
        parts += [rho[..., i, j].real, rho[..., i, j].imag]
    return np.stack(parts, axis=-1)


def occupations(components: np.ndarray) -> np.ndarray:
    """Diagonal of rho, shape (..., N_f), from components (..., N_f^2)."""
    c = np.asarray(components)
    if number_of_flavors(c.shape[-1]) == 2:
        return np.stack([0.5 * (c[..., 0] + c[..., 3]), 0.5 * (c[..., 0] - c[..., 3])], axis=-1)
    return c[..., :3]


def off_diagonals(components: np.ndarray) -> np.ndarray:
    """psi = P^x + i P^y = 2 conj(rho_ij) of every flavor pair, complex, shape (..., pairs)."""
    c = np.asarray(components)
    if number_of_flavors(c.shape[-1]) == 2:
        return (c[..., 1] + 1j * c[..., 2])[..., None]
    return 2.0 * (c[..., 3::2] - 1j * c[..., 4::2])


def trace(components: np.ndarray) -> np.ndarray:
    """Tr rho."""
    c = np.asarray(components)
    return c[..., 0] if number_of_flavors(c.shape[-1]) == 2 else c[..., :3].sum(axis=-1)


def without_trace(components: np.ndarray) -> np.ndarray:
    """X - Tr X / N_f of matrices in components."""
    out = np.array(components, dtype=float)
    if number_of_flavors(out.shape[-1]) == 2:
        out[..., 0] = 0.0
    else:
        out[..., :3] -= out[..., :3].mean(axis=-1, keepdims=True)
    return out


def trace_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tr(a b) of Hermitian matrices in components."""
    return np.sum(METRIC[number_of_flavors(np.shape(a)[-1])] * a * b, axis=-1)
