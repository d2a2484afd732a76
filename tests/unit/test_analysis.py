"""Reading and drawing run folders, on small synthetic runs (no solver, no MPI)."""

import numpy as np
import pytest
from synthetic_run import write_run

from hpcqke import state
from hpcqke.analysis import growth, open_run
from hpcqke.analysis.open_run import from_matrix, open_dataset, survival_probability, to_matrix
from hpcqke.analysis.plots import plot_run
from hpcqke.errors import CaseError


@pytest.fixture(scope="module")
def run_path(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "two")


def test_open_run_reads_everything(run_path):
    with open_run(run_path) as run:
        assert (run.status, run.log) == ("finished", "the log\n")
        assert run.case.grid.z.length == 40
        assert run.series["time"].values[-1] == pytest.approx(12)
        assert run.fields["rho"].dims == (
            "time", "z", "momentum", "direction", "species", "component",
        )  # fmt: skip
        assert list(run.fields["component"].values) == list(state.COMPONENTS[2])
        assert float(run.fields["rho"].sel(component="Pz").isel(time=0).mean()) == 0


def test_unwritten_frames_are_dropped(tmp_path):
    with open_run(write_run(tmp_path / "going", unwritten=3, status="running\n")) as run:
        assert run.status == "running"
        assert np.all(np.isfinite(run.fields["time"]))
        assert run.fields.sizes["time"] == 24 + 1 - 3


def test_fields_are_read_on_demand(run_path):
    with open_run(run_path) as run:
        assert run.fields["rho"].variable._in_memory is False
        assert run.has_fields()


@pytest.mark.parametrize("kind", ["missing", "empty", "broken"])
def test_no_run_is_one_line(tmp_path, kind):
    folder = tmp_path / "none"
    if kind != "missing":
        folder.mkdir()
    if kind == "broken":
        (folder / "series.nc").write_bytes(b"not HDF5" * 100)
    with pytest.raises(CaseError) as error:
        open_run(folder).series  # noqa: B018
    assert "\n" not in str(error.value)
    assert "none" in str(error.value)


@pytest.mark.parametrize("flavors", [2, 3])
def test_matrices_round_trip(flavors):
    import xarray as xr

    rng = np.random.default_rng(1)
    components = rng.normal(size=(flavors**2, 3, 5))
    array = xr.DataArray(components, dims=("component", "time", "z"))
    rho = to_matrix(array)
    assert rho.shape == (3, 5, flavors, flavors)
    assert np.array_equal(rho, rho.conj().swapaxes(-1, -2))
    assert from_matrix(rho) == pytest.approx(np.moveaxis(components, 0, -1), abs=1e-15)


def test_survival_probability(run_path):
    with open_run(run_path) as run:
        both = survival_probability(run.fields, "e", by_direction=True)
        total = survival_probability(run.fields, "x")
        rho = run.fields["rho"].values
    beam = 0.5 * (rho[:, :, 0, 0, 0, 0] + rho[:, :, 0, 0, 0, 3]).mean(axis=1)
    assert both.values[:, 0] == pytest.approx(beam / beam[0])
    assert np.all(np.isnan(both.values[:, 1]))  # the second beam began as nu_x
    assert total.values[0] == 1
    assert total.values.min() < 0.9


def test_measured_growth_is_that_of_the_linearised_equations(run_path):
    from hpcqke.analysis.homogeneous import run_systems

    with open_run(run_path) as run:
        systems = run_systems(run)
        window = growth.linear_window(run.series, systems)
        fit = growth.fit_growth(run.series, window)
        k = growth.spectrum(run.series)["k"].values
    theory = systems["ex"].growth(k)[0]
    fast = theory > 0.8
    assert fast.sum() >= 5
    assert fit.gamma[0][fast] == pytest.approx(theory[fast], rel=0.02)


def test_all_pictures(run_path):
    said = []
    files = plot_run(run_path, said.append)
    names = ["fig1.png", "spectra.png", "growth.png", "invariants.png"]
    assert [f.name for f in files] == names
    assert said == []
    for file in files:
        assert file.parent == run_path / "plots"
        assert file.read_bytes()[:4] == b"\x89PNG"
        assert file.stat().st_size > 20_000


def test_pictures_without_fields_and_of_a_young_run(tmp_path):
    said = []
    files = plot_run(write_run(tmp_path / "a", fields=False), said.append)
    assert len(files) == 4
    assert len(said) == 1
    assert "space-time" in said[0]
    young = write_run(tmp_path / "b", end=0.2, fields=False, status="running\n")
    said.clear()
    files = plot_run(young, said.append)
    assert "growth.png" not in [f.name for f in files]
    assert any(line.startswith("growth.png: not drawn") for line in said)


def test_pictures_import_no_display(run_path):
    """Nothing may need pyplot, whose backend would look for a display."""
    import subprocess
    import sys

    code = (
        "import sys; from hpcqke.analysis.plots import plot_run; "
        f"assert 'matplotlib' not in sys.modules; plot_run({str(run_path)!r}); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def stability_case(**overrides):
    from synthetic_run import table

    from hpcqke.case import make_case

    return make_case(table(), {k.replace("__", "."): v for k, v in overrides.items()})


def test_stability_of_a_case():
    from hpcqke.analysis.linear import two_beam_growth
    from hpcqke.analysis.stability import report, stability

    result = stability(stability_case(grid__z__length=100.0, grid__z__cells=1024))
    one = result.sel(sector="ex", branch="symmetric")
    assert one["gamma"].values == pytest.approx(two_beam_growth(one["k"], 0.5, -0.5), abs=1e-12)
    assert one["gamma_on_grid"].values == pytest.approx(one["gamma"].values, abs=1e-6)
    assert one["band_low"].values == pytest.approx([-2], abs=1e-12)
    assert one["band_high"].values == pytest.approx([0], abs=1e-12)
    growing = one["n"].values[one["gamma"].values > 0]
    assert (growing.min(), growing.max()) == (-31, -1)
    text = report(result)
    assert "31 growing waves" in text
    assert "resolved: the grid" in text
    assert "NOT" not in text


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"grid__z__cells": 32, "initial__nmax": 4, "terms__advection__order": 2}, "NOT resolved"),
        ({"grid__z__length": 3.0}, "too short"),
        ({"initial__zeta_minus": 0.5}, "no wave of the box grows"),
        ({"terms__self_interaction__mu": 0.0}, "no wave of the box grows"),
        ({"flavors__antineutrinos": True}, "6 growing waves"),
        ({"grid__z__length": 40.0, "flavors__count": 3}, "mutau, axially"),
    ],
)
def test_stability_says_what_the_box_lacks(overrides, expected, capsys):
    from hpcqke.analysis.stability import command

    overrides = {"grid__z__length": 20.0} | overrides
    assert command(stability_case(**overrides)) == 0
    assert expected in capsys.readouterr().out


def test_stability_of_what_a_file_holds(run_path, tmp_path):
    """The last frame of a nonlinear run: less polarised, hence slower growth."""
    from synthetic_run import table

    from hpcqke.analysis.homogeneous import initial_diagonal
    from hpcqke.analysis.stability import command
    from hpcqke.case import make_case
    from hpcqke.grids import MomentumGrid

    text = table() | {"initial": {"recipe": "file", "path": str(run_path / "fields.nc")}}
    case = make_case(text, here=False)
    diagonal = initial_diagonal(case, MomentumGrid.from_case(case.grid.momentum))
    assert diagonal.shape == (1, 1, 2, 2)
    assert diagonal.sum(axis=-1) == pytest.approx(0.5)
    command(case, png=tmp_path / "gamma.png", netcdf=tmp_path / "gamma.nc")
    with open_dataset(tmp_path / "gamma.nc") as result:
        assert float(result["gamma"].max()) < 0.9
    assert (tmp_path / "gamma.png").stat().st_size > 10_000
