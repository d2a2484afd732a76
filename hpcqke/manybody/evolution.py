"""What a solver returns, entropies in bits, and the distance from the mean field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Evolution:
    """<P> at the times, (T, n, 3), n neutrinos or kinds; what else the solver knows of them.

    start: P(0), (n, 3). entropy: of each one's density matrix, (T, n); beam_entropy: between a part
    of the neutrinos and the others, (T,); in bits, None where the solver has no such state.
    """

    time: NDArray[np.float64]
    start: NDArray[np.float64]
    polarization: NDArray[np.float64]
    entropy: NDArray[np.float64] | None = None
    beam_entropy: NDArray[np.float64] | None = None

    @property
    def survival(self) -> NDArray[np.float64]:
        """(1 + P(t).P(0))/2, (T, n): the probability to be found in the state at the start."""
        return 0.5 * (1 + np.einsum("tna,na->tn", self.polarization, self.start))


def entropy(probabilities: ArrayLike) -> NDArray[np.float64]:
    """-sum p log2 p over the last axis; p <= 0, which rounding makes of 0, count as 0."""
    p = np.asarray(probabilities, float)
    return -np.sum(p * np.log2(np.where(p > 0, p, 1.0)), axis=-1)


def one_body_entropy(polarization: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bits of (1 + P.sigma)/2, P (..., 3): 0 for |P| = 1, 1 for P = 0."""
    length = np.sqrt((polarization**2).sum(axis=-1))
    return entropy(np.stack([0.5 * (1 + length), 0.5 * (1 - length)], axis=-1))


def residual(found: Evolution, mean_field: Evolution) -> NDArray[np.float64]:
    """max |P_i^a - P_i^a of the mean field| over i and a = x, y, z, (T,): what mean field misses.

    ValueError if the two do not have the same times and neutrinos.
    """
    a, b = found.polarization, mean_field.polarization
    if a.shape != b.shape or not np.array_equal(found.time, mean_field.time):
        raise ValueError(f"not the same times and neutrinos: {a.shape} and {b.shape}")
    return np.abs(a - b).max(axis=(1, 2))


def increasing(times: ArrayLike) -> NDArray[np.float64]:
    """The times as an array; ValueError unless 0 <= t_0 <= t_1 <= ... and finite."""
    t = np.atleast_1d(np.asarray(times, float))
    if t.ndim != 1 or t.size == 0 or not np.isfinite(t).all() or (np.diff(t, prepend=0) < 0).any():
        raise ValueError("times: must be finite, >= 0 and not decrease")
    return t
