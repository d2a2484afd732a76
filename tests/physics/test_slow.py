"""T3: the flavor pendulum, its period and growth; synchronised oscillations; a spectral split."""

from __future__ import annotations

import numpy as np
import pytest
from homogeneous import isotropic, trajectory

PENDULUM = {  # (omega, theta, mu, alpha): period, (P, Pbar) at T/4, T/2, T
    (-1.0, 0.01, 10.0, 0.8): (2.94000047266, (
        (0.119744148634, 0.12657397198, 0.984703188014,
         0.146123191211, 0.0453931947185, 0.785230839221),
        (-0.663690992007, 0.428031554176, -0.613435616636,
         0.0159989283944, -7.83349457523e-09, -0.799840005432),
        (-0.011448493996, -0.0180798333019, 0.999770999586,
         -0.00915879528036, -0.0144638666804, 0.799816799667))),
    (-1.0, 0.01, 10.0, 1.0): (2.72559543797, (
        (0.174269510746, 0.0444851159766, 0.983692641063,
         0.174269510746, -0.0444851159766, 0.983692641063),
        (0.0179990125187, 0.435868160408, -0.899830529761,
         0.0179990125187, -0.435868160408, -0.899830529761),
        (-0.0399893341837, 0, 0.999200106661, -0.0399893341838, 0, 0.999200106661))),
    (1.0, 0.01, 10.0, 0.8): (0.702502548005, (
        (-0.00497026591854, -0.00375629588235, 0.999980593161,
         -0.00486022696613, 0.00197664480712, 0.799982794233),
        (-0.0169213771795, -0.00839804491115, 0.999821553997,
         -0.0159989333547, 0, 0.799840005333),
        (-0.0352560565563, -0.0129206606764, 0.999294784838,
         -0.028204845245, -0.0103365285411, 0.79943582787))),
    (-1.0, 0.1, 50.0, 0.7): (0.968722485421, (
        (0.0894958871498, 0.445176173396, 0.8909594047,
         0.141272207594, 0.329080636068, 0.601454984456),
        (-0.970825488768, -0.0906267520008, 0.22200149139,
         -0.696272085191, -0.068599846575, -0.0223437784215),
        (-0.00384636662835, 0.0392936606576, 0.999220302884,
         -0.00269245663982, 0.0275055624603, 0.699454212019))),
}  # fmt: skip


def gas(omega, theta, mu, alpha, end, **keys):
    terms = {
        "vacuum": {"mass_splittings": [2.0 * omega], "theta": theta},
        "self_interaction": {"mu": mu} if not isinstance(mu, dict) else mu,
        **keys.pop("terms", {}),
    }
    populations = [{}, {"species": "nubar", "density": alpha}]
    return isotropic(terms, populations, end, **keys)


def vectors(A: np.ndarray) -> np.ndarray:
    """(P, Pbar), two directions of weight 1 with half of each."""
    return 2 * A[0, 0, 0, :, 1:]


@pytest.mark.parametrize("parameters", PENDULUM)
def test_pendulum(parameters, figure):
    """Polarizations at T/4, T/2, T, and the period as the time of the turning point."""
    omega, theta, mu, _ = parameters
    T, table = PENDULUM[parameters]
    d = 0.01 * T
    times = [T / 4, T / 2, T - d, T, T + d]
    found = [vectors(A) for A in trajectory(gas(*parameters, T + d), times)]
    error = max(np.abs(found[i].ravel() - table[j]).max() for j, i in enumerate((0, 1, 3)))
    B = np.array([np.sin(2 * theta), 0, -np.cos(2 * theta)])
    Q = [P[0] + P[1] - omega / mu * B for P in found]
    c = [q @ B / np.linalg.norm(q) for q in Q]
    # c is symmetric around T, so the parabola's vertex is exact
    period = T + d / 2 * (c[2] - c[4]) / (c[2] - 2 * c[3] + c[4])
    figure(f"T3 {parameters}", f"P {error:.1e}, period {period / T - 1:.1e} (tol 1e-06)")
    assert error < 1e-6
    assert abs(period / T - 1) < 1e-6
    energy = [omega * B @ q + mu / 2 * np.sum((P[0] - P[1]) ** 2)
              for q, P in zip(Q, found, strict=True)]  # fmt: skip
    assert np.ptp(energy) < 1e-7 * mu
    assert np.ptp([np.linalg.norm(q) for q in Q]) < 1e-8
    assert np.ptp([(P[0] - P[1]) @ B for P in found]) < 1e-9


GROWTH = {0.6: 0.276405499222, 10.0: 4.0, 90.0: 8.94427191, 170.0: 4.0}


@pytest.mark.parametrize("matter", [False, True])
@pytest.mark.parametrize("mu", GROWTH)
def test_growth(mu, matter, figure):
    """gamma = sqrt(|omega| mu (1 + alpha) - omega^2 - mu^2 (1 - alpha)^2/4); matter drops out."""
    gamma = GROWTH[mu]
    theta = 1e-9
    first, last = 8 / gamma, 13 / gamma
    extra = {"matter": {"potential": 30.0}} if matter else {}
    if matter:  # a fast turn averages the seed down, but the mode that grows is the same
        theta = 1e-8
    found = trajectory(
        gas(-1.0, theta, mu, 0.8, last, terms=extra, time={"tolerance": 1e-12}), [first, last]
    )
    size = [np.hypot(*vectors(A)[0, :2]) for A in found]
    rate = np.log(size[1] / size[0]) / (last - first)
    assert size[1] < 0.05
    figure(f"T3 growth mu = {mu} {'matter' if matter else ''}", f"{rate:.6f} of {gamma} (.5 %)")
    assert rate == pytest.approx(gamma, rel=5e-3)


@pytest.mark.parametrize(("omega", "mu"), [(-1.0, 0.3), (-1.0, 180.0), (1.0, 10.0), (1.0, 90.0)])
def test_no_growth(omega, mu):
    """Outside of the band, and in normal ordering at any mu."""
    found = trajectory(gas(omega, 1e-4, mu, 0.8, 8.0), [2.0, 4.0, 6.0, 8.0])
    assert max(np.hypot(*vectors(A)[0, :2]) for A in found) < 5e-3


def test_synchronised(figure):
    """mu = 2000: all oscillate with sum omega (P + Pbar)/sum (P - Pbar) = 2.85."""
    terms = {
        "vacuum": {"mass_splittings": [2.0], "theta": 0.2},
        "self_interaction": {"mu": 2000.0},
    }
    table = {"spectrum": "table", "spectrum_values": [0.3, 0.5, 0.2]}
    populations = [table, {"species": "nubar", "density": 0.5, **table}]
    T = 2.20462642357
    case = isotropic(terms, populations, T, {"frequencies": [0.5, 1.0, 1.5]},
                     time={"tolerance": 1e-8})  # fmt: skip
    quarters = trajectory(case, [T / 4, T / 2, 3 * T / 4, T])
    found = [(1 + A[0, :, 0, 0, 3].sum() / A[0, :, 0, 0, 0].sum()) / 2 for A in quarters]
    exact = [0.92465245163, 0.848788229952, 0.923658117342, 0.999993861632]
    error = np.abs(np.array(found) - exact).max()
    figure("T3 synchronised", f"P_ee at T/4 ... T: error {error:.1e} (tol 1e-03)")
    assert error < 1e-3


def test_spectral_split(figure):
    """Inverted ordering, mu from 40 to .02: the nu below omega = 1.4 swap, and the nubar."""
    end = 40 * np.log(40 / 0.02)
    terms = {
        "vacuum": {"mass_splittings": [-2.0], "theta": 0.02},
        "self_interaction": {"mu": 40.0, "profile": "exponential", "along": "t",
                             "decay_time": 40.0},
    }  # fmt: skip
    bins = {"frequency_range": [-2.0, 0.0], "frequency_cells": 60}
    populations = [{}, {"species": "nubar", "density": 0.7}]
    case = isotropic(terms, populations, end, bins, time={"tolerance": 1e-11})
    first, last = trajectory(case, [1e-9, end])
    B = np.array([np.sin(0.04), 0, -np.cos(0.04)])
    weight = 2 / 60 * 2  # d omega times two directions
    charge = [weight * (A[0, :, 0, 0, 1:] - A[0, :, 0, 1, 1:]).sum(axis=0) @ B
              for A in (first, last)]  # fmt: skip
    P = last[0, :, 0, :, 1:] @ -B / last[0, :, 0, :, 0]  # in the mass basis
    split = 2 * (1 - P[:, 0].mean()) / 2
    omega = np.abs(np.linspace(-2, 0, 61)[:-1] + 1 / 60)
    low, high = P[omega < 1.0, 0], P[omega > 1.6, 0]
    text = f"omega_split {split:.4f} of 1.4 (2 %), D.B {charge[1] - charge[0]:.1e} (1e-08)"
    figure("T3 split", f"{text}, nubar {P[:, 1].mean():.6f}")
    assert abs(charge[0]) == pytest.approx(0.299760031998, abs=1e-9)
    assert abs(charge[1] - charge[0]) < 1e-8
    assert split == pytest.approx(1.36541679251, rel=0.02)
    assert P[:, 1].mean() == pytest.approx(-0.950052646851, abs=1e-5)
    assert low.mean() == pytest.approx(-1, abs=1e-6)
    assert high.mean() == pytest.approx(1, abs=1e-6)
