"""The fused Runge-Kutta stepper against PETSc's own TSRK: the same to rounding."""

import numpy as np
import pytest
from mpi4py import MPI

import hpcqke
from hpcqke import parallel
from hpcqke.errors import CaseError
from hpcqke.integrate import RK_TYPES, Integrator, Progress
from hpcqke.tableau import petsc_tableau


def final(integrator: str, control: dict, options=()):
    """(rho, step, dt, evaluations) of TB1 at t = 3."""
    settings = {"grid.z.cells": 64, "time.end": 3.0, "time.integrator": integrator, **control}
    case = hpcqke.load_case("two_beam_modes", settings)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim._initial_state()
        run = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False, list(options))
        assert (run.fused is None) == bool(options)
        now = Progress(0.0, 0, run.first_step, 0.0)
        run.begin(now, sim.vec)
        for until in (1.3, 3.0):
            run.advance(until)
        run.destroy()
        assert now.t == 3.0
        return sim.state(), now.step, sim.equation.calls


@pytest.mark.parametrize("integrator", RK_TYPES)
def test_fixed_steps_agree_to_rounding(integrator, figure):
    fused, steps, calls = final(integrator, {"time.step": 0.05})
    stock, stock_steps, stock_calls = final(integrator, {"time.step": 0.05}, ["-ts_type", "rk"])
    error = np.abs(fused - stock).max()
    figure(f"fused {integrator}", f"|fused - TSRK| {error:.1e} (tol 1e-13), {calls} slopes")
    assert error < 1e-13
    assert steps == stock_steps
    assert calls <= stock_calls


@pytest.mark.parametrize("integrator", [name for name in RK_TYPES if name != "rk4"])
@pytest.mark.parametrize("tolerance", [1e-5, 1e-8])
def test_adaptive_steps_keep_the_tolerance(integrator, tolerance, figure):
    """The error goes with the tolerance; the number of slopes is that of TSRK or less."""
    exact, _, _ = final("rk8vr", {"time.step": 0.005})
    fused, steps, calls = final(integrator, {"time.tolerance": tolerance})
    options = ["-ts_type", "rk"]
    stock, _, stock_calls = final(integrator, {"time.tolerance": tolerance}, options)
    errors = [np.abs(x - exact).max() for x in (fused, stock)]
    figure(
        f"adaptive {integrator} {tolerance:.0e}",
        f"error {errors[0]:.1e}, {steps} steps, {calls} slopes; TSRK {errors[1]:.1e} {stock_calls}",
    )
    assert errors[0] < 60 * tolerance
    assert calls < 1.25 * stock_calls


def test_relaxation_is_not_dropped_in_silence():
    """PETSc's own steps cannot be stretched: asked for both, the program says so."""
    with pytest.raises(CaseError, match=r"time\.relaxation"):
        final("rk4", {"time.step": 0.05, "time.relaxation": True}, ["-ts_type", "rk"])


@pytest.mark.parametrize("rk_type", RK_TYPES.values())
def test_tableaux_satisfy_their_order_conditions(rk_type):
    """sum b = 1, sum b c = 1/2, ... to the third order, and the same for the embedded weights."""
    tableau = petsc_tableau(parallel.start_petsc(), rk_type)
    A, c = tableau.A, tableau.c
    assert np.allclose(A.sum(axis=1), c)
    assert not np.triu(A).any()
    for b in (tableau.b, tableau.embedded):
        if b is not None:
            assert np.allclose([b.sum(), b @ c], [1, 1 / 2])
    assert np.allclose([tableau.b @ c**2, tableau.b @ (A @ c)], [1 / 3, 1 / 6])
    if tableau.first_same_as_last:
        assert np.array_equal(A[-1], tableau.b)
