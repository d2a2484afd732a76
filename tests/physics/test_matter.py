"""Matter: MSW in constant density, profiles in z, and the convention test of the three flavors."""

import numpy as np
import pytest
from homogeneous import case_of, evolve, flavor, turned
from mpi4py import MPI
from test_vacuum import HBAR_C, three

import hpcqke
from hpcqke.diagnostics import Diagnostics
from hpcqke.errors import CaseError
from hpcqke.integrate import Integrator, Progress
from hpcqke.state import to_matrix
from hpcqke.terms.matter import Matter
from hpcqke.terms.vacuum import Vacuum


def survival(omega: float, theta: float, potential: float, t: float) -> float:
    """1 - sin^2 2theta_m sin^2(omega_m t/2)."""
    s, c = np.sin(2 * theta), np.cos(2 * theta) - potential / omega
    return 1 - s**2 / (s**2 + c**2) * np.sin(omega * np.hypot(s, c) * t / 2) ** 2


def test_msw_of_both_species(figure):
    """P12 of the acceptance list."""
    terms = {"vacuum": {"mass_splittings": [8.0], "theta": 0.3}, "matter": {"potential": 0.25}}
    rho = evolve(case_of(terms, 2, 7.0, momenta=[10.0]), flavor(0, 2), flavor(0, 2))
    found = rho[0, 0, 0, :, 0, 0].real
    error = np.abs(found - [0.508580658769, 0.911343406182]).max()
    figure("P12", f"rho_ee {found[0]:.12f} / {found[1]:.12f}, error {error:.1e} (tol 1e-09)")
    assert error < 1e-9


CONSTANT = {  # P_ee of omega = 1, theta = .15 at t = 1, 5, 12
    (0.5, 1): (0.978697830563, 0.716953656944, 0.996071752054),
    (0.5, -1): (0.98189576356, 0.988432214958, 0.990408498049),
    (0.955336489125606, 1): (0.978325384029, 0.54653022312, 0.0403798420995),
    (0.955336489125606, -1): (0.98417482736, 0.976977575771, 0.984189583917),
    (3.0, 1): (0.984907802458, 0.983447450224, 0.999408057443),
    (3.0, -1): (0.995340492378, 0.998765275792, 0.994752802523),
}


@pytest.mark.parametrize("ordering", [1, -1])
@pytest.mark.parametrize("ratio", [0.5, 0.955336489125606, 3.0])
@pytest.mark.parametrize("time", [0, 1, 2])
def test_constant_density(ratio, ordering, time):
    """T2: nubar is nu with -lambda, and so is the inverted ordering."""
    t = (1.0, 5.0, 12.0)[time]
    vacuum = {"mass_splittings": [2.0 * ordering], "theta": 0.15}
    case = case_of({"vacuum": vacuum, "matter": {"potential": ratio}}, 2, t)
    rho = evolve(case, flavor(0, 2), flavor(0, 2))[0, 0, 0, :, 0, 0].real
    for s, sign in ((0, 1), (1, -1)):
        exact = CONSTANT[ratio, sign * ordering][time]
        assert rho[s] == pytest.approx(exact, abs=1e-9)
        assert exact == pytest.approx(survival(1.0, 0.15, sign * ordering * ratio, t), abs=1e-11)


@pytest.mark.parametrize(
    ("ordering", "to_e"),
    [("normal", (0.0786627952877, 0.02659757655)), ("inverted", (0.0394864252167, 0.0599407732))],
)
def test_three_flavors_through_the_earth(ordering, to_e):
    """T2: 2.5 GeV, 1300 km, 2.848 g/cm^3."""
    energy, length = 2500.0, 1300.0 * 1e5
    vacuum = three(ordering)
    unit = 1e-12 / HBAR_C  # eV^2/MeV -> 1/cm; then t in units of the length
    vacuum["mass_splittings"] = [m * unit * length for m in vacuum["mass_splittings"]]
    terms = {"vacuum": vacuum, "matter": {"potential": 5.50792997096e-9 * length}}
    rho = evolve(case_of(terms, 3, 1.0, momenta=[energy]), flavor(1, 3), flavor(1, 3))
    assert rho[0, 0, 0, :, 0, 0].real == pytest.approx(to_e, abs=1e-8)


CONVENTION = {
    "normal": (
        ((0.904714489861, 0.36265047368, 0.232635036459), 0.187370138968 - 0.0648334903465j),
        ((0.760218059871, 0.291434203787, 0.298347736343), 0.0966955352398 - 0.0496119028277j),
    ),
    "inverted": (
        ((0.434164873456, 0.502745758604, 0.56308936794), -0.144658103638 - 0.159324277657j),
        ((0.318519174388, 0.5115466327, 0.519934192912), 0.0469120136326 + 0.118557459138j),
    ),
}


def convention(ordering: str) -> np.ndarray:
    """rho(6) of both species in both directions."""
    splitting = (0.06, 2.0 if ordering == "normal" else -2.0)
    terms = {
        "vacuum": three(ordering, splitting),
        "matter": {"potential": 0.7},
        "self_interaction": {"mu": 5.0},
    }
    nu, nubar = np.diag([1.0, 0.3, 0.2]), np.diag([0.8, 0.25, 0.3])
    return evolve(case_of(terms, 3, 6.0), nu.astype(complex), nubar.astype(complex))[0, 0]


@pytest.mark.parametrize("ordering", CONVENTION)
def test_the_convention(ordering, figure):
    """T0: vacuum, matter and self-interaction of three flavors with a CP phase."""
    rho, error = convention(ordering), 0.0
    for s, (diagonal, off) in enumerate(CONVENTION[ordering]):
        error = max(error, np.abs(np.diagonal(rho[0, s]).real - diagonal).max())
        error = max(error, abs(rho[0, s, 0, 1] - off))
        assert np.trace(rho[0, s]).real == pytest.approx(np.sum(diagonal), abs=1e-9)
    figure(f"T0 {ordering}", f"|rho(6) - reference| {error:.1e} (tol 1e-06)")
    assert error < 1e-8
    assert np.abs(rho[0] - rho[1]).max() < 1e-12
    assert np.sum(np.abs(rho[0, 0]) ** 2) == pytest.approx(1.13, abs=1e-9)


PROFILES = {
    "constant": ({"potential": 0.4}, lambda z: np.full(z.size, 0.4)),
    "cosine": (
        {"potential": 0.1, "amplitude": 0.8, "wave_number": 2},
        lambda z: 0.1 + 0.8 * np.cos(4 * np.pi * z / 6),
    ),
    "exponential": ({"potential": 0.5, "scale_height": 2.0}, lambda z: 0.5 * np.exp(-z / 2)),
    "table": (
        {"z": [-3.0, 0.0, 1.0, 4.0], "values": [0.0, 0.9, 0.3, 0.0]},
        lambda z: np.where(z < 0, 0.3 * (z + 3), np.where(z < 1, 0.9 - 0.6 * z, 0.1 * (4 - z))),
    ),
}


@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize("profile", PROFILES)
def test_profiles(profile, flavors):
    """Without streaming every cell is an MSW problem of its own."""
    keys, potential = PROFILES[profile]
    vacuum = (
        {"mass_splittings": [2.0], "theta": 0.15} if flavors == 2 else three("normal", (0.5, 2.0))
    )
    terms = {"vacuum": vacuum, "matter": {"profile": profile, **keys}}
    case = case_of(terms, flavors, 5.0, z={"length": 6.0, "cells": 13})
    rho = evolve(case, flavor(0, flavors), flavor(0, flavors))[:, 0, 0]
    H = Vacuum(case.terms["vacuum"]).mass_matrix() / 2
    z = -3 + 6 / 13 * np.arange(13)
    for j, strength in enumerate(potential(z)):
        V = strength * flavor(0, flavors)
        for s, sign in ((0, 1), (1, -1)):
            exact = turned(sign * H + V, flavor(0, flavors), 5.0)
            assert np.abs(rho[j, s] - exact).max() < 1e-9


def test_ghost_rows_and_neutral_currents():
    """The potential at rows beyond the own ones; -lambda/2 n_n/n_e on the diagonal."""
    keys = {
        "profile": "exponential",
        "potential": 0.5,
        "scale_height": 2.0,
        "neutrons_per_electron": 1.5,
    }
    case = case_of({"matter": keys}, 3, 1.0, z={"length": 6.0, "cells": 12})
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        z = sim.ps.positions(2)
        assert z == pytest.approx(np.r_[2.0, 2.5, -3 + 0.5 * np.arange(12), -3, -2.5], abs=1e-14)
        term = Matter(case.terms["matter"])
        V = to_matrix(term.potential(sim.ps, z))
        strength = 0.5 * np.exp(-z / 2)
        exact = strength[:, None, None] * (np.diag([1.0, 0, 0]) - 0.75 * np.eye(3))
        assert np.abs(V - exact).max() < 1e-15
        h = to_matrix(term.mean(sim.ps))
        assert np.abs(h - strength[2:-2, None, None] * np.diag([1.0, 0, 0])).max() < 1e-15


@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize(
    ("method", "relaxation"), [("rk4", False), ("rk4", True), ("gauss2", False)]
)
def test_ledger_of_a_homogeneous_gas(flavors, method, relaxation, figure):
    """U + vacuum + matter energy is kept while its parts move; exact with relaxation and gauss2."""
    vacuum = (
        {"mass_splittings": [-2.0], "theta": 0.2}
        if flavors == 2
        else three("inverted", (0.5, -2.0))
    )
    terms = {"vacuum": vacuum, "matter": {"potential": 0.7}, "self_interaction": {"mu": 5.0}}
    time = {"end": 6.0, "integrator": method, "step": 0.02, "relaxation": relaxation}
    case = case_of(terms, flavors, 6.0, momenta=[1.0, 2.0], time=time)
    nu, nubar = np.diag([1.0, 0.3, 0.2][:flavors]), np.diag([0.8, 0.25, 0.3][:flavors])

    def start(species, z, p, v):
        rho = nu if species == "nu" else nubar
        return np.broadcast_to(rho.astype(complex), (1, p.size, v.size, flavors, flavors))

    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(start)
        diagnostics = Diagnostics(sim.equation, 4)
        diagnostics.set_reference(sim.ps.array(sim.vec, readonly=True))
        rows = [diagnostics.row(0.0, 0, sim.vec)]
        integrator = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        now = Progress(0.0, 0, integrator.first_step, 0.0)
        integrator.begin(now, sim.vec)
        for until in (1.0, 2.0, 4.0, 6.0):
            integrator.advance(until)
            rows.append(diagnostics.row(now.t, now.step, sim.vec))
        integrator.destroy()
        diagnostics.destroy()
    parts = ("energy_refractive", "energy_vacuum", "energy_matter")
    moved = {part: max(abs(r[part] - rows[0][part]) for r in rows) for part in parts}
    assert all(change > 1e-3 for change in moved.values()), moved
    drift = max(abs(r["energy_total"] - rows[0]["energy_total"]) for r in rows)
    kind = "with relaxation" if relaxation else method
    figure(f"ledger {flavors} flavors {kind}", f"drift {drift:.1e} of {max(moved.values()):.2f}")
    assert drift < (1e-5 if kind == "rk4" else 1e-12)


def test_the_whole_program_on_one_cell(tmp_path):
    """P12 as a run: one cell, no streaming; series, fields and a restart from its checkpoint."""
    terms = {"vacuum": {"mass_splittings": [8.0], "theta": 0.3}, "matter": {"potential": 0.25}}
    every = {"directory": str(tmp_path / "run"), "series_every": 0.5, "fields_every": 0.5}
    start = {"recipe": "modes", "polarization": [1.0, 1.0], "polarization_bar": [1.0, 1.0]}
    start["modes"] = [{"direction": 0, "n": 0}]
    for end in (3.0, 7.0):
        case = case_of(terms, 2, end, momenta=[10.0], output=every, initial=start)
        with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
            run = sim.run(quiet=True)
    with hpcqke.open_run(run.path) as found:
        series = found.series
        last = series.survival.isel(time=-1).sel(flavor="e").values
        assert last == pytest.approx([0.508580658769, 0.911343406182], abs=1e-9)
        assert np.ptp(series.energy_total.values) < 1e-10
        for part in ("energy_vacuum", "energy_matter"):
            assert np.ptp(series[part].values) > 1e-3
        assert series.time.size == 15
        assert found.fields.rho.sizes["time"] == 15


def same_sign(self, ps, right=Vacuum.mode):
    nu, nubar = np.split(right(self, ps), 2, axis=1)
    return np.concatenate([nu, -nubar], axis=1)


MUTATIONS = {
    "antineutrinos oscillate like neutrinos": (Vacuum, "mode", same_sign),
    "both the other way": (Vacuum, "mode", lambda self, ps, right=Vacuum.mode: -right(self, ps)),
    "U conjugated": (
        Vacuum, "mass_matrix", lambda self, right=Vacuum.mass_matrix: right(self).conj()
    ),
    "electrons attract": (Matter, "mean", lambda self, ps, t, right=Matter.mean: -right(self, ps)),
    "electrons attract flavor x": (
        Matter, "mean", lambda self, ps, t, h=Matter.mean: h(self, ps)[:, [1, 0, *range(2, 9)]]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_sign_or_conjugate_fails_the_convention(name, monkeypatch):
    """Each one moves the diagonal of T0 by far more than its tolerance, 1e-6."""
    monkeypatch.setattr(*MUTATIONS[name])
    rho = convention("inverted")[0]
    off = [np.diagonal(rho[s]).real - CONVENTION["inverted"][s][0] for s in (0, 1)]
    assert np.abs(off).max() > 1e-2


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ({}, "terms.matter.potential: missing"),
        ({"potential": 1.0, "amplitude": 2.0}, "amplitude = 2.0: must be left out"),
        ({"profile": "cosine", "amplitude": 2.0}, "wave_number: missing"),
        ({"profile": "exponential", "potential": 1.0}, "scale_height: missing"),
        ({"profile": "exponential", "potential": 1.0, "scale_height": 0.0}, "> 0"),
        ({"profile": "table", "z": [-1.0, 1.0]}, "values: missing"),
        ({"profile": "table", "z": [-1.0, 0.2], "values": [1.0, 1.0]}, "must reach over the box"),
        ({"profile": "table", "z": [-1.0, 1.0], "values": [1.0]}, "must have 2 numbers"),
        ({"profile": "table", "z": [1.0, -1.0], "values": [1.0, 1.0]}, "must grow"),
        ({"profile": "cosin", "potential": 1.0}, 'did you mean "cosine"'),
    ],
)
def test_malformed(section, fault):
    with pytest.raises(CaseError, match=fault):
        case_of({"matter": section}, 2, 1.0)
