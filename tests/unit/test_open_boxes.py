"""Open boxes as cases: positions, what comes in, what linear theory and pictures say of them."""

import tomllib
from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

import hpcqke
from hpcqke.analysis.plots import plot_run
from hpcqke.analysis.stability import stability
from hpcqke.case import make_case
from hpcqke.errors import CaseError
from hpcqke.grids import MomentumGrid, ZGrid
from hpcqke.open_ends import mirrored_directions

OPEN = {"grid.z.boundary": ["inflow", "outflow"], "terms.advection.order": 5}


def test_positions_are_the_middles_of_cells():
    box = ZGrid(2.0, 4, ("inflow", "outflow"))
    assert box.z.tolist() == [-0.75, -0.25, 0.25, 0.75]
    assert box.ends == ("inflow", "outflow")
    assert ZGrid(2.0, 4, "outflow").ends == ("outflow", "outflow")
    assert ZGrid(2.0, 4).ends is None
    assert ZGrid(2.0, 4).z[0] == -1.0


def test_a_case_is_written_whole():
    """[inflow] and the two ends come back from case.toml."""
    inflow = {"inflow.recipe": "modes", "inflow.polarization": [0.4, 0.2, -0.25, -0.35],
              "inflow.modes": [{"direction": 1, "n": -1, "re": 0.02}]}  # fmt: skip
    case = hpcqke.load_case("multi_beam", {**OPEN, **inflow})
    assert case.grid.z.boundary == ("inflow", "outflow")
    again = make_case(tomllib.loads(case.to_toml()))
    assert again == case


def test_what_comes_in_is_that_of_the_ends():
    """The recipe at z = -L/2 and L/2, not in the middle of a cell; [inflow] before [initial]."""
    def given(overrides):
        case = hpcqke.load_case("multi_beam", {**OPEN, "grid.z.boundary": "inflow", **overrides})
        with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
            ends = sim.equation.upwind.ends
            return np.array([sim.ps.unpack_modes(e.given, sim.ps.C)[0, :, 0] for e in ends])

    a = given({})
    # direction 1: 0.01 i exp(-6 pi i z/L); the ends of the box are half of an odd number of waves
    assert np.abs(a[:, 1, 1:3] - [0.0, -0.01]).max() < 1e-15
    assert np.abs(a[:, 1, 3] - 0.2).max() < 1e-15
    b = given({"inflow.recipe": "modes", "inflow.polarization": [0.1, 0.2, 0.3, 0.4],
               "inflow.modes": [{"direction": 0, "n": 1, "re": 0.02}]})  # fmt: skip
    assert np.abs(b[:, 0, 1] + 0.02).max() < 1e-15
    assert np.abs(b[..., 3] - [0.1, 0.2, 0.3, 0.4]).max() < 1e-15
    c = given({"grid.z.boundary": ["outflow", "inflow"]})
    assert not c[0].any()
    assert c[1].tobytes() == a[1].tobytes()


def test_mirrors():
    """v -> -v at the same azimuth, for lists and rules, which need not be exact."""
    listed = MomentumGrid(np.array([0.5, -1.0, 0.0, 1.0, -0.5]), np.ones(5), np.ones(1), np.ones(1))
    assert mirrored_directions(listed).tolist() == [4, 3, 2, 1, 0]
    turned = replace(listed, v=np.tile(listed.v, 3), v_weight=np.ones(15), azimuths=3)
    assert mirrored_directions(turned).tolist() == [
        i + 5 * j for j in range(3) for i in (4, 3, 2, 1, 0)
    ]
    with pytest.raises(ValueError, match="v = -1"):
        mirrored_directions(replace(listed, v=np.array([0.5, -1.0, 0.0, 0.9, -0.5])))


@pytest.mark.parametrize("boundary", ["periodic", "outflow"])
def test_linear_theory_refuses(boundary):
    case = hpcqke.load_case("multi_beam", {**OPEN, "grid.z.boundary": boundary})
    key = "terms.advection.order = 5" if boundary == "periodic" else 'grid.z.boundary = "outflow"'
    with pytest.raises(CaseError, match=key):
        stability(case)


def test_pictures_of_an_open_box(tmp_path):
    """Those of waves and of what is kept are left out, with a word; one of the ends is drawn."""
    case = hpcqke.load_case("multi_beam", {**OPEN, "time.end": 1.0, "grid.z.cells": 32,
                                           "output.directory": str(tmp_path / "run")})  # fmt: skip
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.run(quiet=True)
    said = []
    drawn = [path.name for path in plot_run(tmp_path / "run", said.append)]
    assert drawn == ["fig1.png", "survival.png", "spacetime.png", "angular.png", "ends.png"]
    assert [line.partition(":")[0] for line in said] == [
        "spectra.png", "growth.png", "invariants.png"
    ]  # fmt: skip
