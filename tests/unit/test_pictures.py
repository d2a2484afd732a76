"""Pictures of unusual runs: one cell, no advection, unfinished, tiny changes, three flavors."""

import numpy as np
import pytest

from hpcqke import Simulation, load_case, open_run
from hpcqke.analysis import momenta
from hpcqke.analysis.directions_picture import Payments
from hpcqke.analysis.homogeneous import linear_systems
from hpcqke.analysis.ledger_picture import Ledger
from hpcqke.analysis.plots import GRADIENT_PICTURES, plot_run
from hpcqke.analysis.shift_picture import colors
from hpcqke.analysis.spacetime import nux_content
from hpcqke.analysis.spectra_picture import telling_frames
from hpcqke.case import make_case


def drawn(path) -> tuple[set[str], list[str]]:
    """Names of the pictures of a run, and what was said about those left out."""
    said = []
    return {file.name for file in plot_run(path, said.append)}, said


def test_one_cell_without_advection(tmp_path):
    table = {
        "name": "one_cell",
        "grid": {"z": {"length": 1.0, "cells": 1}, "momentum": {"directions": [1.0, -1.0]}},
        "terms": {"self_interaction": {}},
        "initial": {
            "recipe": "modes", "zeta_plus": 0.5, "zeta_minus": -0.5,
            "modes": [{"direction": 0, "n": 0, "re": 0.1}],
        },
        "time": {"end": 2.0},
        "output": {"series_every": 0.5, "fields_every": 0.5, "directory": str(tmp_path / "run")},
    }  # fmt: skip
    with Simulation(make_case(table)) as sim:
        run = sim.run(quiet=True)
    names, said = drawn(run.path)
    assert names == {"probabilities.png", "invariants.png"}
    assert [line.split(":")[0] for line in said] == ["beams.png", "spectrum.png"]


def test_growing_eigenmode_that_has_stopped_early(tmp_path):
    settings = {"output.directory": str(tmp_path / "run")}
    with Simulation(load_case("eigenmode", settings), petsc_options=["-ts_max_steps", "30"]) as sim:
        run = sim.run(quiet=True)
    assert run.status == "resume"
    names, said = drawn(run.path)
    assert names == {"fig1.png", "spectra.png", "growth.png", "invariants.png"}
    assert said == []


def test_three_flavors_with_antineutrinos(tmp_path):
    settings = {
        "flavors.count": 3, "flavors.antineutrinos": True, "time.end": 1.0, "grid.z.cells": 64,
        "grid.z.length": 20.0, "initial.nmax": 4, "output.directory": str(tmp_path / "run"),
        "output.growth_window": None, "output.fields_every": 0.5,
    }  # fmt: skip
    filling = {"nu": [[0.5, 0.02, 0.05], [0.03, 0.45, 0.1]], "nubar": [[0.1, 0, 0], [0, 0.1, 0]]}

    def f(species, z, momentum, direction):
        rho = np.zeros((z.size, momentum.size, direction.size, 3, 3), dtype=complex)
        for d, v in enumerate(direction):
            rho[:, :, d] = np.diag(filling[species][0 if v > 0 else 1])
        wave = 1e-3 * np.exp(2j * np.pi * z / 20)[:, None, None]
        rho[..., 0, 1] = wave
        rho[..., 1, 0] = wave.conj()
        return rho if species == "nu" else rho.real.astype(complex)

    with Simulation(load_case("two_beam", settings)) as sim:
        sim.set_state(f)
        run = sim.run(quiet=True)
    names, _ = drawn(run.path)
    assert {"fig1.png", "spectra.png", "invariants.png"} <= names
    with open_run(run.path) as opened:
        content = nux_content(opened.fields)
    assert "tau" in content.flavors
    assert content.values[0] == pytest.approx(0.07 / 0.57)


def test_frames_of_spectra():
    """Evenly over a growth that does not end, and in two parts if much follows it."""
    assert list(telling_frames(np.exp(np.arange(11.0)))) == [0, 2, 4, 6, 8, 10]
    size = np.concatenate([np.exp(np.arange(-6.0, 1)), np.ones(24)])
    frames = telling_frames(size)
    assert list(frames[:4]) == [0, 2, 4, 6]
    assert frames[-1] == size.size - 1
    assert len(frames) == 7


def small_run(name, tmp_path, **settings):
    small = {
        "grid.z.cells": 32, "time.end": 1.0, "output.fields_every": 0.5,
        "output.directory": str(tmp_path / name),
    }  # fmt: skip
    with Simulation(load_case(name, {**small, **settings})) as sim:
        return sim.run(quiet=True)


@pytest.mark.parametrize(
    ("name", "settings", "labels"),
    [
        ("gradient", {}, ["$v = +1$", "$v = -1$"]),
        (
            "gradient",
            {"flavors.antineutrinos": True, "initial.P0_bar": [0.1, 0.2]},
            [f"$\\{nu}$, $v = {v}$" for nu in ("nu", "bar\\nu") for v in ("+1", "-1")],
        ),
        ("axisymmetric", {"grid.momentum.count": 8}, ["$v > 0$", "$v < 0$"]),
        ("gradient", {"terms.gradient.mode": "tracer"}, ["$v = +1$", "$v = -1$"]),
    ],
)
def test_runs_with_gradient_terms(name, settings, labels, tmp_path):
    """Their three pictures, and what is in them: shift and spectra tell the K of the series."""
    run = small_run(name, tmp_path, **settings)
    names, said = drawn(run.path)
    assert set(GRADIENT_PICTURES) <= names
    assert [line.split(":")[0] for line in said] in ([], ["growth.png"])
    with open_run(run.path) as opened:
        grid, series = momenta.grid_of(opened), opened.series
        beams = momenta.beams_of(opened, grid)
        shift = momenta.local_shift(opened, grid, beams)
        assert [beam.label for beam in beams] == labels
        assert Ledger(series).drift < 1e-9  # U has hardly moved at t = 1
        dq, q = np.diff(momenta.edges(grid)), grid.p
        starts = [momenta.spectrum(series, grid, b) for b in beams]
        changes = [momenta.change(series, grid, b) for b in beams]
        number = np.sum(np.array(starts) * dq)
        assert number == pytest.approx(float(series.number[0].sum()), rel=1e-9)
        kinetic = np.sum(np.array(changes) * q * dq)
        assert kinetic == pytest.approx(Ledger(series).kinetic[-1], rel=0.03)  # q of the centroid
        if name == "gradient":
            # P0 of a beam stays uniform: the mean over z of the shift is that of the spectrum
            for start, change, values in zip(starts, changes, shift.values, strict=True):
                assert values[-1].mean() == pytest.approx(
                    momenta.mean_shift(q, start, change), 1e-6
                )


def test_gradient_runs_without_fields_or_change(tmp_path):
    run = small_run("gradient", tmp_path, **{"output.fields_every": None, "initial.modes": [
        {"direction": 0, "n": 1}]})  # fmt: skip
    names, said = drawn(run.path)
    assert "momentum_spectra.png" in names
    assert "ledger.png" not in names
    assert any(line.startswith("ledger.png: not drawn: U does not change") for line in said)


def test_colors_of_a_shift():
    assert colors(np.array([-0.5, 1e-4])) == ("magma", -0.5, 0.0)
    assert colors(np.array([0.0, 0.5])) == ("magma_r", 0.0, 0.5)
    assert colors(np.array([-0.2, 0.5])) == ("RdBu_r", -0.5, 0.5)


def test_spectra_do_not_change_the_growth():
    """Beams with many |p| grow like beams with one: from the case, and from a frame."""
    one, many = (linear_systems(load_case(n))["ex"] for n in ("two_beam_lcg", "two_beam_ledger"))
    k = np.linspace(-2, 1, 7)
    assert np.allclose(one.growth(k)[0], many.growth(k)[0], atol=1e-12)


def test_who_pays(tmp_path):
    """Runs with a ledger: not with two beams; K_v and work have the same sum, in rising v."""
    settings = {"terms.ledger": {}, "time.end": 1.0, "output.directory": str(tmp_path / "beams")}
    with Simulation(load_case("two_beam", settings | {"output.growth_window": None})) as sim:
        run = sim.run(quiet=True)
    names, said = drawn(run.path)
    assert "ledger.png" in names
    assert "ledger_directions.png" in [line.split(":")[0] for line in said]
    settings = {
        "grid.z.length": 64.0, "grid.z.cells": 64, "grid.momentum.count": 8, "initial.nmax": 3,
        "initial.amplitude": 0.1, "time.end": 80.0, "output.growth_window": None,
        "output.directory": str(tmp_path / "box"),
    }  # fmt: skip
    with Simulation(load_case("code_comparison", settings)) as sim:
        run = sim.run(quiet=True)
    assert "ledger_directions.png" in drawn(run.path)[0]
    series = open_run(run.path).series
    weight = np.full(8, 0.25)
    paid = Payments(series, weight)
    assert np.all(np.diff(paid.v) > 0)
    sums = paid.net @ weight, paid.work.sum(axis=-1) @ weight, paid.kinetic
    assert np.abs(paid.kinetic).max() > 1e-6
    for one in sums:
        np.testing.assert_allclose(one, sums[2], rtol=0, atol=1e-9)
