"""The flows of the splitting integrators, one by one, against the plain ones."""

import math

import numpy as np
import plain_splitting as plain
import pytest
from mpi4py import MPI

import hpcqke
from hpcqke import state
from hpcqke.case import make_case
from hpcqke.kernels import splitting
from hpcqke.splitting import HALVES, coefficients, interpolation, places

ORDER = {"bm4": 4, "bm6": 6}
DIRECTIONS = {
    "pair": [1.0, -1.0],
    "unequal pair": [0.7, -0.2],
    "one": [0.4],
    "five": [1.0, 0.5, 0.1, -0.6, -1.0],
}
MATTER = {"profile": "cosine", "potential": 0.8, "amplitude": 0.5, "wave_number": 1}
VACUUM = {
    2: {"mass_splittings": [1.3], "theta": 0.4},
    3: {"mass_splittings": [0.3, 1.7], "theta12": 0.5, "theta13": 0.2, "theta23": 0.8}
    | {"delta_cp": 1.2},
}


def simulation(directions, flavors=2, species=1, cells=11, momenta=(1.0,), **terms):
    """A box with a random state of norm about 1."""
    count = len(DIRECTIONS[directions])
    case = make_case(
        {
            "name": "flows",
            "grid": {
                "z": {"length": 5.0, "cells": cells},
                "momentum": {
                    "directions": DIRECTIONS[directions],
                    "weights": [0.3 + 0.1 * i for i in range(count)],
                    "momenta": list(momenta),
                    "momenta_weights": [0.8 / (1 + i) for i in range(len(momenta))],
                },
            },
            "flavors": {"count": flavors, "antineutrinos": species == 2},
            "terms": {"advection": {}, "self_interaction": {"mu": 0.9}, **terms},
            "initial": {
                "recipe": "modes",
                "polarization": [0.5] * count,
                "modes": [{"direction": 0, "n": 1}],
            },
            "time": {"end": 1.0, "integrator": "bm6", "step": 0.1},
            "output": {"directory": "never-used"},
        }
    )
    rng = np.random.default_rng(7)

    def some(species, z, momentum, direction):
        shape = (z.size, momentum.size, direction.size, flavors, flavors)
        x = rng.normal(size=shape) + 1j * rng.normal(size=shape)
        return 0.3 * (x + x.conj().swapaxes(-1, -2))

    sim = hpcqke.Simulation(case, comm=MPI.COMM_SELF)
    sim.set_state(some)
    return sim


def matrices(sim):
    """rho (z, momentum, direction, species, N, N)."""
    return state.to_matrix(sim.state())


def flows_of(sim, isa=None):
    """The kernel of a simulation's box."""
    ps, eq = sim.ps, sim.equation
    layout = (ps.N, ps.S, ps.momentum.v, ps.momentum.weight, ps.rows, 40, places(ps))
    return splitting.Flows(*layout, eq.strength(0.0), eq.mean_hamiltonian(), isa)


def after(sim, tau=None, distance=None, turn=None, isa=None):
    """rho after a shift by ``distance`` (one number for each direction), then the local flow."""
    still = np.zeros(sim.ps.nv)
    shift = splitting.Shift(*interpolation(still if distance is None else distance), turn)
    traces = splitting.Shift(*interpolation(still if distance is None else distance))
    rest = [splitting.Shift(*interpolation(still))]
    X = sim.ps.array(sim.vec).copy()
    shifts, taus = ([shift], []) if tau is None else ([shift, *rest], [tau])
    flows = flows_of(sim, isa)
    if tau is not None and sim.ps.N == 2:  # two stages leave the traces in the set behind
        shifts, taus = [shift, *rest, *rest], [tau, 0.0]
    flows.step(X, traces if sim.ps.N == 2 else None, shifts, np.array(taus, dtype=float))
    return state.to_matrix(sim.ps.to_natural(X))


def exact(sim, tau):
    """The local flow by the plain code."""
    mean = sim.equation.mean_hamiltonian()
    mean = np.zeros((sim.ps.rows, sim.ps.C)) if mean is None else mean
    momentum = sim.ps.momentum
    return plain.commutator_flow(
        matrices(sim), momentum.v, momentum.weight, 0.9, state.to_matrix(mean), tau
    )


def nilpotent_exponential(x):
    """exp(x) of a strictly triangular matrix: a finite sum."""
    n = len(x)
    return sum(np.linalg.matrix_power(x, k) / math.factorial(k) for k in range(n))


@pytest.mark.parametrize("method", HALVES)
def test_the_coefficients_meet_all_order_conditions(method, figure):
    """exp(A), exp(B) in their places are exp(A + B) to rounding if longer products vanish."""
    a, b = coefficients(method)
    assert a == a[::-1]
    assert b == b[::-1]
    errors = {}
    for order in (ORDER[method], ORDER[method] + 2):
        A, B = np.triu(np.random.default_rng(3).normal(size=(2, order + 1, order + 1)), 1)
        product = nilpotent_exponential(a[0] * A)
        for x, y in zip(a[1:], b, strict=True):
            product = nilpotent_exponential(x * A) @ nilpotent_exponential(y * B) @ product
        errors[order] = np.abs(product - nilpotent_exponential(A + B)).max()
    kept, broken = errors.values()
    figure(f"{method} conditions", f"order {ORDER[method]} {kept:.1e} (1e-13), above {broken:.1e}")
    assert kept < 1e-13
    assert broken > 1e-6


def test_the_interpolation_is_lagranges():
    """Polynomials of degree 11 are met, weights add up to 1, a whole shift is a copy."""
    distance = np.array([0.0, 0.3, -4.7, 12.0, -0.5])
    first, weight = interpolation(distance)
    assert max(abs(math.fsum(row) - 1) for row in weight) < 1e-16
    x = first[:, None] + np.arange(12)
    for degree in (1, 4, 11):
        found = (weight * (x / 10) ** degree).sum(axis=1)
        assert np.abs(found - (distance / 10) ** degree).max() < 1e-13
    assert np.array_equal(np.sort(weight[0]), [*[0] * 11, 1])


@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize("cells", [9, 11, 24, 37])
def test_shifts(flavors, cells):
    """Each direction by its own distance, also several times around the box."""
    distance = np.array([0.3, -2.6, 7.0, -19.45, 0.0])
    with simulation("five", flavors, 2, cells, momenta=(1.0, 2.0)) as sim:
        expected = plain.shifted(matrices(sim), distance)
        error = np.abs(after(sim, distance=distance) - expected).max()
    assert error < 1e-14


@pytest.mark.parametrize("flavors", [2, 3])
def test_vacuum_turns_with_the_shift(flavors):
    """Each mode by exp(-i H_vac t), antineutrinos by exp(+i H_vac t)."""
    with simulation("five", flavors, 2, momenta=(1.0, 2.0), vacuum=VACUUM[flavors]) as sim:
        time = 0.7
        turn = splitting.rotations(time * sim.equation.mode_hamiltonian())
        H = state.to_matrix(
            next(t for t in sim.equation.terms if t.name == "vacuum").matrix(sim.ps.momentum.p)
        )
        U = np.stack([plain.exponential(time * H), plain.exponential(-time * H)], axis=1)
        U = U[None, :, None]  # (z, momentum, direction, species)
        expected = U @ matrices(sim) @ U.conj().swapaxes(-1, -2)
        error = np.abs(after(sim, turn=turn) - expected).max()
    assert error < 1e-13


@pytest.mark.parametrize("matter", [{}, {"matter": MATTER}], ids=["", "matter"])
@pytest.mark.parametrize("species", [1, 2])
@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize("directions", ["pair", "unequal pair"])
def test_two_directions_turn_exactly(directions, flavors, species, matter):
    """Also for several momenta, which share their directions' turns, and for a long time."""
    with simulation(directions, flavors, species, momenta=(1.0, 2.0), **matter) as sim:
        for tau in (0.3, -2.0):
            assert np.abs(after(sim, tau) - exact(sim, tau)).max() < 1e-10
    with simulation(directions, flavors, 1, **matter) as sim:
        assert np.abs(after(sim, 0.2) - exact(sim, 0.2)).max() < 1e-13


@pytest.mark.parametrize("species", [1, 2])
@pytest.mark.parametrize("flavors", [2, 3])
def test_many_directions_turn_to_sixth_order(flavors, species, figure):
    """A step's error falls as tau^7 or faster, matter or not."""
    for matter in ({}, {"matter": MATTER}):
        with simulation("five", flavors, species, momenta=(1.0, 2.0), **matter) as sim:
            taus = (0.2, 0.1)
            errors = [np.abs(after(sim, tau) - exact(sim, tau)).max() for tau in taus]
        slope = np.log2(errors[0] / errors[1])
        figure(
            f"local flow, {flavors} flavors, {species} species",
            f"error {errors[1]:.1e} at tau = 0.1, slope {slope:.2f} (7)",
        )
        assert 6.6 < slope < 8.5
        assert errors[1] < 1e-7


@pytest.mark.parametrize("flavors", [2, 3])
def test_rotations_of_any_angle(flavors):
    """Against eigenvalues; unitary to rounding; larger angles cost digits by their own rounding."""
    rng = np.random.default_rng(5)
    size = np.repeat([0.0, 1e-9, 0.3, 0.99, 1.01, 3.0, 40.0, 1e3], 6)[:, None]
    omega = rng.normal(size=(size.size, flavors**2)) * size
    H = state.to_matrix(omega)
    U = plain.exponential(H)
    if flavors == 2:
        q = splitting.rotations(omega[:, 1:])
        assert np.abs((q**2).sum(axis=1) - 1).max() < 1e-13
        trace = np.exp(-0.5j * omega[:, 0])[:, None, None]
        parts = [np.eye(2), *(state.to_matrix(np.eye(4)[i] * 2) for i in (1, 2, 3))]
        found = q[:, 0, None, None] * parts[0]
        for i in (1, 2, 3):
            found = found - 1j * q[:, i, None, None] * parts[i]
        found = trace * found
    else:
        found = splitting.rotations(omega).reshape(-1, 3, 3, 2) @ [1, 1j]
        found *= np.exp(-1j * omega[:, :3].mean(axis=1))[:, None, None]
    unit = found @ found.conj().swapaxes(-1, -2) - np.eye(flavors)
    assert np.abs(unit).max() < 1e-12
    assert (np.abs(found - U).max(axis=(1, 2)) < 1e-14 * (1 + 20 * size[:, 0])).all()


@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize("directions", ["pair", "five"])
def test_the_flow_keeps_the_length_to_rounding(directions, flavors):
    """Tr rho and Tr rho^2 of every mode, through long steps too."""
    with simulation(directions, flavors, 2, matter=MATTER) as sim:
        before = matrices(sim)
        for tau in (0.1, 3.0, 30.0):
            now = after(sim, tau)
            for power in (1, 2):
                traces = [
                    np.trace(np.linalg.matrix_power(x, power), axis1=-2, axis2=-1)
                    for x in (before, now)
                ]
                assert np.abs(traces[1] - traces[0]).max() < 3e-14


@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize("directions", ["pair", "five"])
@pytest.mark.parametrize("tau", [0.05, 5.0])
def test_every_instruction_set_has_the_same_bits(directions, flavors, tau):
    """Also where some cells need a long series and others beside them do not."""
    with simulation(directions, flavors, 2, 37, matter=MATTER) as sim:
        X = sim.ps.array(sim.vec)
        X[:20] *= 1e-2
        distance = np.linspace(-3.3, 2.2, sim.ps.nv)
        found = []
        for isa in ("avx512", "avx2", "sse2", "generic", None):
            try:
                found.append(after(sim, tau, distance, isa=isa).tobytes())
            except ValueError:  # not on this machine
                continue
    assert len(found) >= 2
    assert len(set(found)) == 1


def test_what_does_not_fit_is_refused():
    """Shapes and widths."""
    with simulation("five") as sim:
        flows, X = flows_of(sim), sim.ps.array(sim.vec)
        wide = splitting.Shift(*interpolation(np.full(5, 60.0)))
        few = splitting.Shift(*interpolation(np.zeros(3)))
        for shift in (wide, few):
            with pytest.raises(ValueError, match="a shift over"):
                flows.stage(shift, 0.1, True)
        with pytest.raises(ValueError, match="X must be"):
            flows.unpack(np.zeros((3, 4)))
        with pytest.raises(ValueError, match="shifts around"):
            flows.step(X, None, [few], np.zeros(3))
