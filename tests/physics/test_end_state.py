"""T4g: where a fast-flavor box with random seeds ends, beside the models, through the analysis."""

import numpy as np
import pytest

import hpcqke
from hpcqke.analysis import coherence, growth, monitors
from hpcqke.analysis import lepton_number as ln
from hpcqke.analysis.crossings import average_survival
from hpcqke.analysis.homogeneous import linear_systems
from hpcqke.analysis.probability import average_over, pair_survival, transition
from hpcqke.case import make_case


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two Gaussians, alpha = 0.9, L = 600 until t = 1500."""
    folder = tmp_path_factory.mktemp("box") / "run"
    case = make_case({
        "name": "box",
        "grid": {
            "z": {"length": 600.0, "cells": 400},
            "momentum": {"rule": "gauss-legendre", "count": 20},
        },
        "flavors": {"antineutrinos": True},
        "terms": {"advection": {}, "self_interaction": {}},
        "initial": {
            "recipe": "distribution", "perturbation": "random", "amplitude": 1e-4, "nmax": 80,
            "seed": 3, "populations": [
                {"angular": "gaussian", "width": 0.6},
                {"species": "nubar", "density": 0.9, "angular": "gaussian", "width": 0.5},
            ],
        },
        "time": {"end": 1500.0, "integrator": "bm6", "step": 4.0},
        "output": {"directory": str(folder), "series_every": 20.0, "fields_every": 20.0},
    })  # fmt: skip
    with hpcqke.Simulation(case) as sim:
        sim.run(quiet=True)
    with hpcqke.open_run(folder) as opened:
        yield opened


def test_the_end_is_that_of_the_power_model(run, figure):
    """<P_ee> after t = 800 within 0.04 of power-1/2; P(v) is 1/2 beyond the crossing; ELN stays."""
    fields = run.fields
    found = ln.lepton_number(fields)
    ends = ln.end_states(found)
    late = {"time": fields["time"].values > 800}
    n = {s: ln.lepton_number(fields.sel(species=[s])) for s in ("nu", "nubar")}
    apart = {}
    for species, reference in (("nu", 0.671510), ("nubar", 0.635011)):
        P = transition(fields, "e", species)
        one = P["average"].sel(flavor="e")
        start = np.abs(n[species]["lepton_number"].sel(flavor="e").values[0])
        power = ends["survival"].sel(model="power-1/2").values
        model = average_survival(found["weight"].values, start, power)
        assert model == pytest.approx(reference, abs=3e-3)  # that of 20 directions, of many
        apart[species] = float(one.isel(late).mean()) - model
        series = run.series.survival.sel(species=species, flavor="e")
        assert np.abs(one.values - series.values).max() < 1e-7  # seeds are 1e-4
    by_angle = average_over(pair_survival(fields), "momentum").isel(late).mean("time")
    beyond = by_angle["direction"].values > 0.65
    small = float(by_angle.values[beyond].mean())
    G = ln.net_distribution(found)
    total = (G * found["weight"]).sum("direction").values
    kept = np.abs(total - total[0]).max() / abs(total[0])
    worst = monitors.worst(monitors.monitors(run.series))
    text = f"<P_ee> - model {apart['nu']:+.4f}, nubar {apart['nubar']:+.4f} (tol 0.04)"
    figure("T4g end", f"{text}, v > 0.65: {small:.3f}, int G {kept:.1e} (tol 1e-10)")
    assert max(map(abs, apart.values())) < 0.04
    assert small == pytest.approx(0.5, abs=0.08)
    assert kept < 1e-10
    assert worst["lepton_e"] < 1e-10
    signs = ln.crossings(found)
    assert signs["eln_crossing"].values[0, 0] == pytest.approx(0.646963, abs=2e-4)
    assert signs["depth"].isel(late).mean() < 0.1 * signs["depth"][0]


def test_spectra_grow_and_coherence_is_lost(run, figure):
    """S(k) of the frames grows by twice gamma at that very k; lengths shrink after the growth."""
    power = coherence.power_spectrum(run.fields)
    k = power["k"].values
    theory = linear_systems(run.case)["ex"].growth(k)[0]
    fast = theory > 0.95 * theory.max()
    measured = 0.5 * growth.fit_rate(power, (100.0, 180.0))["gamma"].values
    error = np.abs(measured / np.where(fast, theory, 1.0) - 1)[fast].max()
    lengths = coherence.coherence_lengths(power)["coherence_length"]
    before, after = (float(lengths.sel(time=t)) for t in (200.0, 1500.0))
    text = f"{fast.sum()} waves, gamma off by {error:.1e} (tol 3e-03)"
    figure("spectra of a box", f"{text}, coherence length {before:.1f} to {after:.1f}")
    assert fast.sum() > 5
    assert error < 3e-3
    assert after < 0.6 * before
