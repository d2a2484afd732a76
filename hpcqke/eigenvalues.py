"""Eigenvalues of Hermitian 2x2 and 3x3 matrices in components, element by element.

LAPACK's last bits depend on where a matrix lies in memory; these do not, and diagnostics must be
the same on every number of ranks. N_f = 3 uses Jacobi rotations, which keep small eigenvalues of
nearly degenerate matrices accurate where the closed form does not.
"""

from __future__ import annotations

import numpy as np

from hpcqke.state import number_of_flavors, to_matrix

SWEEPS = 5


def eigenvalues(components: np.ndarray) -> np.ndarray:
    """Eigenvalues (..., N_f) in rising order of rho in components (..., N_f^2)."""
    c = np.asarray(components, dtype=float)
    if number_of_flavors(c.shape[-1]) == 2:
        length = np.sqrt(c[..., 1] ** 2 + c[..., 2] ** 2 + c[..., 3] ** 2)
        return np.stack([0.5 * (c[..., 0] - length), 0.5 * (c[..., 0] + length)], axis=-1)
    a = to_matrix(c)
    diagonal = [a[..., i, i].real.copy() for i in range(3)]
    off = {(i, j): a[..., i, j].copy() for i in range(3) for j in range(i + 1, 3)}
    for _ in range(SWEEPS):
        for p, q in ((0, 1), (0, 2), (1, 2)):
            _rotate(diagonal, off, p, q)
    return np.sort(np.stack(diagonal, axis=-1), axis=-1)


def _rotate(diagonal: list, off: dict, p: int, q: int) -> None:
    """One unitary rotation that makes the element (p, q) zero."""
    z = off[p, q]
    size = np.sqrt(z.real**2 + z.imag**2)
    nothing = size == 0
    safe = np.where(nothing, 1.0, size)
    phase = np.where(nothing, 1.0, z.real / safe) + 1j * np.where(nothing, 0.0, z.imag / safe)
    theta = (diagonal[q] - diagonal[p]) / (2 * safe)
    sign = np.where(theta >= 0, 1.0, -1.0)
    with np.errstate(over="ignore"):
        t = np.where(nothing, 0.0, sign / (np.abs(theta) + np.sqrt(theta * theta + 1.0)))
    c = 1.0 / np.sqrt(t * t + 1.0)
    s = t * c
    diagonal[p] = diagonal[p] - t * size
    diagonal[q] = diagonal[q] + t * size
    r = 3 - p - q
    # a_rp and a_rq, whichever triangle they are stored in
    rp = off[r, p] if r < p else off[p, r].conj()
    rq = off[r, q] if r < q else off[q, r].conj()
    new_p = c * rp - s * (phase.conj() * rq)
    new_q = s * (phase * rp) + c * rq
    off[p, q] = np.zeros_like(z)
    for index, value in ((p, new_p), (q, new_q)):
        if r < index:
            off[r, index] = value
        else:
            off[index, r] = value.conj()
