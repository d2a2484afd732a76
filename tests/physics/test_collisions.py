"""Collisions against closed forms: every entry's rate, oscillations, scattering, Boltzmann."""

import numpy as np
import pytest
from collisional import RATES, case_of, evolve, gas, hermitian, table, uniform
from mpi4py import MPI

import hpcqke
from hpcqke.diagnostics import Diagnostics
from hpcqke.state import to_matrix
from hpcqke.terms.collisions import collision_rates, equilibrium


def bracket(rates: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """1/2 {diag(rates), rho} by matrix products; rates (momentum, species, N_f)."""
    diagonal = rates[..., None] * np.eye(rates.shape[-1])
    diagonal = diagonal[:, None]  # the same in every direction
    return 0.5 * (diagonal @ rho + rho @ diagonal)


@pytest.mark.parametrize("flavors", [2, 3])
def test_right_hand_side_is_the_brackets(flavors):
    """C of random matrices, by matrix products and a weighted mean; Hermitian."""
    with hpcqke.Simulation(gas(flavors), comm=MPI.COMM_SELF) as sim:
        sim.set_state(hermitian(flavors))
        rho, rate = to_matrix(sim.state()), to_matrix(sim.rhs())
        w = sim.ps.momentum.v_weight
    eq = table("equilibrium", flavors)[:, None, :, :, None] * np.eye(flavors)
    mean = np.einsum("d,zpdsij->zpsij", w / w.sum(), rho)[:, :, None]
    expected = bracket(table("absorption", flavors), eq - rho)
    expected = expected + bracket(table("scattering", flavors), mean - rho)
    assert np.abs(rate - expected).max() < 1e-15
    assert np.abs(rate - rate.conj().swapaxes(-1, -2)).max() == 0
    assert np.abs(rate).max() > 0.5
    rates = np.einsum("zpdsii->zpdsi", rate).real  # the trace is what the occupations gain
    assert np.abs(np.trace(rate, axis1=-2, axis2=-1) - rates.sum(axis=-1)).max() < 1e-15


@pytest.mark.parametrize("flavors", [2, 3])
def test_every_entry_relaxes_at_its_rate(flavors, figure):
    """ab: the mean goes to rho_eq with g = (Gamma_a + Gamma_b)/2, the rest away with g + k."""
    t = 1.3
    case = gas(flavors, time={"end": t})
    [rho] = evolve(case, hermitian(flavors))
    draw = hermitian(flavors)
    v, w = np.polynomial.legendre.leggauss(5)
    start = [draw(s, np.zeros(1), np.zeros(3), v) for s in ("nu", "nubar")]
    start = np.stack(start, axis=3)
    g, k = ((r[..., :, None] + r[..., None, :]) / 2 for r in (
        table("absorption", flavors)[:, None], table("scattering", flavors)[:, None]))  # fmt: skip
    eq = table("equilibrium", flavors)[:, None, :, :, None] * np.eye(flavors)
    mean = np.einsum("d,zpdsij->zpsij", w / 2, start)[:, :, None]
    exact = eq + (mean - eq) * np.exp(-g * t) + (start - mean) * np.exp(-(g + k) * t)
    error = np.abs(rho - exact).max()
    figure(f"collisions {flavors} flavors", f"|rho({t}) - closed form| {error:.1e} (tol 1e-09)")
    assert error < 1e-9
    assert np.abs(exact - start).max() > 0.3


DAMPED = {  # theta, Gamma_e, Gamma_x: (ee, xx, ex) at t = 5
    (0.3, 0.2, 0.2): (0.325870620762, 0.0420088204093, -0.0614041225338 - 0.0995940466098j),
    (0.6, 0.5, 0.05): (0.188647419847, 0.103959734429, 0.0209417681932 - 0.138467245271j),
    (0.6, 20.0, 0.0): (3.83475804004e-6, 0.00176041291075, 2.98826057277e-6 - 8.21086345158e-5j),
}


@pytest.mark.parametrize("setting", DAMPED, ids=str)
def test_damped_oscillation(setting, figure):
    """T7: omega = 1, absorption alone: exp(-i(H - i Gamma/2)t)."""
    theta, e, x = setting
    rates = {"absorption": [e, x], "equilibrium": [0, 0]}
    terms = {"vacuum": {"mass_splittings": [2.0], "theta": theta}}
    case = case_of(rates, terms=terms, time={"end": 5.0})
    nu = np.diag([1.0, 0.0])
    [rho] = evolve(case, uniform(nu, nu))
    ee, xx, ex = DAMPED[setting]
    found = rho[0, 0, 0, 0]
    error = np.abs(found - [[ee, ex], [np.conj(ex), xx]]).max()
    figure(f"T7 damped {setting}", f"|rho(5) - closed form| {error:.1e} (tol 1e-09)")
    assert error < 1e-9
    H = 0.5 * np.array([[-np.cos(2 * theta), np.sin(2 * theta)], [np.sin(2 * theta), 0]])
    H[1, 1] = -H[0, 0]
    energy, basis = np.linalg.eig(-H - 0.5j * np.diag([e, x]))  # nubar: -H
    U = basis @ np.diag(np.exp(-5j * energy)) @ np.linalg.inv(basis)
    assert np.abs(rho[0, 0, 0, 1] - U @ nu @ U.conj().T).max() < 1e-9


def test_emission_ahead_of_a_front(figure):
    """T7: B (1 - exp(-kappa t)) with streaming on, kappa = 2, t = 0.6, in both species."""
    rates = {"absorption": [2.0, 0.0], "equilibrium": [1.0, 0.5]}
    z = {"length": 1.0, "cells": 12}
    grid = {"z": z, "momentum": {"directions": [0.25, 0.5, 1.0]}}
    case = case_of(rates, grid=grid, terms={"advection": {}}, time={"end": 0.6})
    [rho] = evolve(case, uniform(np.zeros((2, 2)), np.zeros((2, 2))))
    error = np.abs(rho - 0.698805788088 * np.diag([1.0, 0.0])).max()
    figure("T7 emission", f"|rho_ee - B(1 - e^-kt)| {error:.1e} (tol 1e-09)")
    assert error < 1e-9


SCATTERED = {  # kappa, k, directions: rate of decay of cos kz; interval in which it is measured
    (10.0, 2 * np.pi, 8): (1.35193761999, (2.0, 3.0)),
    (10.0, 2 * np.pi, 4): (1.35414681246, (2.0, 3.0)),
    (10.0, 1.0, 8): (0.0333555767408, (2.5, 5.0)),
    (2.0, 2.5, 16): (1.16949883154, (18.0, 20.0)),
}


@pytest.mark.parametrize("setting", SCATTERED, ids=str)
def test_scattering_slows_a_wave(setting, figure):
    """T7: cos(kz), isotropic at first, decays with s = kappa - k cot(k/kappa) as it streams."""
    kappa, k, count = setting
    rate, (t0, t1) = SCATTERED[setting]
    grid = {
        "z": {"length": 2 * np.pi / k, "cells": 40},
        "momentum": {"rule": "gauss-legendre", "count": count},
    }
    rates = {"scattering": [kappa, kappa / 3]}
    time = {"end": t1, "tolerance": 1e-13}
    case = case_of(rates, grid=grid, terms={"advection": {}}, time=time)

    def wave(species, z, momentum, direction):
        f = np.broadcast_to((1 + np.cos(k * z))[:, None, None], (z.size, 1, direction.size))
        return f[..., None, None] * np.diag([1.0, 0.0])

    z = 2 * np.pi / k * np.arange(40) / 40 - np.pi / k
    w = np.polynomial.legendre.leggauss(count)[1]
    heights = [
        np.einsum("zd,d,z->", rho[:, 0, :, 0, 0, 0].real, w, np.cos(k * z))
        for rho in evolve(case, wave, (t0, t1))
    ]
    found = -np.log(heights[1] / heights[0]) / (t1 - t0)
    figure(f"T7 scattering {setting}", f"decay {found:.9f}, eigenvalue {rate:.9f} (tol 1e-06)")
    assert found == pytest.approx(rate, abs=1e-6)


def test_the_boltzmann_limit():
    """Occupations without coherence: the classical solution, and no coherence ever."""
    t = 2.0
    terms = {"self_interaction": {"mu": 3.0}, "matter": {"potential": 1.3}}
    case = gas(3, terms=terms, time={"end": t})
    f0 = np.random.default_rng(8).uniform(0, 1, (1, 3, 5, 2, 3))

    def start(species, z, momentum, direction):
        return f0[..., 0 if species == "nu" else 1, :, None] * np.eye(3)

    [rho] = evolve(case, start)
    f = np.einsum("zpdsii->zpdsi", rho).real
    eq, g, k = (table(key, 3)[:, None] for key in ("equilibrium", "absorption", "scattering"))
    weight = np.polynomial.legendre.leggauss(5)[1] / 2
    mean = np.einsum("d,zpdsi->zpsi", weight, f0)[:, :, None]
    exact = eq + (mean - eq) * np.exp(-g * t) + (f0 - mean) * np.exp(-(g + k) * t)
    assert np.abs(f - exact).max() < 1e-9
    assert np.abs(rho - np.einsum("zpdsi,ij->zpdsij", f, np.eye(3))).max() == 0


def test_isotropic_scattering_of_one_direction(figure):
    """Emu's test, N(t) = N0 [(1 - e^-kt)/92 + e^-kt delta], monochromatic and at three energies."""
    kappa = [5e-4, 5.2e-4, 5.5e-4]
    t, N = 3000.0, 92
    momentum = {"rule": "uniform", "count": N, "momenta": [1.0, 2.0, 3.0]}
    grid = {"momentum": momentum}
    rates = {"scattering": [[x] * 2 for x in kappa]}
    case = case_of(rates, grid=grid, time={"end": t})

    def beam(species, z, momentum, direction):
        f = np.zeros((1, 3, N))
        f[..., 0] = 1.0
        return f[..., None, None] * np.diag([0.7, 0.3])

    [rho] = evolve(case, beam)
    decay = np.exp(-np.array(kappa) * t)[:, None]
    exact = (1 - decay) / N + decay * (np.arange(N) == 0)
    found = rho[0, :, :, :, 0, 0].real / 0.7
    error = np.abs(found - exact[..., None]).max()
    figure("Emu isotropic scattering", f"|N - N(t)|/N0 {error:.1e} (tol 1e-06; Emu asks 1e-04)")
    assert error < 1e-6


def test_to_equilibrium(figure):
    """Emu's test: three flavors, all rates 5e-4, to the same number from anything."""
    rates = {"absorption": [5e-4] * 3, "equilibrium": [0.5] * 3}
    case = gas(3, rates, time={"end": 4e4})
    [rho] = evolve(case, hermitian(3))
    error = np.abs(rho / 0.5 - np.eye(3)).max()
    figure("Emu equilibrium", f"|N/N_eq - 1| {error:.1e} (tol 1e-06; Emu asks 1e-02)")
    assert error < 1e-6


def test_rates_as_tables():
    """`collision_rates` and `equilibrium`: (species, momentum, flavor); bars are the same."""
    config = gas(2).terms["collisions"]
    with hpcqke.Simulation(gas(2), comm=MPI.COMM_SELF) as sim:
        grid = sim.ps.momentum
    absorption, scattering = collision_rates(config, grid, 2, 2)
    assert np.array_equal(absorption.swapaxes(0, 1), table("absorption", 2))
    assert np.array_equal(scattering.swapaxes(0, 1), table("scattering", 2))
    assert np.array_equal(equilibrium(config, grid, 2, 2).swapaxes(0, 1), table("equilibrium", 2))
    plain = gas(2, {"scattering": [0.1, 0.2]}).terms["collisions"]
    absorption, scattering = collision_rates(plain, grid, 2, 1)
    assert absorption.shape == scattering.shape == (1, 3, 2)
    assert not absorption.any()
    assert np.array_equal(scattering[0, 2], [0.1, 0.2])
    assert np.array_equal(collision_rates(plain, grid, 2, 2)[1][1], scattering[0])


@pytest.mark.parametrize("flavors", [2, 3])
def test_scattering_keeps_the_sum_of_rho(flavors):
    """At every z and |p|, of each species by itself: the whole matrix, to rounding."""
    rates = {k: v for k, v in RATES[flavors].items() if "scattering" in k}
    with hpcqke.Simulation(gas(flavors, rates), comm=MPI.COMM_SELF) as sim:
        sim.set_state(hermitian(flavors))
        rate = to_matrix(sim.rhs())
        change = np.einsum("d,zpdsij->zpsij", sim.ps.momentum.v_weight, rate)
    assert np.abs(change).max() < 1e-15
    assert np.abs(rate).max() > 0.1


@pytest.mark.parametrize("flavors", [2, 3])
def test_what_collisions_add_is_written(flavors):
    """number_rate of series.nc is int sum of the right-hand side's diagonal; scattering adds 0."""
    with hpcqke.Simulation(gas(flavors), comm=MPI.COMM_SELF) as sim:
        sim.set_state(hermitian(flavors))
        rate = to_matrix(sim.rhs())
        diagnostics = Diagnostics(sim.equation, 0)
        diagnostics.set_reference(sim.ps.array(sim.vec, readonly=True))
        row = diagnostics.row(0.0, 0, sim.vec)
        diagnostics.destroy()
        expected = np.einsum("pd,zpdsii->si", sim.ps.momentum.weight, rate.real)
    assert np.abs(row["number_rate"] - expected).max() < 1e-13
    assert np.abs(expected).max() > 0.1


def test_beside_gradient_terms():
    """The slopes add up; without relaxation, which would hold the energy that collisions change."""
    rates = {"absorption": [0.3, 0.1], "equilibrium": [0.02, 0.01], "scattering": [0.2, 0.4]}
    slopes = []
    for collisions in (None, rates):
        off = {} if collisions else {"time.relaxation": False}
        case = hpcqke.load_case("gradient", {"terms.collisions": collisions, **off})
        assert case.time.relaxation is False
        with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
            sim._initial_state()
            rho, weight = to_matrix(sim.state()), sim.ps.momentum.v_weight
            slopes.append(to_matrix(sim.rhs()))
    mean = np.einsum("d,zpdsij->zpsij", weight / weight.sum(), rho)[:, :, None]
    gamma, eq, kappa = (np.diag(values) for values in rates.values())
    C = gamma @ (eq - rho) + (eq - rho) @ gamma + kappa @ (mean - rho) + (mean - rho) @ kappa
    assert np.abs(slopes[1] - slopes[0] - C / 2).max() < 1e-15


MUTATIONS = {
    "damping by the sum": lambda e, x: e + x,
    "damping by Gamma_e alone": lambda e, x: e,
    "damping by half of Gamma_e": lambda e, x: e / 2,
    "no damping": lambda e, x: 0.0,
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_damping_is_seen(name):
    """rho_ex(1) with another rate is off by more than 1e-2."""
    rates = {"absorption": [0.7, 0.2], "equilibrium": [0.0, 0.0]}
    half = np.full((2, 2), 0.5)
    [rho] = evolve(case_of(rates), uniform(half, half))
    assert rho[0, 0, 0, 0, 0, 1] == pytest.approx(0.5 * np.exp(-0.45), abs=1e-10)
    assert abs(rho[0, 0, 0, 0, 0, 1] - 0.5 * np.exp(-MUTATIONS[name](0.7, 0.2))) > 1e-2
