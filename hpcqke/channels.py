"""Without axial symmetry: the parts of h that multiply other functions of momentum than 1 and v.

    h = A - v B - sum_u u(p) B_u,    u = n_x, n_y  (and n_x/|p|, n_y/|p| with Eq. (18))

A *channel* is one such u: its sum over momentum and its share of the commutator are those of the
kinetic kernel with u in the place of v. With  1 - n.n'  in the interaction and the extra term

    d Omega_p = c18 mu [(n_x d_z F_y - n_y d_z F_x)/|p| + n_x d_z G_y - n_y d_z G_x]      Eq. (18)

the fields are B_x = mu F_x - c18 mu d_z G_y, B_y = mu F_y + c18 mu d_z G_x, and for n_x/|p| and
n_y/|p|  -c18 mu d_z F_y and c18 mu d_z F_x. The first two are *odd*: the energy of an antineutrino
has the opposite sign, and its commutator, which is transposed, the same as a neutrino's. The others
are *even*: the same energy, the opposite commutator; this makes G a sum of rho + rhobar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpcqke.grids import CENTRAL
from hpcqke.momentum_sums import MomentumSums
from hpcqke.species_view import kinetic_kernel


def inner_derivative(rows: np.ndarray, order: int, dz: float) -> np.ndarray:
    """d_z of ``rows`` but for the first and last order/2 of them, which it reaches into."""
    w = order // 2
    n = len(rows) - 2 * w
    out = np.zeros((n, *rows.shape[1:]))
    for m, c in enumerate(CENTRAL[order], start=1):
        out += c * (rows[w + m : w + m + n] - rows[w - m : w - m + n])
    return out / dz


@dataclass(frozen=True)
class Field:
    """B_u of one channel: what the commutator gets on own rows, and the bracket around them."""

    commutator: np.ndarray
    bracket: np.ndarray | None


class Channel:
    """u = n_x or n_y (``axis`` 0 or 1), over |p| if ``over_p``, with its kernel and its sums."""

    def __init__(self, ps, axis: int, over_p: bool, ghosts: bool) -> None:
        momentum = ps.momentum
        self.axis, self.even = axis, over_p
        self.scale = 1 / momentum.magnitude if over_p else np.ones(momentum.p.size)
        self.n = np.broadcast_to(momentum.transverse[axis], momentum.weight.shape)
        u = ps.pack_modes((self.scale[:, None] * self.n)[ps.own[1:]])
        signs = ps.field_factors if self.even else None
        self.kernel = kinetic_kernel(ps, ps.weight, ps.field_factors, v=u, signs=signs)
        self.own_sums = MomentumSums(ps, self.kernel)
        self.sums = MomentumSums(ps, self.kernel, ghosts=True) if ghosts else self.own_sums


class Transverse:
    """The channels of a phase space with azimuth bins. ``c18``: the coefficient of Eq. (18)."""

    def __init__(self, ps, order: int, ghosts: bool, c18: float = 0.0, inside: bool = True) -> None:
        self.ps, self.order, self.c18, self.inside = ps, order, c18, inside
        self.width = order // 2 if ghosts else 0
        kinds = (False, True) if c18 else (False,)
        self.channels = [Channel(ps, axis, kind, ghosts) for kind in kinds for axis in (0, 1)]

    def start(self, *arrays: np.ndarray) -> list:
        """Begin the sums of X, or of (lo, X, hi)."""
        return [channel.sums.start(*arrays) for channel in self.channels]

    def finish(self, requests: list, mu: float) -> list[Field]:
        """The field of every channel."""
        C = self.ps.C
        sums = [
            mu * channel.sums.finish(request)[:, C:]
            for channel, request in zip(self.channels, requests, strict=True)
        ]
        extra = self._extra(sums) if self.c18 else [None] * len(sums)
        return [self._field(k, sums[k], extra[k]) for k in range(len(sums))]

    def _extra(self, sums: list[np.ndarray]) -> list[np.ndarray]:
        """What Eq. (18) adds to each B_u, on own rows and ``width`` ghost rows."""
        signs = (-self.c18, self.c18, -self.c18, self.c18)
        partners = (3, 2, 1, 0)  # G_y, G_x, F_y, F_x
        dz = self.ps.z.dz
        return [
            sign * inner_derivative(sums[k], self.order, dz)
            for sign, k in zip(signs, partners, strict=True)
        ]

    def _field(self, k: int, flux: np.ndarray, extra: np.ndarray | None) -> Field:
        own = slice(self.width, self.width + self.ps.rows)
        if extra is None:
            return Field(np.ascontiguousarray(flux[own]), flux)
        inner = len(flux) - len(extra)
        refraction = flux[inner // 2 : len(flux) - inner // 2]
        whole = extra if self.channels[k].even else refraction + extra
        if not self.inside:
            bracket = None if self.channels[k].even else refraction
        else:
            bracket = whole
        return Field(np.ascontiguousarray(whole[own]), bracket)

    def commutators(self, X: np.ndarray, fields: list[Field], F: np.ndarray) -> None:
        """F += i[rho, -u B_u] of every channel."""
        nothing = np.zeros((self.ps.rows, self.ps.C))
        for channel, field in zip(self.channels, fields, strict=True):
            channel.kernel.commutator(X, nothing, field.commutator, None, F)

    def moments(self, X: np.ndarray) -> list[np.ndarray]:
        """F_x, F_y (and G_x, G_y) of own rows."""
        C = self.ps.C
        sums = [channel.own_sums for channel in self.channels]
        return [s.finish(s.start(X))[:, C:].copy() for s in sums]
