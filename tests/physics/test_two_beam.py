"""Two beams (Eqs. 8-13, Fig. 1): seeds, nonlinear energies and states, energy of an eigenmode."""

import numpy as np
import pytest
from boxes import at, finished, steps

LCG = steps(1024, 0.05, 30.0)
U_LCG = {
    2: -24.99861796528,
    4: -24.95147700307,
    5: -24.68865219794,
    6: -22.99298640096,
    8: 8.4550483974,
    10: -6.9290962471,
    15: 2.2337631261,
    20: -2.0668908193,
    30: 2.0703860267,
}
U_TB1 = {
    1: -6.26661980958,
    2: -6.13671367787,
    5: 4.02393329326,
    10: -1.84035642080,
    15: 0.3373977290,
    20: 2.07448686,
}


def worst(run, table: dict, unit: float = 1.0) -> float:
    """Largest |U_osc - reference| at the table's times, in ``unit``."""
    return max(abs(at(run, "energy_refractive_osc", t) - u) for t, u in table.items()) / unit


def test_lcg_seeds_are_those_of_the_recipe(figure):
    """P4: the deterministic seeds, to rounding."""
    run = finished("two_beam_lcg", **LCG)
    rho = run.fields.rho.isel(time=0, momentum=0, species=0)
    left, middle = rho.sel(z=-50.0).values, rho.sel(z=0.0).values
    errors = (
        at(run, "energy_refractive_osc", 0) + 24.999994301158,
        left[0, 1] - 1.631206533017e-3,
        left[1, 2] - 1.139093559138e-3,
        middle[0, 1] + 3.244117260264e-4,
    )
    figure("P4 seeds", f"U(0) {errors[0]:.1e} (1e-12), P {np.abs(errors[1:]).max():.1e} (1e-13)")
    assert abs(errors[0]) < 1e-12  # the table prints U(0) with 12 decimals
    assert np.abs(errors[1:]).max() < 1e-13


@pytest.mark.parametrize(
    ("settings", "tolerance", "unit"),
    [
        (LCG, 1e-5, 1.0),
        (steps(2048, 0.02, 30.0, "rk4", 4), 5e-5, 25.0),
        (steps(4096, 0.02, 30.0, "rk4", 2), 5e-3, 25.0),
    ],
    ids=["FD8", "FD4", "FD2"],
)
def test_energy_of_the_lcg_run(settings, tolerance, unit, figure):
    """P4b: U_osc through the nonlinear phase; coarse schemes are measured in units of |U(0)|."""
    error = worst(finished("two_beam_lcg", **settings), U_LCG, unit)
    order = settings["terms__advection__order"]
    figure(f"P4b FD{order}", f"max |U - U_ref|/{unit:g} {error:.1e} (tol {tolerance:.0e})")
    assert error < tolerance


def test_state_of_the_lcg_run(figure):
    """P4c: the polarization at z = 0, t = 30."""
    rho = finished("two_beam_lcg", **LCG).fields.rho.isel(time=-1, momentum=0, species=0)
    plus, minus = rho.sel(z=0.0).values
    found = np.array([*plus[1:], minus[3]])
    error = np.abs(found - [0.117953042, 0.289100352, -0.390527617, -0.016242587]).max()
    figure("P4c", f"max error {error:.1e} (tol 1e-4)")
    assert error < 1e-4


def test_growth_of_the_energy_from_seeds(figure):
    """P2d: U(t) - U(0) at the end of the linear phase."""
    run = finished("two_beam_lcg", **LCG)
    start = at(run, "energy_refractive_osc", 0)
    table = {1: 2.453691e-4, 2: 1.376336e-3, 3: 7.959390e-3, 4: 4.851730e-2}
    error = max(
        abs((at(run, "energy_refractive_osc", t) - start) / du - 1) for t, du in table.items()
    )
    figure("P2d", f"max relative error {error:.1e} (tol 1e-4)")
    assert error < 1e-4


@pytest.mark.parametrize(
    ("order", "early", "late", "unit"),
    [(8, 1e-6, 1e-5, 1.0), (4, 2e-4, 1e-2, 2 * np.pi)],
    ids=["FD8", "FD4"],
)
def test_energy_of_the_listed_modes(order, early, late, unit, figure):
    """P3: TB1 with 256 cells; FD4 is measured in units of |U(0)| = 2 pi."""
    run = finished("two_beam_modes", **steps(256, 0.05, 20.0, order=order))
    first = worst(run, {t: u for t, u in U_TB1.items() if t <= 15}, unit)
    last = worst(run, {20: U_TB1[20]}, unit)
    figure(f"P3 FD{order}", f"t<=15 {first:.1e} (tol {early:.0e}), t=20 {last:.1e} ({late:.0e})")
    assert first < early
    assert last < late


def test_state_of_the_listed_modes(figure):
    """P3b: TB1 at z = 0, t = 20."""
    run = finished("two_beam_modes", **steps(256, 0.05, 20.0))
    plus, minus = run.fields.rho.isel(time=-1, momentum=0, species=0).sel(z=0.0).values
    found = np.array([*plus[1:], minus[3]])
    error = np.abs(found - [-0.06272534, 0.05873101, 0.49352570, -0.44312358]).max()
    figure("P3b", f"max error {error:.1e} (tol 1e-5)")
    assert error < 1e-5


def eigenmode_energies(n: int) -> tuple[float, float]:
    """Changes of the whole U_osc and of its transverse part from t = 0 to 4 (P2)."""
    run = finished("eigenmode", initial__n=n, **steps(256, 0.05, 4.0))
    total = at(run, "energy_refractive_osc", 4) - at(run, "energy_refractive_osc", 0)
    rho = run.fields.rho.isel(momentum=0, species=0)
    dz = float(rho.z[1] - rho.z[0])
    plus, minus = rho.isel(direction=0), rho.isel(direction=1)
    across = (plus * minus).isel(component=[1, 2]).sum(("z", "component")) * dz
    return total, float(across[-1] - across[0])


def test_energy_of_a_growing_eigenmode(figure):
    """P2, P2b: the whole change of U_osc, and the transverse part that Eq. (12) of the paper is."""
    total, across = eigenmode_energies(-7)
    errors = total / 1.2691692525e-5 - 1, across / -5.4392968e-6 - 1
    figure("P2", f"total {errors[0]:.1e}, transverse (Eq. 12) {errors[1]:.1e} (tol 1e-4)")
    assert max(map(abs, errors)) < 1e-4


def test_the_middle_of_the_band_takes_energy_too(figure):
    """P2c: at k = kbar the transverse part does not change, the whole does."""
    total, across = eigenmode_energies(-10)
    error = total / 3.744725648e-5 - 1
    figure("P2c", f"total {error:.1e} (tol 1e-4), transverse {across:.1e} (1e-9)")
    assert abs(error) < 1e-4
    assert abs(across) < 1e-9


def test_recurrence_of_the_integrable_box(figure):
    """P6: LCG seed in L = 50: first U/U0 < 1/2, and the recurrence at t = 63.3."""
    settings = steps(512, 0.05, 75.0)
    settings |= {"output__series_every": 0.1, "grid__z__length": 50.0, "initial__nmax": 50}
    run = finished("two_beam_lcg", **settings)
    ratio = run.series.energy_refractive_osc / run.series.energy_refractive_osc[0]
    t, ratio = ratio.time.values, ratio.values
    half = t[np.argmax(ratio < 0.5)]
    late = (t > 30) & (t < 75)
    peak, when = ratio[late].max(), t[late][ratio[late].argmax()]
    figure("P6", f"half at {half:.1f} (7.7), recurrence {peak:.5f} at {when:.1f} (.99976, 63.3)")
    assert abs(half - 7.7) <= 0.1 + 1e-9
    assert abs(peak - 0.99976) < 0.002
    assert abs(when - 63.3) < 0.2 + 1e-9
