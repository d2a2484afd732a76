"""T7: neutrinos come into a slab that absorbs and emits, or scatters isotropically."""

import numpy as np
import pytest
from open_boxes import beams, case_of, flow

import hpcqke

NOTHING = [{"density": 0.0}]


def absorbed(v, z, t, kappa: float, B: float, given: float):
    """f = B + (f_in - B) exp(-kappa z/v) behind the front z = v t, B (1 - exp(-kappa t)) ahead."""
    path = np.minimum(z / v, t)
    return B + np.where(z < v * t, given - B, -B) * np.exp(-kappa * path)


@pytest.mark.parametrize(
    ("kappa", "B", "given", "v", "places", "t"),
    [
        (2.0, 1.0, 0.0, [0.25, 0.5, 1.0], [0.1, 0.5, 1.0], 0.6),
        (5.0, 0.0, 1.0, [0.5, 1.0], [0.2, 0.6], 0.9),
    ],
)
def test_absorption_and_emission(kappa, B, given, v, places, t, figure):
    """On the way and in the end, in both flavors with rates of their own."""
    other = 0.4 * kappa
    collisions = {"absorption": [kappa, other], "equilibrium": [B, 0.3]}
    case = case_of(
        {"length": 1.2, "cells": 480}, {"directions": v}, {"collisions": collisions}, NOTHING, 6.0,
        inflow={"recipe": "distribution", "populations": [beams([given] * len(v))]},
        time={"step": 0.0025},
    )  # fmt: skip
    with flow(case) as run:
        start, end = (run.to(when).at(places)[:, 0, :, 0][..., [0, 3]] for when in (t, 6.0))
    grid = np.meshgrid(places, v, indexing="ij")[::-1]
    wrong = []
    for when, found in ((t, start), (6.0, end)):
        e = absorbed(*grid, when, kappa, B, given)
        x = absorbed(*grid, when, other, 0.3, 0.0)
        wrong.append(np.abs(found - np.stack([e + x, e - x], axis=-1)).max())
    figure(f"T7 slab, kappa = {kappa:g}, B = {B:g}",
           f"at t = {t}: {wrong[0]:.1e} (tol 1e-3), in the end: {wrong[1]:.1e} (tol 1e-7)")
    assert wrong[0] < 1e-3
    assert wrong[1] < 1e-7


TRANSMITTED = {0.5: 0.704169102671, 1.0: 0.55340598252, 5.0: 0.207657272144}
ENTERING = {1.0: 0.75814645442, 0.5: 0.687331860926, 5.0: 0.910078711935}


def half_ranges(count: int) -> dict:
    """A Gauss rule for each side of v = 0, where what comes in jumps."""
    x, w = np.polynomial.legendre.leggauss(count // 2)
    v = (x + 1) / 2
    return {"directions": [*-v, *v], "weights": [*w / 2, *w / 2]}


@pytest.mark.parametrize(
    ("tau", "rule"), [(0.5, "whole"), (1.0, "whole"), (5.0, "whole"), (1.0, "half")]
)
def test_isotropic_scattering(tau, rule, figure):
    """Diffuse incidence on tau mean free paths, 16 angles: T, R = 1 - T, density at middle and end.

    One Gauss rule for all v is off by the jump at v = 0; one for each side is nearly exact.
    """
    whole = {"rule": "gauss-legendre", "count": 16}
    case = case_of(
        {"length": 1.0, "cells": 60}, whole if rule == "whole" else half_ranges(16),
        {"collisions": {"scattering": [tau, 0.5]}}, NOTHING, 60.0,
        inflow={"recipe": "distribution", "populations": [beams([1.0] * 16)]},
        time={"step": 0.02},
    )  # fmt: skip
    with flow(case) as run:
        row, grid = run.to(60.0).row(), run.sim.ps.momentum
        middle = run.at(0.5)[0, 0, :, 0, 0] @ grid.v_weight / 2
        first = run.at(1e-9)[0, 0, :, 0, 0] @ grid.v_weight / 2
    incoming = (grid.v_weight * grid.v)[grid.v > 0].sum()
    T, net = row["flux_right"][0, 0] / incoming, row["flux_left"][0, 0] / incoming
    error, tolerance = T / TRANSMITTED[tau] - 1, 5e-3 if rule == "whole" else 1e-5
    figure(f"T7 scattering slab, tau = {tau:g}, {rule} range",
           f"T {T:.8f}, off by {100 * error:.2g} % (tol {100 * tolerance:g} %), T + R - 1 = "
           f"{T - net:.0e}, middle {middle:.9f}")
    assert abs(error) < tolerance
    assert abs(T - net) < 1e-9
    assert abs(middle - 0.5) < 1e-9
    assert abs(first / ENTERING[tau] - 1) < 5e-3


def test_shipped_slab(figure):
    """The case `slab`: flux_right is a quarter of T, flux_left the same."""
    with flow(hpcqke.load_case("slab")) as run:
        row = run.to(60.0).row()
    left, right = (4 * row[f"flux_{end}"][0, 0] for end in ("left", "right"))
    figure("case slab", f"T = {right:.7f}, T + R - 1 = {right - left:.0e}")
    assert abs(right - 0.5534057) < 1e-7
    assert abs(left - right) < 1e-9
