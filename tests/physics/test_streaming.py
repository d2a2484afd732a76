"""T7: a Gaussian streams around a periodic box; orders, errors and what is kept."""

import numpy as np
import pytest
from open_boxes import beams, case_of, flow

# rms error after one period, sigma = 0.05 L, rk4 with v dt = dz/2, by the cells
ERRORS = {
    1: {100: 0.161076037073, 200: 0.120255796053, 400: 0.0810454364704},
    3: {100: 0.00876753745459, 200: 0.0012414986611, 400: 0.000158327108716},
    5: {100: 0.000392048966605, 200: 1.2945693826e-05, 400: 4.17953257931e-07},
    4: {100: 0.00170556078798, 200: 0.000108822395437, 400: 6.83482413659e-06},
}


def gaussian(z):
    z = (z + 0.5) % 1.0 - 0.5
    return np.exp(-(z**2) / (2 * 0.05**2))


def start(species, z, p, v):
    n = np.broadcast_to(gaussian(z)[:, None, None, None, None], (z.size, 1, v.size, 1, 1))
    return n * np.array([[0.5, 0.2 - 0.1j], [0.2 + 0.1j, 0.5]])


@pytest.mark.parametrize("order", ERRORS)
def test_gaussian(order, figure):
    """v = 1 and -1 once around, both with the table's error; 0.5 and -0.3 where they should be."""
    found, mass, errors = {}, 0.0, []
    for cells, expected in ERRORS[order].items():
        case = case_of(
            {"length": 1.0, "cells": cells, "boundary": "periodic"},
            {"directions": [1.0, -1.0, 0.5, -0.3]}, {}, [beams([1.0] * 4)], 1.0,
            order=order, time={"step": 0.5 / cells},
        )  # fmt: skip
        with flow(case, start) as run:
            before = run.row()["flavor_matrix"]
            rho = run.to(1.0).rho[:, 0, :, 0]
            after, z = run.row()["flavor_matrix"], run.sim.ps.z.z
        mass = max(mass, np.abs(after / np.where(before, before, 1) - (before != 0)).max())
        exact = np.stack([gaussian(z), gaussian(z), gaussian(z - 0.5), gaussian(z + 0.3)], axis=1)
        wrong = np.sqrt(((rho[:, :, 0] - exact) ** 2).mean(axis=0))
        found[cells] = wrong[0]
        errors.append(np.abs(wrong[:2] / expected - 1).max())
        assert (wrong[2:] < wrong[0]).all()  # they went half as far, or less
        components = np.array([1.0, 0.4, 0.2, 0.0])
        assert np.abs(rho - rho[..., :1] * components).max() < 1e-13
    a, b = found[200], found[400]
    got, wanted = np.log2(a / b), np.log2(ERRORS[order][200] / ERRORS[order][400])
    figure(f"T7 streaming, order {order}",
           f"order {got:.3f} (table {wanted:.3f}), errors to {max(errors):.1e} of the table's, "
           f"mass {mass:.0e} (tol 1e-12)")
    assert max(errors) < 1e-7
    assert abs(got - wanted) < 1e-6
    assert order == 1 or abs(got - order) < 0.2
    assert mass < 1e-12

