"""Upwind-biased differences: the kernel against NumPy, and that open ends are stable and exact."""

import numpy as np
import pytest

from hpcqke.grids import UPWIND
from hpcqke.kernels import upwind
from hpcqke.open_ends import end_weights

ORDERS = sorted(UPWIND)


def plain(X: np.ndarray, v: np.ndarray, order: int, dz: float) -> np.ndarray:
    """-v d_z X of a periodic box, by rolled arrays."""
    half = order // 2
    right = sum(c * np.roll(X, -m, 0) for m, c in enumerate(UPWIND[order], -half))
    left = sum(c * np.roll(X, m - 1, 0) for m, c in enumerate(UPWIND[order], -half))
    face = v * np.where(v > 0, right, left)
    return (np.roll(face, 1, 0) - face) / dz


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("row", [1, 24, 600])
def test_kernel_is_the_plain_formula(order, row):
    """Both signs of v, rows in one call and in pieces, more rows than the kernel's own piece."""
    random = np.random.default_rng(order)
    X, v, half = random.normal(size=(150, row)), random.uniform(-1, 1, row), (order + 1) // 2
    kernel = upwind.Streaming(order, v, 0.1)
    lo, hi = X[-half - 1 :], X[: half + 1].copy()
    F, pieces = np.full_like(X, np.nan), np.full_like(X, np.nan)
    kernel.transport(X, lo, hi, F, 0, 150)
    for first, last in ((0, 1), (1, 90), (90, 90), (90, 150)):
        kernel.transport(X, lo, hi, pieces, first, last)
    assert np.abs(F - plain(X, v, order, 0.1)).max() < 1e-13 * np.abs(F).max()
    assert pieces.tobytes() == F.tobytes()
    faces = [kernel.face(X, lo, hi, j) for j in range(151)]
    assert np.abs((faces[70] - faces[71]) / 0.1 - F[70]).max() < 1e-14 * np.abs(F).max()
    assert faces[0].tobytes() == faces[150].tobytes()


def test_wrong_arguments_are_refused():
    X = np.zeros((8, 4))
    with pytest.raises(ValueError, match="order"):
        upwind.Streaming(7, np.ones(4), 0.1)
    with pytest.raises(ValueError, match="dz"):
        upwind.Streaming(3, np.ones(4), 0.0)
    kernel = upwind.Streaming(5, np.ones(4), 0.1)
    for lo, F, last in ((X[:2], X.copy(), 8), (X, np.zeros((7, 4)), 8), (X, X.copy(), 9)):
        with pytest.raises(ValueError, match=r"must be|rows"):
            kernel.transport(X, lo, X, F, 0, last)
    with pytest.raises(ValueError, match="face"):
        kernel.face(X, X, X, 9)
    into, out = end_weights(5)
    with pytest.raises(ValueError, match="columns"):
        upwind.beyond(X[:5], np.zeros(3), np.ones(4), into, out, np.zeros((3, 4)))
    with pytest.raises(ValueError, match="coming"):
        upwind.beyond(X[:5], np.zeros(4), np.ones(4), out, out, np.zeros((3, 4)))
    with pytest.raises(ValueError, match="going"):
        upwind.beyond(X[:5], np.zeros(4), np.ones(4), into, into, np.zeros((3, 4)))


def streamed(X: np.ndarray, given: np.ndarray, v: float, order: int, dz: float) -> np.ndarray:
    """-v d_z X between open ends; nothing is used of `given` at the end where it leaves."""
    into, out = end_weights(order)
    sides = []
    for rows, sign in ((X[:order], v), (X[::-1][:order], -v)):
        ghosts = np.zeros((len(into), X.shape[1]))
        inwards = np.full(X.shape[1], sign)
        upwind.beyond(np.ascontiguousarray(rows), given, inwards, into, out, ghosts)
        sides.append(ghosts)
    F = np.zeros_like(X)
    kernel = upwind.Streaming(order, np.full(X.shape[1], v), dz)
    kernel.transport(X, sides[0][::-1].copy(), sides[1], F, 0, len(X))
    return F


def operator(order: int, cells: int, v: float, dz: float) -> tuple[np.ndarray, np.ndarray]:
    """(A, b) of d_t rho = A rho + b given."""
    X, given = np.eye(cells, cells + 1), np.zeros(cells + 1)
    given[-1] = 1.0
    F = streamed(X, given, v, order, dz)
    return F[:, :-1], F[:, -1]


@pytest.mark.parametrize("v", [1.0, -1.0])
@pytest.mark.parametrize("order", ORDERS)
def test_open_ends_are_stable(order, v, figure):
    """All eigenvalues decay, whatever the cells; no norm grows by a quarter on the way."""
    slowest, most = -np.inf, 0.0
    for cells in (12, 40, 100):
        A, _ = operator(order, cells, v, 1.0)
        slowest = max(slowest, np.linalg.eigvals(A).real.max())
        step = A / 16
        power = np.eye(cells)
        for n in range(4, 0, -1):  # one step of the classical Runge-Kutta method
            power = np.eye(cells) + step @ power / n
        for _ in range(13):
            most, power = max(most, np.linalg.norm(power, 2)), power @ power
    figure(f"open ends, order {order}, v = {v:g}",
           f"slowest decay {slowest:.2f} v/dz, largest norm {most:.4f} (must be < -0.2, < 1.25)")
    assert slowest < -0.2
    assert most < 1.25


@pytest.mark.parametrize("v", [0.7, -0.7])
@pytest.mark.parametrize("order", ORDERS)
def test_order_up_to_the_ends(order, v, figure):
    """Largest error of a steady flow rho = sin(6 z + 1) with its source, ends included."""
    errors = []
    for cells in (40, 80):
        dz = 1 / cells
        z = (np.arange(cells) + 0.5) * dz
        A, b = operator(order, cells, v, dz)
        given = np.sin(1.0 if v > 0 else 7.0)
        rho = np.linalg.solve(A, -6 * v * np.cos(6 * z + 1) - b * given)
        errors.append(np.abs(rho - np.sin(6 * z + 1)).max())
    found = np.log2(errors[0] / errors[1])
    figure(f"order at open ends, v = {v:g}", f"{found:.2f} (nominal {order})")
    assert abs(found - order) < 0.2


@pytest.mark.parametrize("order", ORDERS)
def test_a_uniform_flow_is_steady(order):
    """What comes in is what is there: nothing changes, at rounding."""
    X = np.full((20, 9), 0.3)
    assert np.abs(streamed(X, X[0].copy(), 0.9, order, 0.05)).max() < 1e-13
