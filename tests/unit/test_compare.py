"""hpcqke compare: differences that were put into runs are found, on like and unlike grids."""

import shutil

import numpy as np
import pytest
import xarray as xr
from synthetic_run import write_run

from hpcqke import cli, open_run, state
from hpcqke.analysis.compare import common, compare_fields, compare_runs, flat, is_beside
from hpcqke.analysis.compare_report import report
from hpcqke.errors import CaseError


@pytest.fixture(scope="module")
def run_path(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "one", end=4.0)


def changed(run_path, tmp_path, file, change):
    """A copy of the run in which `change` has worked on the dataset of a file."""
    folder = tmp_path / "changed"
    shutil.copytree(run_path, folder, dirs_exist_ok=True)
    with xr.open_dataset(run_path / file, engine="h5netcdf") as data:
        new = data.load().copy(deep=True)
    new = change(new) or new
    (folder / file).unlink()
    new.to_netcdf(folder / file, engine="h5netcdf")
    return folder


def compared(a, b):
    with open_run(a) as first, open_run(b) as second:
        found = compare_runs(first, second)
        return found, report(found, first, second)


def test_copies_have_the_same_bits(run_path, tmp_path):
    shutil.copytree(run_path, tmp_path / "copy")
    found, text = compared(run_path, tmp_path / "copy")
    assert found.same_bits
    assert found.case == []
    assert "same bits: every number of both runs (41 rows, 9 frames)" in text


def test_a_change_of_the_series_is_found(run_path, tmp_path):
    def change(data):
        data["energy_refractive_osc"][7] += 1e-6
        data["number"][3] = np.nan

    found, text = compared(run_path, changed(run_path, tmp_path, "series.nc", change))
    one = {d.name: d for d in found.series}
    energy = one["energy_refractive_osc"]
    with open_run(run_path) as run:
        largest = np.abs(run.series.energy_refractive_osc.values).max()
    assert energy.absolute == pytest.approx(1e-6, rel=1e-8)
    assert energy.relative == pytest.approx(1e-6 / largest, rel=1e-8)
    assert energy.time == pytest.approx(0.7)
    assert one["number"].absolute == np.inf
    assert one["step"].same_bits
    assert not found.same_bits
    assert all(f.same_bits for f in found.fields)
    assert "same bits: step" in text


def test_a_change_of_the_fields_is_found(run_path, tmp_path):
    """One P^y of one cell: the largest, and the weighted L2 of Tr rho^2, in its frame only."""

    def change(data):
        data["rho"][5, 17, 0, 1, 0, 2] += 1e-3
        data["weight"][0, 1] = 1.0

    found, _ = compared(run_path, changed(run_path, tmp_path, "fields.nc", change))
    (one,) = found.fields
    assert not one.same_bits
    assert one.largest == pytest.approx(np.eye(9)[5] * 1e-3, abs=1e-15)
    with open_run(run_path) as run:
        rho = run.fields.rho.values[5]
    exact = np.sqrt(0.5e-6 / state.trace_product(rho, rho).sum())
    assert one.l2 == pytest.approx(np.eye(9)[5] * exact, abs=1e-15)
    assert found.how == "128 cells, every mode"


def test_common_times_of_runs_of_other_lengths(run_path, tmp_path):
    """Rows of both are compared, cases told apart: time.end only says how long a run goes."""
    found, text = compared(run_path, write_run(tmp_path / "short", end=2.0))
    assert found.rows == (41, 21, 21)
    assert found.frames == (9, 5, 5)
    assert [key for key, *_ in found.case] == ["time.end"]
    assert all(one.same_bits for one in [*found.series, *found.fields])
    assert not found.same_bits
    assert "case: keys of what is solved: 0, others: 1" in text
    assert "time.end" in text


def test_runs_on_other_cells(run_path, tmp_path):
    """The seeds of the two differ by nothing, so do the first frames; columns at common k."""
    found, text = compared(run_path, write_run(tmp_path / "coarse", end=4.0, cells=64))
    assert found.case[0] == ("grid.z.cells", 128, 64)
    assert found.how == "the 64 cells of both, every mode"
    assert found.fields[0].l2[0] < 1e-15
    assert 1e-13 < found.fields[0].l2[-1] < 1e-2
    assert "note: series.nc: compared at common k (63 of 127 and 63)" in text


def frame(z, v, weight, f, momentum=(1.0,)):
    """Fields of one frame with rho = f(z, v) (..., 4), the same in each |p|."""
    rho = np.array([[[f(x, u) for u in v] for _ in momentum] for x in z])
    names = state.COMPONENTS[state.number_of_flavors(rho.shape[-1])]
    return xr.Dataset(
        {
            "rho": (("time", "z", "momentum", "direction", "species", "component"),
                    rho[None, ..., None, :]),
            "weight": (("momentum", "direction"), np.tile(weight, (len(momentum), 1))),
        },
        coords={
            "time": [0.0], "z": z, "momentum": list(momentum), "direction": v, "species": ["nu"],
            "component": list(names),
        },
    )  # fmt: skip


def cells(n, length=10.0):
    return length * (np.arange(n) / n - 0.5)


def smooth(z, v):
    """Waves up to n = 5 that no grid here aliases."""
    k = 2 * np.pi / 10
    return np.array([2.0, np.cos(5 * k * z), np.sin(3 * k * z), 1 + 0.2 * np.sin(k * z)]) * (2 + v)


@pytest.mark.parametrize(
    ("n", "how"),
    [(24, "24 cells, every mode"), (12, "the 12 cells of both"), (16, "Fourier sums"),
     (15, "15 cells, onto which"), (36, "Fourier sums")],
)  # fmt: skip
def test_grids_in_z(n, how):
    """The same waves on other cells are the same; a shift by a cell is not."""
    v, w = [-1.0, 1.0], [1.0, 1.0]
    a, b = frame(cells(24), v, w, smooth), frame(cells(n), v, w, smooth)
    notes = []
    _, (one,), told = compare_fields(a, b, notes)
    assert how in told or (n == 36 and "24 cells" in told)
    assert one.largest[0] < 1e-13
    shifted = frame(cells(n), v, w, lambda z, v: smooth(z + 10 / n, v))
    _, (one,), _ = compare_fields(a, shifted, notes)
    assert one.largest[0] > 0.1
    assert notes == []


def test_open_boxes_on_other_cells():
    """Cells in the middle of their place: straight lines have the same means over groups."""
    v, w = [-1.0, 1.0], [1.0, 1.0]

    def line(z, v):
        return np.array([2.0, z, -0.5 * z, 1.0]) * (2 + v)

    def middle(n):
        return cells(n) + 5 / n

    a, b = frame(middle(24), v, w, line), frame(middle(16), v, w, line)
    _, (one,), how = compare_fields(a, b, [])
    assert how == "means over groups of cells, 8 of them, every mode"
    assert one.largest[0] < 1e-13
    _, _, how = compare_fields(a, frame(cells(24), v, w, line), [])
    assert how.startswith("means over z (boxes of unlike length or ends)")


def test_boxes_of_unlike_length_are_compared_by_their_means():
    v, w = [-1.0, 1.0], [1.0, 1.0]
    more = np.array([0, 0, 0, 0.25])
    b = frame(cells(24, 11.0), v, w, lambda z, v: smooth(z * 10 / 11, v) + more)
    _, (one,), how = compare_fields(frame(cells(24), v, w, smooth), b, [])
    assert how.startswith("means over z")
    assert one.largest[0] == pytest.approx(0.25)


def test_other_directions_are_compared_by_their_sums():
    """int (1, v) rho dv of both rules is exact; 0.1 v in P^x gives F a difference of 2/3 x 0.1."""
    rules = [np.polynomial.legendre.leggauss(n) for n in (4, 6)]
    a, b = (frame(cells(16), *rule, smooth) for rule in rules)
    _, (one,), how = compare_fields(a, b, [])
    assert how.endswith("sums M and F over momentum")
    assert one.largest[0] < 1e-13
    b = frame(cells(16), *rules[1], lambda z, v: smooth(z, v) + np.array([0, 0.1 * v, 0, 0]))
    _, (one,), _ = compare_fields(a, b, [])
    assert one.largest[0] == pytest.approx(0.2 / 3)


def test_off_diagonals_of_three_flavors_count_twice():
    """Tr (B - A)^2 = 2 |d rho_emu|^2, of Tr A^2 = 3."""
    a = frame(cells(8), [0.0], [1.0], lambda z, v: np.array([1.0, 1, 1, 0, 0, 0, 0, 0, 0]))
    b = a.copy(deep=True)
    b["rho"][..., 4] = 1e-3
    _, (one,), _ = compare_fields(a, b, [])
    assert one.l2[0] == pytest.approx(1e-3 * np.sqrt(2 / 3))
    _, found, _ = compare_fields(a, frame(cells(8), [0.0], [1.0], smooth), notes := [])
    assert found == []
    assert notes == ["fields.nc: another number of flavors: not compared"]


def test_common_values():
    def pairs(a, b):
        return [list(x) for x in common(np.array(a), np.array(b))]

    assert pairs([0.0, 0.1, 0.2, 0.3], [0.2 + 1e-12, 0.05, 0.0]) == [[0, 2], [2, 0]]
    assert pairs(["nu", "nubar"], ["nubar"]) == [[1], [0]]
    assert pairs([1.0, -1.0, 1.0, -1.0], [1.0, -1.0, 1.0, -1.0]) == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert pairs([1.0, -1.0, 1.0], [1.0, -1.0]) == [[], []]
    assert pairs([1.0], []) == [[], []]


def test_keys_of_a_case():
    table = {"a": {"b": 1, "c": [{"d": 2}, {"d": 3}]}, "e": [1, 2]}
    assert flat(table) == {"a.b": 1, "a.c[0].d": 2, "a.c[1].d": 3, "e": [1, 2]}
    assert is_beside("output.series_every")
    assert is_beside("grid.z.ranks")
    assert not is_beside("grid.z.cells")


def test_what_cannot_be_compared_is_said(run_path, tmp_path):
    bare = write_run(tmp_path / "bare", end=4.0, fields=False)
    found, text = compared(run_path, bare)
    assert f"note: fields.nc: no frames in {bare}: not compared" in text
    assert not found.same_bits
    later = changed(run_path, tmp_path, "series.nc", lambda d: d.assign_coords(time=d.time + 0.05))
    found, text = compared(run_path, later)
    assert "note: series.nc: no common times" in text
    fewer = changed(run_path, tmp_path, "series.nc", lambda d: d.drop_vars("energy_total"))
    found, text = compared(run_path, fewer)
    assert "energy_total only in A" in text
    assert not found.same_bits


def test_the_command(run_path, tmp_path, capsys):
    coarse = write_run(tmp_path / "coarse", end=4.0, cells=64)
    png = tmp_path / "apart.png"
    assert cli.dispatch(["compare", str(run_path), str(coarse), "--png", str(png)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == f"A  {run_path}  (finished)"
    assert "energy_refractive_osc" in out
    assert out.splitlines()[-1] == str(png)
    assert png.stat().st_size > 10_000
    with pytest.raises(CaseError) as error:
        cli.dispatch(["compare", str(run_path), str(tmp_path)])
    assert str(error.value).count("\n") == 0
    assert "no run here" in str(error.value)
