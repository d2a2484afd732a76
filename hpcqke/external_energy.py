"""Energies of neutrinos in a given Hamiltonian: linear in rho, unlike the refractive energy.

    H(p), with the opposite sign in the commutator of antineutrinos:  int sum Tr H (rho + rhobar) dz
    V(t, z), with the same sign in the commutator of both:            int sum Tr V (rho - rhobar) dz

V(t) changes the energy by int sum Tr d_tV (rho - rhobar) dz in a unit of time. For an antineutrino
the energies are +H and -V (Sigl and Raffelt's rhobar is transposed, which turns the sign of the
commutator around).
"""

from __future__ import annotations

import numpy as np

from hpcqke import state
from hpcqke.integrals import mode_integrals


class ExternalEnergy:
    """What the Hamiltonian terms with a `matrix(p)` or a `potential(ps, z)` give."""

    def __init__(self, ps, terms) -> None:
        self.ps = ps
        self.of_momentum: dict[str, np.ndarray] = {}
        self.of_place: dict[str, np.ndarray] = {}
        for term in terms:
            matrix = term.matrix(ps.momentum.magnitude)
            if matrix is not None:
                self.of_momentum[term.name] = matrix
            potential = term.potential(ps, ps.z.z)
            if potential is not None and not term.varies:
                self.of_place[term.name] = potential
        self.varying = [term for term in terms if term.varies]

    def modes(self, linear: np.ndarray) -> dict[str, float]:
        """int sum Tr H (rho + rhobar) dz of each term from int rho dz of every mode."""
        both, weight = linear[:, :, : self.ps.particles].sum(axis=2), self.ps.momentum.weight
        return {
            name: float(np.sum(weight * state.trace_product(H[:, None], both)))
            for name, H in self.of_momentum.items()
        }

    def of_modes(self, X: np.ndarray) -> float:
        """int sum Tr H (rho + rhobar) dz of the state X, all terms together. Collective."""
        if not self.of_momentum:
            return 0.0
        return sum(self.modes(mode_integrals(self.ps, X)[0]).values())

    def place(self, M: np.ndarray, t: float) -> dict[str, float]:
        """int sum Tr V (rho - rhobar) dz of each term from the momentum sums M of all rows."""
        now = {term.name: term.potential(self.ps, self.ps.z.z, t) for term in self.varying}
        return {name: self._integral(V, M) for name, V in (self.of_place | now).items()}

    def rate(self, M: np.ndarray, t: float) -> float:
        """int sum Tr d_tV (rho - rhobar) dz, all terms together, from M of all rows."""
        rates = [term.potential_rate(self.ps, self.ps.z.z, t) for term in self.varying]
        return sum(self._integral(V, M) for V in rates if V is not None)

    def _integral(self, V: np.ndarray, M: np.ndarray) -> float:
        return float(self.ps.z.dz * state.trace_product(V, M).sum())

    def density(self, M: np.ndarray) -> np.ndarray:
        """Tr V (rho - rhobar) of own rows, all terms without a V(t) together: (rows,)."""
        own = slice(*self.ps.z_range)
        return sum(
            (state.trace_product(V[own], M) for V in self.of_place.values()), np.zeros(len(M))
        )
