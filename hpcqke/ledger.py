"""The kinetic energy that the weak force hands out, beside Eq. (1): a ledger of each direction.

Refraction changes |p| by about mu, a part of 1e-11 of it, which flavor does not notice. To first
order in mu/|p| the gradient terms of Eq. (16) therefore add to Tr rho of every momentum a response
rho1 that acts back on nothing,

    d_t rho1 + v d_z rho1 = Tr[X(rho o d_z Omega) - d_z(rho o X Omega)],
    X = d/dp_z = v d_p + ((1 - v^2)/p) d_v,    Omega = A - v B = mu [(M + Tr M) - v (F + Tr F)].

All that the energies need of it is one number for each direction, e_v = int p^2 dp p rho1, whatever
the spectrum. By parts in p, with G_v = Tr(rho_v d_z Omega_v) and X Omega = -((1 - v^2)/p) B,

    d_t e_v + v d_z e_v = -v G_v + d_v[(1 - v^2) G_v] + d_z[(1 - v^2) Tr(rho_v B)]:

the force along z does work -v G_v, and turns neutrinos, which takes their energy to other v. For
antineutrinos the right-hand side has the other sign. Over the box all d_z drop out, and with the
skew D_z of the advection, by parts again, the sum of G_v over z is that of -Tr(Omega_v D_z rho_v),
which needs no neighbour's Omega (cython_kernels/tally.h). So

    dK_v/dt = v S_v - d_v[(1 - v^2) S_v],    S_v = int Tr(Omega_v D_z rho_v) dz,

per direction, no momentum grid, no state but K_v. The v derivative is of finite volumes: the cells
of a quadrature rule lie between the sums of its weights and exchange what flows through their faces
(1 - v_f^2) (S_a + S_b)/2. Beams that a case lists by hand have no cells, and keep what they get.
Summed over directions sum v S_v = -dU/dt for the very rho of every stage; K_v gets the stages'
Runge-Kutta weights, so K + U changes by what the method misses in quadratic invariants only.
"""

from __future__ import annotations

import numpy as np

from hpcqke.errors import NumericsError
from hpcqke.grids import CENTRAL
from hpcqke.kernels import kinetic

ROUNDED = 2.0**50
"""The largest integer that one row may be rounded to (2^51 cannot be, see tally.h)."""

LIMB = 2.0**40
"""The unit of what is left of a rounded value."""


class Ledger:
    """K_v since the start of a run: ``kinetic`` (direction, species), in mu n/mu, on all ranks.

    ``work`` is v S_v alone, what neutrinos have lost or won while they went in a direction: its sum
    is the same, but K_v also has the whole energy of those that the force has turned to v.
    ``rate``: a bound on |Omega| for unit polarizations. A rank has all momenta of its rows.
    """

    def __init__(self, ps, kernel, order: int, rate: float) -> None:
        self.ps, self._kernel, self._rate = ps, kernel, rate
        self._difference = 2 * sum(abs(c) for c in CENTRAL[order])
        self._signs = np.array([1.0, -1.0])[: ps.particles]
        edges = ps.momentum.v_cells
        self._faces = None if edges is None else (1 - edges[1:-1] ** 2)[:, None]
        self.restore(None)

    def restore(self, kept: dict | None) -> None:
        """Begin at K = 0 (None), or go on from what `keep` gave."""
        nothing = np.zeros((self.ps.nv, self.ps.particles))
        kept = kept or {"kinetic": nothing, "work": nothing, "unit": None}
        self.kinetic, self.work = (np.array(kept[k], dtype=float) for k in ("kinetic", "work"))
        self._up = kept["unit"]
        self.tally = None

    def keep(self) -> dict:
        """What a checkpoint must remember."""
        parts = {"kinetic": self.kinetic.tolist(), "work": self.work.tolist()}
        return parts | {"unit": self._up}

    def open(self, stages: int, X: np.ndarray) -> None:
        """Make `tally` for steps of so many stages, the first of which starts at X. Collective."""
        if self._up is None:
            self._up = self._unit(X)
        self.tally = kinetic.Tally(self._kernel, stages)
        self.tally.scale(self._up)

    def _unit(self, X: np.ndarray) -> float:
        """The power of two that makes integers of the rows' values; the same on all ranks."""
        from mpi4py import MPI

        largest = self.ps.comm.allreduce(float(np.abs(X).max(initial=0.0)), MPI.MAX)
        bound = 2 * self._rate * largest**2 * self._difference * np.sqrt(self.ps.nz)
        return 2.0 ** np.floor(np.log2(ROUNDED / bound)) if 0 < bound < np.inf else 1.0

    def step(self, h: float, weights: np.ndarray) -> None:
        """K_v += h sum_i b_i dK_v/dt of the stages since the last `clear`. Collective."""
        from mpi4py import MPI

        ps, tally = self.ps, self.tally
        sums = np.append(tally.sums, int(not np.all(tally.squares < ROUNDED**2)))
        if ps.ranks_z > 1:
            ps.z_comm.Allreduce(MPI.IN_PLACE, sums, MPI.SUM)
        if sums[-1]:
            raise NumericsError("ledger: rho has grown beyond what its sums were laid out for")
        high, low = sums[:-1].reshape(2, len(tally.squares), -1)
        stages = (high + low / LIMB) / self._up
        change = np.zeros(stages.shape[1])
        for b, stage in zip(weights, stages, strict=True):
            change += (h * b) * stage
        modes = ps.unpack_modes(change, 1)[..., 0]  # (momentum, direction, species)
        S = (modes * ps.momentum.weight[..., None]).sum(axis=0) * self._signs
        work = ps.momentum.v[:, None] * S
        self.kinetic += work
        self.work += work
        if self._faces is not None:
            density = S / ps.momentum.v_weight[:, None]
            through = self._faces * 0.5 * (density[:-1] + density[1:])
            self.kinetic[:-1] -= through
            self.kinetic[1:] += through

    def clear(self) -> None:
        """A new step, or the same one anew."""
        self.tally.clear()
