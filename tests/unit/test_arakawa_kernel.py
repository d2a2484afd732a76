"""The matrix-Arakawa kernel by itself: the same bits from every instruction set, sizes checked."""

import numpy as np
import pytest

from hpcqke.kernels.arakawa import Arakawa


def problem(flavors: int, species: int, W: int, seed: int = 5, order: int = 6, dz: float = 0.3):
    """(what makes an Arakawa, what its add() gets but F, shape of F), random, 3 blocks a column."""
    draw = np.random.default_rng(seed).normal
    C, per_column, columns, u, w, nz = flavors**2, 3, 5, 2, order // 2, 4
    own, wide = (per_column * columns, W), (per_column * (columns + 2 * u), W)
    pitch = per_column * species * C * W
    row, ghosts = columns * pitch, u * pitch
    shapes = [(2 * u + 1, *own), own, own, wide, wide, own, own, own, (C,)]
    parameters = [draw(size=shape) for shape in [(per_column, W), *shapes]]
    rows = [(nz, row), (w, row), (w, row), (nz, ghosts), (nz, ghosts), (4 * w, ghosts)]
    fields = [(nz + 2 * w, C), (nz + 2 * w, C), (nz, C), (nz, C)]

    def make(isa=None):
        v, *rest = parameters
        return Arakawa(flavors, species, v, per_column, *rest, order=order, dz=dz, isa=isa)

    return make, [draw(size=shape) for shape in rows + fields], (nz, row)


@pytest.mark.parametrize("W", [1, 2, 4, 8])
@pytest.mark.parametrize("species", [1, 2])
@pytest.mark.parametrize("flavors", [2, 3])
def test_same_bits_from_every_instruction_set(flavors, species, W):
    make, arguments, shape = problem(flavors, species, W)
    best = np.zeros(shape)
    make().add(*arguments, best)
    assert np.abs(best).max() > 1
    for isa in ("sse2", "avx2", "avx512"):
        try:
            kernel = make(isa)
        except ValueError:
            continue
        other = np.zeros(shape)
        kernel.add(*arguments, other)
        assert other.tobytes() == best.tobytes(), isa


def test_it_adds_and_has_no_memory():
    """F += slope, the same again at the second call."""
    make, arguments, shape = problem(2, 2, 4)
    kernel, F = make(), np.zeros(shape)
    kernel.add(*arguments, F)
    once = F.copy()
    kernel.add(*arguments, F)
    assert np.abs(F - 2 * once).max() == 0


@pytest.mark.parametrize("which", range(10), ids="X lo hi before after corners A B dA dB".split())
def test_wrong_sizes_are_refused(which):
    make, arguments, shape = problem(2, 1, 4)
    arguments[which] = np.zeros((arguments[which].shape[0], arguments[which].shape[1] + 1))
    with pytest.raises(ValueError, match="must be"):
        make().add(*arguments, np.zeros(shape))
