"""The gradient terms on a phase space: mean fields with their gradients, handed to the kernel."""

from __future__ import annotations

import numpy as np

from hpcqke import state
from hpcqke.grids import CENTRAL
from hpcqke.kernels.bracket import Bracket


def with_trace(field: np.ndarray) -> np.ndarray:
    """X + Tr X in components (..., N_f^2): what Eq. (17) adds for the force."""
    out, trace = field.copy(), state.trace(field)
    if state.number_of_flavors(field.shape[-1]) == 2:
        out[..., 0] += 2 * trace  # the unit matrix has P0 = 2
    else:
        out[..., :3] += trace[..., None]
    return out


def summed(parts) -> np.ndarray | None:
    """The sum of those that are there, None if none is."""
    there = [part for part in parts if part is not None]
    return sum(there[1:], there[0]) if there else None


def derivative(ps, order: int, rows: np.ndarray) -> np.ndarray:
    """d_z of own rows from ``rows``, which has the ghost rows around them."""
    w, n = ps.ghosts.width_z, ps.rows
    out = np.zeros((n, rows.shape[1]))
    for m, c in enumerate(CENTRAL[order], start=1):
        out += c * (rows[w + m : w + m + n] - rows[w - m : w - m + n])
    return out / ps.z.dz


class GradientFlow:
    """X(rho o d_z h) - d_z(rho o X h) for every cell of this rank, h without the kinetic energy.

    h = Omega0 + V(z) + H(p) for neutrinos, -Omega0 - V + H for antineutrinos: matter adds to the
    force, vacuum oscillations to the velocity. ``others`` are the Hamiltonian terms beside Omega0.
    """

    def __init__(self, ps, term, order: int, others=()) -> None:
        self.ps, self.term, self.order = ps, term, order
        self.operator = operator = term.operator(ps.momentum)
        own = ps.own[1:]
        self.tracer = term.config.mode == "tracer"
        self.tracer_scale = ps.momentum.p0 if self.tracer and ps.momentum.p0 > 0 else 1.0
        self._response = ps.aligned() if self.tracer else None
        self._has_drift = bool(operator.drift.any()) and term.config.group_velocity

        def pack(a: np.ndarray) -> np.ndarray:
            return ps.pack_modes(a[..., own[0], own[1]])

        def bracket(drift: np.ndarray) -> Bracket:
            return Bracket(
                ps.N,
                ps.S,
                ps.v,
                ps.blocks.per_column,
                np.stack([pack(a) for a in operator.along_p]),
                pack(operator.below),
                pack(operator.above),
                pack(drift),
                order=order,
                dz=ps.z.dz,
            )

        self._bracket = bracket(operator.drift)
        self._potential = summed(t.potential(ps, ps.positions(ps.ghosts.width_z)) for t in others)
        # H(p) = H(1)/|p|: its drift is -X(1/|p|) with the same matrix everywhere.
        self._matrix = summed(t.matrix(np.ones(1)) for t in others)
        self._vacuum = None
        if self._matrix is not None and term.config.group_velocity:
            self._vacuum = bracket(-operator.inverse_momentum_drift(ps.momentum.magnitude))
            rows = ps.rows + 2 * ps.ghosts.width_z
            self._matrix = np.ascontiguousarray(np.broadcast_to(self._matrix, (rows, ps.C)))
        self._part = ps.aligned() if self._vacuum is not None else None

    def add(self, X: np.ndarray, F: np.ndarray, mean: np.ndarray, flux: np.ndarray) -> None:
        """F += the gradient terms; mean A = mu M, flux B = mu F of own and ghost rows.

        Tracer mode: rho feels nothing, the trace of what it would feel drives the tracer.
        """
        if self.tracer:
            G = self._response
            G[...] = 0.0
            self._add(X, G, mean, flux)
            shape = (self.ps.rows, -1, 2, self.ps.C, self.ps.blocks.width)
            slope, response = F.reshape(shape), G.reshape(shape)
            kept = 1 if self.ps.N == 2 else 3  # components that make up the trace
            drive = response[:, :, 0, :kept].sum(axis=2)
            slope[:, :, 1, 0] += self.tracer_scale * drive
        else:
            self._add(X, F, mean, flux)

    def _add(self, X: np.ndarray, F: np.ndarray, mean: np.ndarray, flux: np.ndarray) -> None:
        ps, ghosts, rows = self.ps, self.ps.ghosts, self.ps.rows
        A, B = with_trace(mean), with_trace(flux)
        if self._potential is not None:
            A = A + self._potential
        if self.term.config.weak_force:
            dA, dB = (derivative(ps, self.order, field) for field in (A, B))
            self._bracket.force(X, ghosts.before, ghosts.after, dA, dB, F, 0, rows)
        if self._has_drift:
            self._bracket.drift(X, ghosts.lo, ghosts.hi, B, F, 0, ps.rows)
        if self._vacuum is not None:
            self._add_vacuum(X, F)

    def _add_vacuum(self, X: np.ndarray, F: np.ndarray) -> None:
        """-d_z(rho o X H(p)), with the same sign for both species; the kernel has - for nubar."""
        ps, ghosts = self.ps, self.ps.ghosts
        G = self._part
        G[...] = 0.0
        self._vacuum.drift(X, ghosts.lo, ghosts.hi, self._matrix, G, 0, ps.rows)
        shape = (ps.rows, -1, ps.S, ps.C * ps.blocks.width)
        slope, part = F.reshape(shape), G.reshape(shape)
        slope[:, :, 0] += part[:, :, 0]
        if ps.particles == 2:
            slope[:, :, 1] -= part[:, :, 1]
