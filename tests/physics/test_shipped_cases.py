"""Each shipped case gives the numbers of its header; some write less here than as shipped."""

from __future__ import annotations

import numpy as np
import pytest
from boxes import finished

from hpcqke.analysis.growth import compare, fit_growth, scheme_of
from hpcqke.analysis.homogeneous import linear_systems
from hpcqke.state import occupations


def thinned(name: str, every: float | None = None, **more):
    """The shipped case to its own end with fewer rows and frames."""
    import hpcqke

    every = every or hpcqke.load_case(name).time.end
    return finished(name, output__series_every=every, output__fields_every=every, **more)


def content(run) -> np.ndarray:
    """n_a of each row and species over n at the start, (time, species, N_f)."""
    n = occupations(run.series.flavor_matrix.values)
    return n / n[0].sum(axis=-1, keepdims=True)


def frame(run, t: float) -> np.ndarray:
    """rho at time t: (momentum, direction, species, component)."""
    return run.fields.rho.sel(time=t, method="nearest").isel(z=0).values


def test_vacuum(figure):
    n = content(thinned("vacuum"))[-1]
    exact = [[0.053080005679, 0.0158536457572], [0.0459598304589, 0.0158536457572]]
    error = np.abs(n[:, :2] - exact).max()
    figure("case vacuum", f"P(mu -> e), P(mu -> mu) {error:.1e} (tol 1e-08)")
    assert error < 1e-8


def test_msw(figure):
    run = thinned("msw")
    P = run.series.flavor_matrix.values[-1]
    theta = run.case.terms["vacuum"].theta
    B = np.array([np.sin(2 * theta), 0, -np.cos(2 * theta)])
    found = 0.5 * (1 - np.cos(2 * theta) * (P[:, 1:] @ B) / P[:, 0])
    error = abs(found[0] - 0.51563494334)
    figure("case msw", f"P_ee {found[0]:.9f}, {found[1]:.6f}, error {error:.1e} (tol 1e-06)")
    assert error < 1e-6
    assert found[1] == pytest.approx(np.cos(theta) ** 2, abs=1e-3)


def test_bipolar(figure):
    run = finished("bipolar")
    P = run.series.flavor_matrix.values[::50, :, 1:].reshape(5, 6)
    exact = {
        1: (0.119744148634, 0.12657397198, 0.984703188014,
            0.146123191211, 0.0453931947185, 0.785230839221),
        2: (-0.663690992007, 0.428031554176, -0.613435616636,
            0.0159989283944, -7.83349457523e-09, -0.799840005432),
        4: (-0.011448493996, -0.0180798333019, 0.999770999586,
            -0.00915879528036, -0.0144638666804, 0.799816799667)}  # fmt: skip
    error = max(np.abs(P[i] - row).max() for i, row in exact.items())
    low = content(run)[..., 0].min(axis=0) / content(run)[0, :, 0]
    figure("case bipolar", f"P at T/4, T/2, T {error:.1e} (tol 1e-06), lowest P_ee {low}")
    assert error < 1e-6
    assert low == pytest.approx([0.193253, 7.18e-5], abs=1e-4)  # of the rows


def test_synchronised(figure):
    found = content(thinned("synchronised", 2.20462642357 / 4))[1:, 0, 0]
    exact = [0.92465245163, 0.848788229952, 0.923658117342, 0.999993861632]
    error = np.abs(found - exact).max()
    figure("case synchronised", f"P_ee at T/4 ... T {error:.1e} (tol 1e-03)")
    assert error < 1e-5


def test_spectral_split(figure):
    run = thinned("spectral_split")
    last = frame(run, run.case.time.end)
    omega = run.fields.frequency.values
    P = last[:, 0, :, 3] / last[:, 0, :, 0]
    split = 2 * 0.5 * (1 - P[:, 0].mean())
    swapped = 0.5 * (1 - P[:, 1].mean())
    text = f"omega_split {split:.4f} of 1.36542 (2 %), swapped nubar {swapped:.4f}"
    figure("case spectral_split", text)
    assert split == pytest.approx(1.36541679251, rel=0.02)
    assert swapped == pytest.approx(0.975, abs=2e-3)
    low, high = P[np.abs(omega) < 1.0, 0], P[np.abs(omega) > 1.6, 0]
    assert low == pytest.approx(np.full(low.size, -1), abs=2e-3)
    assert high == pytest.approx(np.full(high.size, 1), abs=2e-3)


def test_fast_pendulum(figure):
    run = thinned("fast_pendulum", 0.5, time__end=40.0)
    G = np.array([0.9, 0.9, -0.9])
    v = run.fields.direction.values
    exact = {15.0: [0.985916061185, 0.982223483446, 0.968139364631],
             25.0: [0.540875660869, 0.427997394466, -0.0311271246655],
             40.0: [0.999989994609, 0.999977669246, 0.999967483855]}  # fmt: skip
    error = max(np.abs(frame(run, t)[0, :, 0, 3] / G - row).max() for t, row in exact.items())
    D = run.fields.rho.isel(z=0, momentum=0, species=0).values[..., 1:]
    D = np.einsum("tdc,d->tc", D, v)
    lowest = (D[:, 2] / np.linalg.norm(D, axis=1) * np.sign(D[0, 2])).min()
    figure("case fast_pendulum", f"s_z {error:.1e} (tol 1e-06), lowest cos {lowest:.4f} of -0.6660")
    assert error < 1e-6
    assert lowest == pytest.approx(-0.66603, abs=5e-3)  # of the rows


def test_matter_neutrino_resonance(figure):
    t = 54.821900606
    early = content(thinned("matter_neutrino_resonance", t, time__end=t))[-1, :, 0]
    last = content(thinned("matter_neutrino_resonance"))[-1, :, 0]
    exact = [(0.807688944592, 0.910054718849), (0.000156999718848, 0.999829068325)]
    error = np.abs(np.array([early, last]) - exact).max()
    figure("case matter_neutrino_resonance", f"P_ee, Pbar_ee {error:.1e} (tol 1e-04)")
    assert error < 1e-4


def test_three_flavors(figure):
    run = thinned("three_flavors", 5.0, time__end=25.0)
    exact = {
        15.0: [[0.9235452756, 0.123290459963, 0.0531642644368],
               [0.903750492657, 0.129409420023, 0.0668400873208],
               [-0.627295228167, 0.0472997960148, 0.179995432153]],
        20.0: [[0.598175405535, 0.177401077226, 0.324423517238],
               [0.498876723983, 0.196308920345, 0.404814355673],
               [0.102948410572, -0.0737103215709, -0.429238089001]],
        25.0: [[0.911392635497, 0.13144400383, 0.057163360673],
               [0.889309558187, 0.139987085525, 0.0707033562881],
               [-0.600701653595, 0.0285685866456, 0.172133066949]]}  # fmt: skip
    error = max(np.abs(frame(run, t)[0, :, 0, :3] - rows).max() for t, rows in exact.items())
    systems = linear_systems(run.case)
    gamma = [systems[pair].growth(np.zeros(1))[0][0] for pair in ("emu", "etau", "mutau")]
    figure("case three_flavors", f"rho_aa {error:.1e} (tol 1e-05)")
    assert error < 1e-5
    assert gamma == pytest.approx([0.362243012355, 0.40044943501, 0], abs=1e-8)


def test_fast_flavor_box(figure):
    """Growth, means of the end, lepton number, U_osc."""
    run = finished("fast_flavor_box", output__fields_every=5000.0)
    series, t = run.series, run.series.time.values
    P = series.survival.sel(flavor="e").values
    late = P[t >= 2500].mean(axis=0)
    number = series.flavor_matrix.sel(component="Pz").values[0]
    link = np.abs((1 - P[:, 0]) * number[0] - (1 - P[:, 1]) * number[1]).max() / number[0]
    energy = (series.energy_refractive_osc / series.energy_refractive_osc[0]).values
    fit = fit_growth(series, run.case.output.growth_window)
    (best,) = compare(series, linear_systems(run.case), fit, scheme_of(run.case), most=1)
    text = f"gamma {best.measured:.6f} of {best.predicted:.6f} (tol 1e-05)"
    text += f", late P_ee {late.round(4)} of 0.816, 0.796 (tol 0.03), link {link:.1e} (1e-12)"
    figure("case fast_flavor_box", f"{text}, U_osc/U_osc(0) {energy[t >= 2500].mean():.4f}")
    assert best.measured == pytest.approx(best.predicted, abs=1e-5)
    assert best.predicted == pytest.approx(0.01273, abs=1e-6)
    assert best.n == 21
    assert late == pytest.approx([0.816, 0.796], abs=0.03)
    assert link < 1e-12
    assert energy[t >= 2500].mean() == pytest.approx(1.055, abs=0.01)
