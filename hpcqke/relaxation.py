"""Relaxation: a Runge-Kutta step stretched so that it keeps the energy exactly.

The energy is quadratic: E(rho + g D) = E + g L + g^2 Q along the step D = rho' - rho, with
    L = K(D) + E_vacuum(D) + E_matter(D) + mu sum [B(M,dM) - B(F,dF)],
    Q = (mu/2) sum [B(dM,dM) - B(dF,dF)],
so g = -L/Q gives E(rho + g D) = E(rho) to rounding; the new time is t + g h (Ketcheson 2019).
g - 1 is of the order of the method's error, about 1e-5; g = 1 where E is kept to rounding already.
"""

from __future__ import annotations

import numpy as np

from hpcqke import state
from hpcqke.momentum_sums import MomentumSums
from hpcqke.species_view import kinetic_kernel
from hpcqke.sums import ordered_sum

ROUNDING = 8e-16


def bilinear(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """B(a,b) = Tr ab + Tr a Tr b in components: the refractive energy of Eqs. (5) and (17)."""
    return state.trace_product(a, b) + state.trace(a) * state.trace(b)


class Relaxation:
    """Finds the factor of each step. ``lands(t)``: does a segment end at t?"""

    def __init__(self, equation, lands) -> None:
        self.equation, self.lands = equation, lands
        ps = equation.ps
        weight = ps.pack_modes((ps.momentum.weight * equation.energy)[ps.own[1:]])
        self._kinetic = MomentumSums(ps, kinetic_kernel(ps, weight, equation.energy_shares))

    def factor(self, t: float, y: np.ndarray, step: np.ndarray) -> float:
        """g of the step D from y (own rows of both); the same on all ranks. Collective."""
        equation, ps = self.equation, self.equation.ps
        C, external = ps.C, equation.external
        sums, change = equation.moments(y).copy(), equation.moments(step).copy()
        M, F, dM, dF = sums[:, :C], sums[:, C:], change[:, :C], change[:, C:]
        kinetic_rows = self._kinetic.finish(self._kinetic.start(step))[:, :C]
        rows = np.stack(
            [
                bilinear(M, dM) - bilinear(F, dF),
                0.5 * (bilinear(dM, dM) - bilinear(dF, dF)),
                np.abs(bilinear(M, M)) + np.abs(bilinear(F, F)),
                state.trace(kinetic_rows) + external.density(dM),
                np.abs(external.density(M)),
            ],
            axis=-1,
        )
        totals = ps.z.dz * ordered_sum(rows, ps.z_comm)
        linear, quadratic, size = equation.strength(t) * totals[:3]
        linear += totals[3] + external.of_modes(step)
        size += totals[4] + abs(external.of_modes(y))
        if abs(linear + quadratic) <= ROUNDING * size or quadratic == 0:
            return 1.0
        factor = -linear / quadratic
        return factor if abs(factor - 1) < 0.1 else 1.0
