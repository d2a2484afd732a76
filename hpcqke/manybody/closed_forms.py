"""Two beams, nu_e against nu_x, J_AB = 1, without vacuum: what N = 2 and large N do.

    N = 2:       P = cos^2(mu t/2)
    N -> inf:    P = 1 - y D(y),  y = mu t/sqrt(2N),  D = Dawson's integral

with the first minimum 0.3576 at mu t = 2.124 sqrt(N).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Spacing of Rybicki's sum; its error is exp(-(pi/2h)^2) = 4e-18.
SPACING = 0.25


def survival_of_two(mu_t: ArrayLike) -> NDArray[np.float64]:
    """Survival probability for N = 2."""
    return np.cos(0.5 * np.asarray(mu_t, float)) ** 2


def survival_of_many(mu_t: ArrayLike, N: int) -> NDArray[np.float64]:
    """Survival probability at leading order in 1/N."""
    y = np.asarray(mu_t, float) / np.sqrt(2 * N)
    return 1 - y * dawson(y)


def dawson(y: ArrayLike) -> NDArray[np.float64]:
    """D(y) = exp(-y^2) int_0^y exp(x^2) dx = pi^(-1/2) sum_(n odd) exp(-(y - n h)^2)/n.

    Rybicki, Comput. Phys. 3 (1989) 85; to 1e-15.
    """
    y = np.asarray(y, float)
    # centered on the even n nearest to y/h, so that few terms do for any y
    even = 2 * np.round(0.5 * y / SPACING)[..., None]
    offset = np.arange(-29, 30, 2)
    terms = np.exp(-((y[..., None] - (even + offset) * SPACING) ** 2)) / (even + offset)
    return terms.sum(axis=-1) / np.sqrt(np.pi)
