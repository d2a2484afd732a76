"""Angular distributions by name: f(v), v = cos(theta), neutrinos per dv over all azimuths.

    isotropic          1/2
    linear             (1 + 3 F v)/2                                  F = <v>, the flux factor
    gaussian           exp[-(v - v0)^2/(2 s^2)]/N                     v0 = center, s = width
    von-mises          exp(kappa v)/N
    maximum-entropy    the same with the kappa that has <v> = F: coth kappa - 1/kappa = F (Minerbo)
    legendre           sum_l c_l P_l(v)
    table              values at the directions of the case

Each integrates to one over -1 <= v <= 1 in the continuum, whatever quadrature it is used with; only
`legendre` (2 c_0) and `table` are taken as they are given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Shape = Callable[[ArrayLike], NDArray[np.float64]]

KEYS = {
    "isotropic": (),
    "linear": ("flux_factor",),
    "gaussian": ("center", "width"),
    "von-mises": ("kappa",),
    "maximum-entropy": ("flux_factor",),
    "legendre": ("coefficients",),
    "table": ("values",),
}
"""The keys of each distribution."""


def shape(name: str, keys: Any, directions: Sequence[float] = ()) -> Shape:
    """f(v) of one of `KEYS`; its keys are attributes of ``keys``. v of any shape in [-1, 1].

    ``directions``: the v of the values of a table; between them it is straight.
    """
    if name == "isotropic":
        return legendre((0.5,))
    if name == "linear":
        return legendre((0.5, 1.5 * keys.flux_factor))
    if name == "gaussian":
        return gaussian(1.0 if keys.center is None else keys.center, keys.width)
    if name == "von-mises":
        return von_mises(keys.kappa)
    if name == "maximum-entropy":
        return von_mises(minerbo(keys.flux_factor))
    if name == "legendre":
        return legendre(keys.coefficients)
    return table(directions, keys.values)


def legendre(coefficients: Sequence[float]) -> Shape:
    """sum_l c_l P_l(v)."""
    return lambda v: np.polynomial.legendre.legval(np.asarray(v, float), coefficients)


def gaussian(center: float, width: float) -> Shape:
    """exp[-(v - center)^2/(2 width^2)] over its integral from -1 to 1."""
    scale = math.sqrt(2) * width
    ends = math.erf((1 - center) / scale) - math.erf((-1 - center) / scale)
    norm = math.sqrt(math.pi) / 2 * scale * ends
    return lambda v: np.exp(-(((np.asarray(v, float) - center) / scale) ** 2)) / norm


def von_mises(kappa: float) -> Shape:
    """kappa exp(kappa v)/(2 sinh kappa), without an overflow for any kappa."""
    if abs(kappa) < 1e-8:
        return legendre((0.5, 0.5 * kappa))
    size = abs(kappa)
    norm = size / -math.expm1(-2 * size)
    return lambda v: norm * np.exp(kappa * np.asarray(v, float) - size)


def minerbo(flux_factor: float) -> float:
    """The kappa of coth kappa - 1/kappa = flux factor, |flux factor| < 1, by bisection."""
    wanted = abs(flux_factor)
    low, high = 0.0, 3.0 / (1.0 - wanted)
    while True:
        kappa = 0.5 * (low + high)
        if kappa in (low, high):
            return math.copysign(kappa, flux_factor)
        low, high = (kappa, high) if langevin(kappa) < wanted else (low, kappa)


def langevin(kappa: float) -> float:
    """coth kappa - 1/kappa, the mean v of exp(kappa v), kappa >= 0."""
    if kappa < 1e-2:
        return kappa / 3 * (1 - kappa**2 / 15 * (1 - 2 * kappa**2 / 21))
    return 1 / math.tanh(kappa) - 1 / kappa


def table(directions: Sequence[float], values: Sequence[float]) -> Shape:
    """The values at the directions, straight lines between them, constant beyond."""
    order = np.argsort(directions)
    v0, f0 = np.asarray(directions, float)[order], np.asarray(values, float)[order]
    return lambda v: np.interp(np.asarray(v, float), v0, f0)
