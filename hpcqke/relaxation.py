"""Relaxation: a Runge-Kutta step stretched so that it keeps the energy exactly.

The energy is quadratic: E(rho + g D) = E + g L + g^2 Q along the step D = rho' - rho, with
    L = K(D) + E_vacuum(D) + E_matter(D) + mu sum [B(M,dM) - B(F,dF)],
    Q = (mu/2) sum [B(dM,dM) - B(dF,dF)],
(and the same of U1, the energy of the extra term of Eq. 18, which is quadratic as well),
so g = -L/Q gives E(rho + g D) = E(rho) to rounding; the new time is t + g h (Ketcheson 2019).
g - 1 is of the order of the method's error, about 1e-5; g = 1 where E is kept to rounding already.
"""

from __future__ import annotations

import numpy as np

from hpcqke.kernels.interaction import energies
from hpcqke.refractive_energy import curl, derivative
from hpcqke.sums import ordered_sum

ROUNDING = 8e-16


class Relaxation:
    """Finds the factor of each step. ``lands(t)``: does a segment end at t?"""

    def __init__(self, equation, lands) -> None:
        self.equation, self.lands = equation, lands
        ps = equation.ps
        weight = ps.pack_modes((ps.momentum.weight * equation.energy)[ps.own[1:]])
        energy = weight[:, None, :] * np.asarray(equation.energy_shares)[None, :, None]
        self._order = equation.transport.scheme()[0] if equation.transport else 0
        self._of_step = equation.sums_with(energy)
        self._start = self._sums = None
        self._rows = np.zeros((ps.rows, 5))  # L, Q and size of U/mu, L and size of K and V

    def starts_from(self, y: np.ndarray) -> None:
        """The steps to come are evaluated at this very array first."""
        self._start, self._sums = y, self.equation.keep_sums_of(y)

    def factor(self, t: float, y: np.ndarray, step: np.ndarray) -> float:
        """g of the step D from y (own rows of both); the same on all ranks. Collective."""
        equation, ps = self.equation, self.equation.ps
        external = equation.external
        kept = self._sums if y is self._start else None
        sums = equation.momentum_sums(y) if kept is None else kept
        change, kinetic_rows = equation.momentum_sums_with(self._of_step, step)
        rows = self._rows
        energies(sums, change, rows)
        rows[:, 3] = kinetic_rows
        if equation.c18:
            self._add_extra(sums, change, rows)
        if external.of_place:
            rows[:, 3] += external.density(change[:, 0])
            rows[:, 4] = np.abs(external.density(sums[:, 0]))
        if equation.along_z is not None:  # mu(z)
            rows[:, :3] *= equation.along_z[slice(*ps.z_range), None]
        totals = ps.z.dz * ordered_sum(rows, ps.z_comm)
        linear, quadratic, size = equation.strength(t) * totals[:3]
        linear += totals[3] + external.of_modes(step)
        size += totals[4] + abs(external.of_modes(y))
        if abs(linear + quadratic) <= ROUNDING * size or quadratic == 0:
            return 1.0
        factor = -linear / quadratic
        return factor if abs(factor - 1) < 0.1 else 1.0

    def _add_extra(self, sums: np.ndarray, change: np.ndarray, rows: np.ndarray) -> None:
        """The linear and the quadratic part of U1/mu of own rows; U1 needs all rows of F."""
        ps, own, c18 = self.equation.ps, slice(*self.equation.ps.z_range), self.equation.c18
        both = np.concatenate(ps.z_comm.allgather(np.concatenate([sums, change], axis=1)))
        gradient = derivative(both, self._order, ps.z.dz)[own]
        dz_sums, dz_change = np.split(gradient, 2, axis=1)
        rows[:, 0] += c18 * (curl(sums, dz_change) + curl(change, dz_sums))
        rows[:, 1] += c18 * curl(change, dz_change)
