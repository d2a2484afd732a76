"""fields.nc: frames in place, readable at any moment, the right length at the end."""

import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from flat_space import COORDS, FlatSpace

from hpcqke import hdf5
from hpcqke.errors import StorageError
from hpcqke.fields import Fields
from hpcqke.fields_file import damaged_frames

RHO = ("time", "z", "momentum", "direction", "species", "component")


@pytest.fixture
def ps():
    return FlatSpace()


def opened(path):
    with xr.open_dataset(path, engine="h5netcdf") as ds:
        return ds.load()


def assert_frames(path, ps, seeds):
    rho = opened(path).rho
    for i, seed in enumerate(seeds):
        assert rho[i].values.tobytes() == ps.state(seed).tobytes()


def test_names_units_and_frames_in_xarray(tmp_path, ps):
    path = tmp_path / "fields.nc"
    fields = Fields(ps, path, COORDS, {"version": "1"}, capacity=3)
    for i in range(3):
        fields.append(0.5 * i, ps.state(i))
    fields.finish()
    ds = opened(path)
    assert ds.rho.dims == RHO
    assert ds.weight.dims == ("momentum", "direction")
    assert list(ds.component.values) == ["P0", "Px", "Py", "Pz"]
    assert list(ds.species.values) == ["nu", "nubar"]
    assert ds.z.attrs["units"] == "1/mu"
    assert list(ds.time.values) == [0, 0.5, 1]
    assert ds.attrs["version"] == "1"
    assert np.array_equal(
        ds.rho.sel(component="Pz", species="nubar").values[2], ps.to_natural(ps.state(2))[..., 1, 3]
    )
    assert_frames(path, ps, range(3))


def test_a_frame_changes_its_own_bytes_and_its_time_only(tmp_path, ps):
    path = tmp_path / "fields.nc"
    fields = Fields(ps, path, COORDS, {}, capacity=4)
    fields.append(0.0, ps.state(0))
    before = np.frombuffer(path.read_bytes(), np.uint8)
    fields.append(0.5, ps.state(1))
    after = np.frombuffer(path.read_bytes(), np.uint8)
    assert before.size == after.size
    changed = np.flatnonzero(before != after)
    frame = after.tobytes().index(ps.state(1).tobytes())
    in_frame = (changed >= frame) & (changed < frame + ps.state(1).nbytes)
    assert changed[~in_frame].size <= 16  # its time and its checksum, eight bytes each


READER = """
import sys, xarray as xr
ds = xr.open_dataset(sys.argv[1], engine="h5netcdf")
print(int(ds.time.count()), flush=True)
sys.stdin.readline()
"""


def test_it_can_be_read_while_the_run_goes_on(tmp_path, ps):
    """Another process that keeps the file open does not stop the run."""
    path = tmp_path / "fields.nc"
    fields = Fields(ps, path, COORDS, {}, capacity=4)
    fields.append(0.0, ps.state(0))
    command = [sys.executable, "-c", READER, path]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout.readline() == "1\n"
        fields.append(0.5, ps.state(1))
        reader.communicate("\n", timeout=60)
    assert list(np.isnan(opened(path).time.values)) == [False, False, True, True]


def test_it_grows_and_is_trimmed(tmp_path, ps):
    path = tmp_path / "fields.nc"
    fields = Fields(ps, path, COORDS, {}, capacity=1)
    for i in range(5):
        fields.append(0.5 * i, ps.state(i))
    assert fields.capacity == 8
    assert len(fields) == 5
    fields.finish()
    assert list(opened(path).time.values) == [0, 0.5, 1, 1.5, 2]
    assert_frames(path, ps, range(5))
    assert os.listdir(tmp_path) == ["fields.nc"]


def test_resume_cuts_back_and_goes_on(tmp_path, ps):
    path = tmp_path / "fields.nc"
    fields = Fields(ps, path, COORDS, {}, capacity=4)
    for i in range(4):
        fields.append(0.5 * i, ps.state(i))
    (tmp_path / "fields.nc.tmp.0a").write_bytes(b"left by a dead writer")
    fields = Fields(ps, path, COORDS, {}, capacity=4, resume=2)
    assert list(np.isnan(opened(path).time.values)) == [False, False, True, True]
    for i in (7, 8, 9):
        fields.append(float(i), ps.state(i))
    fields.finish()
    assert list(opened(path).time.values) == [0, 0.5, 7, 8, 9]
    assert_frames(path, ps, (0, 1, 7, 8, 9))
    assert os.listdir(tmp_path) == ["fields.nc"]


def test_no_frames_is_a_file_too(tmp_path, ps):
    path = tmp_path / "fields.nc"
    Fields(ps, path, COORDS, {}, capacity=4).finish()
    assert opened(path).rho.sizes["time"] == 0
    fields = Fields(ps, path, COORDS, {}, resume=0)
    fields.append(0.0, ps.state(3))
    assert_frames(path, ps, [3])


def test_damaged_frames_are_found(tmp_path, ps, monkeypatch):
    path = tmp_path / "fields.nc"
    fields = Fields(ps, path, COORDS, {}, capacity=4)
    for i in range(3):
        fields.append(0.5 * i, ps.state(i))
    assert damaged_frames(path) == []
    place = path.read_bytes().index(ps.state(1).tobytes())
    with open(path, "r+b") as stream:
        stream.seek(place + 999)
        byte = stream.read(1)[0]
        stream.seek(place + 999)
        stream.write(bytes([byte ^ 4]))
    assert damaged_frames(path) == [1]
    with pytest.raises(StorageError, match="frame 1 is damaged"):
        fields.finish()
    assert os.listdir(tmp_path) == ["fields.nc"]

    monkeypatch.setattr(hdf5, "write_part", lambda *_: None)  # some MPI libraries fail in silence
    with pytest.raises(StorageError, match="frame 3, read back, is not what was written"):
        fields.append(1.5, ps.state(3))
    assert np.isnan(opened(path).time.values[3])


def test_faults_are_one_line(tmp_path, ps):
    path = tmp_path / "fields.nc"
    with pytest.raises(StorageError, match="No such file"):
        Fields(ps, path, COORDS, {}, resume=0)
    with pytest.raises(StorageError, match="No such file"):
        Fields(ps, tmp_path / "nowhere" / "fields.nc", COORDS, {})
    fields = Fields(ps, path, COORDS, {}, capacity=2)
    fields.append(0.0, ps.state())
    with pytest.raises(StorageError, match="has 1 frames, the checkpoint needs 2"):
        Fields(ps, path, COORDS, {}, resume=2)
    with pytest.raises(StorageError, match="frames of shape"):
        Fields(FlatSpace(nz=32), path, COORDS, {}, resume=1)
    path.unlink()
    with pytest.raises(StorageError, match="No such file"):
        fields.append(1.0, ps.state())
