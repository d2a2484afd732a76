"""Case: what it holds, what it writes out, how overrides are read, and that nothing changes it."""

import dataclasses
import pickle
import subprocess
import sys

import pytest

from hpcqke.case import Case, load_case, make_case, shipped_cases
from hpcqke.case_overrides import parse_value
from hpcqke.errors import EXIT, CaseError, HpcqkeError, NumericsError, StorageError
from hpcqke.initial import REGISTRY as RECIPES
from hpcqke.schema import Kind
from hpcqke.terms import REGISTRY as TERMS

SMALL = {
    "name": "small",
    "grid": {"z": {"length": 25, "cells": 64}, "momentum": {"directions": [1, -1]}},
    "terms": {"self_interaction": {}, "advection": {}},
    "initial": {"recipe": "random", "zeta_plus": 0.5, "zeta_minus": -0.5, "nmax": 8, "sigma": 1e-4},
    "time": {"end": 1},
}


@pytest.mark.parametrize("name", shipped_cases())
def test_shipped_case_round_trip(name, tmp_path):
    case = load_case(name)
    file = tmp_path / "case.toml"
    file.write_text(case.to_toml(), encoding="utf-8")
    assert load_case(file) == case
    assert load_case(file).to_toml() == case.to_toml()
    assert case.name == name
    assert shipped_cases()[name][1]


def test_round_trip_of_awkward_values():
    case = make_case(SMALL, {
        "grid.z.length": 0.1 + 0.2, "name": 'a "b" \\ é', "flavors.antineutrinos": True,
        "initial.polarization_bar": [1e-300, -0.3], "time.step": 1 / 3, "flavors.count": 3,
        "output.growth_window": [0.1, 1], "grid.momentum.momenta": [1.0, 2.5]})
    assert make_case(_parsed(case)) == case


def test_round_trip_of_every_recipe(tmp_path):
    (tmp_path / "fields.nc").touch()
    special = {
        "random": {}, "lcg": {}, "modes": {"initial.modes": [{"direction": 1, "n": -3, "im": 0.1}]},
        "tilted": {"initial.momentum_width": 2.0},
        "distribution": {
            "initial.populations": [{"density": 0.3, "angular": "gaussian", "width": 0.5}],
            "initial.perturbation": "bump", "initial.amplitude": 0.1, "initial.width": 2.0,
            "initial.nmax": None},
        "eigenmode": {"initial.n": -2, "initial.amplitude": 1e-6},
        "file": {"initial.path": tmp_path / "fields.nc"}}
    assert set(special) == set(RECIPES)
    for recipe, keys in special.items():
        case = make_case(SMALL, {"initial.recipe": recipe, **keys})
        assert case.initial.recipe == recipe
        assert make_case(_parsed(case)) == case


def test_defaults_are_written_out():
    table = _parsed(make_case(SMALL))
    assert table["grid"]["momentum"]["weights"] == [1.0, 1.0]
    assert table["grid"]["momentum"]["momenta"] == [1.0]
    assert table["time"] == {"start": 0.0, "end": 1.0, "integrator": "rk5dp", "tolerance": 1e-8,
                             "relaxation": False}
    assert table["terms"] == {"advection": {"order": 8, "filter": 0.0},
                              "self_interaction": {"mu": 1.0, "profile": "constant", "along": "z"}}
    assert table["output"]["directory"] == "runs/small"
    assert table["checkpoint"] == {"every_wall": 600.0, "keep": 2}
    assert table["units"] == {"system": "mu"}
    text = make_case(SMALL).to_toml()
    for name in _keys(Case):
        assert name in text, f"{name} is neither written nor said to be unset"


def test_types():
    case = make_case(SMALL)
    assert isinstance(case.grid.z.length, float)
    assert case.grid.momentum.directions == (1.0, -1.0)
    assert list(case.terms) == [name for name in TERMS if name in case.terms]
    assert case.state_bytes() == 8 * 64 * 2 * 4


def test_nothing_can_be_changed():
    case = make_case(SMALL)
    with pytest.raises(dataclasses.FrozenInstanceError):
        case.grid.z.cells = 3
    with pytest.raises(TypeError):
        case.terms["advection"] = None
    with pytest.raises(AttributeError):
        case.terms.pairs = ()
    hash(case)
    assert pickle.loads(pickle.dumps(case)) == case
    assert SMALL["time"] == {"end": 1}


@pytest.mark.parametrize(("text", "value"), [
    ("3", 3), (" 3.5 ", 3.5), ("1e-4", 1e-4), ("true", True), ('"rk4"', "rk4"), ("rk4", "rk4"),
    ("[1.0, -1]", [1.0, -1]), ("{n = 1}", {"n": 1}), ("runs/a b", "runs/a b"), ("", ""),
    ("[1,", "[1,"), ("3\nx = 4", "3\nx = 4"), ("a=b", "a=b"), ("True", "True")])
def test_override_values(text, value):
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


def test_overrides():
    case = load_case("two_beam", ["grid.z.cells=400", "output.directory=runs/x=1",
                                  "time.integrator=rk4", "time.step=0.05", "flavors.count=3"])
    assert (case.grid.z.cells, case.output.directory, case.flavors.count) == (400, "runs/x=1", 3)
    assert (case.time.step, case.time.tolerance) == (0.05, None)
    assert load_case("two_beam", {"grid.z.cells": 400}).grid.z.cells == 400
    assert load_case("two_beam", ["grid.z.cells=300", "grid.z.cells=400"]).grid.z.cells == 400


def test_an_override_takes_out_what_it_replaces():
    case = load_case("two_beam", {"initial.recipe": "eigenmode", "initial.n": -7,
                                  "initial.amplitude": 1e-5})
    assert not hasattr(case.initial, "nmax")
    case = make_case(_parsed(load_case("two_beam")), {
        "grid.momentum.rule": "uniform", "grid.momentum.count": 4,
        "initial.polarization": [0.1, 0.1, -0.1, -0.1]})
    assert case.grid.momentum.directions is None
    assert case.initial.zeta_plus is None
    assert set(load_case("two_beam", {"terms.advection": None}).terms) == {"self_interaction"}


def test_numbers_of_numpy():
    numpy = pytest.importorskip("numpy")
    case = make_case(SMALL, {"grid.z.cells": numpy.int64(32), "time.end": numpy.float64(2),
                             "grid.momentum.directions": numpy.array([0.5, -0.5])})
    assert case.grid.momentum.directions == (0.5, -0.5)
    assert type(case.grid.z.cells) is int
    assert type(case.time.end) is float


def test_beams():
    case = make_case(SMALL, {"grid.momentum.directions": [-1.0, 1.0]})
    assert case.initial.beams(case.grid.momentum.directions) == (
        (-0.5, 0.5), (0.5, 0.5), (0.0, 0.0), (0.0, 0.0))


def test_a_finished_run_can_be_read_anywhere():
    missing = {"initial.recipe": "file", "initial.path": "/nowhere/fields.nc"}
    with pytest.raises(CaseError, match=r"initial\.path"):
        make_case(SMALL, missing)
    assert make_case(SMALL, missing, here=False).initial.path == "/nowhere/fields.nc"


def test_memory_of_several_machines(monkeypatch):
    for name in ("SLURM_JOB_NUM_NODES", "PBS_NUM_NODES", "OMPI_COMM_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.sysconf", lambda name: 1024)
    big = {"grid.z.cells": 4000}
    with pytest.raises(CaseError, match=r"grid\.z\.cells = 4000: must be fewer"):
        make_case(SMALL, big)
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "8")
    assert make_case(SMALL, big).grid.z.cells == 4000


def test_every_key_says_what_it_is():
    for cls in (Case, *(c.Config for c in (*TERMS.values(), *RECIPES.values()))):
        for field in _fields(cls):
            assert isinstance(field.metadata["kind"], Kind)
            assert field.metadata["doc"] or dataclasses.is_dataclass(field.metadata["kind"].cls)


def test_errors_have_their_codes():
    assert [e("x").exit_code for e in (CaseError, NumericsError, StorageError)] == [2, 3, 4]
    assert (EXIT["finished"], EXIT["resume"], HpcqkeError.exit_code) == (0, 75, 1)
    assert str(StorageError("disk\nfull")) == "disk full"
    assert str(CaseError(["a: b", "c: d"])) == "a: b\nc: d"


def test_importing_starts_no_mpi():
    code = ("import sys, hpcqke.case; hpcqke.case.load_case('two_beam'); "
            "print([m for m in ('petsc4py', 'mpi4py', 'h5py', 'xarray', 'matplotlib') "
            "if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _parsed(case):
    import tomllib

    return tomllib.loads(case.to_toml())


def _fields(cls):
    return [f for f in dataclasses.fields(cls) if "kind" in f.metadata]


def _keys(cls):
    """The names of all keys of the fixed sections, without their sections."""
    for field in _fields(cls):
        inner = getattr(field.metadata["kind"], "cls", None)
        yield from _keys(inner) if inner else (field.name,)
