"""Closed forms that pictures are drawn on, against numbers computed elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from hpcqke.analysis import closed_forms
from hpcqke.analysis.homogeneous import linear_systems, local_systems
from hpcqke.analysis.plots import plot_run
from hpcqke.analysis.profile_picture import spatial_growth
from hpcqke.case import load_case
from hpcqke.errors import CaseError


@pytest.mark.parametrize(
    ("w", "potential", "h", "exact"),
    [
        (1, 1000, 0.5, 0.910018062142),
        (1, 1000, 5.0, 0.495992262471),
        (1, 1000, 20.0, 0.0800615140857),
        (-1, -1000, 5.0, 0.495992262471),  # nubar of inverted ordering
        (1, -1000, 5.0, 0.97766822),  # nubar: cos^2 theta
        (-1, 1000, 20.0, 0.97766822),
    ],
)
def test_parke(w, potential, h, exact):
    tolerance = 1e-11 if exact != 0.97766822 else 1e-7
    assert closed_forms.parke(w, 0.15, potential, h) == pytest.approx(exact, abs=tolerance)


@pytest.mark.parametrize(
    ("parameters", "period", "lowest"),
    [
        ((-1.0, 0.01, 10.0, 0.8), 2.94000047266, (0.199980, 0.0)),
        ((-1.0, 0.01, 10.0, 1.0), 2.72559543797, (0.05, 0.05)),
        ((1.0, 0.01, 10.0, 0.8), 0.702502548005, (1.0, 1.0)),
        ((-1.0, 0.1, 50.0, 0.7), 0.968722485421, (0.7052, 0.5832)),
    ],
)
def test_pendulum(parameters, period, lowest):
    """The period of the exact equations, and the turning point where theta is small."""
    T, both = closed_forms.pendulum(*parameters)
    assert period == pytest.approx(T, rel=2e-9)
    assert both == pytest.approx(lowest, abs=1e-4)


def test_pendulum_of_no_mixing():
    """P_ee,min = [1 + (Q c + |w|/mu + 1 - alpha)/2]/2, c = -1 + mu (1 - alpha)^2/(2 |w| Q)."""
    mu, alpha = 10.0, 0.8
    Q = 1 + alpha - 1 / mu
    c = -1 + mu * (1 - alpha) ** 2 / (2 * Q)
    exact = 0.5 * (1 + 0.5 * (Q * c + 1 / mu + 1 - alpha))
    assert closed_forms.pendulum(-1.0, 1e-5, mu, alpha)[1][0] == pytest.approx(exact, abs=1e-7)


def test_elliptic_integral():
    assert closed_forms.elliptic_k(0.0) == pytest.approx(np.pi / 2, abs=1e-15)
    assert closed_forms.elliptic_k(0.5) == pytest.approx(1.8540746773013719, abs=1e-15)


def test_resonance():
    """P_ee of the resonance at R = lambda/mu, and flavors that have not begun or are through."""
    P, bar = closed_forms.resonance(np.array([0.1, 0.498706, 1.00077, 3.0]), 4 / 3)
    assert 0.5 * (1 + P) == pytest.approx([1, 0.765222, 0.444103, 0], abs=1e-5)
    assert 0.5 * (1 + bar) == pytest.approx([1, 0.885931, 0.833366, 1], abs=1e-5)
    assert P - 4 / 3 * bar == pytest.approx([-1 / 3, -0.498706, -1.00077, -7 / 3], abs=1e-12)


def test_fast_pendulum():
    """omega_P + i gamma of three beams; the lowest point of the swing."""
    omega = closed_forms.fast_pendulum(load_case("fast_pendulum"))
    assert omega == pytest.approx(-0.162 + 0.362243012355j, abs=1e-9)
    assert closed_forms.lowest_cosine(omega) == pytest.approx(-2 / 3, abs=1e-9)


def test_constant_hamiltonian():
    """The marks of the case `vacuum` at its end are the closed sums over mass states."""
    case = load_case("vacuum")
    content = np.zeros((2, 1, 1, 3))
    content[..., 1] = 0.5
    marks = closed_forms.marks(case, np.array([0.0, case.time.end]), content)
    found = {(m.species, m.flavor): m.value for m in marks}
    assert found[0, 0] == pytest.approx([0, 0.053080005679], abs=1e-11)
    assert found[1, 0] == pytest.approx([0, 0.0459598304589], abs=1e-11)
    assert found[0, 1] == pytest.approx([1, 0.0158536457572], abs=1e-11)


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("msw", "Parke", {0: (0.515852, 2e-5), 1: (0.97797, 1e-5)}),
        ("bipolar", "turning", {0: (0.19998, 1e-5), 1: (0.0, 1e-5)}),
        ("synchronised", "one frequency, 2.85", {0: (0.848353, 1e-6), 1: (0.848353, 1e-6)}),
        ("matter_neutrino_resonance", "resonance", {0: (0.0, 1e-9), 1: (0.5 + 7**0.5 / 8, 1e-4)}),
    ],
)
def test_marks_of_shipped_cases(name, label, values):
    """Each case has its closed form, of neutrinos and antineutrinos: the lowest value."""
    case = load_case(name)
    momenta = 3 if name == "synchronised" else 1
    number = np.array([0.3, 0.5, 0.2]) if momenta == 3 else np.ones(1)
    directions = 1 if name == "msw" else 2
    bar = {"msw": 1.0, "bipolar": 0.8, "synchronised": 0.5}.get(name, 4 / 3)
    content = np.zeros((2, momenta, directions, 2))
    content[..., 0] = np.multiply.outer([1.0, bar], number)[..., None] / directions
    found = closed_forms.marks(case, np.linspace(0, case.time.end, 1001), content)
    assert all(mark.label.startswith(label) for mark in found)
    assert {m.species: pytest.approx(m.value.min(), abs=values[m.species][1]) for m in found} == {
        s: value for s, (value, _) in values.items()
    }


def test_no_theory_for_what_it_is_not_about():
    """Another flavor at the start, a flux, normal ordering: nothing is drawn."""
    case = load_case("bipolar")
    content = np.zeros((2, 1, 2, 2))
    content[0, 0, :, 0], content[1, 0, :, 0] = 0.5, 0.4
    times = np.linspace(0, 3, 7)
    assert closed_forms.marks(case, times, content)
    mixed = content.copy()
    mixed[..., 1] = 0.1
    assert not closed_forms.marks(case, times, mixed)
    beam = content * np.array([1.2, 0.8])[:, None]
    assert not closed_forms.marks(case, times, beam)
    normal = {"terms.vacuum.mass_splittings": [2.0], "grid.momentum.frequencies": [1.0]}
    assert not closed_forms.marks(load_case("bipolar", normal), times, content)


def test_growth_along_z():
    """Im k of waves that do not change in time: the acceptance number of the case `inflow`."""
    system = local_systems(load_case("inflow"))["ex"]
    assert spatial_growth(system) == pytest.approx(0.579146696, abs=1e-9)
    with pytest.raises(CaseError, match="boundary"):
        linear_systems(load_case("inflow"))


def run_of(name: str, folder, **overrides):
    import hpcqke

    keys = {k.replace("__", "."): v for k, v in overrides.items()}
    case = load_case(name, {**keys, "output.directory": folder})
    with hpcqke.Simulation(case) as sim:
        return sim.run(quiet=True).path


@pytest.mark.parametrize(
    ("name", "end", "pictures"),
    [
        ("bipolar", 1.0, ["probabilities.png"]),
        ("synchronised", 0.1, ["probabilities.png"]),
        ("msw", 1e5, ["probabilities.png"]),
        ("spectral_split", 2.0, ["probabilities.png", "spectrum.png"]),
        ("fast_pendulum", 15.0, ["beams.png"]),
        ("three_flavors", 15.0, ["beams.png"]),
    ],
)
def test_pictures_of_homogeneous_runs(name, end, pictures, tmp_path):
    """What is drawn of a run with one cell; a reason for each picture left out."""
    every = {"output__series_every": end / 5, "output__fields_every": end / 5}
    path = run_of(name, tmp_path / name, time__end=end, output__growth_window=None, **every)
    said = []
    drawn = [file.name for file in plot_run(path, said.append)]
    assert drawn == [*pictures, "invariants.png"]
    assert len(said) == 3 - len(pictures)
    assert all(" not drawn: " in line for line in said)
    assert all((path / "plots" / picture).stat().st_size > 15_000 for picture in pictures)


@pytest.mark.parametrize("name", ["inflow", "slab"])
def test_pictures_of_open_boxes(name, tmp_path):
    every = {"output__series_every": 1.0, "output__fields_every": 1.0}
    path = run_of(name, tmp_path / name, time__end=5.0, **every)
    drawn = [file.name for file in plot_run(path, lambda text: None)]
    assert "profile.png" in drawn
    assert (path / "plots" / "profile.png").stat().st_size > 20_000
