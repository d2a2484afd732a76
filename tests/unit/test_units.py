"""Constants and units: the numbers of the field, and runs in cm against runs in units of mu."""

import tomllib

import numpy as np
import pytest
from mpi4py import MPI

import hpcqke
from hpcqke import constants, units
from hpcqke.case import make_case
from hpcqke.errors import CaseError
from hpcqke.info import describe


def test_constants(figure):
    """sqrt2 G_F, mu, lambda and omega of the acceptance table."""
    sqrt2_gf = constants.REFRACTION
    pairs = {
        "sqrt2 G_F in MeV cm^3": (sqrt2_gf * constants.HBAR_C, 1.26740083e-43),
        "sqrt2 G_F in cm^2": (sqrt2_gf, 6.42284613e-33),
        "sqrt2 G_F in cm^3/s": (units.per_second(sqrt2_gf), 1.92552083e-22),
        "mu at 1e33/cm^3": (units.self_interaction(1e33), 6.42284613),
        "mu in 1/s": (units.per_second(units.self_interaction(1e33)), 1.92552083e11),
        "mu in eV": (units.electronvolt(units.self_interaction(1e33)), 1.26740083e-4),
        "lambda": (units.matter_potential(1.0), 3.86792835e-9),
        "lambda in eV": (units.electronvolt(units.matter_potential(1.0)), 7.63246622e-14),
        "omega at 2.5e-3 eV^2, 10 MeV": (units.vacuum_frequency(2.5e-3, 10.0), 6.33466340e-6),
        "phase dm2 L/4E": (units.vacuum_frequency(1.0, 1e3) * 1e5 / 2, 1.26693268),
        "light second": (units.seconds(2.99792458e10), 1.0),
    }
    worst = max(abs(found / value - 1) for found, value in pairs.values())
    figure("constants", f"relative error {worst:.1e} (tol 1e-06)")
    assert worst < 1e-8


def case_of(terms, momentum, end, system="cm", **more):
    return make_case({
        "name": "units",
        "grid": {"z": {"length": 1.0, "cells": 1},
                 "momentum": {"directions": [1.0, -1.0], **momentum}},
        "flavors": {"antineutrinos": True},
        "terms": terms,
        "initial": {"recipe": "distribution",
                    "populations": [{}, {"species": "nubar", "density": 0.8}]},
        "time": {"end": end, "tolerance": 1e-11, "integrator": "rk8vr"},
        "units": {"system": system},
        **more,
    })  # fmt: skip


def test_reactor_neutrinos(tmp_path, figure):
    """dm2 = 7.41e-5 eV^2, 4 MeV, 52.5 km: P_ee = .716360976899; what the files say about units."""
    vacuum = {"vacuum": {"mass_splittings": [7.41e-5], "theta": 0.3}}
    output = {"directory": str(tmp_path / "run"), "series_every": 52.5e5, "fields_every": 52.5e5}
    case = case_of(vacuum, {"momenta": [4.0]}, 52.5e5, output=output)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        run = sim.run(quiet=True)
    with hpcqke.open_run(run.path) as found:
        series, fields = found.series, found.fields
        survival = series.survival.sel(flavor="e").values[-1]
        figure("T1 in cm", f"P_ee {survival[0]:.12f} of 0.716360976899 (tol 1e-8)")
        assert np.abs(survival - 0.716360976899).max() < 1e-8
        said = {name: series[name].attrs["units"] for name in
                ("time", "energy_vacuum", "energy_kinetic", "number", "growth_rate")}  # fmt: skip
        assert said == {"time": "cm", "energy_vacuum": "n", "energy_kinetic": "MeV n cm",
                        "number": "n cm", "growth_rate": "1/cm"}  # fmt: skip
        assert {name: fields[name].attrs["units"] for name in ("time", "z", "momentum")} == {
            "time": "cm", "z": "cm", "momentum": "MeV"}  # fmt: skip
        total = series.energy_total.values
        parts = series.energy_vacuum + series.energy_refractive + series.energy_matter
        assert total == pytest.approx(parts.values, rel=1e-15)
    assert units.vacuum_frequency(7.41e-5, 4.0) == pytest.approx(4.69398557725e-07, rel=1e-11)


def test_pictures_and_info_have_the_units(tmp_path, monkeypatch):
    """Axis labels in cm; the step and the rates of `hpcqke info`."""
    from matplotlib.figure import Figure

    from hpcqke.analysis.plots import plot_run

    labels = []
    right = Figure.savefig

    def savefig(figure, *args, **keywords):
        labels.extend(axes.get_xlabel() for axes in figure.axes)
        labels.extend(axes.get_ylabel() for axes in figure.axes)
        return right(figure, *args, **keywords)

    monkeypatch.setattr(Figure, "savefig", savefig)
    terms = {"vacuum": {"mass_splittings": [-2.5e-3], "theta": 0.1},
             "self_interaction": {"number_density": 1e28}}  # fmt: skip
    output = {"directory": str(tmp_path / "run"), "series_every": 1e4}
    case = case_of(terms, {"momenta": [10.0]}, 2e5, output=output)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        run = sim.run(quiet=True)
    plot_run(run.path, lambda text: None)
    assert any("[cm]" in text for text in labels)
    assert not any(r"\mu$]" in text or r"[$\mu" in text for text in labels)
    report = describe(case, 1)
    assert "cm (rk8vr" in report
    assert "1/cm" in report
    log = (run.path / "run.log").read_text()
    assert "/mu" not in log


def test_all_terms_in_both_systems():
    """The same gas in cm and in units of mu: vacuum, matter by density, mu by number density."""
    mu = units.self_interaction(2e30)
    omega, potential = units.vacuum_frequency(-2.5e-3, 15.0), units.matter_potential(0.4 * 3e3)
    physical = {
        "vacuum": {"mass_splittings": [-2.5e-3], "theta": 0.3},
        "matter": {"density": 3e3, "electron_fraction": 0.4},
        "self_interaction": {"number_density": 2e30},
    }
    own = {
        "vacuum": {"mass_splittings": [2 * omega / mu], "theta": 0.3},
        "matter": {"potential": potential / mu},
        "self_interaction": {"mu": 1.0},
    }
    states = []
    for terms, p, end, system in ((physical, 15.0, 300 / mu, "cm"), (own, 1.0, 300.0, "mu")):
        case = case_of(terms, {"momenta": [p]}, end, system)
        states.append(at_the_end(case))
    assert np.abs(states[0] - states[1]).max() < 1e-9
    assert np.abs(states[0][..., 1:3]).max() > 1e-4


def test_profiles_of_densities():
    """With an electron fraction every number of a profile is a density; mu's floor is one too."""
    table = {"profile": "table", "along": "t", "t": [0.0, 2.0], "values": [3e3, 1e3]}
    mu = {"number_density": 1e30, "profile": "exponential", "along": "t", "decay_time": 1.0}
    case = case_of(
        {"matter": {**table, "electron_fraction": 0.4},
         "self_interaction": {**mu, "floor": 1e28}}, {}, 1.0)  # fmt: skip
    found = units.configs(case)
    lambdas = tuple(units.matter_potential(0.4 * rho) for rho in (3e3, 1e3))
    assert found["matter"].values == pytest.approx(lambdas, rel=1e-14)
    assert found["self_interaction"].mu == pytest.approx(6.42284613e-3, rel=1e-8)
    assert found["self_interaction"].floor == pytest.approx(6.42284613e-5, rel=1e-8)
    linear = {"profile": "linear", "along": "t", "density": 2.0, "slope": -0.5}
    config = units.configs(case_of({"matter": {**linear, "electron_fraction": 0.5}}, {}, 1.0))
    assert config["matter"].potential == pytest.approx(3.86792835e-9, rel=1e-8)
    assert config["matter"].slope == pytest.approx(-0.25 * 3.86792835e-9, rel=1e-8)
    in_rates = case_of({"matter": {"potential": 2.0}, "self_interaction": {"mu": 3.0}}, {}, 1.0)
    assert units.configs(in_rates)["matter"].potential == 2.0
    assert units.configs(in_rates)["self_interaction"].mu == 3.0


NUFIT = {
    "normal": ((33.41, 8.54, 49.1, 197.0), (7.41e-5, 2.511e-3)),
    "inverted": ((33.41, 8.57, 49.5, 286.0), (7.41e-5, -2.4239e-3)),
}
BEAMS = {  # MeV, km, g/cm^3: P(mu -> e) of nu and nubar
    ("normal", 600.0, 295.0, 0.0): (0.053080005679, 0.0459598304589),
    ("inverted", 600.0, 295.0, 0.0): (0.0624219282843, 0.038996630225),
    ("normal", 10.0, 100.0, 0.0): (0.202915252723, 0.227771276917),
    ("normal", 2500.0, 1300.0, 2.848): (0.0786627952877, 0.02659757655),
    ("inverted", 2500.0, 1300.0, 2.848): (0.0394864252167, 0.05994077322),
}


@pytest.mark.parametrize("beam", BEAMS, ids=str)
def test_three_flavors_of_beams(beam, figure):
    """T1 and T2 in cm, MeV, eV^2 and g/cm^3: nu_mu and nubar_mu become e, both orderings."""
    ordering, energy, length, density = beam
    angles, masses = NUFIT[ordering]
    names = ("theta12", "theta13", "theta23", "delta_cp")
    terms = {"vacuum": {"mass_splittings": list(masses),
                        **dict(zip(names, np.radians(angles).tolist(), strict=True))}}  # fmt: skip
    if density:
        terms["matter"] = {"density": density, "electron_fraction": 0.5}
    case = case_of(
        terms, {"momenta": [energy]}, length * 1e5, flavors={"count": 3, "antineutrinos": True},
        initial={"recipe": "distribution", "populations": [
            {"flavor": "mu"}, {"flavor": "mu", "species": "nubar"}]})  # fmt: skip
    found = at_the_end(case)[0, 0, 0]
    probability = found[:, 0] / found[:, :3].sum(axis=1)
    error = np.abs(probability - BEAMS[beam]).max()
    figure(f"P(mu -> e) {beam}", f"{probability[0]:.10f}, {probability[1]:.10f}, {error:.1e}")
    assert error < 1e-7


def at_the_end(case) -> np.ndarray:
    """The components (z, momentum, direction, species, N_f^2) at the end of a run."""
    from hpcqke.integrate import Integrator, Progress

    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim._initial_state()
        integrator = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        integrator.begin(Progress(0.0, 0, integrator.first_step, 0.0), sim.vec)
        integrator.advance(case.time.end)
        rho = sim.state()
        integrator.destroy()
    return rho


def test_frequencies_in_both_systems():
    """p = dm2/2omega, in MeV where omega is in 1/cm."""
    vacuum = {"vacuum": {"mass_splittings": [2.5e-3], "theta": 0.3}}
    omega = units.vacuum_frequency(2.5e-3, 10.0)
    case = case_of(vacuum, {"frequencies": [omega, 2 * omega]}, 1.0)
    assert case.grid.momentum.momenta == pytest.approx((10.0, 5.0), rel=1e-14)
    box = {"vacuum": {"mass_splittings": [-2.0], "theta": 0.3}}
    case = case_of(box, {"frequency_range": [-2.0, 0.0], "frequency_cells": 4}, 1.0, "mu")
    assert 1 / np.array(case.grid.momentum.momenta) == pytest.approx([1.75, 1.25, 0.75, 0.25])
    assert case.grid.momentum.momenta_weights == (0.5,) * 4
    assert make_case(tomllib.loads(case.to_toml())) == case


VACUUM = {"vacuum": {"mass_splittings": [2.0], "theta": 0.3}}


@pytest.mark.parametrize(
    ("terms", "momentum", "system", "fault"),
    [
        (VACUUM, {"frequencies": [-1.0]}, "mu", "must be > 0 like terms.vacuum"),
        (VACUUM, {"frequencies": [1.0, 1.0]}, "mu", "must not have a value twice"),
        (VACUUM, {"frequency_range": [0.0, 1.0]}, "mu", "frequency_cells: missing"),
        (VACUUM, {"frequencies": [1.0], "momenta": [3.0]}, "mu", "momenta = .*: must be left out"),
        (VACUUM, {"frequencies": [1.0], "frequency_range": [0, 1]}, "mu", "frequency_range = .*"),
        (VACUUM, {"frequency_cells": 3}, "mu", "must be left out without frequency_range"),
        ({"matter": {"potential": 1.0}}, {"frequencies": [1.0]}, "mu", r"needs \[terms.vacuum\]"),
        ({"self_interaction": {}}, {}, "cm", "number_density: missing"),
        ({"matter": {"density": 1.0}}, {}, "cm", "density = 1.0: needs electron_fraction"),
        ({"matter": {"density": 1.0, "electron_fraction": 0.5, "potential": 1.0}}, {}, "cm",
         "potential = 1.0"),
        ({"matter": {"potential": 1.0}}, {}, "m", 'must be "mu" or "cm"'),
        ({"advection": {}, "self_interaction": {"number_density": 1e30}, "gradient": {}},
         {"offset_range": [-1, 1], "offset_cells": 4, "p0": 3.0}, "cm", "terms.gradient: must"),
    ],
)  # fmt: skip
def test_malformed(terms, momentum, system, fault):
    with pytest.raises(CaseError, match=fault):
        case_of(terms, momentum, 1.0, system)
