"""Relaxation: a Runge-Kutta step stretched so that it keeps the energy exactly.

The energy is quadratic, E(rho + g D) = E + g L + g^2 Q for the step's direction D = rho' - rho with
    L = K(D) + E_vac(D) + E_mat(D) + mu sum [B(M,dM) - B(F,dF)],   Q = (mu/2) sum [B(dM,dM) - B(dF,dF)],
so g = -L/Q gives E(rho + g D) = E(rho) to rounding; the new time is t + g h (Ketcheson 2019). g - 1
is of the order of the method's error, about 1e-5. Where the step already keeps E to rounding, g = 1.
"""

from __future__ import annotations

import numpy as np

from hpcqke import state
from hpcqke.sums import ordered_sum

ROUNDING = 8e-16


def bilinear(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """B(a,b) = Tr ab + Tr a Tr b in components: the refractive energy of Eqs. (5) and (17)."""
    return state.trace_product(a, b) + state.trace(a) * state.trace(b)


class Energy:
    """What the energy of a state is made of: momentum sums of own rows, and K + E_vac."""

    def __init__(self, equation, X: np.ndarray) -> None:
        C = equation.ps.C
        sums = equation.moments(X)
        self.M, self.F = sums[:, :C].copy(), sums[:, C:].copy()
        self.modes = equation.mode_energy(X)


class Relaxation:
    """Finds the factor of each step. ``lands(t)``: does a segment end at t?"""

    def __init__(self, equation, lands) -> None:
        self.equation, self.lands = equation, lands

    def factor(self, t: float, y: np.ndarray, y_new: np.ndarray) -> float:
        """g of the step from y to y_new (own rows); the same on all ranks. Collective."""
        equation = self.equation
        ps, mu = equation.ps, equation.strength(t)
        old, new = Energy(equation, y), Energy(equation, y_new)
        dM, dF = new.M - old.M, new.F - old.F
        rows = np.stack(
            [
                bilinear(old.M, dM) - bilinear(old.F, dF),
                0.5 * (bilinear(dM, dM) - bilinear(dF, dF)),
                np.abs(bilinear(old.M, old.M)) + np.abs(bilinear(old.F, old.F)),
                equation.external.density(dM),
                np.abs(equation.external.density(old.M)),
            ],
            axis=-1,
        )
        sums = ps.z.dz * ordered_sum(rows, ps.z_comm)
        linear, quadratic, size = mu * sums[:3]
        linear += sums[3] + (new.modes - old.modes)
        size += sums[4] + abs(old.modes)
        if abs(linear + quadratic) <= ROUNDING * size or quadratic == 0:
            return 1.0
        factor = -linear / quadratic
        return factor if abs(factor - 1) < 0.1 else 1.0
