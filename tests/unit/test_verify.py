"""hpcqke verify says what is damaged or no longer physics; a run that is going is no fault."""

from time import perf_counter

import h5py
import numpy as np
import pytest

from hpcqke import Simulation, conduct, load_case, open_run, outputs
from hpcqke.progress import Reporter
from hpcqke.series import Series, is_whole
from hpcqke.verify import verify_run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verify") / "run"
    settings = {
        "grid.z.cells": 64, "grid.z.length": 20.0, "initial.nmax": 4, "time.end": 1.0,
        "output.directory": str(folder), "output.growth_window": None, "output.fields_every": 0.5,
    }  # fmt: skip
    with Simulation(load_case("two_beam", settings)) as sim:
        sim.run(quiet=True)
    return folder


@pytest.fixture
def run(made, tmp_path):
    import shutil

    return shutil.copytree(made, tmp_path / "run")


def failures(run, capsys):
    code = verify_run(run)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert code == (4 if lines else 0)
    return {line.split()[1]: line for line in lines}


def flip(path, offset, bit=0):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.write_bytes(data)


def test_a_whole_run(run, capsys):
    assert failures(run, capsys) == {}


def test_two_bits_of_a_frame(run, capsys):
    with h5py.File(run / "fields.nc") as f:
        place = f["rho"].id.get_offset() + 8 * f["rho"][0].size + 80
    flip(run / "fields.nc", place)
    flip(run / "fields.nc", place + 8, 3)
    assert "frames [1]" in failures(run, capsys)["fields.nc"]


def test_every_byte_of_a_series(tmp_path):
    path = tmp_path / "series.nc"
    series = Series(path, {"step": {"dtype": "i8"}}, {}, {"version": "1"})
    series.append({"time": 0.5, "step": 1})
    series.flush()
    data = path.read_bytes()
    assert is_whole(path)
    for offset in range(0, len(data), 37):
        flip(path, offset, offset % 8)
        assert not is_whole(path)
        path.write_bytes(data)
    for offset in range(data.find(b"crc32 of"), data.find(b"crc32 of") + 46):
        flip(path, offset)
        assert not is_whole(path)
        path.write_bytes(data)
    path.write_bytes(data + b"\0")
    assert not is_whole(path)


def test_a_unit_of_the_series(run, capsys):
    flip(run / "series.nc", (run / "series.nc").read_bytes().find(b"n/mu"), 1)
    assert "checksum" in failures(run, capsys)["series.nc"]


def test_garbage_in_the_case(run, capsys):
    (run / "case.toml").write_text("garbage ]]")
    assert "not a case" in failures(run, capsys)["case.toml"]


@pytest.mark.parametrize(
    ("name", "change", "text"),
    [
        ("polarization_norm_error", 3.0, "|P|^2 is not"),
        ("number", 9.0, "number is not"),
        ("number", np.nan, "number is not"),
    ],
)
def test_what_is_conserved(run, capsys, name, change, text):
    with h5py.File(run / "series.nc", "r+") as f:
        f[name][-1] = change
    assert text in failures(run, capsys)["series.nc"]


def test_a_run_that_has_just_begun(run, capsys):
    (run / "series.nc").unlink()
    (run / "fields.nc").unlink()
    assert set(failures(run, capsys)) == {"series.nc", "fields.nc"}
    (run / "STATUS").write_text("running from t = 0, step 0\n")
    assert failures(run, capsys) == {}


def test_rows_can_be_read_before_the_first_checkpoint(tmp_path):
    """The first row at once, all rows at a line of progress."""
    seen = []

    class Watched(Reporter):
        def say(self, now):
            super().say(now)
            with open_run(tmp_path / "run") as run:
                seen.append((run.series.time.values[-1], now.t))

    settings = {
        "grid.z.cells": 64, "grid.z.length": 20.0, "initial.nmax": 4, "time.end": 1.0,
        "output.directory": str(tmp_path / "run"), "output.growth_window": None,
        "output.series_every": None, "output.series_every_steps": 1,
        "output.progress_every": 1e-9,
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conduct, "Reporter", Watched)
        patch.setattr(outputs, "FLUSH_SHARE", 1e9)
        with Simulation(load_case("two_beam", settings)) as sim:
            sim.run(quiet=True)
    assert len(seen) > 5
    assert all(row == t for row, t in seen)


def test_flushes_that_take_long_are_left_out():
    flushed = []
    made = object.__new__(outputs.Outputs)
    rows = {"__len__": lambda _: 7, "flush": lambda _: flushed.append(1)}
    made.series_file = type("Rows", (), rows)()
    made._flushed = (perf_counter() - 1.0, 0.1, 5)
    made._flush_if_cheap()
    assert not flushed
    made._flushed = (perf_counter() - 1.0, 0.001, 7)
    made._flush_if_cheap()
    assert not flushed
    made._flushed = (perf_counter() - 1.0, 0.001, 5)
    made._flush_if_cheap()
    assert len(flushed) == 1


def test_room_for_frames_grows():
    assert outputs.first_frames(3, 8) == 3
    assert outputs.first_frames(10**6, 2**26) == 16
    assert outputs.first_frames(10**6, 2**16) == 4096
