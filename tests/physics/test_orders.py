"""Orders of convergence in space and time on TB1 at t = 5 (P14)."""

import numpy as np
import pytest
from boxes import finished, steps

SPACE = {2: (2.0, (128, 256)), 4: (3.97, (128, 256)), 6: (5.9, (128, 256)), 8: (7.7, (96, 192))}
TIME = {"rk3bs": 3.0, "rk4": 4.0, "rk5dp": 4.8, "midpoint": 2.0, "gauss2": 4.0}
STEPS = (0.1, 0.05)


def final(cells: int, step: float, integrator: str, order: int, coarse: int) -> np.ndarray:
    """P at t = 5 on every point of a grid with ``coarse`` cells."""
    run = finished("two_beam_modes", **steps(cells, step, 5.0, integrator, order))
    return run.fields.rho.isel(time=-1).values[:: cells // coarse]


def slope(errors, ratio: float) -> float:
    return float(np.log(errors[0] / errors[1]) / np.log(ratio))


@pytest.mark.parametrize("order", SPACE)
def test_order_in_space(order, figure):
    """Against a grid four times as fine as the finer one, order 8, with the same time step."""
    expected, (a, b) = SPACE[order]
    exact = final(4 * b, 0.02, "rk8vr", 8, a)
    errors = [np.abs(final(n, 0.02, "rk8vr", order, a) - exact).max() for n in (a, b)]
    found = slope(errors, 2)
    figure(f"P14 FD{order}", f"slope {found:.2f} (expected {expected} +- .15)")
    assert abs(found - expected) < 0.15


@pytest.mark.parametrize("integrator", TIME)
def test_order_in_time(integrator, figure):
    """Against rk8vr with a small step on the same grid."""
    exact = final(256, 0.02, "rk8vr", 8, 256)
    errors = [np.abs(final(256, step, integrator, 8, 256) - exact).max() for step in STEPS]
    found = slope(errors, 2)
    figure(f"P14 {integrator}", f"slope {found:.2f} (expected {TIME[integrator]} +- .15)")
    assert abs(found - TIME[integrator]) < 0.15
