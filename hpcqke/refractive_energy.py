"""The refractive energies as products of momentum sums.

    U  = (mu/2) int dz [B(M,M) - sum_i B(F_i,F_i)],   B(a,b) = Tr ab + Tr a Tr b    Eqs. (5), (17)
    U1 = c18 mu int dz [B(G_x, d_z F_y) - B(G_y, d_z F_x)]          of the extra term of Eq. (18)

M, F_i = sum_p (1, n_i) (rho - rhobar), G_i = sum_p (n_i/|p|) (rho + rhobar). The sums of a row are
an array (rows, sums, N_f^2) in the order of `SUMS`: the first two in axial symmetry, the first four
with azimuth bins, all six with the extra term.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hpcqke import state
from hpcqke.grids import CENTRAL

SUMS = ("M", "F", "F_x", "F_y", "G_x", "G_y")
FLUXES = slice(1, 4)


def bilinear(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """B(a,b) = Tr ab + Tr a Tr b in components: the refractive energy of Eqs. (5) and (17)."""
    return state.trace_product(a, b) + state.trace(a) * state.trace(b)


def traceless_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """<a,b> = Tr ab - Tr a Tr b / N_f of matrices in components."""
    n = state.number_of_flavors(a.shape[-1])
    return state.trace_product(a, b) - state.trace(a) * state.trace(b) / n


def derivative(rows: np.ndarray, order: int, dz: float) -> np.ndarray:
    """Periodic central difference of ``rows`` (z, ...) of the given order."""
    out = np.zeros_like(rows)
    for m, c in enumerate(CENTRAL[order], start=1):
        out += c * (np.roll(rows, -m, axis=0) - np.roll(rows, m, axis=0))
    return out / dz


def interaction(a: np.ndarray, b: np.ndarray, form: Callable = bilinear) -> np.ndarray:
    """form(M_a, M_b) - sum_i form(F_i,a, F_i,b) of each row: 2 U/mu is its integral for a = b."""
    fluxes = form(a[:, FLUXES], b[:, FLUXES])
    return form(a[:, 0], b[:, 0]) - fluxes.sum(axis=1)


def curl(a: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """B(G_x, d_z F_y) - B(G_y, d_z F_x) of each row, 0 if there is no G.

    ``gradient`` (rows, sums, N_f^2): d_z of the other factor's sums.
    """
    if a.shape[1] < len(SUMS):
        return np.zeros(len(a))
    return bilinear(a[:, 4], gradient[:, 3]) - bilinear(a[:, 5], gradient[:, 2])
