"""Terms outside the kernel, and the kernel's terms one after the other: nothing is left out."""

import numpy as np
import pytest
from gas import gas, integrated, polarized, ripple
from mpi4py import MPI

import hpcqke
from hpcqke import parallel, terms
from hpcqke.integrate import RK_TYPES
from hpcqke.tableau import petsc_tableau

DAMPING = 0.8


@pytest.fixture
def source():
    """[terms.test_source]: d rho/dt = -0.8 rho + cos t in every component; gone after the test."""

    class Source(terms.base.SourceTerm):
        """A source of the tests."""

        name = "test_source"

        def add_source(self, t, X, F):
            F += np.cos(t) - DAMPING * X

    yield Source
    del terms.REGISTRY["test_source"]


def damped(X0, t: float):
    """The solution: a decay and a forced oscillation."""
    g = DAMPING
    forced = (g * np.cos(t) + np.sin(t) - g * np.exp(-g * t)) / (g * g + 1)
    return X0 * np.exp(-g * t) + forced


FIXED = [(name, {"step": 0.02}) for name in (*RK_TYPES, "midpoint", "gauss2")]
CONTROLLED = [(name, {"tolerance": 1e-9}) for name in RK_TYPES if name != "rk4"]


@pytest.mark.parametrize(("integrator", "control"), FIXED + CONTROLLED)
@pytest.mark.usefixtures("source")
def test_sources_reach_every_row_at_the_time_of_the_stage(integrator, control):
    case = gas({"test_source": {}}, cells=6, antineutrinos=True, integrator=integrator, **control)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(polarized(ripple))
        before = sim.state()
        integrated(sim)
        error = np.abs(sim.state() - damped(before, 1.0)).max(axis=(1, 2, 3, 4))
    allowed = {"midpoint": 3e-4, "rk3bs": 3e-6}.get(integrator, 1e-8)
    assert error.shape == (6,)
    assert np.all(error < allowed), error


@pytest.mark.parametrize("integrator", RK_TYPES)
@pytest.mark.usefixtures("source")
def test_sources_add_to_the_other_terms(integrator):
    """One step with transport, refraction and a source: the tableau with slopes one by one."""
    switched_on = {"advection": {}, "self_interaction": {"mu": 0.7}, "test_source": {}}
    case = gas(switched_on, cells=16, integrator=integrator, end=0.1, step=0.1)
    without = gas({k: switched_on[k] for k in ("advection", "self_interaction")}, cells=16)
    tab = petsc_tableau(parallel.start_petsc(), RK_TYPES[integrator])
    with hpcqke.Simulation(without, comm=MPI.COMM_SELF) as plain:
        plain.set_state(polarized(ripple))
        y, K = plain.state(), []
        for row, c in zip(tab.A, tab.c, strict=True):
            Y = y + 0.1 * sum((a * k for a, k in zip(row, K, strict=False)), 0 * y)
            plain._put(Y)
            K.append(plain.rhs() - DAMPING * Y + np.cos(0.1 * c))
        expected = y + 0.1 * sum(b * k for b, k in zip(tab.b, K, strict=True))
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(polarized(ripple))
        integrated(sim)
        assert np.abs(sim.state() - expected).max() < 1e-13


@pytest.mark.parametrize("antineutrinos", [False, True])
def test_terms_apart_are_the_terms_fused(antineutrinos):
    """The way that ranks along momentum go (transport, then fields, then commutator), on one.

    tests/parallel compares the bits of such layouts; here the fixed fields `mean` and `mode`, with
    their own values in every row, must be in both ways.
    """
    profile = {"profile": "cosine", "potential": 0.7, "amplitude": 0.4, "wave_number": 2}
    switched_on = {"advection": {}, "self_interaction": {}, "matter": profile}
    switched_on["vacuum"] = {"mass_splittings": [0.8], "theta": 0.3}
    case = gas(switched_on, cells=16, antineutrinos=antineutrinos)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(polarized(ripple))
        fused, equation = sim.rhs(), sim.equation
        assert equation._fused
        equation._fused = False
        apart = sim.rhs()
    assert np.abs(apart - fused).max() < 1e-14
    assert np.abs(fused).max() > 0.1
