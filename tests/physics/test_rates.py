"""Rates that limit the step: each term's is met, or a bound."""

import numpy as np
import pytest
from gas import gas, polarized
from mpi4py import MPI

import hpcqke
from hpcqke.integrate import Integrator


def rate_of(sim, name: str) -> float:
    rate = sim.equation.max_rates()[name]
    assert set(sim.equation.max_rates()) == set(sim.case.terms)
    return rate


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_rate_of_advection_is_the_largest_eigenvalue(order):
    """|D_z psi|/|psi| over all waves of the box: met to the spacing of the wave numbers."""
    with hpcqke.Simulation(gas({"advection": {"order": order}}), comm=MPI.COMM_SELF) as sim:
        seen = 0.0
        for n in range(1, 32):
            k = 2 * np.pi * n / 6.0
            sim.set_state(polarized(lambda z, p, v, k=k: (1.0, np.cos(k * z), 0.0, 0.0)))
            size, speed = sim.state()[..., 1], sim.rhs()[..., 1]
            norms = [np.sqrt((a**2).sum(axis=0)) for a in (size, speed)]
            seen = max(seen, (norms[1] / norms[0]).max())
        assert seen <= rate_of(sim, "advection") * (1 + 1e-12)
        assert seen > 0.998 * rate_of(sim, "advection")


def test_rate_of_self_interaction_is_a_bound_that_is_met():
    """All neutrinos at v = -1 with P = 1: what moves at v = 1 turns with mu sum w (1 + |v|)."""
    case = gas(
        {"self_interaction": {"mu": 1.7}},
        cells=4,
        weights=[2.3, 0.0],
        momentum={"directions": [-1.0, 1.0]},
    )
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(polarized(lambda z, p, v: (1.0, 1.0 * (v > 0), 0.0, 1.0 * (v < 0))))
        turn = np.linalg.norm(sim.rhs()[..., 0, 1:], axis=-1).max()
        assert turn == pytest.approx(1.7 * 2.3 * 1.5 * 2, rel=1e-13)
        assert rate_of(sim, "self_interaction") == pytest.approx(turn, rel=1e-13)


def test_rates_are_bounds_of_any_state():
    """Unit polarizations in random places, unequal weights."""
    draw = np.random.default_rng(4)
    with hpcqke.Simulation(gas({"self_interaction": {"mu": 0.9}}), comm=MPI.COMM_SELF) as sim:
        P = draw.normal(size=(3, 64, 2, 3))
        P /= np.linalg.norm(P, axis=0)
        sim.set_state(polarized(lambda z, p, v: (1.0, *P)))
        turn = np.linalg.norm(sim.rhs()[..., 0, 1:], axis=-1).max()
        weights = 0.9 * 1.5 * 2.3 * 1.8
        assert turn < rate_of(sim, "self_interaction") == pytest.approx(weights, rel=1e-14)


def test_first_step_is_a_tenth_of_the_inverse_rates():
    switched_on = {"advection": {}, "self_interaction": {"mu": 0.9}}
    case = gas(switched_on, tolerance=1e-6)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        run = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        assert run.first_step == pytest.approx(0.1 / sum(sim.equation.max_rates().values()))
        run.destroy()
