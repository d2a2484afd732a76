"""Step control of the fused stepper, rates that limit the step, and terms outside the kernel.

The error of a step is compared with slopes that the equation gives one by one; the rule for the
next step with its formula, attempt by attempt.
"""

from itertools import pairwise

import numpy as np
import pytest
from mpi4py import MPI

import hpcqke
from hpcqke import parallel, terms
from hpcqke.case import make_case
from hpcqke.errors import NumericsError
from hpcqke.fused_rk import AdaptivePlan, FusedRK, GaveUp
from hpcqke.integrate import RK_TYPES, Integrator, Progress
from hpcqke.tableau import petsc_tableau

ORDER = {"rk3bs": 3, "rk4": 4, "rk5dp": 5, "rk8vr": 8}
ADAPTIVE = [name for name in RK_TYPES if name != "rk4"]


def simulation(settings: dict):
    case = hpcqke.load_case("two_beam_modes", {"grid.z.cells": 32, **settings})
    sim = hpcqke.Simulation(case, comm=MPI.COMM_SELF)
    sim._initial_state()
    return sim


def integrated(sim, first: float | None = None) -> Progress:
    """Run to the end in one segment."""
    time = sim.case.time
    run = Integrator(time, sim.ps, sim.equation, lambda now, vec: False)
    now = Progress(time.start, 0, first or run.first_step, time.start)
    run.begin(now, sim.vec)
    run.advance(time.end)
    run.destroy()
    return now


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
    stepper = FusedRK(None, None, tableau, True, lambda t, h: (h, t + h))
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


# -- rates ------------------------------------------------------------------------------------


def gas(switched_on: dict, cells: int = 64, weights=(0.7, 1.1, 0.5), antineutrinos=False, **more):
    momentum = {"directions": [-0.8, 0.3, 0.6], "weights": list(weights)}
    momentum |= {"momenta": [0.6, 1.7], "momenta_weights": [0.4, 1.1], **more.pop("momentum", {})}
    beams = len(momentum["directions"])
    return make_case(
        {
            "name": "gas",
            "grid": {"z": {"length": 6.0, "cells": cells}, "momentum": momentum},
            "flavors": {"count": 2, "antineutrinos": antineutrinos},
            "terms": switched_on,
            "initial": {
                "recipe": "modes",
                "polarization": [0.1] * beams,
                "modes": [{"direction": 0, "n": 1, "re": 0.01}],
            },
            "time": {"end": 1.0, **more},
        }
    )


def polarized(components):
    """The state of set_state with components(z, p, v) = (P0, Px, Py, Pz) of both species."""

    def state(species, z, p, v):
        shape = (z.size, p.size, v.size)
        parts = components(z[:, None, None], p[:, None], v)
        P0, x, y, w = (np.broadcast_to(part, shape) for part in parts)
        rho = np.empty((*shape, 2, 2), complex)
        rho[..., 0, 0], rho[..., 1, 1] = (P0 + w) / 2, (P0 - w) / 2
        rho[..., 0, 1], rho[..., 1, 0] = (x - 1j * y) / 2, (x + 1j * y) / 2
        return rho

    return state


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


# -- terms outside the kernel -----------------------------------------------------------------

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


def ripple(z, p, v):
    return 1.0, 0.3 * np.cos(2 * np.pi * z / 6.0 + v), 0.2 * np.sin(2 * np.pi * z / 6.0 * p), 0.4


FIXED = [(name, {"step": 0.02}) for name in (*RK_TYPES, "midpoint")]
CONTROLLED = [(name, {"tolerance": 1e-9}) for name in ADAPTIVE]


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
