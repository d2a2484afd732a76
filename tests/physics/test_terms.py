"""Every registered term against complex matrices in NumPy, and rules that all terms keep.

The reference shares no code with the kernels: sums over pairs of directions, np.roll, and matrix
products. A term that is new in the registry is covered by the rules as soon as it is imported.
"""

import numpy as np
import pytest
from mpi4py import MPI

import hpcqke
from hpcqke import terms
from hpcqke.case import make_case
from hpcqke.state import to_matrix

CELLS, LENGTH = 24, 6.0
COEFFICIENTS = {
    2: (1 / 2,),
    4: (2 / 3, -1 / 12),
    6: (3 / 4, -3 / 20, 1 / 60),
    8: (4 / 5, -1 / 5, 4 / 105, -1 / 280),
}
KINDS = [(2, False), (2, True), (3, False), (3, True)]


NEEDED = {
    "collisions": {
        n: {"absorption": [0.9, 0.1, 0.3][:n], "equilibrium": [0.7, 0.2, 0.4][:n]} for n in (2, 3)
    },
    "matter": {2: {"potential": 0.7}, 3: {"potential": 0.7}},
    "vacuum": {
        2: {"mass_splittings": [2.5], "theta": 0.3},
        3: {
            "mass_splittings": [0.5, -2.5],
            **dict(theta12=0.6, theta13=0.15, theta23=0.8, delta_cp=4.0),
        },
    },
}
"""Keys without a default, by term and number of flavors."""


def alone(name: str, flavors: int) -> dict:
    """[terms.NAME] with what it needs, and no other."""
    return {name: NEEDED.get(name, {}).get(flavors, {})}


def case_with(switched_on: dict, flavors: int, antineutrinos: bool):
    return make_case(
        {
            "name": "terms",
            "grid": {
                "z": {"length": LENGTH, "cells": CELLS},
                "momentum": {
                    "directions": [-1.0, -0.3, 0.2, 0.6, 1.0],
                    "weights": [0.3, 0.7, 1.1, 0.5, 0.9],
                },
            },
            "flavors": {"count": flavors, "antineutrinos": antineutrinos},
            "terms": switched_on,
            "initial": {
                "recipe": "modes",
                "polarization": [0.1] * 5,
                "modes": [{"direction": 0, "n": 1, "re": 0.01}],
            },
            "time": {"end": 1.0},
        }
    )


def random_state(flavors: int):
    """Hermitian matrices without any structure."""
    draw = np.random.default_rng(5)

    def state(species, z, momentum, direction):
        shape = (z.size, momentum.size, direction.size, flavors, flavors)
        a = draw.normal(size=shape) + 1j * draw.normal(size=shape)
        return 0.3 * (a + a.conj().swapaxes(-1, -2))

    return state


def evaluated(switched_on: dict, flavors: int = 2, antineutrinos: bool = False):
    """(rho, d rho/dt, momentum grid) as matrices (z, direction, species, N_f, N_f)."""
    case = case_with(switched_on, flavors, antineutrinos)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(random_state(flavors))
        rho, rate = to_matrix(sim.state())[:, 0], to_matrix(sim.rhs())[:, 0]
        return rho, rate, sim.ps.momentum


def derivative(rho: np.ndarray, order: int) -> np.ndarray:
    dz = LENGTH / CELLS
    pairs = enumerate(COEFFICIENTS[order], start=1)
    return sum(c * (np.roll(rho, -m, 0) - np.roll(rho, m, 0)) for m, c in pairs) / dz


def streaming(rho, grid, order: int = 8):
    return -grid.v[None, :, None, None, None] * derivative(rho, order)


def refraction(rho, grid, mu: float = 1.0):
    """-i [Omega, rho], Omega_v = mu sum_v' w' (1 - v v') (rho_v' - rhobar_v'), pair by pair."""
    net = rho[:, :, 0] - (rho[:, :, 1] if rho.shape[2] == 2 else 0)
    rate = np.zeros_like(rho)
    for i, v in enumerate(grid.v):
        omega = mu * sum(
            w * (1 - v * u) * net[:, j]
            for j, (u, w) in enumerate(zip(grid.v, grid.v_weight, strict=True))
        )
        omega = omega[:, None]
        rate[:, i] = -1j * (omega @ rho[:, i] - rho[:, i] @ omega)
    return rate


@pytest.mark.parametrize(("flavors", "antineutrinos"), KINDS)
@pytest.mark.parametrize("order", COEFFICIENTS)
def test_advection_is_minus_v_times_the_difference(order, flavors, antineutrinos):
    rho, rate, grid = evaluated({"advection": {"order": order}}, flavors, antineutrinos)
    assert np.abs(rate - streaming(rho, grid, order)).max() < 1e-13


@pytest.mark.parametrize("order", COEFFICIENTS)
def test_filter_damps_the_shortest_wave_most(order):
    """Kreiss-Oliger: strength/dz times (-1)^{w+1} 2^{-2w} delta^{2w}, w = order/2."""
    switched_on = {"advection": {"order": order, "filter": 0.3}}
    rho, rate, grid = evaluated(switched_on)
    delta, w = rho, order // 2
    for _ in range(w):
        delta = np.roll(delta, -1, 0) - 2 * delta + np.roll(delta, 1, 0)
    damping = 0.3 * CELLS / LENGTH * (-1) ** (w + 1) * delta / 4**w
    assert np.abs(rate - streaming(rho, grid, order) - damping).max() < 1e-13
    assert np.sum(rho.conj() * damping).real < 0


@pytest.mark.parametrize(("flavors", "antineutrinos"), KINDS)
def test_self_interaction_is_the_commutator_with_the_sum_over_pairs(flavors, antineutrinos):
    rho, rate, grid = evaluated({"self_interaction": {"mu": 1.7}}, flavors, antineutrinos)
    assert np.abs(rate - refraction(rho, grid, 1.7)).max() < 1e-13
    assert np.abs(rate).max() > 1


@pytest.mark.parametrize(("flavors", "antineutrinos"), KINDS)
def test_terms_add_up(flavors, antineutrinos):
    switched_on = {"advection": {}, "self_interaction": {}}
    rho, rate, grid = evaluated(switched_on, flavors, antineutrinos)
    assert np.abs(rate - streaming(rho, grid) - refraction(rho, grid)).max() < 1e-12


RULES = {
    "number": lambda rho, rate, w: np.einsum("v,zvsii->s", w, rate),
    "flavor": lambda rho, rate, w: np.einsum("v,zvij->ij", w, net(rate)),
    "polarization_norm": lambda rho, rate, w: np.einsum("zvsij,zvsji->zvs", rho, rate),
    "energy_kinetic": lambda rho, rate, w: np.einsum("v,zvsii->", w, rate),
}


def net(rho):
    return rho[:, :, 0] - rho[:, :, 1]


# The gradient term needs momenta and other terms: test_gradient, test_bracket_energy.
ALONE = [name for name, term in terms.REGISTRY.items() if term.kind not in ("gradient", "ledger")]
"""Terms that a case can have without others; the ledger is beside rho: test_ledger."""


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("flavors", [2, 3])
def test_every_term_conserves_what_it_says(name, flavors):
    """`conserves` of each term, with both species: to rounding."""
    rho, rate, grid = evaluated(alone(name, flavors), flavors, True)
    assert terms.REGISTRY[name].conserves or terms.REGISTRY[name].kind == "source"
    for rule in terms.REGISTRY[name].conserves:
        size = np.abs(np.einsum("v,zvsij->", grid.v_weight, np.abs(rate)))
        assert np.abs(RULES[rule](rho, rate, grid.v_weight)).max() < 1e-14 * size, rule


@pytest.mark.parametrize("name", ALONE)
def test_every_term_is_documented_and_states_its_rate(name):
    """`hpcqke info` has a line for it; its fastest rate is positive."""
    term = terms.REGISTRY[name]
    case = case_with(alone(name, 2), 2, False)
    config = case.terms[name]
    assert term.doc()
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        assert term(config).max_rate(sim.ps) > 0


def test_no_strength_no_effect():
    """mu = 0 leaves rho as it is; a v = 0 direction does not stream."""
    _, rate, _ = evaluated({"self_interaction": {"mu": 0.0}}, 3, True)
    assert np.abs(rate).max() == 0
