"""The linearised equations against the code's own right-hand side, and against runs."""

import numpy as np
import pytest
from mpi4py import MPI

import hpcqke
from hpcqke.analysis import open_run
from hpcqke.analysis.homogeneous import linear_systems, polar_grid
from hpcqke.analysis.linear import BRANCHES, LinearSystem, central_wavenumber
from hpcqke.case import make_case
from hpcqke.state import PAIR_NAMES, PAIRS, to_matrix

V, WEIGHTS = [-0.9, -0.3, 0.2, 0.7], [0.3, 0.7, 1.1, 0.5]
VACUUM = {
    2: {"mass_splittings": [-0.8], "theta": 0.0},
    3: {"mass_splittings": [0.3, -0.9], "theta12": 0.0, "theta13": 0.0, "theta23": 0.0},
}


#: Rates for each |p| and flavor; antineutrinos have others.
RATES = [[0.3, 0.1, 0.7], [0.2, 0.5, 0.4]]


def collisions(flavors: int, antineutrinos: bool) -> dict:
    """Absorption and scattering that differ in everything."""
    rates = [one[:flavors] for one in RATES]
    section = {"absorption": rates, "equilibrium": [0.0] * flavors, "scattering": rates[::-1]}
    if antineutrinos:
        section |= {"absorption_bar": rates[0], "scattering_bar": rates[1]}
    return section


def any_case(flavors: int, antineutrinos: bool, azimuths: int, losses: bool):
    """Everything that linear theory knows of, on a small box."""
    terms = {"collisions": collisions(flavors, antineutrinos)} if losses else {}
    return make_case(
        {
            "name": "operator",
            "grid": {
                "z": {"length": 5.0, "cells": 16},
                "momentum": {"directions": V, "weights": WEIGHTS, "momenta": [1.0, 2.5],
                             "momenta_weights": [0.6, 0.9], "azimuths": azimuths},
            },
            "flavors": {"count": flavors, "antineutrinos": antineutrinos},
            "terms": {"advection": {"order": 4}, "self_interaction": {"mu": 1.3},
                      "matter": {"potential": 0.4}, "vacuum": VACUUM[flavors], **terms},
            "initial": {"recipe": "modes", "polarization": [0.1] * 4,
                        "modes": [{"direction": 0, "n": 0}]},
            "time": {"end": 1.0},
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("branch", "azimuths"),
    [(b, n) for b in BRANCHES for n in (1, 2, 3, 5) if (b, n) != ("breaking", 1)],
)
@pytest.mark.parametrize("antineutrinos", [False, True])
@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize("losses", [False, True])
def test_operator_is_that_of_the_code(losses, flavors, antineutrinos, azimuths, branch):
    """d psi/dt = -i Omega psi for any diagonal rho, amplitudes and wave; all pairs at once."""
    case, n, size = any_case(flavors, antineutrinos, azimuths, losses), -2, 1e-8
    rng, S = np.random.default_rng(flavors + azimuths), 1 + antineutrinos
    diagonal = rng.random((S, 2, 4, flavors))
    systems = linear_systems(case, diagonal, polar_grid(case))
    k = 2 * np.pi * n / 5.0
    shape = (S, 2, 4)
    amplitudes = {
        name: rng.normal(size=shape) + 1j * rng.normal(size=shape) for name in PAIR_NAMES[flavors]
    }

    def start(species, z, momentum, direction, azimuth=None):
        s = ("nu", "nubar").index(species)
        rho = np.zeros((z.size, momentum.size, direction.size, flavors, flavors), dtype=complex)
        i = np.arange(flavors)
        rho[..., i, i] = np.tile(diagonal[s], (1, azimuths, 1))
        phi = np.zeros(direction.size) if azimuth is None else azimuth
        turn = np.exp(1j * phi) if branch == "breaking" else np.ones(direction.size)
        for name, (a, b) in zip(PAIR_NAMES[flavors], PAIRS[flavors], strict=True):
            psi = np.tile(amplitudes[name][s], (1, azimuths)) * turn
            psi = size * np.exp(1j * k * z)[:, None, None] * psi
            rho[..., a, b], rho[..., b, a] = psi.conj() / 2, psi / 2
        return rho

    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(start)
        slope = to_matrix(sim.rhs())
    grid_k = float(central_wavenumber(k, 5.0 / 16, 4))
    for name, (a, b) in zip(PAIR_NAMES[flavors], PAIRS[flavors], strict=True):
        matrix = systems[name].species_matrix(grid_k, branch)
        expected = (-1j * matrix @ amplitudes[name].ravel()).reshape(S, 2, 4)
        # first cell, first azimuth (phi = 0)
        wave = size * np.exp(1j * k * -2.5)
        found = 2 * slope[0, :, :4, :, b, a] / wave
        assert found.transpose(2, 0, 1) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def grown(table: dict, folder, start=None):
    """(growth_rate of the run, its log): slope of ln off_diagonal_rms in the window."""
    case = make_case(table, {"output.directory": str(folder)})
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        if start is not None:
            sim.set_state(start)
        assert sim.run(quiet=True).status == "finished"
    with open_run(folder) as run:
        return float(run.series["growth_rate"][-1]), run.log


def predicted(log: str) -> list[list[float]]:
    """Numbers of the closing lines: k, n, measured, predicted, on the grid, rms."""
    lines = [line.split("  ex: k = ")[1] for line in log.splitlines() if "  ex: k = " in line]
    return [[float(x) for x in line.replace("(n =", "").replace(")", "").split()] for line in lines]


def test_growth_of_a_fast_wave(tmp_path, figure):
    """T4b in time: the eigenmode n = 8 of 16 Gauss-Legendre directions."""
    v, _ = np.polynomial.legendre.leggauss(16)
    fine, fine_weight = np.polynomial.legendre.leggauss(400)

    def number(sigma):
        norm = np.sum(fine_weight * np.exp(-((fine - 1) ** 2) / (2 * sigma**2)))
        return np.exp(-((v - 1) ** 2) / (2 * sigma**2)) / norm

    table = {
        "name": "fast",
        "grid": {"z": {"length": 300.0, "cells": 300},
                 "momentum": {"rule": "gauss-legendre", "count": 16}},
        "flavors": {"antineutrinos": True},
        "terms": {"advection": {}, "self_interaction": {}},
        "initial": {"recipe": "eigenmode", "n": 8, "amplitude": 1e-8,
                    "polarization": list(number(0.6)), "polarization_bar": list(0.9 * number(0.5))},
        "time": {"end": 100.0},
        "output": {"series_every": 5.0, "growth_window": [20.0, 100.0]},
    }  # fmt: skip
    rate, log = grown(table, tmp_path / "run")
    k, n, measured, theory, on_grid, _ = predicted(log)[0]
    figure("T4b in time", f"gamma {measured:.8f}, predicted {theory:.8f} (tol 1e-5 of it)")
    assert (k, n) == (pytest.approx(0.167552, abs=1e-6), 8)
    assert theory == pytest.approx(0.0436673, abs=1e-7)
    assert on_grid == pytest.approx(theory, abs=1e-7)
    assert measured == pytest.approx(theory, rel=1e-5)
    assert rate == pytest.approx(theory, rel=1e-5)


@pytest.mark.parametrize(("splitting", "matter"), [(-2.0, 0.0), (-2.0, 30.0)])
def test_growth_of_a_bipolar_wave(splitting, matter, tmp_path, figure):
    """T3 in time: gamma = 4 of the inverted ordering, started by the mixing alone."""
    table = {
        "name": "bipolar",
        "grid": {"z": {"length": 1.0, "cells": 1},
                 "momentum": {"directions": [0.0]}},
        "flavors": {"antineutrinos": True},
        "terms": {"self_interaction": {"mu": 10.0}, "matter": {"potential": matter},
                  "vacuum": {"mass_splittings": [splitting], "theta": 1e-7}},
        "initial": {"recipe": "modes", "modes": [{"direction": 0, "n": 0}],
                    "polarization": [1.0], "polarization_bar": [0.8]},
        "time": {"end": 3.0, "tolerance": 1e-12},
        "output": {"series_every": 0.05, "growth_window": [1.5, 3.0]},
    }  # fmt: skip
    rate, log = grown(table, tmp_path / "run")
    _, n, measured, theory, _, _ = predicted(log)[0]
    figure(f"T3 in time, lambda {matter:g}", f"gamma {measured:.6f}, predicted 4 (tol 0.5 %)")
    assert (n, theory) == (0, pytest.approx(4.0, abs=1e-7))
    assert measured == pytest.approx(theory, rel=5e-3)
    assert rate == pytest.approx(theory, rel=5e-3)


def test_growth_of_a_collisional_wave(tmp_path, figure):
    """T6 in time, the resonance: Im Omega = 6.18228392."""
    table = {
        "name": "collisional",
        "grid": {"z": {"length": 1.0, "cells": 1}, "momentum": {"directions": [0.0]}},
        "flavors": {"antineutrinos": True},
        "terms": {"self_interaction": {"mu": 300.0},
                  "collisions": {"absorption": [1.0, 0.0], "absorption_bar": [0.2, 0.0],
                                 "equilibrium": [1.0, 0.3]}},
        "initial": {"recipe": "modes", "polarization": [0.7], "polarization_bar": [0.7],
                    "P0": [1.3], "P0_bar": [1.3], "modes": [
                        {"direction": 0, "n": 0, "re": 1e-8},
                        {"direction": 0, "n": 0, "re": -1e-8, "species": "nubar"}]},
        "time": {"end": 1.6},
        "output": {"series_every": 0.02, "growth_window": [0.8, 1.6]},
    }  # fmt: skip
    rate, log = grown(table, tmp_path / "run")
    _, _, _, theory, _, _ = predicted(log)[0]
    figure("T6 in time", f"gamma {rate:.6f}, predicted 6.18228392 (tol 0.5 %)")
    assert theory == pytest.approx(6.18228392, rel=1e-7)
    assert rate == pytest.approx(theory, rel=5e-3)


def test_growth_of_a_wave_that_breaks_axial_symmetry(tmp_path, figure):
    """T4b, m = 1 on four azimuths: ELN 0.1 + 0.8 v, gamma = 0.08706503 for 8 directions."""
    v, weight = np.polynomial.legendre.leggauss(8)
    k = -0.35291244011
    system = LinearSystem(v, weight, 0.1 + 0.8 * v)
    omega, vectors = np.linalg.eig(system.species_matrix(k, "breaking"))
    amplitudes = 1e-7 * vectors[:, omega.imag.argmax()]
    table = {
        "name": "breaking",
        "grid": {"z": {"length": 2 * np.pi / abs(k), "cells": 16},
                 "momentum": {"rule": "gauss-legendre", "count": 8, "azimuths": 4}},
        "terms": {"advection": {}, "self_interaction": {}},
        "initial": {"recipe": "modes", "modes": [{"direction": 0, "n": 0}],
                    "polarization": list(0.1 + 0.8 * v)},
        "time": {"end": 20.0},
        "output": {"series_every": 1.0, "growth_window": [4.0, 20.0]},
    }  # fmt: skip

    def start(species, z, momentum, direction, azimuth):
        rho = np.zeros((z.size, 1, direction.size, 2, 2), dtype=complex)
        G = 0.1 + 0.8 * direction
        rho[..., 0, 0], rho[..., 1, 1] = np.maximum(G, 0), np.maximum(-G, 0)
        psi = np.exp(1j * k * z)[:, None, None] * np.tile(amplitudes, 4) * np.exp(1j * azimuth)
        rho[..., 0, 1], rho[..., 1, 0] = psi.conj() / 2, psi / 2
        return rho

    rate, log = grown(table, tmp_path / "run", start)
    figure("T4b m = 1 in time", f"gamma {rate:.8f}, predicted 0.08706503 (tol 1e-4 of it)")
    assert rate == pytest.approx(0.0870650296675, rel=1e-4)
    assert "0.08706503 exp(+-i phi)" in log
