"""The grids: cells along z, and momentum modes (|p| x direction) packed into blocks of lanes.

Directions are stored in blocks of W lanes (W = 1, 2, 4 or 8, padded with lanes of weight zero), so
that one vector instruction serves W directions. A *column* is what PETSc's DMDA distributes along
momentum: one direction block if there is a single |p|, otherwise one |p| with all its blocks.
A *chunk* is a run of columns whose momentum sum is formed on one rank and then added to the
others' in chunk order: chunks depend on the case only, so that sums have the same bits on any
number of ranks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

CENTRAL = {
    2: (1 / 2,),
    4: (2 / 3, -1 / 12),
    6: (3 / 4, -3 / 20, 1 / 60),
    8: (4 / 5, -1 / 5, 4 / 105, -1 / 280),
}
"""Central differences  f' = (1/dz) sum_m c_m (f_{+m} - f_{-m}),  m = 1 ... order/2."""

UPWIND = {
    1: (1.0,),
    3: (-1 / 6, 5 / 6, 2 / 6),
    5: (2 / 60, -13 / 60, 47 / 60, 27 / 60, -3 / 60),
}
"""The face after cell j, f_{j+1/2} = v sum_m c_m rho_{j+m},  m = -(order-1)/2 ..., for v > 0."""

LANES = 8
MOST_CHUNKS = 8


@dataclass(frozen=True)
class ZGrid:
    """z_j = -L/2 + j L/n,  j = 0 ... n-1 (lengths in 1/mu); + L/2n in open boxes.

    Rows of an open box are the middles of its cells, and its ends are faces.
    """

    length: float
    cells: int
    boundary: str | tuple[str, str] = "periodic"

    @property
    def ends(self) -> tuple[str, str] | None:
        """What the left and the right end of an open box are; None if it is periodic."""
        if self.boundary == "periodic":
            return None
        return (self.boundary,) * 2 if isinstance(self.boundary, str) else self.boundary

    @property
    def dz(self) -> float:
        return self.length / self.cells

    @property
    def z(self) -> np.ndarray:
        first = -0.5 * self.length + (0.5 * self.dz if self.ends else 0.0)
        return first + self.dz * np.arange(self.cells)

    @property
    def k(self) -> np.ndarray:
        """Signed wave numbers 2 pi n / L in the order of numpy.fft.fftfreq."""
        return 2.0 * np.pi * np.fft.fftfreq(self.cells, self.dz)


def quadrature(rule: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions v in [-1, 1] and weights of a rule: gauss-legendre or uniform (midpoint)."""
    if rule == "gauss-legendre":
        return np.polynomial.legendre.leggauss(count)
    dv = 2.0 / count
    return -1.0 + dv * (np.arange(count) + 0.5), np.full(count, dv)


@dataclass(frozen=True)
class MomentumGrid:
    """Directions v = cos(theta) and momenta |p| with their weights; sum_p = sum of w_p w_v.

    With ``azimuths`` = N_phi > 1 a direction is (v, phi): the list of v is repeated for each of the
    angles phi = 2 pi j/N_phi, v running fastest, and the weights are w_v/N_phi.
    """

    v: np.ndarray
    v_weight: np.ndarray
    p: np.ndarray
    p_weight: np.ndarray
    p0: float = 0.0
    p_edges: np.ndarray | None = None
    v_edges: np.ndarray | None = None
    azimuths: int = 1
    in_frequency: bool = False
    v_cells: np.ndarray | None = None
    """For directions of a rule, the ends of their cells: its weights fill -1 ... 1."""

    @classmethod
    def from_case(cls, section) -> MomentumGrid:
        """The grid of a case's section grid.momentum."""
        grid = cls._axisymmetric(section)
        n = section.azimuths
        if n == 1:
            return grid
        v, weight = np.tile(grid.v, n), np.tile(grid.v_weight / n, n)
        return replace(grid, v=v, v_weight=weight, azimuths=n)

    @classmethod
    def _axisymmetric(cls, section) -> MomentumGrid:
        if section.rule is not None:
            v, w = quadrature(section.rule, section.count)
        else:
            v = np.array(section.directions, dtype=float)
            w = np.ones_like(v)
        if section.weights is not None:
            w = np.array(section.weights, dtype=float)
        if section.offset_range is not None:
            edges = np.linspace(*section.offset_range, section.offset_cells + 1)
            q = 0.5 * (edges[:-1] + edges[1:])
            if section.rule == "uniform":
                v_edges = np.linspace(-1, 1, section.count + 1)
                return cls(v, w, q, shells(edges, section.p0), section.p0, edges, v_edges)
            return cls(v, w, q, np.diff(edges), section.p0, edges)
        p = np.array(section.momenta, dtype=float)
        pw = np.ones_like(p)
        if section.momenta_weights is not None:
            pw = np.array(section.momenta_weights, dtype=float)
        in_frequency = section.frequencies is not None or section.frequency_range is not None
        v_cells = None
        if section.rule is not None:
            v_cells = np.concatenate([[-1.0], np.cumsum(w) - 1.0])
        return cls(v, w, p, pw, in_frequency=in_frequency, v_cells=v_cells)

    @property
    def azimuth(self) -> np.ndarray:
        """phi of each direction."""
        angles = 2 * np.pi / self.azimuths * np.arange(self.azimuths)
        return np.repeat(angles, self.v.size // self.azimuths)

    @property
    def transverse(self) -> np.ndarray:
        """n_x and n_y of each direction, sqrt(1 - v^2) (cos phi, sin phi): (2, direction)."""
        return np.sqrt(1 - self.v**2) * np.stack([np.cos(self.azimuth), np.sin(self.azimuth)])

    @property
    def weight(self) -> np.ndarray:
        """Weights of the modes, shape (momentum, direction)."""
        return self.p_weight[:, None] * self.v_weight[None, :]

    @property
    def magnitude(self) -> np.ndarray:
        """|p| = p0 + q of each bin."""
        return self.p0 + self.p

    def natural_width(self) -> int:
        """Lanes of a block: as many as there are directions, up to 8."""
        return next(w for w in (1, 2, 4, LANES) if w >= min(self.v.size, LANES))

    def blocks(self, ranks: int = 1) -> Blocks:
        """How the modes are packed, for at most ``ranks`` ranks along momentum."""
        width = self.natural_width()
        if self.p.size == 1 and self.v.size <= 2 * LANES:
            # Few directions: narrower blocks let more ranks share them, with the same sums.
            while ranks > -(-self.v.size // width) and width > 1:
                width //= 2
        return Blocks(self, width)


def shells(q_edges: np.ndarray, p0: float) -> np.ndarray:
    """int p^2 dp over cells, in units of p0^2 (of 1 if p0 = 0): the weights of a grid in (p, v)."""
    qa, qb = q_edges[:-1], q_edges[1:]
    unit = p0 if p0 > 0 else 1.0
    pa, pb = (p0 + qa) / unit, (p0 + qb) / unit
    return (qb - qa) * (pa * pa + pa * pb + pb * pb) / 3


class Blocks:
    """The modes in blocks of ``width`` lanes, the columns they form and the chunks they sum in.

    Attributes: ``count`` blocks in all, ``columns``, ``per_column`` (blocks), ``v`` and ``weight``
    of shape (count, width), ``chunk_columns`` (first column of each chunk, then the number of
    columns), ``group`` (chunks that belong to one aligned group of eight directions).
    """

    def __init__(self, grid: MomentumGrid, width: int) -> None:
        self.width = width
        nv, npm = grid.v.size, grid.p.size
        per_p = -(-nv // width)
        self.per_p = per_p
        self.count = npm * per_p
        self.columns = per_p if npm == 1 else npm
        self.per_column = 1 if npm == 1 else per_p
        pad = per_p * width - nv
        self.v = np.tile(np.pad(grid.v, (0, pad)).reshape(per_p, width), (npm, 1))
        self.weight = np.pad(grid.weight, ((0, 0), (0, pad))).reshape(self.count, width)
        if npm == 1 and width < grid.natural_width():
            chunks, self.group = self.columns, min(LANES, grid.natural_width()) // width
        else:
            chunks, self.group = min(self.columns, MOST_CHUNKS), 1
        self.chunk_columns = split(self.columns, chunks)

    @property
    def chunks(self) -> int:
        return len(self.chunk_columns) - 1


def split(n: int, parts: int) -> np.ndarray:
    """Bounds of n things in contiguous parts, the larger ones first (PETSc's rule)."""
    sizes = np.full(parts, n // parts)
    sizes[: n % parts] += 1
    return np.concatenate([[0], np.cumsum(sizes)])
