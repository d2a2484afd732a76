"""All stages of a step in one call: the bits of stage after stage, on whole boxes and on parts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from kernel_layouts import Problem

from hpcqke.kernels import kinetic

H, TOLERANCES = 0.02, (1e-6, 1e-3)
# (input, targets (target, base, sources, weights), slope) by lines:
# 0 y, 1 and 2 the inputs in turn, 3 the sum (rk4); 3.. the slopes (a pair that knows its first)
RK4 = [
    (0, [(1, 0, [], [0.5]), (3, 0, [], [1 / 6])], -1),
    (1, [(2, 0, [], [0.5]), (3, 3, [], [1 / 3])], -1),
    (2, [(1, 0, [], [1.0]), (3, 3, [], [1 / 3])], -1),
    (1, [(0, 3, [], [1 / 6])], -1),
]
PAIR = [
    (0, [(1, 0, [], [0.5])], 3),
    (1, [(2, 0, [3], [0.75, 0.0])], 4),
    (2, [(1, 0, [3, 4], [4 / 9, 2 / 9, 1 / 3])], 5),
    (1, [], 6),
]
ERROR = [3, 4, 5, 6], np.array([-5 / 72, 1 / 12, 1 / 9, -1 / 8]), 1
METHODS = {"rk4": (RK4, 4, None, {0}), "pair": (PAIR, 7, ERROR, {0, 1, 3, 6})}
MU = (0.7, 0.6, 0.9, 0.4)


class Box:
    """A periodic box, and a step of it by stage after stage."""

    def __init__(self, method: str, nz: int, nv: int, order: int, nflavors: int = 2, W: int = 4):
        self.p = p = Problem(nflavors, 2, W, nv=nv, nz=nz)
        self.kernel = p.kernel(kinetic, order=order)
        self.width, self.y = order // 2, kinetic.aligned(p.X)
        self.work, self.count, self.error, self.lasting = METHODS[method]

    def lines(self, rows: int) -> list[np.ndarray]:
        return [kinetic.aligned(np.zeros((rows, self.y.shape[1]))) for _ in range(self.count)]

    def one_by_one(self, known=None):
        """(lines, error) after a step; ``known``: the first slope, or evaluate it."""
        lines, w = self.lines(self.p.nz), self.width
        lines[0][...] = self.y
        for i, (x, targets, slope) in enumerate(self.work):
            made, bases, sources, weights = zip(*targets, strict=True) if targets else [()] * 4
            stage = kinetic.Stage(
                [lines[j] for j in made],
                [lines[j] for j in bases],
                [[lines[j] for j in names] for names in sources],
                None if slope < 0 else lines[slope],
            )
            for row, values in zip(stage.coefficients, weights, strict=False):
                row[: len(values)] = H * np.array(values)
            X = lines[x]
            if i == 0 and known is not None:
                stage.apply(known, 0, len(X))
                continue
            lo, hi = (X[-w:].copy(), X[:w].copy()) if w else (None, None)
            ext = self.p.A, None, self.p.mode
            self.kernel.fused_stage(X, lo, hi, 0, len(X), MU[i], *ext, stage)
        error = 0.0
        if self.error:
            slopes, weights, new = self.error
            K = [lines[j] for j in slopes]
            error = kinetic.error_norm(self.y, lines[new], K, H * weights, *TOLERANCES)
        return lines, error

    def whole(self):
        """(lines, Steps) of the box at once."""
        lines = self.lines(self.p.nz)
        lines[0][...] = self.y
        steps = kinetic.Steps(
            self.kernel, lines, self.work, mean=self.p.A, mode=self.p.mode, error=self.error
        )
        return lines, steps

    def part(self, first: int, last: int):
        """(lines, Steps) of the rows first..last-1 between their neighbours' rows."""
        m, nz, lines = len(self.work) * self.width, self.p.nz, self.lines(last - first)
        lines[0][...] = self.y[first:last]
        lines = [a if j in self.lasting else None for j, a in enumerate(lines)]
        around = [np.arange(first - m, first) % nz, np.arange(last, last + m) % nz]
        alone = last - first == nz
        lo, hi = (kinetic.aligned(self.y[a] if not alone else 0 * self.y[a]) for a in around)
        mean = np.ascontiguousarray(self.p.A[np.arange(first - m, last + m) % nz])
        steps = kinetic.Steps(
            self.kernel, lines, self.work, lo, hi, alone, mean, self.p.mode, self.error
        )
        return lines, steps


BOXES = [(700, 2, 8), (211, 2, 2), (60, 11, 6), (129, 11, 8), (97, 40, 4), (333, 11, 0)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("nz", "nv", "order"), BOXES)
@pytest.mark.parametrize(("nflavors", "W"), [(2, 4), (3, 8), (2, 2)])
def test_a_step_has_the_bits_of_its_stages(method, nz, nv, order, nflavors, W):
    """At once, in a train through z, and in a train through three parts of it."""
    box = Box(method, nz, nv, order, nflavors, W)
    expected, error = box.one_by_one()
    cut = 0, nz // 3 + 1, 2 * nz // 3, nz
    found = [box.whole(), box.part(0, nz)]
    for lines, steps in found:
        assert steps.run(H, MU, False, *TOLERANCES) == error
        for j in box.lasting:
            np.testing.assert_array_equal(lines[j], expected[j])
    parts = [box.part(*rows) for rows in itertools.pairwise(cut)]
    errors = [steps.run(H, MU, False, *TOLERANCES) for _, steps in parts]
    assert max(errors) == error
    for j in box.lasting:
        np.testing.assert_array_equal(np.concatenate([p[0][j] for p in parts]), expected[j])
    if box.error:
        assert 0 < error < np.inf
    assert np.abs(expected[0 if method == "rk4" else 1] - box.y).max() > 1e-3


@pytest.mark.parametrize("way", ["whole", "part"])
def test_a_known_slope_is_not_evaluated(way):
    """It is taken from its line; after `swap` the last one stands there."""
    box = Box("pair", 211, 11, 8)
    lines, steps = box.whole() if way == "whole" else box.part(0, 211)
    known = np.random.default_rng(3).uniform(-1, 1, box.y.shape)
    lines[3][...] = known
    expected, error = box.one_by_one(known)
    assert steps.run(H, MU, True, *TOLERANCES) == pytest.approx(error, rel=1e-2)
    # margins evaluate the slope: a few rows at the ends do not know it
    middle = slice(None) if way == "whole" else slice(20, -20)
    np.testing.assert_array_equal(lines[1][middle], expected[1][middle])
    np.testing.assert_array_equal(lines[3], known)
    lines[0][...], lines[6][...] = box.y, known
    lines[3][...] = np.nan
    steps.swap(3, 6)
    steps.run(H, MU, True, *TOLERANCES)
    np.testing.assert_array_equal(lines[1][middle], expected[1][middle])
    np.testing.assert_array_equal(lines[3][middle], expected[6][middle])


@pytest.mark.parametrize("way", ["whole", "part"])
@pytest.mark.parametrize("row", [0, 100, 210])
def test_what_is_not_finite_is_the_error(way, row):
    """nan, whatever comes after it."""
    box = Box("pair", 211, 11, 8)
    lines, steps = box.whole() if way == "whole" else box.part(0, 211)
    lines[0][row, 3] = np.inf
    assert np.isnan(steps.run(H, MU, False, *TOLERANCES))


def test_refuses_what_does_not_fit():
    box = Box("rk4", 60, 11, 8)
    lines, margin = box.lines(60), np.zeros((16, box.y.shape[1]))
    bad = [
        lambda: kinetic.Steps(box.kernel, lines, []),
        lambda: kinetic.Steps(box.kernel, [], RK4),
        lambda: kinetic.Steps(box.kernel, lines[:3], RK4),
        lambda: kinetic.Steps(box.kernel, [*lines[:3], None], RK4),
        lambda: kinetic.Steps(box.kernel, [*lines[:3], lines[3][1:]], RK4),
        lambda: kinetic.Steps(box.kernel, [a[:, 1:].copy() for a in lines], RK4),
        lambda: kinetic.Steps(box.kernel, lines, RK4 * 5),
        lambda: kinetic.Steps(box.kernel, lines, RK4, margin, margin[1:], True),
        lambda: kinetic.Steps(box.kernel, [a[:15] for a in lines], RK4, margin, margin, True),
        lambda: kinetic.Steps(box.kernel, lines, RK4, mean=box.p.A[1:]),
        lambda: kinetic.Steps(box.kernel, lines, RK4, mode=box.p.mode[1:]),
        lambda: kinetic.Steps(box.kernel, lines, RK4, error=([0, 9], [1.0, 2.0], 0)),
        lambda: kinetic.Steps(box.kernel, lines, RK4, error=([0], [1.0, 2.0], 0)),
        lambda: kinetic.Steps(box.kernel, lines, [(0, [(1, 0, [2], [1.0])], -1)]),
        lambda: kinetic.Steps(box.kernel, lines, RK4).run(H, MU[:3]),
        lambda: kinetic.Steps(box.kernel, lines, RK4).swap(0, 9),
    ]
    for call in bad:
        with pytest.raises((ValueError, IndexError)):
            call()
