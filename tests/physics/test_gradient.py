"""The inhomogeneous kinetic equation on two beams with momenta (GR1): P10."""

import numpy as np
import pytest
from boxes import at, finished

from hpcqke.diagnostics import entropy_density
from hpcqke.eigenvalues import eigenvalues

K = {
    2: -0.07323581466,
    5: -5.15355930022,
    10: -2.22141444319,
    15: -3.31029151807,
    20: -4.178836082,
}
SECOND = {2: 345.6166966987, 5: 350.4258496451, 10: 346.8704667915, 15: 348.2202380723}
THIRD = {5: -388.498992, 10: -167.137165, 15: -251.923564}
EVERY = {"output__series_every": 1.0, "output__fields_every": 5.0}
# At 8 sigma the tails that leave the window cost 1.1e-12 at t = 20, whatever the step.
WIDE = {"grid__momentum__offset_range": (-45.0, 45.0), "grid__momentum__offset_cells": 54}


def gr1(**settings):
    return finished("gradient", **{"time__end": 20.0, **EVERY, **settings})


def ledger(run) -> tuple[float, float]:
    """(max |Delta(K + U)|, max |Delta U|) over the run."""
    series = run.series
    total, refractive = series.energy_total, series.energy_refractive
    return float(abs(total - total[0]).max()), float(abs(refractive - refractive[0]).max())


def moment(run, t: float, power: int, order: int = 0) -> float:
    """int q^power rho_+0 dz."""
    n = run.series.occupation.sel(time=t).isel(direction=0, species=0)
    dq = float(n.momentum[1] - n.momentum[0])
    return float((n * n.momentum**power).sum() * dq)


def test_kinetic_energy_of_each_beam(figure):
    """P10: K+ = K- = -(U - U0)/2."""
    run = gr1()
    beams = run.series.energy_kinetic_direction.isel(species=0)
    error = max(np.abs(beams.sel(time=t).values - k).max() for t, k in K.items())
    figure("P10", f"max |K - K_ref| {error:.1e} (tol 1e-6)")
    assert error < 1e-6


@pytest.mark.parametrize(
    ("name", "settings", "tolerance"),
    [
        ("rk5dp, relaxation", {}, 1e-12),
        ("rk4 dt = .1, relaxation", {"time__integrator": "rk4", "time__step": 0.1}, 1e-12),
        (
            "rk5dp adaptive, relaxation",
            {"time__tolerance": 1e-8},
            1e-12,
        ),
        ("midpoint", {"time__integrator": "midpoint", "time__end": 5.0}, 1e-12),
        ("gauss2, 9 sigma", {"time__integrator": "gauss2", **WIDE}, 1e-12),
        ("rk4, plain", {"time__integrator": "rk4", "time__relaxation": False}, 1e-6),
        ("rk5dp, plain", {"time__relaxation": False, "time__tolerance": 1e-8}, 1e-6),
    ],
)
def test_ledger(name, settings, tolerance, figure):
    """Delta(K + U) against max |Delta U|: exact with relaxation, midpoint and gauss2."""
    run = gr1(**settings)
    drift, change = ledger(run)
    figure(f"ledger {name}", f"{drift / change:.1e} (tol {tolerance:.0e})")
    assert change > 0.1
    assert drift / change < tolerance


@pytest.mark.parametrize("integrator", ["midpoint", "gauss2"])
def test_each_beam_pays_half_exactly(integrator, figure):
    """P10: K+ = K- = -(U - U0)/2 to 1e-12 of max |U - U0|, to t = 20 and in P10's own window."""
    series = gr1(time__integrator=integrator, time__step=0.1).series
    change = series.energy_refractive.values - float(series.energy_refractive[0])
    beams = series.energy_kinetic_direction.isel(species=0).values
    error = np.abs(beams - beams[0] + change[:, None] / 2).max() / np.abs(change).max()
    figure(f"P10, {integrator}", f"each beam pays half to {error:.1e} (tol 1e-12)")
    assert error < 1e-12


def test_without_the_gradient_terms_the_energy_is_missing(figure):
    """P10e: K does not change, and all of Delta U is missing."""
    run = gr1(terms__gradient__weak_force=False, time__relaxation=False)
    drift, change = ledger(run)
    kinetic = run.series.energy_kinetic
    figure(
        "P10e", f"Delta K {float(abs(kinetic - kinetic[0]).max()):.1e}, missing {drift / change}"
    )
    assert float(abs(kinetic - kinetic[0]).max()) < 1e-12
    assert abs(drift / change - 1) < 1e-12


def test_second_moment_of_the_momentum(figure):
    """P10b: int q^2 rho_+0, exact for central differences of any order."""
    error = max(abs(moment(gr1(), t, 2) / m - 1) for t, m in SECOND.items())
    figure("P10b", f"max relative error {error:.1e} (tol 1e-5)")
    assert error < 1e-5


def test_third_moment_of_the_momentum(figure):
    """P10c: int q^3 rho_+0 with differences of order 4."""
    run = gr1(terms__gradient__order=4)
    error = max(abs(moment(run, t, 3) / m - 1) for t, m in THIRD.items())
    figure("P10c", f"max relative error {error:.1e} (tol 1e-3)")
    assert error < 1e-3


def test_local_identity(figure):
    """P10d: k_s + u/2 is constant along z = z0 + s t; u = 3 R0+ R0- + R+.R-."""
    rho = gr1().fields.rho.isel(species=0)
    q = rho.momentum
    dq, dz = float(q[1] - q[0]), float(rho.z[1] - rho.z[0])
    R = (rho * dq).sum("momentum")
    plus, minus = R.isel(direction=0).values, R.isel(direction=1).values
    u = 3 * plus[..., 0] * minus[..., 0] + np.sum(plus[..., 1:] * minus[..., 1:], axis=-1)
    k = (q * rho.isel(component=0) * dq).sum("momentum").values  # (time, z, direction)
    worst = 0.0
    frame = int(np.flatnonzero(np.isclose(rho.time, 15.0))[0])
    wave = 2j * np.pi * np.fft.fftfreq(rho.z.size, dz)
    for s, direction in ((1.0, 0), (-1.0, 1)):
        kept = k[:, :, direction] + u / 2
        moved = np.fft.ifft(np.fft.fft(kept[0]) * np.exp(-wave * s * 15.0)).real
        worst = max(worst, np.abs(kept[frame] - moved).max())
    figure("P10d", f"residual at t = 15 {worst:.1e} (tol 1e-6)")
    assert worst < 1e-6


def test_flavor_does_not_feel_the_force():
    """On the axis the force telescopes in the momentum sum: the flavor evolution is unchanged."""
    on, off = gr1(), gr1(terms__gradient__weak_force=False, time__relaxation=False)
    for t in (5.0, 10.0):
        assert abs(at(on, "energy_refractive_osc", t) - at(off, "energy_refractive_osc", t)) < 1e-6


def test_momentum_and_trace_of_rho_squared(figure):
    """Total momentum to rounding; Tr rho^2 at the order of the scheme in time."""
    series = gr1().series
    momentum = float(abs(series.momentum_z - series.momentum_z[0]).max())
    square = series.trace_rho_squared[:, 0]
    drift = float(abs(square / square[0] - 1).max())
    figure("GR1 invariants", f"momentum {momentum:.1e} (1e-11), Tr rho^2 {drift:.1e} (1e-8)")
    assert momentum < 1e-11
    assert drift < 1e-8


def test_rates_of_both_ledgers(figure):
    """dK/dt of Eq. (22) is minus dU/dt of Eq. (7), at every time."""
    series = gr1().series
    gap = float(abs(series.energy_kinetic_rate + series.energy_refractive_osc_rate).max())
    size = float(abs(series.energy_kinetic_rate).max())
    figure("Eq. 22", f"|dK/dt + dU/dt| {gap:.1e} of {size:.1f} (tol 1e-12)")
    assert gap < 1e-12 * size
    assert size > 1


def test_entropy_of_wide_spectra(figure):
    """P10f: with a peak occupation of .8 the entropy drifts at second order in mu/delta_p."""
    table = {40.0: -7.4e-6, 20.0: -2.96e-5, 10.0: -1.20e-4}
    drift = []
    for width in table:
        run = gr1(
            time__end=10.0,
            initial__momentum_width=width,
            grid__momentum__offset_range=(-8 * width, 8 * width),
            grid__momentum__p0=400.0,
        )
        n = eigenvalues(run.fields.rho.isel(time=[0, -1]).values)
        before, after = entropy_density(0.8 / n[0].max() * n).sum(axis=(1, 2, 3, 4))
        drift.append(after / before - 1)
    figure("P10f", "dS/S " + " ".join(f"{x:.2e}" for x in drift) + " (10 %)")
    for found, expected in zip(drift, table.values(), strict=True):
        assert abs(found / expected - 1) < 0.1


def test_a_spectrum_too_narrow_is_warned_of(figure):
    """mu/delta_p = .8 with pure states: rho gets eigenvalues below zero, and run.log says so."""
    narrow = {"initial__momentum_width": 1.25, "grid__momentum__offset_range": (-10.0, 10.0)}
    run = gr1(time__end=8.0, initial__P0=(0.5, 0.5), **narrow)
    low = float((run.series.eigenvalue_min / run.series.eigenvalue_max).min())
    figure("positivity", f"smallest eigenvalue {low:.2f} of the largest (-.15 for .8)")
    assert low < -0.05
    assert "too narrow for the gradient expansion" in (run.path / "run.log").read_text()
    wide = gr1(time__end=8.0)
    assert "too narrow" not in (wide.path / "run.log").read_text()
