"""Matter and self-interaction that depend on time or place: values, energies, files, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from homogeneous import case_of, evolve, isotropic, trajectory
from mpi4py import MPI
from test_terms import random_state, streaming

import hpcqke
from hpcqke.case import make_case
from hpcqke.diagnostics import Diagnostics
from hpcqke.errors import CaseError
from hpcqke.integrate import Integrator, Progress
from hpcqke.state import to_matrix
from hpcqke.terms import SelfInteraction

IN_TIME = {
    "linear": ({"potential": 0.4, "slope": -0.3}, lambda t: 0.4 - 0.3 * t),
    "cosine": ({"potential": 0.1, "amplitude": 0.8, "period": 3.0},
               lambda t: 0.1 + 0.8 * np.cos(2 * np.pi * t / 3)),
    "exponential": ({"potential": 0.9, "decay_time": 2.0, "floor": 0.2},
                    lambda t: np.maximum(0.9 * np.exp(-t / 2), 0.2)),
    "table": ({"t": [0.0, 1.0, 5.0], "values": [0.0, 0.9, 0.1]},
              lambda t: np.interp(t, [0, 1, 5], [0.0, 0.9, 0.1])),
}  # fmt: skip


@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize("name", IN_TIME)
def test_matter_in_time_turns_coherence_by_its_integral(name, flavors):
    """Without mixing rho_e. turns by exp(-i int lambda dt), of nu and of nubar."""
    keys, shape = IN_TIME[name]
    matter = {"profile": name, "along": "t", **keys}
    case = case_of({"matter": matter}, flavors, 4.0)
    both = np.full((flavors, flavors), 0.2, dtype=complex)
    rho = evolve(case, both, both)[0, 0, 0]
    t = np.linspace(0, 4, 400000, endpoint=False) + 5e-6  # midpoints
    turn = np.exp(-4j * shape(t).mean())
    assert np.abs(rho[:, 0, 1] - 0.2 * turn).max() < 1e-8
    assert abs(turn - 1) > 0.1


def ledger(case, start, times):
    """Rows of the diagnostics at the times."""
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        if start is None:
            sim._initial_state()
        else:
            sim.set_state(start)
        diagnostics = Diagnostics(sim.equation, 4)
        diagnostics.set_reference(sim.ps.array(sim.vec, readonly=True))
        integrator = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        now = Progress(0.0, 0, integrator.first_step, 0.0)
        integrator.begin(now, sim.vec)
        rows = [diagnostics.row(0.0, 0, sim.vec)]
        for t in times:
            integrator.advance(t)
            rows.append(diagnostics.row(now.t, now.step, sim.vec))
        integrator.destroy()
        diagnostics.destroy()
    return rows


def test_energy_given_by_a_hamiltonian_in_time(figure):
    """E(t) - E(0) is the integral of energy_given_rate, of V(t) and of mu(t) together."""
    terms = {
        "vacuum": {"mass_splittings": [-2.0], "theta": 0.2},
        "matter": {"profile": "cosine", "along": "t", "amplitude": 0.8, "period": 3.0},
        "self_interaction": {"mu": 5.0, "profile": "exponential", "along": "t", "decay_time": 4.0},
    }
    case = isotropic(terms, [{}, {"species": "nubar", "density": 0.7}], 4.0)
    times = np.linspace(0, 4, 401)
    rows = ledger(case, None, times[1:])
    E = np.array([row["energy_total"] for row in rows])
    rate = np.array([row["energy_given_rate"] for row in rows])
    h = times[1]
    simpson = h / 3 * (rate[0] + rate[-1] + 4 * rate[1:-1:2].sum() + 2 * rate[2:-1:2].sum())
    error = abs(E[-1] - E[0] - simpson)
    figure("dE/dt", f"E(4) - E(0) = {E[-1] - E[0]:.4f}, integral of the rate off by {error:.1e}")
    assert abs(E[-1] - E[0]) > 0.5
    assert error < 1e-7
    assert np.ptp([row["energy_matter"] for row in rows]) > 0.1


MU = {
    "exponential": {"mu": 1.5, "profile": "exponential", "scale_height": 2.0, "floor": 0.6},
    "table": {"mu": 2.0, "profile": "table", "z": [-3.0, 0.0, 3.0], "values": [0.5, 1.5, 0.2]},
}


def mu_of(name: str, z: np.ndarray) -> np.ndarray:
    if name == "table":
        return 2 * np.interp(z, [-3, 0, 3], [0.5, 1.5, 0.2])
    return np.maximum(1.5 * np.exp(-z / 2), 0.6)


def box(terms: dict, momentum: dict, flavors=2, **sections):
    return make_case({
        "name": "place",
        "grid": {"z": {"length": 6.0, "cells": 24}, "momentum": momentum},
        "flavors": {"count": flavors, "antineutrinos": True},
        "terms": terms,
        "initial": {"recipe": "distribution", "populations": [
            {"density": 0.4, "angular": "linear", "flux_factor": 0.2},
            {"species": "nubar", "density": 0.3}],
            "perturbation": "bump", "amplitude": 0.3, "width": 0.8},
        "time": {"end": 1.0, "integrator": "rk4", "step": 0.02},
        **sections,
    })  # fmt: skip


@pytest.mark.parametrize("azimuths", [1, 4])
@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize("name", MU)
def test_right_hand_side_with_mu_of_place(name, flavors, azimuths):
    """-i mu(z) sum w (1 - n.n')[rho - rhobar, rho], row by row; no z-derivative of mu in it."""
    momentum = {"rule": "gauss-legendre", "count": 3, "azimuths": azimuths}
    case = box({"advection": {}, "self_interaction": MU[name]}, momentum, flavors)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        some = random_state(flavors)
        sim.set_state(lambda s, *where: (1.0 if s == "nu" else 0.4) * some(s, *where[:3]))
        rho, rate = to_matrix(sim.state())[:, 0], to_matrix(sim.rhs())[:, 0]
        grid, z = sim.ps.momentum, sim.ps.z.z
    n = np.concatenate([grid.v[None], grid.transverse if azimuths > 1 else 0 * grid.transverse])
    net = rho[:, :, 0] - rho[:, :, 1]
    Omega = np.einsum("jk,k,zkab->zjab", 1 - n.T @ n, grid.v_weight, net)
    Omega = (mu_of(name, z)[:, None, None, None] * Omega)[:, :, None]
    exact = -1j * (Omega @ rho - rho @ Omega)
    off = np.abs(rate - exact - streaming(rho, grid)).max()
    assert off < 1e-13
    assert np.abs(exact).max() > 1e-1


def test_energies_with_mu_of_place(figure):
    """U, U_osc and Eq. (7) have mu(z) in their integrals: both sides of it agree."""
    case = box({"advection": {}, "self_interaction": MU["table"]}, {"directions": [0.5, -1.0]})
    row = ledger(case, None, [0.5])[-1]
    measured, rate = (row[f"energy_refractive_osc_rate{s}"] for s in ("_measured", ""))
    figure("Eq. (7), mu(z)", f"chain rule {measured:.9f}, right-hand side {rate:.9f}")
    assert measured == pytest.approx(rate, abs=1e-14)
    assert abs(rate) > 1e-3
    half = box({"advection": {}, "self_interaction": {"mu": 1.0}}, {"directions": [0.5, -1.0]})
    two = box({"advection": {}, "self_interaction": {
        "profile": "table", "z": [-3.0, 3.0], "values": [1.0, 1.0]}},
        {"directions": [0.5, -1.0]})  # fmt: skip
    a, b = ledger(half, None, [0.5])[-1], ledger(two, None, [0.5])[-1]
    for key in ("energy_refractive", "energy_refractive_osc", "energy_refractive_osc_rate"):
        assert a[key] == pytest.approx(b[key], abs=1e-13)


@pytest.mark.parametrize("momentum", [
    {"directions": [1.0, -1.0], "offset_range": [-10.0, 10.0], "offset_cells": 40},
    {"rule": "uniform", "count": 4, "offset_range": [-14.0, 14.0], "offset_cells": 56, "p0": 30.0},
])  # fmt: skip
def test_ledger_with_mu_of_place(momentum, figure):
    """K + U is kept with the gradient terms: the force has d_z mu in it; dK/dt is Eq. (22)."""
    terms = {"advection": {"order": 4}, "gradient": {}, "self_interaction": MU["table"]}
    case = box(terms, momentum)

    def start(species, z, p, v):
        q = np.exp(-((p / 1.5) ** 2) / 2)[None, :, None, None, None]
        a = 0.3 * np.cos(2 * np.pi * z / 6)[:, None, None] * (1 + v / 2) + 0 * p[:, None]
        n = np.array([[np.cos(a), np.sin(a)], [np.sin(a), -np.cos(a)]]).transpose(2, 3, 4, 0, 1)
        size = (0.1 if species == "nu" else 0.06) * (1 + 0.4 * v)[:, None, None]
        return (q * size * (np.eye(2) + n)).astype(complex)

    rows = ledger(case, start, [0.5, 1.0])
    E, K = (np.array([row[f"energy_{name}"] for row in rows]) for name in ("total", "kinetic"))
    figure(f"K + U with mu(z), {momentum.get('rule', 'on the axis')}",
           f"drift {np.ptp(E):.1e} of {np.ptp(K):.1e}")  # fmt: skip
    assert np.ptp(K) > 1e-4
    assert np.ptp(E) < 1e-12
    close = ledger(case, start, [0.49, 0.51])
    slope = (close[2]["energy_kinetic"] - close[1]["energy_kinetic"]) / 0.02
    assert rows[1]["energy_kinetic_rate"] == pytest.approx(slope, rel=1e-3)


def test_strength_and_its_rate_in_time():
    """mu exp(-t/tau) down to the floor; a table times mu."""
    case = isotropic({"self_interaction": {
        "mu": 3.0, "profile": "exponential", "along": "t", "decay_time": 2.0, "floor": 0.5}},
        [{}], 1.0)  # fmt: skip
    term = SelfInteraction(case.terms["self_interaction"])
    assert term.strength(1.0) == pytest.approx(3 * np.exp(-0.5), rel=1e-15)
    assert term.strength_rate(1.0) == pytest.approx(-1.5 * np.exp(-0.5), rel=1e-15)
    assert (term.strength(9.0), term.strength_rate(9.0)) == (0.5, 0.0)
    case = isotropic({"self_interaction": {
        "mu": 3.0, "profile": "table", "along": "t", "t": [0, 2, 3], "values": [1, 2, 0]}},
        [{}], 1.0)  # fmt: skip
    term = SelfInteraction(case.terms["self_interaction"])
    assert (term.strength(1.0), term.strength_rate(1.0)) == (4.5, 1.5)
    assert (term.strength(2.5), term.strength_rate(2.5)) == (3.0, -6.0)


def test_table_from_a_file(tmp_path):
    """The numbers of two columns take the place of the path: the case needs the file no more."""
    file = tmp_path / "lambda.txt"
    file.write_text("# t lambda\n0.0 0.0\n1.0 0.9\n5.0 0.1\n")
    given = {"profile": "table", "along": "t"}
    by_file = case_of({"matter": {**given, "path": str(file)}}, 2, 4.0)
    listed = case_of({"matter": {**given, **IN_TIME["table"][0]}}, 2, 4.0)
    assert by_file == listed
    file.unlink()
    assert "path is not set" in by_file.to_toml()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "can't be read: No such file"),
        ("0 1 2\n1 2 3\n", "must have two columns"),
        ("0 a\n", "must be a text file with two columns"),
        ("0 1\n1 nan\n", "not finite"),
        ("0 1\n", "from 2 to"),
        ("1 1\n0 1\n", "must grow"),
        ("0 1\n1 1\n", "must reach over the run"),
    ],
)
def test_malformed_files(content, fault, tmp_path):
    file = tmp_path / "table.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CaseError, match=fault) as found:
        case_of({"matter": {"profile": "table", "along": "t", "path": str(file)}}, 2, 4.0)
    assert len(found.value.faults if hasattr(found.value, "faults") else [1]) == 1


TIMED = {"profile": "exponential", "along": "t", "decay_time": 1.0}


@pytest.mark.parametrize(
    ("terms", "fault"),
    [
        ({"matter": {**TIMED, "potential": 1.0, "scale_height": 1.0}}, "scale_height = 1.0: must"),
        ({"matter": {"profile": "exponential", "along": "t", "potential": 1.0}}, "decay_time: mis"),
        ({"matter": {"profile": "linear", "potential": 1.0}}, "slope: missing"),
        ({"matter": {"along": "t", "potential": 1.0}}, "along = \"t\": must be left out"),
        ({"matter": {"profile": "table", "z": [-1.0, 1.0], "values": [1.0, 1.0], "path": "x"}},
         "path"),
        ({"matter": {"potential": 1.0, "path": "x"}}, "path = \"x\": must be left out"),
        ({"matter": {"potential": 1.0, "density": 1.0}}, "density = 1.0: needs"),
        ({"self_interaction": {"profile": "linear"}}, "must be \"constant\" or \"exponential\""),
        ({"self_interaction": {"profile": "table", "z": [-1, 1], "values": [1, -1]}},
         "must not be negative"),
        ({"self_interaction": {"number_density": 1e30}}, 'needs units.system = "cm"'),
    ],
)  # fmt: skip
def test_malformed(terms, fault):
    with pytest.raises(CaseError, match=fault):
        case_of(terms, 2, 1.0)


def test_relaxation_needs_a_hamiltonian_without_time():
    """It would keep an energy that is not kept; off by itself with the gradient terms."""
    terms = {"matter": {**TIMED, "potential": 1.0}}
    with pytest.raises(CaseError, match="relaxation = true: must be false"):
        case_of(terms, 2, 1.0, time={"end": 1.0, "relaxation": True})
    terms = {"advection": {}, "gradient": {}, "self_interaction": {"mu": 1.0, **TIMED}}
    bins = {"directions": [1.0, -1.0], "offset_range": [-6.0, 6.0], "offset_cells": 12}
    assert box(terms, bins).time.relaxation is False


def test_a_gas_without_flux_follows_mu_of_time():
    """mu(t) of a table is that of each moment: two halves with constant mu in a row."""
    vacuum = {"mass_splittings": [-2.0], "theta": 0.3}
    steps = {"profile": "table", "along": "t", "t": [0, 1, 1.0000000001, 2], "values": [4, 4, 2, 2]}
    populations = [{}, {"species": "nubar", "density": 0.6}]
    whole = isotropic({"vacuum": vacuum, "self_interaction": steps}, populations, 2.0)
    found = trajectory(whole, [1.0, 2.0])
    first = isotropic({"vacuum": vacuum, "self_interaction": {"mu": 4.0}}, populations, 1.0)
    middle = trajectory(first, [1.0])[0]
    assert np.abs(found[0] - middle).max() < 1e-9
    second = isotropic({"vacuum": vacuum, "self_interaction": {"mu": 2.0}}, populations, 1.0)

    def start(species, z, p, v):
        return to_matrix(middle[:, :, :, 0 if species == "nu" else 1])

    assert np.abs(found[1] - trajectory(second, [1.0], start)[0]).max() < 1e-8
