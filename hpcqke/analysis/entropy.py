"""Entropy of Eqs. (S19-S20) and the quantity that the gradient terms conserve to first order.

    S      = int Tr s(rho),          s(x) = -x ln x - (1 - x) ln(1 - x)
    S_corr = S - 1/2 int T n.(d_z n x d_p n),   n = P/|P|,
    T      = (l1 - l2)(s'(l1) + s'(l2))/2 - (s(l1) - s(l2)),   l1,2 = (P0 +- |P|)/2

(S24) of the paper needs s(rho) and d rho to commute; where n depends on the momentum they do not,
and S drifts at first order in gradients while S_corr drifts at second. Tr rho^2 is exact. Two
flavors on the axis (v = +-1), one species; d_p = v d_q.
"""

from __future__ import annotations

import numpy as np

from hpcqke.errors import CaseError
from hpcqke.grids import CENTRAL


def _difference(f: np.ndarray, axis: int, step: float, order: int, periodic: bool) -> np.ndarray:
    out = np.zeros_like(f)
    for m, c in enumerate(CENTRAL[order], start=1):
        out += c / step * (np.roll(f, -m, axis) - np.roll(f, m, axis))
    if not periodic:  # rho vanishes at the ends of the momentum window
        edge = [slice(None)] * f.ndim
        for end in (slice(0, order // 2), slice(-(order // 2), None)):
            edge[axis] = end
            out[tuple(edge)] = 0.0
    return out


def entropies(rho: np.ndarray, dz: float, q: np.ndarray, v: np.ndarray) -> tuple[float, float]:
    """(S, S_corr) of occupation numbers rho (z, momentum, direction, component), |P| > 0.

    Units: those of dz times dq. `CaseError` if an eigenvalue lies outside (0, 1).
    """
    length = np.sqrt(np.sum(rho[..., 1:] ** 2, axis=-1))
    upper, lower = 0.5 * (rho[..., 0] + length), 0.5 * (rho[..., 0] - length)
    if lower.min() <= 0 or upper.max() >= 1:
        raise CaseError([f"entropy: eigenvalues from {lower.min():.2e} to {upper.max():.2e}"])
    s = [-x * np.log(x) - (1 - x) * np.log1p(-x) for x in (upper, lower)]
    slope = [np.log1p(-x) - np.log(x) for x in (upper, lower)]
    T = 0.5 * (upper - lower) * (slope[0] + slope[1]) - (s[0] - s[1])
    n = rho[..., 1:] / length[..., None]
    dq = q[1] - q[0]
    along = _difference(n, 0, dz, 8, True)
    momentum = _difference(n, 1, dq, 4, False) * v[:, None]
    twist = np.sum(n * np.cross(along, momentum), axis=-1)
    entropy = dz * dq * np.sum(s[0] + s[1])
    return float(entropy), float(entropy - 0.5 * dz * dq * np.sum(T * twist))


def corrected_entropy(run, unit: float = 1.0):
    """(times, S, S_corr) of a run's frames; ``unit``: the occupation number that rho = 1 means."""
    rho = run.fields.rho.isel(species=0)
    if rho.sizes["component"] != 4 or rho.sizes["momentum"] < 5:
        raise CaseError(["entropy: needs two flavors and bins in momentum"])
    dz = float(rho.z[1] - rho.z[0])
    q, v = rho.momentum.values, rho.direction.values
    found = [entropies(unit * frame.values, dz, q, v) for frame in rho]
    return rho.time.values, *map(np.array, zip(*found, strict=True))
