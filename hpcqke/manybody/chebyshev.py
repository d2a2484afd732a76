"""exp(-i H t) psi by Chebyshev polynomials, to rounding:  H in [c - R, c + R],

    exp(-iHt) = exp(-ict) sum_k (2 - delta_k0) (-i)^k J_k(Rt) T_k((H - c)/R)

(Tal-Ezer & Kosloff, J. Chem. Phys. 81 (1984) 3967). Only products H psi are needed, R t + some.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Terms after which J_k(x) < 1e-17 for certain: x + BEYOND (x^(1/3) + 1).
BEYOND = 14.0


def bessel(x: float) -> np.ndarray:
    """J_0(x) ... J_n(x), x >= 0, up to where they vanish; by the recurrence downwards (Miller)."""
    if x < 1e-8:  # where 2 k/x could overflow
        return np.array([1.0, 0.5 * x])
    n = int(x + BEYOND * (np.cbrt(x) + 1))
    J = np.zeros(n + 2)
    J[n] = 1e-280
    for k in range(n, 0, -1):
        J[k - 1] = 2 * k / x * J[k] - J[k + 1]
        if abs(J[k - 1]) > 1e250:
            J[k - 1 :] *= 1e-250
    J /= J[0] + 2 * J[2::2].sum()  # 1 = J_0 + 2 J_2 + 2 J_4 + ...
    kept = np.flatnonzero(np.abs(J) > 1e-18)
    return J[: kept[-1] + 1]


def propagate(
    apply: Callable[[np.ndarray], np.ndarray],
    bounds: tuple[float, float],
    psi: np.ndarray,
    t: float,
) -> np.ndarray:
    """exp(-iHt) psi, t >= 0; `apply` is psi -> H psi, `bounds` enclose H's eigenvalues."""
    center, R = 0.5 * (bounds[1] + bounds[0]), 0.5 * (bounds[1] - bounds[0])
    if R * t == 0:
        return np.exp(-1j * center * t) * psi
    J = bessel(R * t)
    before, now = psi, (apply(psi) - center * psi) / R
    out = J[0] * before - 2j * J[1] * now
    phase = -1j
    for k in range(2, J.size):
        before, now = now, 2 / R * (apply(now) - center * now) - before
        phase *= -1j
        out += 2 * J[k] * phase * now
    return np.exp(-1j * center * t) * out
