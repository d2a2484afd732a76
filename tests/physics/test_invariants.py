"""What the equation conserves: flavor, |P|, and Eq. (7) against the chain rule (P7)."""

import numpy as np
import pytest
from boxes import finished, steps

SCHEMES = {
    "rk4": ({"time__integrator": "rk4", "time__step": 0.05}, 1e-6),
    "rk5dp": ({"time__integrator": "rk5dp", "time__step": 0.05}, 1e-7),
    "rk8vr": ({"time__integrator": "rk8vr", "time__step": 0.05}, 1e-10),
    "midpoint": ({"time__integrator": "midpoint", "time__step": 0.05}, 1e-12),
    "gauss2": ({"time__integrator": "gauss2", "time__step": 0.05}, 1e-12),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_invariants_of_two_beams(scheme, figure):
    """Flavor to rounding for every scheme; int P^2 of each beam to the scheme's order."""
    settings, tolerance = SCHEMES[scheme]
    run = finished("two_beam_modes", **{**steps(128, 0.05, 20.0), **settings})
    flavor = run.series.flavor_matrix.values[:, 0]
    drift = np.abs(flavor - flavor[0]).max() / np.abs(flavor[0]).max()
    norm = float(run.series.polarization_norm_error.max())
    rate, measured = (
        run.series[f"energy_refractive_osc_rate{kind}"].values for kind in ("", "_measured")
    )
    eq7 = np.abs(rate - measured).max() / np.abs(rate).max()
    figure(
        f"P7 {scheme}",
        f"flavor {drift:.1e} (tol 1e-12), int P^2 {norm:.1e} ({tolerance:.0e}), "
        f"Eq. 7 {eq7:.1e} (1e-12)",
    )
    assert drift < 1e-12
    assert norm < tolerance
    assert eq7 < 1e-12
    assert np.abs(rate).max() > 1


def test_equation_7_fails_for_what_is_not_skew(figure):
    """The two sides of Eq. (7) part when a filter breaks the skew symmetry of D_z."""
    run = finished("two_beam_modes", terms__advection__filter=0.2, **steps(128, 0.05, 10.0))
    rate, measured = (
        run.series[f"energy_refractive_osc_rate{kind}"].values for kind in ("", "_measured")
    )
    difference = np.abs(rate - measured).max()
    figure("P7 filter", f"|Eq. 7 - chain rule| {difference:.1e} with a filter")
    assert difference > 1e-6
