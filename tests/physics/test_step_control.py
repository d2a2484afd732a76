"""Step control of the fused stepper.

The error of a step is compared with slopes that the equation gives one by one; the rule for the
next step with its formula, attempt by attempt.
"""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from gas import integrated
from mpi4py import MPI

import hpcqke
from hpcqke import parallel
from hpcqke.errors import NumericsError
from hpcqke.fused_rk import AdaptivePlan, FusedRK, GaveUp
from hpcqke.integrate import RK_TYPES
from hpcqke.tableau import petsc_tableau

ORDER = {"rk3bs": 3, "rk4": 4, "rk5dp": 5, "rk8vr": 8}
ADAPTIVE = [name for name in RK_TYPES if name != "rk4"]


def simulation(settings: dict):
    case = hpcqke.load_case("two_beam_modes", {"grid.z.cells": 32, **settings})
    sim = hpcqke.Simulation(case, comm=MPI.COMM_SELF)
    sim._initial_state()
    return sim


class Attempts(list):
    """Every attempted step of AdaptivePlan: (t, h, error, accepted), and what it must be."""

    def __init__(self, monkeypatch):
        super().__init__()
        attempt, accept = AdaptivePlan.attempt, AdaptivePlan.accept

        def recorded(plan, t, h, t_new, atol, rtol):
            before = plan.y.copy()
            error = attempt(plan, t, h, t_new, atol, rtol)
            assert plan.y.tobytes() == before.tobytes()  # rho waits for `accept`
            self.append([t, h, error, False])
            self.expected_error(plan, t, h, atol, rtol)
            return error

        def taken(plan, t, h, t_new):
            assert self[-1][:2] == [t, h]
            self[-1][3] = True
            new = plan.y_new.copy()
            result = accept(plan, t, h, t_new)
            if plan.owner.relaxation is None:
                assert plan.y.tobytes() == new.tobytes()
            return result

        monkeypatch.setattr(AdaptivePlan, "attempt", recorded)
        monkeypatch.setattr(AdaptivePlan, "accept", taken)

    def expected_error(self, plan, t, h, atol, rtol):
        """max |h sum (b - b^) k| / (atol + rtol max(|rho|, |rho'|)) from slopes one by one."""
        ps, equation, tab = plan.owner.ps, plan.owner.equation, plan.owner.tableau
        vec, K = ps.create_vec(), []
        for row, c in zip(tab.A, tab.c, strict=True):
            Y = ps.array(vec)
            Y[...] = plan.y + h * sum((a * k for a, k in zip(row, K, strict=False)), 0 * plan.y)
            vec.stateIncrease()
            K.append(np.zeros_like(Y))
            equation.evaluate(t + c * h, vec, Y, K[-1])
        new = plan.y + h * sum(b * k for b, k in zip(tab.b, K, strict=True))
        pairs = zip(tab.b, tab.embedded, K, strict=True)
        wrong = np.abs(h * sum((b - e) * k for b, e, k in pairs))
        scale = atol + rtol * np.maximum(np.abs(plan.y), np.abs(new))
        error = (wrong / scale).max()
        rounding = 1e-14 / atol
        assert self[-1][2] == pytest.approx(error, rel=1e-9, abs=rounding)
        assert np.abs(plan.y_new - new).max() < 1e-12
        vec.destroy()


@pytest.mark.parametrize("integrator", ADAPTIVE)
@pytest.mark.parametrize("first", [None, 3.0])
def test_accepted_steps_have_an_error_of_at_most_one(integrator, first, monkeypatch, figure):
    """Exactly the attempts with error <= 1 are accepted; rho changes in no other."""
    attempts = Attempts(monkeypatch)
    tolerance = 1e-6
    settings = {"time.end": 6.0, "time.integrator": integrator, "time.tolerance": tolerance}
    with simulation(settings) as sim:
        now = integrated(sim, first)
    accepted = [a for a in attempts if a[3]]
    assert now.step == len(accepted) > 2
    assert all((error <= 1) == taken for _, _, error, taken in attempts)
    if first:
        assert not attempts[0][3]
    for (t, h, _, taken), after in pairwise(attempts):
        assert after[0] == (t + h if taken else t)
    for i, (_, h, error, taken) in enumerate(attempts[:-1]):
        again = i > 0 and not attempts[i - 1][3]
        factor = 0.9 * (0.5 if again and not taken else 1) * error ** (-1 / ORDER[integrator])
        wanted = h * min(max(factor, 0.1), 10)
        left = 6.0 - attempts[i + 1][0]
        if 2 * wanted < left:  # no end of the segment near
            assert attempts[i + 1][1] == pytest.approx(wanted, rel=1e-12)
        else:
            assert attempts[i + 1][1] == (left if wanted >= left else left / 2)
    errors = ", ".join(f"{a[2]:.2g}" for a in attempts[:4])
    figure(f"step control {integrator}", f"{len(attempts)} attempts, {now.step} steps: {errors}")


class Clock:
    """A TS with nothing but time."""

    def __init__(self, h: float):
        self.time, self.h = 2.0, h

    def getSolution(self):
        return None

    def getTime(self):
        return self.time

    def setTime(self, t):
        self.time = t

    def getTimeStep(self):
        return self.h

    def setTimeStep(self, h):
        self.h = h

    def getTolerances(self):
        return 1e-3, 1e-4


class Scripted:
    """A plan whose attempts have these errors; after the last one nothing more is asked."""

    def __init__(self, errors):
        self.errors, self.tried, self.accepted, self.tolerances = list(errors), [], [], set()

    def attempt(self, t, h, t_new, atol, rtol):
        self.tried.append(h)
        self.tolerances.add((atol, rtol))
        return self.errors[len(self.tried) - 1]

    def accept(self, t, h, t_new):
        self.accepted.append((t, h))
        return t_new


def scripted(integrator: str, errors, h: float = 0.5):
    tableau = petsc_tableau(parallel.start_petsc(), RK_TYPES[integrator])
    equation = SimpleNamespace(ledger=None)
    stepper = FusedRK(None, equation, tableau, True, lambda t, h: (h, t + h))
    stepper._plan, clock = Scripted(errors), Clock(h)
    return stepper, stepper._plan, clock


@pytest.mark.parametrize("integrator", ADAPTIVE)
def test_the_next_step_goes_with_the_root_of_the_error(integrator):
    """h' = h clip(0.9 e^(-1/p), 0.1, 10); a second rejection in a row halves it once more."""
    p = ORDER[integrator]
    stepper, plan, clock = scripted(integrator, [1.9, 1.7, 1.6, 0.2])
    stepper.step(clock)
    steps = [0.5]
    for safety, error in ((0.9, 1.9), (0.45, 1.7), (0.45, 1.6), (0.9, 0.2)):
        steps.append(steps[-1] * safety * error ** (-1 / p))
    assert plan.tried == pytest.approx(steps[:4], rel=1e-14)
    assert clock.h == pytest.approx(steps[4], rel=1e-14)
    assert plan.accepted == [(2.0, plan.tried[3])]
    assert clock.time == 2.0 + plan.tried[3]
    assert plan.tolerances == {(1e-4, 1e-3)}
    assert stepper.rejections == 3


@pytest.mark.parametrize(
    ("error", "factor"), [(1e40, 0.1), (float("inf"), 0.1), (1e-40, 10.0), (0.0, 10.0), (1.0, 0.9)]
)
def test_the_next_step_is_neither_too_short_nor_too_long(error, factor):
    rejected = [error] if error > 1 else []
    _, plan, clock = s = scripted("rk5dp", [*rejected, 0.0 if rejected else error])
    s[0].step(clock)
    found = plan.tried[1] if rejected else clock.h
    assert found == pytest.approx(0.5 * factor, rel=1e-14)
    assert len(plan.accepted) == 1


def test_ten_rejections_in_a_row_are_the_end():
    stepper, plan, clock = scripted("rk5dp", [1.1] * 20)
    with pytest.raises(GaveUp, match="10 rejected steps"):
        stepper.step(clock)
    assert len(plan.tried) == 10
    assert not plan.accepted
    assert clock.time == 2.0
    assert issubclass(GaveUp, NumericsError)


@pytest.mark.parametrize("integrator", ADAPTIVE)
def test_a_rejected_attempt_leaves_no_trace(integrator):
    """The step after it has the bits of the same step by itself: two of them in a row."""
    results = []
    settings = {"time.integrator": integrator, "time.tolerance": 1e-6}
    for long in ([], [1.5, 0.7]):
        with simulation(settings) as sim:
            tableau = petsc_tableau(parallel.start_petsc(), RK_TYPES[integrator])
            stepper = FusedRK(sim.ps, sim.equation, tableau, True, None)
            plan = AdaptivePlan(stepper, sim.vec)
            for t in (0.0, 0.05):
                for h in [*long, 0.05]:
                    error = plan.attempt(t, h, t + h, 1e-6, 1e-6)
                plan.accept(t, 0.05, t + 0.05)
            results.append((sim.state().tobytes(), error))
            plan.destroy()
    assert results[0] == results[1]
