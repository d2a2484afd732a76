"""A phase space for file tests: all that files need of one, on one rank, without PETSc."""

import numpy as np

from hpcqke.parallel import world


class FlatSpace:
    rank, size = 0, 1

    def __init__(self, nz=64, momenta=2, directions=5, species=2, components=4):
        self.comm = world()
        self.nz, self.np, self.nv, self.S, self.C = nz, momenta, directions, species, components
        self.z_range, self.momentum_range, self.direction_range = (
            (0, nz),
            (0, momenta),
            (0, directions),
        )
        self.own = (slice(0, nz), slice(0, momenta), slice(0, directions))

    @property
    def natural_shape(self):
        return self.nz, self.np, self.nv, self.S, self.C

    def to_natural(self, X):
        return X.reshape(self.natural_shape).copy()

    def from_natural(self, A):
        return A.reshape(self.nz, -1).copy()

    def state(self, seed=0):
        """Some state X, another one for each seed."""
        return np.random.default_rng(seed).normal(
            size=(self.nz, self.np * self.nv * self.S * self.C)
        )


COORDS = {
    "z": (np.linspace(-1, 1, 64), {"units": "1/mu", "long_name": "position"}),
    "momentum": ([1.0, 2.0], {"units": "mu"}),
    "direction": (np.linspace(-1, 1, 5), {"units": "1", "long_name": "v = cos(theta)"}),
    "species": (["nu", "nubar"], {}),
    "component": (["P0", "Px", "Py", "Pz"], {}),
    "weight": (np.ones((2, 5)), {"dims": ("momentum", "direction"), "units": "1"}),
}
"""Coordinates of the default FlatSpace."""
