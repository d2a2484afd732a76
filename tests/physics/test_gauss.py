"""Two-stage Gauss-Legendre steps (gauss2): their equations, their reach and what they refuse."""

import re

import numpy as np
import pytest
from boxes import finished
from mpi4py import MPI

import hpcqke
from hpcqke import gauss
from hpcqke.errors import CaseError, NumericsError
from hpcqke.integrate import Integrator, Progress


def final(step: float, end: float = 2.0, integrator: str = "gauss2", options=()):
    """(rho at t = end, slopes evaluated) of TB1."""
    time = {"time.end": end, "time.integrator": integrator, "time.step": step}
    case = hpcqke.load_case("two_beam_modes", time)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim._initial_state()
        run = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False, list(options))
        run.begin(Progress(0.0, 0, run.first_step, 0.0), sim.vec)
        run.advance(end)
        run.destroy()
        return sim.state(), sim.equation.calls


def test_the_coefficients_are_those_of_collocation_and_symplectic():
    """sum b c^k = 1/(k+1), sum_j a_ij c_j^k = c_i^(k+1)/(k+1); b_i a_ij + b_j a_ji = b_i b_j."""
    A, b, c = gauss.A, gauss.B, gauss.C
    for k in range(4):
        assert b @ c**k == pytest.approx(1 / (k + 1), abs=1e-15)
    for k in range(2):
        assert A @ c**k == pytest.approx(c ** (k + 1) / (k + 1), abs=1e-15)
    BA = b[:, None] * A
    assert np.abs(BA + BA.T - np.outer(b, b)).max() < 1e-16


def test_a_step_solves_its_equations(figure):
    """One step of 0.1: rho' is the one that slopes at Y_1 and Y_2, iterated here, lead to."""
    case = hpcqke.load_case("two_beam_modes")
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim._initial_state()
        y = sim.state()

        def f(Y):
            sim._put(Y)
            return sim.rhs()

        K = np.array([f(y)] * 2)
        for _ in range(60):
            K = np.array([f(y + 0.1 * np.tensordot(row, K, 1)) for row in gauss.A])
        expected = y + 0.05 * K.sum(axis=0)
    found, calls = final(0.1, end=0.1)
    error = np.abs(found - expected).max()
    figure("gauss2 step", f"|rho' - fixed point| {error:.1e} (tol 1e-15), {calls} slopes")
    assert error < 1e-15
    assert calls < 40


def test_a_step_that_is_too_long_names_one_that_is_not():
    with pytest.raises(NumericsError, match=r"fixed point of gauss2 does not converge") as refused:
        final(1.0)
    told = re.search(r"time\.step = (\S+) is short enough", str(refused.value))
    exact, _ = final(0.02, integrator="rk8vr")
    assert np.abs(final(float(told[1]))[0] - exact).max() < 1e-3


def test_options_that_let_petsc_do_the_steps_are_refused():
    with pytest.raises(CaseError, match=r"time\.integrator = .gauss2.: not with -ts_type"):
        final(0.1, options=["-ts_type", "rk"])


def test_arakawa_form_keeps_all_three(figure):
    """Number, K + U and int Tr rho^2 are quadratic or linear: kept to rounding in time as well."""
    settings = {"time__end": 5.0, "output__series_every": 1.0, "output__fields_every": 5.0}
    settings |= {"grid__momentum__offset_range": (-45.0, 45.0), "grid__momentum__offset_cells": 54}
    run = finished(
        "gradient", **settings, terms__gradient__form="arakawa", time__integrator="gauss2"
    )
    series = run.series
    change = float(abs(series.energy_refractive - series.energy_refractive[0]).max())
    drift = {
        "number": abs(series.number / series.number[0] - 1).max(),
        "K + U": abs(series.energy_total - series.energy_total[0]).max() / change,
        "Tr rho^2": abs(series.trace_rho_squared / series.trace_rho_squared[0] - 1).max(),
    }
    figure("GR1 Arakawa gauss2", ", ".join(f"{n} {float(d):.1e}" for n, d in drift.items()))
    assert change > 0.1
    assert max(float(d) for d in drift.values()) < 1e-12
