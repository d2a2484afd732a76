"""Runs that other codes have published or were run with: COSEnu's box, Emu's test suite."""

from __future__ import annotations

import math
from tempfile import mkdtemp

import fast_flavor_box as box
import numpy as np
import pytest
from homogeneous import trajectory

import hpcqke
from hpcqke import units
from hpcqke.analysis.growth import fit_growth
from hpcqke.analysis.homogeneous import linear_systems
from hpcqke.analysis.stability import stability
from hpcqke.case import make_case

COSENU = {  # finite differences of fourth order, Kreiss-Oliger filter: <P_ee>, <Pbar_ee>
    1300: (0.841786, None),
    1400: (0.798694, None),
    1600: (0.7880117, 0.7644567),
    1800: (0.9712556, 0.9680616),
    2000: (0.9137401, 0.9041553),
}
MASSES, ENERGY = 7.39e-5, 50.0  # eV^2, MeV
OMEGA = units.vacuum_frequency(MASSES, ENERGY)


BUMP = {"perturbation": "bump", "amplitude": 1e-6, "width": 5.0}
WAVE = {1000: 0.9385556, 1100: 0.7418980, 1200: 0.9149828, 1700: 0.7367516, 2000: 0.9944212}


def gaussians(cells: int, advection: dict, time: dict, seed=BUMP):
    """The box of fast_flavor_box.py by recipe."""
    nubar = {"species": "nubar", "density": 0.9, "angular": "gaussian", "width": 0.53}
    return make_case({
        "name": "cosenu",
        "grid": {"z": {"length": box.LENGTH, "cells": cells},
                 "momentum": {"rule": "uniform", "count": box.DIRECTIONS}},
        "flavors": {"antineutrinos": True},
        "terms": {"advection": advection, "self_interaction": {}},
        "initial": {"recipe": "distribution", **seed,
                    "populations": [{"angular": "gaussian", "width": 0.6}, nubar]},
        "time": {"end": box.END, **time},
    })  # fmt: skip


def survival(case, times=COSENU) -> np.ndarray:
    """<P_ee>, <Pbar_ee> at the times."""
    rows = [A.mean(axis=(0, 1)).sum(axis=0) for A in trajectory(case, times)]
    return np.array([0.5 * (1 + row[:, 3] / row[:, 0]) for row in rows])


def test_cosenu_digit_by_digit(figure):
    """The same scheme: FD4, filter 0.1 (its default), classical RK4, dt = 0.4 dz."""
    scheme = {"order": 4, "filter": 0.1}
    found = survival(gaussians(256, scheme, {"integrator": "rk4", "step": 0.4}))
    printed = np.array([row if row[1] else (row[0], np.nan) for row in COSENU.values()])
    error = np.abs(found - printed)
    figure("COSEnu FD4", f"<P_ee> {np.nanmax(error[2:]):.1e} (tol 6e-08, its seven digits)")
    assert np.nanmax(error[2:]) < 6e-8
    assert np.nanmax(error[:2]) < 6e-7  # six digits are printed


@pytest.mark.parametrize("time", [{"tolerance": 1e-8}, {"integrator": "bm6", "step": 5.0}], ids=str)
def test_cosenu_converged(time, figure):
    """The default scheme at half its resolution: what finite volumes and fine grids converge to."""
    found = survival(gaussians(128, {}, time))
    error = np.abs(found - np.array(list(box.CONVERGED.values()))).max()
    figure(f"COSEnu converged {time}", f"<P_ee>, <Pbar_ee> {error:.1e} (tol 1e-06)")
    assert error < 1e-6


def test_single_wave_between_codes(figure):
    """Emu's sinusoid: a pendulum that swings back; Emu itself is off by 6e-3 on twice the grid."""
    seed = {"perturbation": "sinusoid", "amplitude": 2e-6, "wave_number": 5}
    case = gaussians(128, {}, {"tolerance": 1e-9}, seed)
    error = np.abs(survival(case, WAVE)[:, 0] - list(WAVE.values())).max()
    k = 2 * math.pi * 5 / box.LENGTH
    gamma, frequency = (x[0] for x in linear_systems(case)["ex"].growth([k]))
    figure("single wave", f"<P_ee> {error:.1e} (tol 1e-06), gamma {gamma:.7f} of 0.0126903")
    assert error < 1e-6
    assert gamma == pytest.approx(0.0126903, abs=5e-8)
    assert abs(frequency) == pytest.approx(0.020181, abs=5e-7)


@pytest.mark.parametrize("ordering", [1, -1])
def test_emu_msw(ordering, figure):
    """Constant matter near the resonance (of nubar if dm2 < 0): four probabilities at 50 times."""
    theta, energy, density = math.radians(33.82), 2.2079e-13 / 1.602176634e-6, 1.346160e9
    w = ordering * units.vacuum_frequency(MASSES, energy)
    potential = units.matter_potential(1.0) * density
    end = 4 * math.pi / abs(w)
    case = make_case({
        "name": "msw", "units": {"system": "cm"},
        "grid": {"z": {"length": 1.0, "cells": 1},
                 "momentum": {"directions": [1.0], "momenta": [energy]}},
        "flavors": {"antineutrinos": True},
        "terms": {"vacuum": {"mass_splittings": [ordering * MASSES], "theta": theta},
                  "matter": {"density": density, "electron_fraction": 1.0}},
        "initial": {"recipe": "distribution", "populations": [{}, {"species": "nubar"}]},
        "time": {"end": end, "integrator": "rk8vr", "tolerance": 1e-10},
    })  # fmt: skip
    times = np.linspace(end / 50, end, 50)
    error, mixing = 0.0, []
    for t, A in zip(times, trajectory(case, times), strict=True):
        for s, sign in enumerate((1, -1)):
            x, y = math.sin(2 * theta) * w, math.cos(2 * theta) * w - sign * potential
            swing = x**2 / (x**2 + y**2) * math.sin(math.hypot(x, y) * t / 2) ** 2
            P0, Pz = A[0, 0, 0, s, 0], A[0, 0, 0, s, 3]
            error = max(error, abs(0.5 * (1 - Pz / P0) - swing))
            mixing.append(x**2 / (x**2 + y**2))
    figure(f"Emu MSW {ordering:+d}", f"P {error:.1e} (tol 1e-06; Emu asks 7e-02, has 2e-08)")
    assert error < 1e-6
    assert mixing[0 if ordering > 0 else 1] > 0.9999  # the resonance
    assert mixing[1 if ordering > 0 else 0] < 0.7


def beams(cells: int, wave: float, theta: float, end: float, initial: dict, **more):
    """nu_e upwards, nubar_e downwards; n = (omega + wave)/(2 sqrt2 G_F), a cm of them each."""
    n = (OMEGA + wave) / (2 * units.self_interaction(1.0))
    streaming = {"advection": {}} if wave else {}
    populations = [{"angular": "table", "values": [1.0, 0.0]},
                   {"species": "nubar", "angular": "table", "values": [0.0, 1.0]}]  # fmt: skip
    return make_case({
        "name": "beams", "units": {"system": "cm"},
        "grid": {"z": {"length": 1.0, "cells": cells},
                 "momentum": {"directions": [1.0, -1.0], "momenta": [ENERGY]}},
        "flavors": {"antineutrinos": True},
        "terms": {"vacuum": {"mass_splittings": [-MASSES], "theta": theta},
                  "self_interaction": {"number_density": n}} | streaming,
        "initial": {"recipe": "distribution", "populations": populations, **initial},
        "time": {"end": end, "integrator": "rk8vr", "tolerance": 1e-12},
        **more,
    })  # fmt: skip


def test_emu_two_beams_homogeneous(figure):
    """k = 0: gamma = dm2/2E, 1122.7401 1/s with Emu's hbar; the mixing angle of 1e-6 degrees seeds.

    Emu's hbar/eV is that of 1986, 1.3e-6 below today's.
    """
    emu = 6.582119569e-16 / (1.05457266e-27 / 1.60218e-12)
    d = 1.5 / OMEGA
    times = [6 / OMEGA, 6 / OMEGA + d, 6 / OMEGA + 2 * d]
    case = beams(1, 0.0, math.radians(1e-6), times[-1], {})
    psi = [A[0, 0, 0, 0, 1] + 1j * A[0, 0, 0, 0, 2] for A in trajectory(case, times)]
    # what the mixing angle forces is constant: differences have the growing wave only
    measured = units.per_second(np.log(abs((psi[2] - psi[1]) / (psi[1] - psi[0]))) / d)
    predicted = units.per_second(linear_systems(case)["ex"].growth(np.zeros(1))[0][0])
    rates = emu * np.array([measured, predicted])
    figure("Emu two beams, k = 0", f"{rates} of 1122.7401 1/s (tol 1e-06; Emu asks 2e-02)")
    assert rates == pytest.approx(1122.7401, rel=1e-6)
    assert abs(psi[-1]) < 1e-3


def test_emu_two_beams_with_a_wave(figure):
    """k = 2 pi/cm on 50 cells: gamma = k c, 1.88365157e11 1/s."""
    k = 2 * math.pi
    folder = mkdtemp(prefix="hpcqke-emu-")
    seed = {"perturbation": "sinusoid", "amplitude": 1e-9, "wave_number": 1}
    every = {"directory": folder, "series_every": 0.05}
    case = beams(50, k, 0.0, 2.4, seed, output=every)
    with hpcqke.Simulation(case) as sim:
        run = sim.run(quiet=True)
    with hpcqke.open_run(run.path) as found:
        fit = fit_growth(found.series, (1.6, 2.4))
    rates = fit.gamma[0][np.argsort(np.abs(np.abs(fit.gamma[0] - k)))]
    measured = units.per_second(float(rates[0]))
    system = linear_systems(case)["ex"]
    predicted = units.per_second(system.growth([k, -k])[0].max())
    text = f"{measured:.8e}, linear theory {predicted:.8e} of 1.88365157e11 1/s (tol 1e-06)"
    figure("Emu two beams, k = 2 pi/cm", text)
    assert predicted == pytest.approx(1.88365157e11, rel=1e-6)
    assert measured == pytest.approx(1.88365157e11, rel=1e-6)
    assert system.growth([k, -k])[0].min() == 0


def test_emu_fiducial(figure):
    """Flux factors +-1/3, n = 4.891e32: 6.495e10 1/s at a wavelength of 2.203 cm."""
    populations = [{"angular": "linear", "flux_factor": 1 / 3},
                   {"species": "nubar", "angular": "linear", "flux_factor": -1 / 3}]  # fmt: skip
    case = make_case({
        "name": "fiducial", "units": {"system": "cm"},
        "grid": {"z": {"length": 64.0, "cells": 256},
                 "momentum": {"rule": "gauss-legendre", "count": 16, "momenta": [ENERGY]}},
        "flavors": {"antineutrinos": True},
        "terms": {"advection": {}, "self_interaction": {"number_density": 4.891290819e32}},
        "initial": {"recipe": "distribution", "populations": populations,
                    "perturbation": "random", "amplitude": 1e-6, "nmax": 64},
        "time": {"end": 150.0},
    })  # fmt: skip
    found = stability(case).sel(sector="ex", branch="symmetric")
    rates = found.gamma.values
    k = abs(float(found.k[rates.argmax()]))
    gamma, length = units.per_second(rates.max()), 2 * math.pi / k
    figure("Emu fiducial", f"{gamma:.4e} 1/s at {length:.3f} cm of 6.495e10 1/s, 2.203 cm")
    assert gamma == pytest.approx(6.495e10, rel=1e-4)
    assert round(64 / length) == round(64 / 2.203)  # the box has waves of 64 cm/n
