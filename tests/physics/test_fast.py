"""T4: the fast pendulum of a homogeneous gas, and the field's box with two Gaussians."""

from __future__ import annotations

from tempfile import mkdtemp

import numpy as np
import pytest
from homogeneous import trajectory

import hpcqke
from hpcqke.analysis.homogeneous import linear_systems
from hpcqke.case import make_case

THREE = [-0.6, 0.3, 0.9]
PENDULUM = {
    "three beams": (
        {"directions": THREE, "weights": [1, 1, 1]},
        {"angular": "table", "values": [0.9, 0.9, -0.9]},
        0.362243012355,
        {
            15.0: [0.985916061185, 0.982223483446, 0.968139364631],
            25.0: [0.540875660869, 0.427997394466, -0.0311271246655],
            40.0: [0.999989994609, 0.999977669246, 0.999967483855],
        },
    ),
    "six of Gauss and Legendre": (
        {"rule": "gauss-legendre", "count": 6},
        {"angular": "legendre", "coefficients": [0.3, 0.6, -0.8]},
        0.0935967248704,
        {
            50.0: [0.995352758928, 0.994443150403, 0.99715231142, 0.99950031918,
                   0.998683054357, 0.998413300764],
            80.0: [0.124494175172, -0.0341341847499, 0.471808812693, 0.903841988027,
                   0.751654410524, 0.698470900715],
            100.0: [0.435525266343, 0.333389374259, 0.660102784504, 0.937752210265,
                    0.839753226368, 0.805050436816],
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PENDULUM)
def test_fast_pendulum(name, figure):
    """T4d: seeded with s_x = 1e-3 v; s_z of each direction, and gamma of the case at k = 0."""
    momentum, shape, gamma, table = PENDULUM[name]
    end = max(table)
    case = make_case({
        "name": "pendulum",
        "grid": {"z": {"length": 1.0, "cells": 1}, "momentum": momentum},
        "terms": {"self_interaction": {}},
        "initial": {"recipe": "distribution", "net": True, "populations": [shape],
                    "perturbation": "velocity", "amplitude": 1e-3},
        "time": {"end": end, "integrator": "rk8vr", "tolerance": 1e-11},
    })  # fmt: skip
    start, *found = trajectory(case, [1e-12, *table])
    G = start[0, 0, :, 0, 3] / np.sqrt(1 - (1e-3 * np.array(_velocities(momentum))) ** 2)
    error = max(
        np.abs(A[0, 0, :, 0, 3] / G - exact).max()
        for A, exact in zip(found, table.values(), strict=True)
    )
    rate = linear_systems(case)["ex"].growth(np.zeros(1))[0][0]
    figure(f"T4d {name}", f"s_z {error:.1e} (tol 1e-06), gamma {rate:.12f} of {gamma}")
    assert error < 1e-6
    assert rate == pytest.approx(gamma, abs=1e-10)


def _velocities(momentum: dict) -> list[float]:
    if "directions" in momentum:
        return momentum["directions"]
    return np.polynomial.legendre.leggauss(momentum["count"])[0].tolist()


BOX = {  # P_ee at t = 100, 200 ... 600, then Pbar_ee(600)
    ("gauss-legendre", 24): (
        [0.99999275146, 0.972464454599, 0.82994289594,
         0.661361710577, 0.564983024249, 0.617529430304], 0.575032701158),
    ("uniform", 48): (
        [0.999992739444, 0.972344357798, 0.829722354683,
         0.660784061126, 0.565261908239, 0.618014685541], 0.57557112816),
}  # fmt: skip


@pytest.mark.parametrize("quadrature", BOX, ids=str)
def test_box_with_two_gaussians(quadrature, figure):
    """T4f: P_ee of the box L = 300 until t = 600, seeded with a bump."""
    exact, exact_bar = BOX[quadrature]
    case = make_case({
        "name": "box1d",
        "grid": {
            "z": {"length": 300.0, "cells": 200},
            "momentum": {"rule": quadrature[0], "count": quadrature[1]},
        },
        "flavors": {"antineutrinos": True},
        "terms": {"advection": {}, "self_interaction": {}},
        "initial": {
            "recipe": "distribution", "perturbation": "bump", "amplitude": 1e-3, "width": 5.0,
            "populations": [
                {"angular": "gaussian", "width": 0.6},
                {"species": "nubar", "density": 0.9, "angular": "gaussian", "width": 0.5},
            ],
        },
        "time": {"end": 600.0, "tolerance": 1e-6},
        "output": {"directory": mkdtemp(prefix="hpcqke-box1d-"), "series_every": 100.0},
    })  # fmt: skip
    with hpcqke.Simulation(case) as sim:
        run = sim.run(quiet=True)
    with hpcqke.open_run(run.path) as found:
        series = found.series
        survival = series.survival.sel(flavor="e").values[1:]
        lepton = series.flavor_matrix.sel(component="Pz").values @ [1, -1]
    error = np.abs(survival[:, 0] - exact).max()
    bar = abs(survival[-1, 1] - exact_bar)
    link = np.abs((1 - survival[:, 0]) - 0.9 * (1 - survival[:, 1])).max()
    text = f"P_ee {error:.1e}, nubar {bar:.1e} (tol 1e-04), lepton number {link:.1e}"
    figure(f"T4f {quadrature}", text)
    assert max(error, bar) < 1e-5
    assert link < 1e-5
    assert np.ptp(lepton) < 1e-10 * abs(lepton[0])
