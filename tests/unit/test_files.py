"""Atomic files, the lock, provenance, checksums, manifests and series: what needs no state."""

import errno
import math
import os
import signal
import subprocess
import sys
import zlib
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

from hpcqke import checksum, manifest
from hpcqke.atomic import write_atomic
from hpcqke.errors import CaseError, StorageError
from hpcqke.lock import RunLock
from hpcqke.provenance import provenance
from hpcqke.series import Series
from hpcqke.storage import storage_error


def test_write_atomic_replaces_whole_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a"
    write_atomic(path, b"old")
    write_atomic(path, lambda p: p.write_bytes(b"new"))
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_write_atomic_keeps_the_old_file_when_the_disk_refuses(tmp_path, monkeypatch, call):
    path = tmp_path / "a"
    write_atomic(path, b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(StorageError, match="No space left") as caught:
        write_atomic(path, b"new")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_missing_directory_is_one_line(tmp_path):
    with pytest.raises(StorageError, match="No such file or directory"):
        write_atomic(tmp_path / "nowhere" / "a", b"x")


def test_hdf5_errors_become_the_systems_words():
    fault = OSError("Unable to create file (errno = 28, error message = '...', flags = 13)")
    assert str(storage_error("a.h5", fault)) == "a.h5: No space left on device"


HOLDER = """
import sys, time
from hpcqke.lock import RunLock
lock = RunLock(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


def test_lock_excludes_a_second_job_and_dies_with_its_holder(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(CaseError) as caught:
            RunLock(tmp_path, patience=0.1)
        assert caught.value.exit_code == 2
        assert f"process {holder.pid} on " in str(caught.value)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    for _ in range(50):
        RunLock(tmp_path, patience=0.0).release()


def test_lock_makes_the_directory_or_says_why_not(tmp_path):
    RunLock(tmp_path / "new" / "run").release()
    (tmp_path / "file").write_text("")
    with pytest.raises(CaseError, match=r"output\.directory = .*: "):
        RunLock(tmp_path / "file")


def test_provenance_never_fails(monkeypatch, tmp_path):
    import hpcqke

    known = provenance(3)
    assert known["version"] == hpcqke.__version__
    assert known["ranks"] == 3
    assert known["numpy"] == np.__version__
    monkeypatch.setattr(hpcqke, "__file__", str(tmp_path / "hpcqke" / "__init__.py"))
    assert provenance()["git"] == "unknown"


def mixed(values, first=0):
    index = np.arange(first, first + values.size, dtype=np.uint64)
    return checksum.mixed_sum(values.view(np.uint64), index)


def test_state_checksum_adds_up_over_parts_and_sees_every_bit():
    x = np.random.default_rng(1).normal(size=40)
    whole = mixed(x)
    assert (mixed(x[:13]) + mixed(x[13:], 13)) % 2**64 == whole
    for bit in range(64 * x.size):
        y = x.copy()
        y.view(np.uint64)[bit // 64] ^= np.uint64(1 << (bit % 64))
        assert mixed(y) != whole
    assert mixed(x[::-1].copy()) != whole  # the place counts
    assert mixed(np.zeros(5)) != mixed(-np.zeros(5))


def test_file_checksums_are_those_of_the_bytes_in_any_share(tmp_path):
    x = np.random.default_rng(2).normal(size=5000)
    data = b"x" * 77 + x.tobytes() + b"end"
    (tmp_path / "f").write_bytes(data)
    edges = checksum.block_edges(len(data), 77, x.nbytes, 4096)
    assert edges[:3] == [0, 77, 77 + 4096]
    assert edges[-2:] == [77 + x.nbytes, len(data)]
    for ranks in (1, 2, 7, 40):
        crcs, state = [], 0
        for rank in range(ranks):
            share = checksum.share_of(rank, ranks, len(edges) - 1)
            some, part = checksum.file_checksums(tmp_path / "f", edges, 77, x.nbytes, share)
            crcs, state = crcs + some, (state + part) % 2**64
        assert crcs == [zlib.crc32(data[a:b]) for a, b in pairwise(edges)]
        assert state == mixed(x)


def test_manifest_knows_each_of_its_bits_and_keeps_floats():
    values = [0.1, -0.0, 1e-300, 2**0.5, math.inf, float(np.nextafter(1, 2))]
    data = manifest.encode(
        {"format": manifest.FORMAT, "meta": {"x": np.array(values), "n": np.int64(3)}}
    )
    meta = manifest.decode(data)["meta"]
    assert [v.hex() for v in meta["x"]] == [v.hex() for v in values]
    assert meta["n"] == 3
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(ValueError, match="damaged"):
            manifest.decode(bytes(damaged))
    for n in range(len(data)):
        with pytest.raises(ValueError, match="damaged"):
            manifest.decode(data[:n])


def make_series(path):
    columns = {
        "step": {"dtype": "i8", "long_name": "steps taken"},
        "number": {"dims": ("species",), "units": "n/mu", "long_name": "number"},
    }
    coords = {"species": (["nu", "nubar"], {"long_name": "species"})}
    return Series(path, columns, coords, {"version": "1", "chain": [{"a": 1}]})


def test_series_is_whole_in_xarray_and_goes_on_after_a_restart(tmp_path):
    path = tmp_path / "series.nc"
    series = make_series(path)
    series.flush()
    assert xr.open_dataset(path, engine="h5netcdf").sizes["time"] == 0
    for i in range(7):
        series.append({"time": 0.1 * i, "step": i, "number": [i, -i]})
    series.flush()

    again = make_series(path)
    assert again.load() == 7
    again.truncate(5)
    again.append({"time": 9.0, "step": 9, "number": [9, 9]})
    again.flush()
    with xr.open_dataset(path, engine="h5netcdf") as ds:
        assert ds.number.dims == ("time", "species")
        assert list(ds.species.values) == ["nu", "nubar"]
        assert ds.number.attrs == {"units": "n/mu", "long_name": "number"}
        assert list(ds.step.values) == [0, 1, 2, 3, 4, 9]
        assert ds.step.dtype == np.int64
        assert list(ds.time.values[:5]) == [0.1 * i for i in range(5)]
        assert ds.attrs["chain"] == '[{"a": 1}]'
        assert ds.encoding["unlimited_dims"] == {"time"}
    with pytest.raises(StorageError, match="has 6 rows, the checkpoint needs 8"):
        again.truncate(8)


def test_series_refuses_rows_that_do_not_fit_and_files_that_are_damaged(tmp_path):
    path = tmp_path / "series.nc"
    series = make_series(path)
    with pytest.raises(KeyError, match="step"):
        series.append({"time": 0.0, "number": [1, 2]})
    with pytest.raises(ValueError, match="number"):
        series.append({"time": 0.0, "step": 0, "number": [1, 2, 3]})
    assert len(series) == 0
    series.append({"time": 0.0, "step": 0, "number": [1.5, 2.5]})
    series.flush()
    data = bytearray(path.read_bytes())
    data[data.index(np.float64(2.5).tobytes()) + 6] ^= 1
    path.write_bytes(data)
    with pytest.raises(StorageError):
        make_series(path).load()
