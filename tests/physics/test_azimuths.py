"""Azimuth bins against complex matrices in NumPy: 1 - n.n' and Eq. (18), pair by pair of modes."""

import numpy as np
import pytest
from mpi4py import MPI
from test_eq18 import FACTORS, MU, P0, case_of, smooth
from test_terms import streaming

import hpcqke
from hpcqke.case import make_case
from hpcqke.grids import MomentumGrid
from hpcqke.refractive_energy import derivative
from hpcqke.state import to_matrix

V, WEIGHTS = [-1.0, -0.3, 0.2, 0.6], [0.3, 0.7, 1.1, 0.5]
KINDS = [(2, False), (2, True), (3, False), (3, True)]


def beams(azimuths: int, flavors: int, antineutrinos: bool, **keys):
    """Listed directions without gradient terms, three momenta."""
    momentum = {"directions": V, "weights": WEIGHTS, "momenta": [1.0, 2.0, 3.0]}
    return make_case(
        {
            "name": "azimuths",
            "grid": {
                "z": {"length": 6.0, "cells": 24},
                "momentum": {**momentum, "azimuths": azimuths},
            },
            "flavors": {"count": flavors, "antineutrinos": antineutrinos},
            "terms": {"advection": {}, "self_interaction": {"mu": MU}},
            "initial": {
                "recipe": "modes",
                "polarization": [0.1, 0.2, -0.3, 0.1],
                "modes": [{"direction": 0, "n": 1, "re": 0.01}],
            },
            "time": {"end": 1.0},
        },
        keys,
    )


def evaluated(case, function):
    """(rho, d rho/dt as matrices, momentum grid, equation's speed or None, X) on one rank."""
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(function)
        return to_matrix(sim.state()), to_matrix(sim.rhs()), sim.ps.momentum, sim.equation


def directions(grid: MomentumGrid) -> np.ndarray:
    """The unit vectors, (direction, 3), from the angles that the docs promise."""
    polar = grid.v.size // grid.azimuths
    phi = 2 * np.pi / grid.azimuths * np.repeat(np.arange(grid.azimuths), polar)
    across = np.sqrt(1 - grid.v**2)
    return np.stack([across * np.cos(phi), across * np.sin(phi), grid.v], axis=-1)


def commutator(h: np.ndarray, rho: np.ndarray) -> np.ndarray:
    return -1j * (h @ rho - rho @ h)


def jordan(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return 0.5 * (a @ b + b @ a)


def with_trace(a: np.ndarray) -> np.ndarray:
    return a + np.trace(a, axis1=-2, axis2=-1)[..., None, None] * np.eye(a.shape[-1])


@pytest.mark.parametrize(("flavors", "antineutrinos"), KINDS)
@pytest.mark.parametrize("azimuths", [1, 2, 3, 4, 7])
def test_interaction_pair_by_pair(azimuths, flavors, antineutrinos):
    """Omega = mu sum w' (1 - n.n') (rho' - rhobar'); with one azimuth 1 - v v'."""
    draw = np.random.default_rng(5)

    def state(species, z, p, v, *_):
        shape = (z.size, p.size, v.size, flavors, flavors)
        a = draw.normal(size=shape) + 1j * draw.normal(size=shape)
        return 0.3 * (a + a.conj().swapaxes(-1, -2))

    rho, rate, grid, _ = evaluated(beams(azimuths, flavors, antineutrinos), state)
    assert np.allclose(grid.weight.sum(), 3 * sum(WEIGHTS))
    n = directions(grid) if azimuths > 1 else np.stack([0 * grid.v, 0 * grid.v, grid.v], -1)
    net = rho[:, :, :, 0] - (rho[:, :, :, 1] if antineutrinos else 0)
    total = np.einsum("pd,zpdij->zdij", grid.weight, net)
    expected = np.stack([streaming(rho[:, p], grid) for p in range(3)], axis=1)
    for d in range(grid.v.size):
        pairs = [(1 - n[d] @ n[e]) * total[:, e] for e in range(grid.v.size)]
        omega = MU * sum(pairs)[:, None, None]
        expected[:, :, d] += commutator(omega, rho[:, :, d])
    assert np.abs(rate - expected).max() < 3e-14 * np.abs(expected).max()


def extra(rho, grid, n, c18: float) -> tuple[np.ndarray, np.ndarray]:
    """(e, o) of Eq. (18) for every mode (z, p, d), sums over pairs (n x n')_z of directions."""
    momentum = (P0 + grid.p)[:, None]
    odd, even = rho[:, :, :, 0] - rho[:, :, :, 1], rho[:, :, :, 0] + rho[:, :, :, 1]
    flux = np.einsum("pd,zpdij->zdij", grid.weight, odd)
    over_p = np.einsum("pd,zpdij->zdij", grid.weight / momentum, even)
    turned = np.multiply.outer(n[:, 0], n[:, 1]) - np.multiply.outer(n[:, 1], n[:, 0])
    dz = 6.0 / 24
    e, o = (
        c18 * MU * derivative(np.einsum("de,zeij->zdij", turned, x), 8, dz) for x in (flux, over_p)
    )
    return e[:, None] / momentum[:, :, None, None], np.broadcast_to(o[:, None], odd.shape)


@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize("eq18", FACTORS)
@pytest.mark.parametrize("inside", [True, False])
def test_whole_equation_pair_by_pair(flavors, eq18, inside, figure):
    """Commutators, forces and velocities of neutrinos and antineutrinos, section by section:

    h = Omega0 + e + o, hbar = -Omega0 + e - o;  -i[h, rho] and +i[hbar, rhobar].
    """
    gradient = {"eq18": eq18, "eq18_in_bracket": inside}
    case = case_of(flavors, True, gradient, external=False)
    rho, rate, grid, equation = evaluated(case, smooth(flavors))
    n, dz = directions(grid), 6.0 / 24
    total = np.einsum("pd,zpdij->zdij", grid.weight, rho[:, :, :, 0] - rho[:, :, :, 1])
    omega0 = MU * np.einsum("de,zeij->zdij", 1 - n @ n.T, total)[:, None]
    omega0 = np.broadcast_to(omega0, rho[:, :, :, 0].shape)
    e, o = extra(rho, grid, n, FACTORS[eq18])
    X = equation.gradient.operator(grid)

    def along_pz(f):
        return np.moveaxis(X(np.moveaxis(f, 0, 2)), 2, 0)

    expected = np.zeros_like(rho)
    for s, sign in enumerate((1, -1)):
        f, h = rho[:, :, :, s], sign * (omega0 + o) + e
        felt = with_trace(h if inside else sign * omega0)
        force = along_pz(jordan(f, derivative(felt, 8, dz)))
        velocity = -derivative(jordan(f, along_pz(felt)), 8, dz)
        stream = -X.speed[..., None, None] * derivative(f, 8, dz)
        expected[:, :, :, s] = sign * commutator(h, f) + force + velocity + stream
    error = np.abs(rate - expected).max() / np.abs(rate).max()
    figure(f"Eq. (16) with azimuths, eq18 {eq18}", f"{error:.1e} (tol 1e-13)")
    assert error < 1e-13


def test_extra_term_is_not_small_in_the_test_above():
    """Without the term, or with any of its signs turned, the comparison fails by far more."""
    plain = evaluated(case_of(3, True, {}, external=False), smooth(3))[1]
    for inside in (True, False):
        gradient = {"eq18": "printed", "eq18_in_bracket": inside}
        rate = evaluated(case_of(3, True, gradient, external=False), smooth(3))[1]
        assert np.abs(rate - plain).max() > 1e-5 * np.abs(rate).max()


@pytest.mark.parametrize("gradient", [None, {}, {"eq18": "printed"}])
def test_axial_symmetry_is_kept(gradient):
    """Data that do not depend on phi: four azimuths give what one gives, Eq. (18) nothing."""
    even = smooth(3)

    def symmetric(species, z, q, v, *_):
        return even(species, z, q, v, np.zeros(v.size))

    def case(n):
        keys = {"grid.momentum.azimuths": n}
        if gradient is None:
            return beams(n, 3, True)
        return case_of(3, True, gradient if n > 1 else {}, **keys)

    _, one, _, _ = evaluated(case(1), symmetric)
    _, four, _, _ = evaluated(case(4), symmetric)
    polar = one.shape[2]
    for j in range(4):
        part = four[:, :, j * polar : (j + 1) * polar]
        assert np.abs(part - one).max() < 1e-13 * np.abs(one).max()


def test_listed_polarizations_hold_at_every_azimuth():
    with hpcqke.Simulation(beams(3, 2, False), comm=MPI.COMM_SELF) as sim:
        sim._initial_state()
        pz = sim.state()[0, 0, :, 0, 3]
        psi = np.abs(sim.state()[..., 0, 1]).max(axis=(0, 1))
    assert np.array_equal(pz, [0.1, 0.2, -0.3, 0.1] * 3)
    assert psi[0] > 0
    assert not psi[1:].any()
