"""Problems for the gradient terms' kernels, and the same terms with NumPy's complex matrices."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from kernel_layouts import to_components, to_matrix

from hpcqke.kernels import bracket, reference_bracket
from hpcqke.kernels.kinetic import DIFFERENCE
from hpcqke.momentum_operator import MomentumOperator, finite_volumes, on_axis

MODULES = pytest.mark.parametrize("module", [bracket, reference_bracket],
                                  ids=["bracket", "reference"])
OPERATORS = ("axis-2", "axis-4", "volumes", "random")
DZ = 0.1


def operator(kind: str, momenta: int, directions: int, rng) -> tuple[np.ndarray, MomentumOperator]:
    """v and X for differences along v = +-1, finite volumes, or any numbers."""
    if kind.startswith("axis"):
        v = np.array([1.0, -1.0])
        return v, on_axis(0.25 * np.arange(momenta), v, int(kind[-1]))
    edges = np.linspace(-1, 1, directions + 1)
    v = (edges[1:] + edges[:-1]) / 2
    X = finite_volumes(np.linspace(0, momenta / 4, momenta + 1), edges)
    if kind == "random":
        below, above = rng.uniform(-1, 1, (2, momenta, directions))
        below[:, 0] = above[:, -1] = 0
        X = replace(X, along_p=rng.uniform(-1, 1, (5, momenta, directions)), below=below,
                    above=above)
    return v, X


@dataclass
class Problem:
    """A random state on nz rows, momenta and directions, and a mean field, in blocks of W lanes."""

    nflavors: int
    species: int
    W: int
    kind: str = "random"
    momenta: int = 6
    directions: int = 11
    nz: int = 5
    order: int = 8

    def __post_init__(self):
        rng = np.random.default_rng(5)
        self.C, self.w = self.nflavors**2, self.order // 2
        self.v, self.X = operator(self.kind, self.momenta, self.directions, rng)
        self.directions = len(self.v)
        self.per_column = -(-self.directions // self.W)
        modes = (self.momenta, self.directions)
        self.natural = rng.uniform(-1, 1, (self.nz + 2 * self.w, *modes, self.species, self.C))
        self.own = self.natural[self.w:self.w + self.nz]
        self.dA, self.dB = rng.uniform(-1, 1, (2, self.nz, self.C))
        self.B = rng.uniform(-1, 1, (self.nz + 2 * self.w, self.C))
        self.speed = rng.uniform(-1, 1, modes)
        self.sign = np.array([1.0, -1.0])[:self.species, None]

    def lanes(self, x: np.ndarray) -> np.ndarray:
        """(..., momentum, direction) -> (..., block, lane), padded with zeros."""
        padding = self.per_column * self.W - self.directions
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, padding)])
        return np.ascontiguousarray(x.reshape(*x.shape[:-2], -1, self.W))

    def rows(self, x: np.ndarray) -> np.ndarray:
        """(z, momentum, direction, S, C) -> (z, row)."""
        x = self.lanes(x.transpose(0, 3, 4, 1, 2))
        return np.ascontiguousarray(x.transpose(0, 3, 1, 2, 4)).reshape(len(x), -1)

    def to_natural(self, rows: np.ndarray) -> np.ndarray:
        """(z, row) -> (z, momentum, direction, S, C)."""
        x = rows.reshape(len(rows), self.momenta, self.per_column, -1, self.W).swapaxes(3, 4)
        x = x.reshape(len(rows), self.momenta, self.per_column * self.W, self.species, self.C)
        return x[:, :, :self.directions]

    def kernel(self, module, columns=slice(None), isa=None):
        """The Bracket of some columns."""
        v = np.broadcast_to(self.v, (self.momenta, self.directions))
        parts = (v, self.X.along_p, self.X.below, self.X.above, self.speed)
        v, *parts = (self.lanes(a[..., columns, :]) for a in parts)
        return module.Bracket(self.nflavors, self.species, v, self.per_column, *parts,
                              order=self.order, dz=DZ, isa=isa)

    def force(self, module, **options) -> np.ndarray:
        """The force on all columns, zeros beyond, added to 0, as rows."""
        X = self.rows(self.own)
        beyond = np.zeros((self.nz, X.shape[1] // self.momenta * self.X.width))
        F = np.zeros_like(X)
        self.kernel(module, **options).force(X, beyond, beyond, self.dA, self.dB, F, 0, self.nz)
        return F

    def drift(self, module, **options) -> np.ndarray:
        """The drift of all columns, added to 0, as rows."""
        lo, X, hi = np.split(self.rows(self.natural), [self.w, self.w + self.nz])
        F = np.zeros_like(X)
        self.kernel(module, **options).drift(X, lo, hi, self.B, F, 0, self.nz)
        return F

    def paper_force(self) -> np.ndarray:
        """+-X 1/2{rho, dA - v dB} by complex matrices, in natural order."""
        h = self.dA[:, None] - self.v[:, None] * self.dB[:, None]
        rho, h = to_matrix(self.own), to_matrix(h[:, None, :, None])
        g = to_components((rho @ h + h @ rho) / 2)
        return self.sign * np.moveaxis(self.X(np.moveaxis(g, 0, 2)), 2, 0)

    def paper_drift(self) -> np.ndarray:
        """+-D_z(speed 1/2{rho, B}) by complex matrices, in natural order."""
        rho, h = to_matrix(self.natural), to_matrix(self.B[:, None, None, None])
        g = self.speed[..., None, None] * to_components((rho @ h + h @ rho) / 2)
        ahead = {m: g[self.w + m:self.w + m + self.nz] for m in range(-self.w, self.w + 1)}
        slope = sum(c * (ahead[m] - ahead[-m]) for m, c in enumerate(DIFFERENCE[self.w], start=1))
        return self.sign * slope / DZ
