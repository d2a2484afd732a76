"""Crossings of the angular distribution of net lepton number, and what they may end in.

    G(v) = [f_a - f_b] - [fbar_a - fbar_b]  of a flavor pair,  I+- = |integral of G where G >< 0|

A fast instability needs G to change its sign. The end states are models of the literature, not
solutions: where |G| integrates to less both flavors come out equal, P = 1/2 (it "depolarises"), and
the other side gives just as much, either evenly (box) or most near the crossing ("power-1/2").
They are meant for one crossing and random seeds; a point-like seed converts more.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Crossings(NamedTuple):
    """Where G changes its sign, (n,), and the integrals of both signs, in n."""

    v: NDArray[np.float64]
    plus: float
    minus: float

    @property
    def depth(self) -> float:
        """The smaller of I+, I- over the larger: 0 without a crossing, 1 if they are equal."""
        most = max(self.plus, self.minus)
        return min(self.plus, self.minus) / most if most > 0 else 0.0


class EndState(NamedTuple):
    """Survival probability P(v) of the pair's first flavor; width a of the power law (box: nan)."""

    survival: NDArray[np.float64]
    width: float


def find_crossings(v: ArrayLike, weight: ArrayLike, eln: ArrayLike, *,
                   smooth: bool = True) -> Crossings:  # fmt: skip
    """Crossings of G given at directions v (any order) with quadrature weights.

    smooth: the directions are those of a rule, the crossing is a root of the cubic through the four
    nearest ones; otherwise beams stand for themselves and the line between two is taken.
    """
    order = np.argsort(np.asarray(v, float))
    v, weight, G = (np.asarray(x, float)[order] for x in (v, weight, eln))
    smooth = smooth and v.size >= 4
    G = np.where(np.abs(G) > 1e-12 * np.abs(G).max(initial=0.0), G, 0.0)
    content = weight * G
    some = np.flatnonzero(G)
    found = []
    for i, j in pairwise(some):
        if G[i] * G[j] < 0:
            low = max(0, min(i - 1, v.size - 4))
            near = slice(low, low + 4) if smooth and j == i + 1 else [i, j]
            found.append(_root(v[near], G[near], v[i], v[j]))
    plus, minus = content[content > 0].sum(), abs(content[content < 0].sum())
    return Crossings(np.array(found), float(plus), float(minus))


def _root(x: np.ndarray, y: np.ndarray, low: float, high: float) -> float:
    """The root between low and high of the polynomial through (x, y), by bisection."""
    scale = np.array([np.prod(xi - np.delete(x, i)) for i, xi in enumerate(x)])

    def value(at: float) -> float:
        terms = [np.prod(at - np.delete(x, i)) for i in range(x.size)]
        return float(np.sum(y * terms / scale))

    start = value(low)
    for _ in range(60):
        middle = 0.5 * (low + high)
        if value(middle) * start > 0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def box_end_state(v: ArrayLike, weight: ArrayLike, eln: ArrayLike) -> EndState:
    """P = 1/2 on the side of the smaller integral, 1 - I_small/(2 I_large) on the other."""
    v, _, small, crossings = _sides(v, weight, eln)
    least, most = sorted((crossings.plus, crossings.minus))
    large = 1 - 0.5 * least / most if most > 0 else 1.0
    return EndState(np.where(small, 0.5, large), np.nan)


def power_end_state(v: ArrayLike, weight: ArrayLike, eln: ArrayLike) -> EndState:
    """P = 1/2 on the small side, 1 - [1 + (d/a)^2]^(-1/2)/2 on the other, d from the crossing.

    The width a makes the integral of G (1 - P) vanish: lepton number is kept.
    """
    v, G, small, crossings = _sides(v, weight, eln)
    if crossings.v.size == 0:
        return EndState(np.ones_like(v), np.nan)
    distance = np.abs(v[:, np.newaxis] - crossings.v).min(axis=1)
    content = np.abs(np.asarray(weight, float) * G)
    least = content[small].sum()

    def given(a: float) -> float:
        return float(np.sum((content / np.sqrt(1 + (distance / a) ** 2))[~small]))

    low, high = 1e-12, 1e12
    for _ in range(200):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if given(middle) < least else (low, middle)
    a = float(np.sqrt(low * high))
    return EndState(np.where(small, 0.5, 1 - 0.5 / np.sqrt(1 + (distance / a) ** 2)), a)


def average_survival(weight: ArrayLike, number: ArrayLike, survival: ArrayLike) -> float:
    """<P> over all that began in a flavor: sum w f P / sum w f."""
    content = np.asarray(weight, float) * np.asarray(number, float)
    total = content.sum()
    return float(np.sum(content * survival) / total) if total > 0 else float("nan")


def _sides(v: ArrayLike, weight: ArrayLike, eln: ArrayLike):
    """v, G, which directions are on the side of the smaller integral, and the crossings."""
    v, G = np.asarray(v, float), np.asarray(eln, float)
    crossings = find_crossings(v, weight, G)
    small = G < 0 if crossings.minus <= crossings.plus else G > 0
    return v, G, small, crossings
