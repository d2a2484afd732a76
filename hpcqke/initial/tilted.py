"""A polarization that is tilted from place to place and from angle to angle, in a (p, v) gas.

    f_e = c G(p) (1 + par v)^4,  f_x = 0.8 c G(p) (1 - par v)^4,  G = exp(-(p - p0)^2/2 width^2)
    P = (f_e - f_x) (sin a cos b, sin a sin b, cos a),  a = (1 + v/2) theta(z)
    theta = amp [cos 2kz + 0.6 sin 3kz],  b = -2kz + 0.4 sin kz,  k = 2 pi/L

with c such that sum w (f_e + f_x) = 1: smooth, axially symmetric, different at every angle.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke.errors import CaseError
from hpcqke.initial.base import Recipe
from hpcqke.schema import number


class Tilted(Recipe):
    """A smooth axially symmetric gas whose polarization is tilted by place and angle."""

    name = "tilted"

    @dataclass(frozen=True, kw_only=True)
    class Config(Recipe.Config):
        """Width in momentum, forward peaking and size of the tilt."""

        momentum_width: float = number(above=0, unit="mu", doc="width of G(p)")
        par: float = number(0.95, minimum=0, maximum=1, doc="forward peaking of f_e")
        amp: float = number(0.1, minimum=0, maximum=1, doc="size of the tilt")

    @classmethod
    def fill(cls, config: Any, ps: Any, case: Any) -> np.ndarray:
        """rho of this rank's part; antineutrinos start empty."""
        if ps.N != 2:
            raise CaseError(["initial.recipe = 'tilted': is for flavors.count = 2"])
        grid = ps.momentum
        G = np.exp(-((grid.p / config.momentum_width) ** 2) / 2)[:, None]
        e = G * (1 + config.par * grid.v) ** 4
        x = 0.8 * G * (1 - config.par * grid.v) ** 4
        scale = 1 / np.sum(grid.weight * (e + x))
        own = ps.own[1:]
        number, length = scale * (e + x)[own], scale * (e - x)[own]
        phase = 2 * np.pi / ps.z.length * ps.z.z[slice(*ps.z_range)][:, None, None]
        theta = config.amp * (np.cos(2 * phase) + 0.6 * np.sin(3 * phase))
        a = (1 + grid.v[own[1]] / 2) * theta
        b = -2 * phase + 0.4 * np.sin(phase)
        A = np.zeros((ps.rows, *number.shape, ps.S, ps.C))
        A[..., 0, 0] = number
        A[..., 0, 1] = length * np.sin(a) * np.cos(b)
        A[..., 0, 2] = length * np.sin(a) * np.sin(b)
        A[..., 0, 3] = length * np.cos(a)
        return A
