"""The ghost rows beyond the open ends of a box, made from the rows inside and what comes in.

    inflow      where v points into the box: the polynomial through the given rho at the end itself
                (half a cell beyond the last row) and the first order - 1 rows
    outflow     the same with nothing given: nothing comes in
    both        where v points out of it: the polynomial through the last `order` rows
    reflecting  rho(-m, v) = rho(m - 1, -v): what leaves comes back

Both polynomials have the degree order - 1, which keeps the order of the upwind differences up to
the ends. With them every eigenvalue of streaming decays, on any number of cells, and norms grow by
0, 1 and 21 % at most on the way for orders 1, 3 and 5 (`tests/unit/test_upwind.py`); order 7 with
the rows that it needs is stable no more.
"""

from __future__ import annotations

import numpy as np

from hpcqke.kernels import upwind


def lagrange(nodes: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The polynomial's values at ``at`` by those at ``nodes``: weights (len(at), len(nodes))."""
    weights = np.ones((len(at), len(nodes)))
    for k, node in enumerate(nodes):
        for other in np.delete(nodes, k):
            weights[:, k] *= (at - other) / (node - other)
    return weights


def end_weights(order: int) -> tuple[np.ndarray, np.ndarray]:
    """(coming, going): weights of the given value and `order` rows, and of these rows alone.

    Ghost rows, the nearest first; positions are counted inwards from the last row, in cells.
    """
    ghosts = -np.arange(1.0, (order + 1) // 2 + 1)
    inner = np.arange(float(order))
    coming = lagrange(np.concatenate([[-0.5], inner[:-1]]), ghosts)
    return np.pad(coming, ((0, 0), (0, 1))), lagrange(inner, ghosts)


class OpenEnd:
    """The end before the first row (side 0) or after the last row (side 1) of the box."""

    def __init__(self, ps, side: int, kind: str, order: int, speed: np.ndarray) -> None:
        self.ps, self.side, self.kind = ps, side, kind
        half, (first, last) = (order + 1) // 2, ps.z_range
        self.given = np.zeros(ps.row)
        self._inwards = speed if side == 0 else -speed
        self._coming, self._going = end_weights(order)
        self._ghosts = np.zeros((half, ps.row))
        # ghost m (0 is the nearest) lies at row -1 - m, or nz + m; rows of inside count likewise
        beyond = -1 - np.arange(half) if side == 0 else ps.nz + np.arange(half)
        inside = np.arange(order) if side == 0 else ps.nz - 1 - np.arange(order)
        ghosts = ps.ghosts
        memory, start = (ghosts.lo, first - ghosts.width_z) if side == 0 else (ghosts.hi, last)
        self._targets = [
            (memory[row - start], m)
            for m, row in enumerate(beyond)
            if start <= row < start + ghosts.width_z
        ]
        self._inside = inside - first
        if kind == "reflecting":
            self._inside = self._inside[:half]
            self._mirror = mirrored_row(ps)

    def fill(self, X: np.ndarray) -> None:
        """Put the ghost rows where the scatter has left those of a periodic box.

        A reflecting end is collective over the ranks that share the rows.
        """
        if not self._targets:
            return
        rows = np.stack([self._row(X, int(j)) for j in self._inside])
        if self.kind == "reflecting":
            self._ghosts[...] = self._everyone(rows)[:, self._mirror]
        else:
            upwind.beyond(
                rows, self.given, self._inwards, self._coming, self._going, self._ghosts
            )
        for target, m in self._targets:
            target[...] = self._ghosts[m]

    def _row(self, X: np.ndarray, j: int) -> np.ndarray:
        """Row j of this rank, counted from its first one; other ranks' rows are ghosts."""
        ghosts = self.ps.ghosts
        if j < 0:
            return ghosts.lo[ghosts.width_z + j]
        return X[j] if j < len(X) else ghosts.hi[j - len(X)]

    def _everyone(self, rows: np.ndarray) -> np.ndarray:
        """The rows with the directions of all ranks that share them."""
        if self.ps.ranks_p == 1:
            return rows
        return np.concatenate(self.ps.p_comm.allgather(rows), axis=1)


def mirrored_row(ps) -> np.ndarray:
    """For each double of an own row the place of its mirror image (-v) in a row of all ranks."""
    grid, b, C = ps.momentum, ps.blocks, ps.S * ps.C
    partner = np.arange(b.per_p * b.width)
    partner[: ps.nv] = mirrored_directions(grid)
    block, component, lane = np.meshgrid(
        np.arange(*ps.block_range), np.arange(C), np.arange(b.width), indexing="ij"
    )
    p, within = np.divmod(block, b.per_p)
    to, to_lane = np.divmod(partner[within * b.width + lane], b.width)
    return (((p * b.per_p + to) * C + component) * b.width + to_lane).ravel()


def mirrored_directions(grid) -> np.ndarray:
    """The index of (-v, phi) for each direction (v, phi). ValueError if there is none."""
    partner = np.empty(grid.v.size, dtype=int)
    for i, (v, phi) in enumerate(zip(grid.v, grid.azimuth, strict=True)):
        found = np.flatnonzero((np.abs(grid.v + v) < 1e-12) & (grid.azimuth == phi))
        if found.size != 1 or grid.v_weight[found[0]] != grid.v_weight[i]:
            raise ValueError(f"there is no direction -v of the same weight for v = {v:g}")
        partner[i] = found[0]
    return partner
