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

from dataclasses import dataclass

import numpy as np

from hpcqke.grids import CENTRAL


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
