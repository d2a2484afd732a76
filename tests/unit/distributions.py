"""Angular distributions of the tests of linear theory, and linear systems made of them."""

import numpy as np

from hpcqke.analysis.linear import LinearSystem
from hpcqke.grids import quadrature

RULES = {"gl": "gauss-legendre", "mid": "uniform"}
FINE = np.polynomial.legendre.leggauss(400)


def nodes(name: str):
    """Directions and weights of "gl16", "mid200", ..."""
    kind = name.rstrip("0123456789")
    return quadrature(RULES[kind], int(name[len(kind) :]))


def gauss(v, sigma):
    """exp(-(v - 1)^2/2 sigma^2), with an integral of one."""
    norm = np.sum(FINE[1] * np.exp(-((FINE[0] - 1) ** 2) / (2 * sigma**2)))
    return np.exp(-((v - 1) ** 2) / (2 * sigma**2)) / norm


def gaussians(name: str, alpha=0.9, sigma_bar=0.5, sigma=0.6) -> LinearSystem:
    """nu_e and anti-nu_e of the field's default."""
    v, weight = nodes(name)
    pair = np.stack([gauss(v, sigma), alpha * gauss(v, sigma_bar)])
    return LinearSystem(v, weight, pair)


def legendre(name: str, coefficients) -> LinearSystem:
    """G(v) = sum_l c_l P_l(v)."""
    v, weight = nodes(name)
    return LinearSystem(v, weight, np.polynomial.legendre.legval(v, coefficients))


def isotropic(name: str, omega: float, alpha=0.8, mu=1.0) -> LinearSystem:
    """nu_e and alpha anti-nu_e in vacuum: V_s = -+ omega."""
    v, weight = nodes(name)
    pair = np.stack([np.full(v.size, 0.5), np.full(v.size, 0.5 * alpha)])
    return LinearSystem(v, weight, pair, mu, frequency=[[-omega], [omega]])


def homogeneous(numbers, numbers_bar, mu, omega=0.0, rates=0.0, rates_bar=0.0) -> LinearSystem:
    """Groups of one direction v = 0, which stay isotropic: f_e - f_x of each, and their damping."""
    groups = np.atleast_1d(numbers).size
    pz = np.stack([np.atleast_1d(numbers), np.atleast_1d(numbers_bar)])
    omegas = np.broadcast_to(omega, groups)
    damping = np.stack([np.broadcast_to(x, groups) for x in (rates, rates_bar)])
    return LinearSystem(
        [0.0], [1.0], pz[:, :, None], mu, np.ones(groups),
        frequency=np.stack([-omegas, omegas]), damping=damping,
    )  # fmt: skip
