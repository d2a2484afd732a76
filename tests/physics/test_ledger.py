"""The ledger beside Eq. (1): against its own formula, the tracer, two beams, and the energy."""

from __future__ import annotations

from tempfile import mkdtemp

import numpy as np
import pytest

import hpcqke
from hpcqke import state
from hpcqke.analysis import open_run
from hpcqke.case import make_case
from hpcqke.errors import CaseError, NumericsError
from hpcqke.kernels import kinetic

EIGHT = (4 / 5, -1 / 5, 4 / 105, -1 / 280)


def case_of(rule="uniform", count=12, flavors=2, cells=40, **overrides):
    """A box of 40/mu with the ledger, without a state that matters."""
    table = {
        "name": "ledger",
        "grid": {
            "z": {"length": 40.0, "cells": cells},
            "momentum": {"rule": rule, "count": count},
        },
        "flavors": {"count": flavors, "antineutrinos": True},
        "terms": {"advection": {"order": 8}, "self_interaction": {"mu": 0.7}, "ledger": {}},
        "initial": {
            "recipe": "modes",
            "polarization": [0.5] * count,
            "modes": [{"direction": 0, "n": 1, "re": 0.0}],
        },
        "time": {"end": 2.0, "integrator": "rk4", "step": 0.1},
        "output": {"directory": mkdtemp(prefix="hpcqke-ledger-"), "series_every": 0.5},
    }
    return make_case(table, {k.replace("__", "."): v for k, v in overrides.items()})


def waves(shape, N: int, seed: int = 3) -> np.ndarray:
    """Hermitian matrices (z, momentum, direction, species, N, N), smooth in z, random else."""
    rng, z = np.random.default_rng(seed), np.arange(shape[0]) * 2 * np.pi / shape[0]
    parts = rng.normal(size=(2, 3, *shape[1:], N, N))
    phase = np.exp(1j * np.arange(3)[:, None] * z)
    rho = np.einsum("kz,kpdsij->zpdsij", phase, 0.1 * (parts[0] + 1j * parts[1]))
    return rho + rho.conj().swapaxes(-1, -2) + np.eye(N)


def by_formula(rho, v, weight, edges, dz, mu) -> np.ndarray:
    """dK_v/dt = -v G + d_v[(1-v^2) G], G = int Tr(rho d_z Omega) dz, + for nu, - for nubar."""
    net = np.einsum("d,zpdij->zij", weight, rho[:, :, :, 0] - rho[:, :, :, 1])
    flux = np.einsum("d,zpdij->zij", weight * v, rho[:, :, :, 0] - rho[:, :, :, 1])

    def with_trace(X):
        return X + np.trace(X, axis1=-2, axis2=-1)[..., None, None] * np.eye(X.shape[-1])

    omega = mu * (with_trace(net)[:, None] - v[:, None, None] * with_trace(flux)[:, None])
    slope = sum(c * (np.roll(omega, -m, 0) - np.roll(omega, m, 0))
                for m, c in enumerate(EIGHT, 1)) / dz  # fmt: skip
    G = dz * np.einsum("zpdsij,zdji->ds", rho, slope).real * [1.0, -1.0]
    rate = -v[:, None] * G * weight[:, None]
    if edges is not None:
        face = (1 - edges[1:-1] ** 2)[:, None] * 0.5 * (G[:-1] + G[1:])
        rate[:-1] += face
        rate[1:] -= face
    return rate


@pytest.mark.parametrize("rule", ["uniform", "gauss-legendre"])
@pytest.mark.parametrize(("flavors", "count"), [(2, 12), (2, 3), (3, 9)])
def test_rate_of_a_random_state(rule, flavors, count, figure):
    """dK_v/dt of each direction and species: kernel against matrices, force by its definition."""
    with hpcqke.Simulation(case_of(rule, count, flavors)) as sim:
        ps, ledger = sim.ps, sim.equation.ledger
        rho = waves((ps.nz, 1, ps.nv, 2), flavors)
        sim._put(state.from_matrix(rho))
        X = ps.array(sim.vec)
        ledger.open(1, X)
        stage = kinetic.Stage([np.zeros_like(X)], [X], [[]])
        sim.equation.evaluate_stage(0.0, sim.vec, X, stage)
        ledger.step(1.0, np.ones(1))
        momentum = ps.momentum
        ends = np.concatenate([[-1.0], np.cumsum(momentum.v_weight) - 1])
        expected = by_formula(rho, momentum.v, momentum.v_weight, ends, ps.z.dz, 0.7)
        error = abs(ledger.kinetic - expected).max() / abs(expected).max()
        expected = by_formula(rho, momentum.v, momentum.v_weight, None, ps.z.dz, 0.7)
        error = max(error, abs(ledger.work - expected).max() / abs(expected).max())
    figure(f"ledger {rule} {count} of {flavors}", f"dK_v/dt to {error:.1e} (1e-13)")
    assert error < 1e-13


def small_box(options=(), **overrides):
    """The gas of the code comparison in L = 128, with PETSc options; its series."""
    settings = {
        "grid.z.length": 128.0, "grid.z.cells": 128, "grid.momentum.count": 24, "initial.nmax": 6,
        "initial.amplitude": 1e-4, "time.end": 1200.0, "output.spectrum_modes": 16,
        "output.growth_window": None, "output.directory": mkdtemp(prefix="hpcqke-ledger-"),
    }  # fmt: skip
    case = hpcqke.load_case("code_comparison", settings | overrides)
    with hpcqke.Simulation(case, petsc_options=options) as sim:
        return open_run(sim.run(quiet=True).path).series


def closing(series) -> tuple[float, float]:
    """max |Delta(K + U + ...)| and max |Delta P_z|, over max |Delta U|."""
    total, U = series.energy_total.values, series.energy_refractive.values
    size = abs(U - U[0]).max()
    return abs(total - total[0]).max() / size, abs(series.momentum_z.values).max() / size


def test_fast_flavor_box_closes(figure):
    """U_osc rises by percents, the directions pay; P_z = sum v K_v stays as it was."""
    series = small_box()
    closed, momentum = closing(series)
    rise = float(series.energy_refractive_osc.max() / series.energy_refractive_osc[0]) - 1
    left = 1 - series.survival.values[:, :, 0]
    number = series.number.values[0]
    link = abs(left[:, 0] * number[0] - left[:, 1] * number[1]).max() / number[0]
    figure(
        "fast box with ledger",
        f"U_osc + {rise:.4f}, K + U {closed:.1e} (1e-6), P_z {momentum:.1e} (1e-6), "
        f"link {link:.1e} (1e-12)",
    )
    assert rise > 0.02
    assert closed < 1e-6
    assert momentum < 1e-6
    assert link < 1e-12


@pytest.mark.parametrize("control", ["adaptive", "vacuum and matter"])
def test_other_ways_through_a_step(control, figure):
    """An adaptive pair, and vacuum and matter beside it: the whole balance closes."""
    extra, options = {"time.end": 300.0, "initial.amplitude": 1e-2}, []
    if control == "adaptive":
        extra |= {"time.integrator": "rk5dp", "time.step": None, "time.tolerance": 1e-8}
        options = ["-ts_dt", "20.0"]  # far too long: rejected steps must leave nothing behind
    else:  # vacuum waves grow down to the grid's scale: finer than the comparison's step
        extra |= {
            "terms.vacuum": {"mass_splittings": [0.002], "theta": 0.3},
            "terms.matter": {"potential": 0.05},
            "time.step": 0.2,
        }
    closed, _ = closing(small_box(options, **extra))
    figure(f"ledger, {control}", f"{closed:.1e} (1e-6)")
    assert closed < 1e-6


def test_two_beams_share_alike(figure):
    """Each beam of Fig. 1 gets -Delta U/2: listed directions keep what the force does on them."""
    settings = {
        "terms.ledger": {}, "time.end": 8.0, "time.step": 0.02, "grid.z.cells": 1024,
        "output.directory": mkdtemp(prefix="hpcqke-ledger-"),
    }  # fmt: skip
    with hpcqke.Simulation(hpcqke.load_case("two_beam_lcg", settings)) as sim:
        series = open_run(sim.run(quiet=True).path).series
    dU = series.energy_refractive.values[-1] - series.energy_refractive.values[0]
    beams = series.energy_kinetic_direction.values[-1, :, 0] / -dU
    figure("two beams, ledger", f"Delta U {dU:.4f}, beams {beams[0]:.9f}, {beams[1]:.9f} (1/2)")
    assert abs(dU) > 5
    assert np.all(abs(beams - 0.5) < 1e-6)


def test_against_the_tracer(figure):
    """A (p, v) grid with its first-order response gives the same K_v, to second order in dp."""
    gas = {"grid.momentum.count": 8, "time.end": 3.0, "grid.z.cells": 48}
    p0 = 1e11
    tracer = gas | {
        "terms.gradient.mode": "tracer", "grid.momentum.p0": p0, "initial.momentum_width": 1e10,
        "grid.momentum.offset_range": (-9.5e10, 9.5e10),
        "output.directory": mkdtemp(prefix="hpcqke-ledger-"),
    }  # fmt: skip
    with hpcqke.Simulation(hpcqke.load_case("axisymmetric", tracer)) as sim:
        sim._initial_state()
        momentum = sim.ps.momentum
        summed = np.einsum("p,zpdsc->zdsc", momentum.p_weight, sim.state()[:, :, :, :1])[:, None]
        series = open_run(sim.run(quiet=True).path).series
    # q = |p| - p0 is counted there, and what turns takes its p0 along
    turned = p0 * (momentum.weight * (series.occupation.values[-1, :, :, 1])).sum(axis=0)
    there = series.energy_kinetic_direction.values[-1].sum(axis=-1) + turned
    length = float(hpcqke.load_case("axisymmetric").grid.z.length)
    small = {
        "grid__z__length": length, "terms__self_interaction__mu": 1.0, "time__end": 3.0,
        "time__integrator": "rk5dp", "time__step": 0.05, "flavors__antineutrinos": False,
        "terms__advection__order": hpcqke.load_case("axisymmetric").terms["advection"].order,
    }  # fmt: skip
    with hpcqke.Simulation(case_of("uniform", 8, cells=48, **small)) as sim:
        sim._put(summed)
        here = open_run(sim.run(quiet=True).path).series.energy_kinetic_direction.values[-1, :, 0]
    error = abs(here - there).max() / abs(there).max()
    figure("ledger against tracer", f"K_v within {error:.1e} of the largest (2e-3)")
    assert error < 2e-3
    assert here.sum() == pytest.approx(there.sum(), rel=1e-6)


def test_refusals(tmp_path):
    """PETSc's own steps have no sums; a state beyond the sums' room is an error, not a number."""
    with hpcqke.Simulation(case_of(), petsc_options=["-ts_type", "rk"]) as sim:
        with pytest.raises(CaseError, match=r"terms\.ledger"):
            sim.run(quiet=True)
    with hpcqke.Simulation(case_of()) as sim:
        ledger, X = sim.equation.ledger, sim.ps.array(sim.vec)
        sim._put(state.from_matrix(waves((sim.ps.nz, 1, sim.ps.nv, 2), 2)))
        ledger.restore({"kinetic": np.zeros((12, 2)), "work": np.zeros((12, 2)), "unit": 2.0**60})
        ledger.open(1, X)
        sim.equation.evaluate_stage(0.0, sim.vec, X, kinetic.Stage([np.zeros_like(X)], [X], [[]]))
        with pytest.raises(NumericsError, match="ledger"):
            ledger.step(1.0, np.ones(1))
