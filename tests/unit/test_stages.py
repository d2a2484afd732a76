"""Runge-Kutta stages inside the kernels: the bits of kernel and NumPy, one after the other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from kernel_layouts import SHAPES, Problem, isas

from hpcqke.kernels import kinetic, reference

BOTH = pytest.mark.parametrize("module", [kinetic, reference], ids=["kinetic", "reference"])


class Stages:
    """A stage of two targets (the first with sources) and K, and what it must give."""

    def __init__(self, module, p: Problem, sources: int = 3, seed: int = 5):
        rng = np.random.default_rng(seed)
        self.bases = list(rng.uniform(-1, 1, (2, *p.X.shape)))
        self.sources = [list(rng.uniform(-1, 1, (n, *p.X.shape))) for n in (sources, 0)]
        self.targets, self.K = [p.rows(), p.rows()], p.rows()
        self.stage = module.Stage(self.targets, self.bases, self.sources, self.K)
        self.stage.coefficients[...] = rng.uniform(-1, 1, self.stage.coefficients.shape)

    def expected(self, k: np.ndarray) -> list[np.ndarray]:
        """The targets and K for the slope k."""
        found = []
        for base, sources, c in zip(self.bases, self.sources, self.stage.coefficients, strict=True):
            total = base
            for j, source in enumerate(sources):
                total = total + c[1 + j] * source
            found.append(total + c[0] * k)
        return [*found, k]

    def check(self, k: np.ndarray, rows: slice = slice(None)) -> None:
        """Equal in these rows, untouched elsewhere."""
        for found, expected in zip([*self.targets, self.K], self.expected(k), strict=True):
            np.testing.assert_array_equal(found[rows], expected[rows])
            rest = np.delete(found, rows, axis=0)
            assert np.isnan(rest).all()


@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
@pytest.mark.parametrize("isa", isas())
def test_fused_stage_is_fused_then_stage(nflavors, species, W, isa):
    """Every instruction set, whole or in parts, gives the bits of the steps one by one."""
    p = Problem(nflavors, species, W, nv=21)
    kernel = p.kernel(kinetic, isa=isa)
    for mode, ext in itertools.product((None, p.mode), (False, True)):
        k, s = p.fused(kernel, mode, ext), Stages(kinetic, p)
        A, B = (p.A, p.B) if ext else (None, None)
        kernel.fused_stage(p.X, p.lo, p.hi, 4, 15, 0.7, A, B, mode, s.stage)
        s.check(k, slice(4, 15))
        kernel.fused_stage(p.X, p.lo, p.hi, 0, 4, 0.7, A, B, mode, s.stage)
        kernel.fused_stage(p.X, p.lo, p.hi, 15, 21, 0.7, A, B, mode, s.stage)
        kernel.fused_stage(p.X, p.lo, p.hi, 7, 7, 0.7, A, B, mode, s.stage)
        s.check(k)


@pytest.mark.parametrize(("nflavors", "species", "W"), SHAPES)
@pytest.mark.parametrize("isa", isas())
def test_commutator_stage_is_commutator_then_stage(nflavors, species, W, isa):
    """The same where the moments come from elsewhere."""
    p = Problem(nflavors, species, W, nv=21)
    kernel = p.kernel(kinetic, isa=isa)
    for mode in (None, p.mode):
        k, F, s = p.rows(), p.rows(), Stages(kinetic, p)
        for out in (k, F):
            kernel.transport(p.X, p.lo, p.hi, out, 0, p.nz)
        kernel.commutator(p.X, p.A, p.B, mode, k)
        kernel.commutator_stage(p.X, p.A, p.B, mode, F, s.stage)
        s.check(k)


@pytest.mark.parametrize(("nflavors", "W"), [(2, 2), (2, 8), (3, 1), (3, 8)])
def test_reference_stages_are_the_same(nflavors, W):
    """The plain loops: bit for bit with 2 flavors, else to the last place."""
    p = Problem(nflavors, 2, W)
    fast, plain = (p.kernel(module, [0, p.nblk]) for module in (kinetic, reference))
    for name in ("fused_stage", "commutator_stage"):
        seen = []
        for module, kernel in ((kinetic, fast), (reference, plain)):
            s = Stages(module, p)
            if name == "fused_stage":
                kernel.fused_stage(p.X, p.lo, p.hi, 0, p.nz, 0.7, p.A, None, p.mode, s.stage)
            else:
                kernel.commutator_stage(p.X, p.A, p.B, p.mode, np.zeros_like(p.X), s.stage)
            seen.append([*s.targets, s.K])
        for a, b in zip(*seen, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=0 if nflavors == 2 else 3e-14)


@BOTH
@pytest.mark.parametrize("sources", [0, 1, 2, 3, 4, 5, 6, 7, 12, 16])
def test_apply(module, sources):
    """From a slope in memory, with any number of sources, in a part of the rows."""
    p = Problem(3, 1, 1, nv=3)
    s, k = Stages(module, p, sources), np.random.default_rng(8).uniform(-1, 1, p.X.shape)
    assert s.stage.coefficients.shape == (2, 1 + sources)
    s.stage.apply(k, 3, 12)
    s.check(k, slice(3, 12))
    s.stage.apply(k, 3, 3)
    s.stage.apply(k, 0, 3)
    s.stage.apply(k, 12, p.nz)
    s.check(k)


@BOTH
def test_targets_may_replace_what_they_are_made_of(module):
    """acc = acc + c k, y = y + ..., a source's own place, k's place, and target after target."""
    p = Problem(2, 2, 8)
    rng = np.random.default_rng(2)
    y, a, b = rng.uniform(-1, 1, (3, *p.X.shape))
    k = p.fused(p.kernel(module))
    first, second = y + 0.5 * k, (a + 2.0 * b) + 0.25 * k
    third = (b + 3.0 * first) - 0.125 * k
    stage = module.Stage([y, a, b], [y, a, b], [[], [b], [y]])
    stage.coefficients[...] = [[0.5, 0], [0.25, 2.0], [-0.125, 3.0]]
    p.kernel(module).fused_stage(p.X, p.lo, p.hi, 0, p.nz, 0.7, p.A, p.B, None, stage)
    for found, expected in ((y, first), (a, second), (b, third)):
        np.testing.assert_array_equal(found, expected)
    stage = module.Stage([k], [a], [[k]])
    stage.coefficients[...] = [[0.5, 2.0]]
    expected = (a + 2.0 * k) + 0.5 * k
    stage.apply(k, 0, p.nz)
    np.testing.assert_array_equal(k, expected)


def test_a_stage_keeps_its_arrays():
    """The memory lives as long as the stage, and K may be all there is."""
    p = Problem(2, 1, 8)
    K = p.rows()
    stage = kinetic.Stage([], [], [], K)
    stage.apply(p.X, 0, p.nz)
    np.testing.assert_array_equal(K, p.X)
    stage = kinetic.Stage([K], [p.X.copy()], [[p.X.copy() for _ in range(5)]])
    stage.coefficients[...] = 1.0
    stage.apply(p.X, 0, p.nz)
    np.testing.assert_allclose(K, 7 * p.X, rtol=1e-15)


@BOTH
@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (21, 192), (3, 512), (1, 513)])
def test_error_norm(module, shape):
    """The largest ratio wherever it is, bit for bit."""
    rng = np.random.default_rng(4)
    y, y_new, *slopes = rng.uniform(-1, 1, (6, *shape))
    c = rng.uniform(-1, 1, 4)
    error = ((c[0] * slopes[0] + c[1] * slopes[1]) + c[2] * slopes[2]) + c[3] * slopes[3]
    ratio = np.abs(error) / (1e-6 + 1e-3 * np.maximum(np.abs(y), np.abs(y_new)))
    options = [{"isa": isa} for isa in isas()] if module is kinetic else [{}]
    for option in options:
        assert module.error_norm(y, y_new, slopes, c, 1e-6, 1e-3, **option) == ratio.max()
        assert module.error_norm(y, y, [y], np.ones(1), 0.5, 0.0, **option) == 2 * np.abs(y).max()
    for place in ((0, 0), (-1, -1), (shape[0] // 2, shape[1] // 2)):
        for victim, bad in itertools.product((y, y_new, *slopes), (np.nan, np.inf)):
            kept, victim[place] = victim[place], bad
            for option in options:
                assert np.isnan(module.error_norm(y, y_new, slopes, c, 1e-6, 1e-3, **option))
            victim[place] = kept


def test_refuses_what_does_not_fit():
    """Wrong shapes are a ValueError, never a wild pointer."""
    p = Problem(2, 2, 8)
    kernel, x, n = p.kernel(kinetic), p.rows(), p.nz
    short, narrow = x[:-1].copy(), x[:, 1:].copy()
    stages = [kinetic.Stage([a.copy()], [a], [[]]) for a in (x, short, narrow)]
    c = np.ones(1)
    bad = [
        lambda: kinetic.Stage([x], [], [[]]),
        lambda: kinetic.Stage([x], [x], []),
        lambda: kinetic.Stage([], [], []),
        lambda: kinetic.Stage([x], [short], [[]]),
        lambda: kinetic.Stage([x], [x], [[x, narrow]]),
        lambda: kinetic.Stage([x], [x], [[]], short),
        lambda: kinetic.Stage([x], [None], [[]]),
        lambda: kinetic.Stage([x] * 5, [x] * 5, [[]] * 5),
        lambda: kinetic.Stage([x], [x], [[x] * 17]),
        lambda: kinetic.Stage([x[:, ::2]], [x[:, ::2]], [[]]),
        lambda: kinetic.Stage([x.astype("f4")], [x], [[]]),
        lambda: stages[0].apply(short, 0, 1),
        lambda: stages[0].apply(x, 0, n + 1),
        lambda: stages[0].apply(x, -1, 1),
        *(lambda s=s: kernel.fused_stage(p.X, p.lo, p.hi, 0, 1, 1.0, None, None, None, s)
          for s in stages[1:]),
        *(lambda s=s: kernel.commutator_stage(p.X, p.A, p.B, None, x, s) for s in stages[1:]),
        lambda: kernel.fused_stage(p.X, p.lo[1:], p.hi, 0, n, 1.0, None, None, None, stages[0]),
        lambda: kernel.commutator_stage(p.X, p.A, p.B, None, short, stages[0]),
        lambda: kinetic.error_norm(x, short, [x], c, 1.0, 1.0),
        lambda: kinetic.error_norm(x, x, [narrow], c, 1.0, 1.0),
        lambda: kinetic.error_norm(x, x, [x, x], c, 1.0, 1.0),
        lambda: kinetic.error_norm(x, x, [], np.empty(0), 1.0, 1.0),
        lambda: kinetic.error_norm(x, x, [x] * 17, np.ones(17), 1.0, 1.0),
    ]
    for call in bad:
        with pytest.raises(ValueError, match=r"."):
            call()
    with pytest.raises(TypeError):
        kernel.fused_stage(p.X, p.lo, p.hi, 0, n, 1.0, None, None, None, None)
