"""The derivative along the momentum's z component, X = d/dp_z, on the momentum grid.

    X = v d_p + (1 - v^2)/p d_v        (axial symmetry, p = |p|, v = cos theta)

It is a sum over next neighbours in |p| and in v and has two exact properties, on which energy and
number conservation rest: it is skew with respect to the weights of the modes, and X 1 = 0 away from
the ends of the momentum window.

* directions v = +-1 only: X = v D_q on q = |p| - p0, central differences of order 2 or 4 that see
  zeros beyond the window (the distribution must be small there);
* cells in (p, v): the finite volumes of the divergence theorem,
  (X f)_c = (1/V_c) [sum over inner faces A_cf f_nb/2 + sum over outer faces A_cf f_c/2],
  p-face A = p_f^2 (v_b^2 - v_a^2)/2, v-face A = (1 - v_f^2)(p_b^2 - p_a^2)/2,
  V = (p_b^3 - p_a^3)/3 (v_b - v_a); there is no face at p = 0 and at v = +-1.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from hpcqke.grids import CENTRAL, shells


@dataclass(frozen=True)
class MomentumOperator:
    """(X f)[i, d] = sum_k along_p[k + width][i, d] f[i + k, d] + below f[i, d-1] + above f[i, d+1].

    ``along_p`` (2 width + 1, momentum, direction), ``below`` and ``above`` (momentum, direction);
    ``energy`` the kinetic energy of a mode (momentum, direction), relative to p0; ``drift`` = X v,
    never taken across the ends of the window, where X of what does not vanish is meaningless.
    """

    along_p: np.ndarray
    below: np.ndarray
    above: np.ndarray
    energy: np.ndarray
    drift: np.ndarray

    @property
    def width(self) -> int:
        """Neighbours in |p| on each side."""
        return self.along_p.shape[0] // 2

    def __call__(self, f: np.ndarray) -> np.ndarray:
        """X f for f (momentum, direction, ...) on the whole grid, zeros beyond it."""
        extra = (1,) * (f.ndim - 2)
        n, w = f.shape[0], self.width
        out = np.zeros_like(f)
        for k in range(-w, w + 1):
            a, b = max(0, -k), min(n, n - k)
            weight = self.along_p[k + w, a:b].reshape(b - a, -1, *extra)
            out[a:b] += weight * f[a + k : b + k]
        out[:, 1:] += self.below[:, 1:].reshape(n, -1, *extra) * f[:, :-1]
        out[:, :-1] += self.above[:, :-1].reshape(n, -1, *extra) * f[:, 1:]
        return out

    def after(self, scale: np.ndarray) -> MomentumOperator:
        """X f(|p|), first the multiplication by ``scale`` = f of each momentum, then X."""
        n, w = scale.size, self.width
        there = np.pad(scale, w)
        along = np.stack([a * there[k : k + n, None] for k, a in enumerate(self.along_p)])
        column = scale[:, None]
        return replace(self, along_p=along, below=self.below * column, above=self.above * column)

    def repeated(self, azimuths: int) -> MomentumOperator:
        """The same at each of the azimuths, which X does not connect."""
        if azimuths == 1:
            return self
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        tiled = {name: np.tile(a, (1,) * (a.ndim - 1) + (azimuths,)) for name, a in arrays.items()}
        return MomentumOperator(**tiled)

    def inverse_momentum_drift(self, magnitude: np.ndarray) -> np.ndarray:
        """X (1/|p|), (momentum, direction); at the ends of the window -v/p^2, not X of a step."""
        inverse = np.broadcast_to(1 / magnitude[:, None], self.energy.shape)
        X = self(inverse)
        X[[0, -1]] = X[[1, -2]]
        return X

    @property
    def speed(self) -> np.ndarray:
        """The velocity that belongs to the energy, X energy where nothing lies outside."""
        return self(self.energy)


def on_axis(q: np.ndarray, v: np.ndarray, order: int) -> MomentumOperator:
    """X = v D_q for directions v = +-1 on the uniform grid q."""
    dq, width = q[1] - q[0], order // 2
    along = np.zeros((2 * width + 1, q.size, v.size))
    for m, c in enumerate(CENTRAL[order], start=1):
        along[width + m] = c / dq * v
        along[width - m] = -c / dq * v
    nothing = np.zeros((q.size, v.size))
    energy = np.broadcast_to(q[:, None], nothing.shape)
    return MomentumOperator(along, nothing, nothing, energy, nothing)


def finite_volumes(p_edges: np.ndarray, v_edges: np.ndarray, p0: float = 0.0) -> MomentumOperator:
    """X on cells between ``p_edges`` = |p| - p0 (n + 1) and ``v_edges`` (m + 1).

    The energy of a cell is that of its centroid, 3/4 (p_b^4 - p_a^4)/(p_b^3 - p_a^3) - p0.
    """
    va, vb = v_edges[None, :-1], v_edges[None, 1:]
    unit = p0 if p0 > 0 else 1.0
    pa, pb = (p0 + p_edges[:-1, None]) / unit, (p0 + p_edges[1:, None]) / unit
    volume = shells(p_edges, p0)[:, None] * (vb - va)
    sides = (vb**2 - va**2) / 2
    left, right = pa**2 * sides, pb**2 * sides
    rings = np.diff(p_edges)[:, None] / unit * (pb + pa) / 2
    below, above = (1 - va**2) * rings, (1 - vb**2) * rings
    # A face between two cells carries the mean of both: the cell's own share adds up to zero but
    # for the outer faces, whose value is the cell's own.
    own = np.zeros_like(volume)
    own[0] -= left[0] / 2
    own[-1] += right[-1] / 2
    along = np.stack([-left / 2, own, right / 2]) / volume
    along[0, 0] = along[2, -1] = 0.0
    energy = np.broadcast_to(centroids(p_edges, p0)[:, None], volume.shape).copy()
    operator = MomentumOperator(along, -below / 2 / volume, above / 2 / volume, energy, energy)
    v = np.broadcast_to(0.5 * (va + vb), volume.shape)
    return MomentumOperator(along, operator.below, operator.above, energy, operator(v))


def centroids(p_edges: np.ndarray, p0: float = 0.0) -> np.ndarray:
    """3/4 (p_b^4 - p_a^4)/(p_b^3 - p_a^3) - p0, without the difference of large numbers."""
    middle = p0 + 0.5 * (p_edges[:-1] + p_edges[1:])
    half = 0.5 * np.diff(p_edges)
    # int p^3 / int p^2 over [m - h, m + h] = m (m^2 + h^2)/(m^2 + h^2/3)
    return 0.5 * (p_edges[:-1] + p_edges[1:]) + middle * (2 * half**2 / 3) / (
        middle**2 + half**2 / 3
    )
