"""The gradient terms on a phase space: mean fields with their gradients, handed to the kernel."""

from __future__ import annotations

import numpy as np

from hpcqke import state
from hpcqke.channels import inner_derivative
from hpcqke.kernels.bracket import Bracket, Sweep


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


class GradientFlow:
    """X(rho o d_z h) - d_z(rho o X h) for every cell of this rank, h without the kinetic energy.

    h = Omega0 + V(z) + H(p) for neutrinos, -Omega0 - V + H for antineutrinos: matter adds to the
    force, vacuum oscillations to the velocity. ``others`` are the Hamiltonian terms beside Omega0,
    ``channels`` the `hpcqke.channels` in which h depends on the azimuth.
    """

    def __init__(self, ps, term, order: int, others=(), channels=()) -> None:
        self.ps, self.term, self.order = ps, term, order
        self.operator = operator = term.operator(ps.momentum)
        own = ps.own[1:]
        # Fields are given on own rows and w rows around them, of which there may be more.
        self.width = w = order // 2
        spare = ps.ghosts.width_z - w
        self._lo, self._hi = ps.ghosts.lo[spare:], ps.ghosts.hi[:w]
        self.tracer = term.config.mode == "tracer"
        self.tracer_scale = ps.momentum.p0 if self.tracer and ps.momentum.p0 > 0 else 1.0
        self._response = ps.aligned() if self.tracer else None
        self._has_drift = bool(operator.drift.any()) and term.config.group_velocity

        def pack(a: np.ndarray) -> np.ndarray:
            return ps.pack_modes(a[..., own[0], own[1]])

        def bracket(drift: np.ndarray, v: np.ndarray = ps.v, operator=operator) -> Bracket:
            return Bracket(
                ps.N,
                ps.S,
                v,
                ps.blocks.per_column,
                np.stack([pack(a) for a in operator.along_p]),
                pack(operator.below),
                pack(operator.above),
                pack(drift),
                order=order,
                dz=ps.z.dz,
            )

        self._bracket = bracket(operator.drift)
        self._potential = summed(t.potential(ps, ps.positions(w)) for t in others)
        # H(p) = H(1)/|p|: its drift is -X(1/|p|) with the same matrix everywhere.
        self._matrix = summed(t.matrix(np.ones(1)) for t in others)
        self._vacuum = None
        if self._matrix is not None and term.config.group_velocity:
            self._vacuum = bracket(-operator.inverse_momentum_drift(ps.momentum.magnitude))
            rows = ps.rows + 2 * w
            self._matrix = np.ascontiguousarray(np.broadcast_to(self._matrix, (rows, ps.C)))
        # In h = f(|p|) n(v, phi) B the kernel has one n for all |p|: f goes with X, as X f.
        self._channels = [
            (
                bracket(operator(c.scale[:, None] * c.n), pack(c.n), operator.after(c.scale)),
                c.even,
            )
            for c in channels
        ]
        even = self._vacuum is not None or any(c.even for c in channels)
        self._part = ps.aligned() if even else None
        self._nothing = np.zeros((ps.rows, ps.C))

    def sweep(self, kernel, mean, mode) -> Sweep | None:
        """The whole slope in one pass, with the `Kinetic` kernel and its fixed Hamiltonian.

        None if more takes part than the force and drift of one h(z) - v B(z).
        """
        if self.tracer or self._part is not None or self._channels:
            return None
        return Sweep(
            self._bracket,
            kernel,
            self.ps.rows,
            self.ps.z.dz,
            force=self.term.config.weak_force,
            drift=self._has_drift,
            potential=self._potential,
            mean=mean,
            mode=mode,
        )

    def add(
        self, X: np.ndarray, F: np.ndarray, mean: np.ndarray, flux: np.ndarray, fields=()
    ) -> None:
        """F += the gradient terms; mean A = mu M, flux B = mu F of own and ghost rows.

        ``fields``: B_u of each channel on the same rows, None if it takes no part.
        Tracer mode: rho feels nothing, the trace of what it would feel drives the tracer.
        """
        if self.tracer:
            G = self._response
            G[...] = 0.0
            self._add(X, G, mean, flux, fields)
            shape = (self.ps.rows, -1, 2, self.ps.C, self.ps.blocks.width)
            slope, response = F.reshape(shape), G.reshape(shape)
            kept = 1 if self.ps.N == 2 else 3  # components that make up the trace
            drive = response[:, :, 0, :kept].sum(axis=2)
            slope[:, :, 1, 0] += self.tracer_scale * drive
        else:
            self._add(X, F, mean, flux, fields)

    def _add(self, X, F, mean, flux, fields) -> None:
        ps, ghosts, rows = self.ps, self.ps.ghosts, self.ps.rows
        A, B = with_trace(mean), with_trace(flux)
        if self._potential is not None:
            A = A + self._potential
        if self.term.config.weak_force:
            both = inner_derivative(np.concatenate([A, B], axis=1), self.order, ps.z.dz)
            dA, dB = (np.ascontiguousarray(half) for half in (both[:, : ps.C], both[:, ps.C :]))
            self._bracket.force(X, ghosts.before, ghosts.after, dA, dB, F, 0, rows)
        if self._has_drift:
            self._bracket.drift(X, self._lo, self._hi, B, F, 0, ps.rows)
        both = list(zip(self._channels, fields, strict=True))
        for (channel, even), field in both:
            if not even:
                self._add_channel(channel, field, X, F)
        if self._part is not None:
            even = [(channel, field) for (channel, even), field in both if even]
            self._add_even(X, F, even)

    def _add_channel(self, bracket: Bracket, field: np.ndarray | None, X, F) -> None:
        """X(rho o d_z h) - d_z(rho o X h) of h = -u B_u."""
        if field is None:
            return
        ghosts, rows, config = self.ps.ghosts, self.ps.rows, self.term.config
        B = with_trace(field)
        if config.weak_force:
            dB = inner_derivative(B, self.order, self.ps.z.dz)
            bracket.force(X, ghosts.before, ghosts.after, self._nothing, dB, F, 0, rows)
        if config.group_velocity:
            bracket.drift(X, self._lo, self._hi, B, F, 0, rows)

    def _add_even(self, X: np.ndarray, F: np.ndarray, channels) -> None:
        """What has the same sign for both species, H(p) and 1/|p| curl F; kernels give nubar -."""
        ps = self.ps
        G = self._part
        G[...] = 0.0
        if self._vacuum is not None:
            self._vacuum.drift(X, self._lo, self._hi, self._matrix, G, 0, ps.rows)
        for channel, field in channels:
            self._add_channel(channel, field, X, G)
        shape = (ps.rows, -1, ps.S, ps.C * ps.blocks.width)
        slope, part = F.reshape(shape), G.reshape(shape)
        slope[:, :, 0] += part[:, :, 0]
        if ps.particles == 2:
            slope[:, :, 1] -= part[:, :, 1]
