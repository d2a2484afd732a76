"""Streaming and gradient terms of a phase space as one matrix-Arakawa bracket."""

from __future__ import annotations

import numpy as np

from hpcqke.channels import inner_derivative
from hpcqke.gradient_flow import summed, with_trace
from hpcqke.kernels.arakawa import Arakawa


class ArakawaFlow:
    """(J1 + J2 + J3)/3 of `hpcqke.terms.gradient` for every cell of this rank.

    h = energy + H(p) + Omega0 + V(z) for neutrinos, energy + H(p) - Omega0 - V for antineutrinos.
    ``others`` are the Hamiltonian terms beside Omega0. X of the energy, of v and of 1/|p| are those
    of the momentum operator, which never reaches over the ends of the window.
    """

    tracer_scale = 1.0

    def __init__(self, ps, term, order: int, others=(), channels=()) -> None:
        if channels:
            raise ValueError("the Arakawa form is for axial symmetry")
        self.ps, self.order, self.width = ps, order, order // 2
        self.operator = operator = term.operator(ps.momentum)
        own, u = ps.own[1:], operator.width

        def pack(a: np.ndarray) -> np.ndarray:
            return ps.pack_modes(a[own])

        def with_ghosts(a: np.ndarray) -> np.ndarray:
            padded = np.pad(a, ((u, u), (0, 0)))
            return ps.pack_modes(padded[own[0].start : own[0].stop + 2 * u, own[1]])

        self._potential = summed(t.potential(ps, ps.positions(ps.ghosts.width_z)) for t in others)
        # H(p) = H(1)/|p|, with the same matrix everywhere.
        vacuum = summed(t.matrix(np.ones(1)) for t in others)
        mass = unmass = np.zeros(operator.energy.shape)
        if vacuum is not None:
            mass = np.broadcast_to(1 / ps.momentum.magnitude[:, None], mass.shape)
            unmass = operator.inverse_momentum_drift(ps.momentum.magnitude)
        speed = operator.speed
        if ps.momentum.v_edges is None:
            speed = np.broadcast_to(ps.momentum.v, speed.shape)
        self._bracket = Arakawa(
            ps.N,
            ps.S,
            ps.v[: ps.blocks.per_column],
            ps.blocks.per_column,
            np.stack([pack(a) for a in operator.along_p]),
            pack(operator.below),
            pack(operator.above),
            with_ghosts(operator.energy),
            with_ghosts(mass),
            pack(speed),
            pack(operator.drift),
            pack(unmass),
            None if vacuum is None else vacuum[0],
            order=order,
            dz=ps.z.dz,
        )

    def add(
        self, X: np.ndarray, F: np.ndarray, mean: np.ndarray, flux: np.ndarray, fields=()
    ) -> None:
        """F += streaming and gradient terms; mean A = mu M, flux B = mu F of own and ghost rows."""
        ghosts = self.ps.ghosts
        A, B = with_trace(mean), with_trace(flux)
        if self._potential is not None:
            A = A + self._potential
        dA, dB = (inner_derivative(field, self.order, self.ps.z.dz) for field in (A, B))
        around = (ghosts.lo, ghosts.hi, ghosts.before, ghosts.after, ghosts.corners)
        self._bracket.add(X, *around, A, B, dA, dB, F)
