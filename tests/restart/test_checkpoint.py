"""What a directory of checkpoints promises, on one rank."""

import errno
import os

import numpy as np
import pytest
from flat_space import FlatSpace

from hpcqke.checkpoint import Checkpoints
from hpcqke.errors import CaseError, NumericsError, StorageError


@pytest.fixture
def ps():
    return FlatSpace()


@pytest.fixture
def checkpoints(ps, tmp_path):
    return Checkpoints(ps, tmp_path / "checkpoints", keep=2, say=pytest.fail)


def names(checkpoints):
    return sorted(os.listdir(checkpoints.directory))


def test_empty_directory_has_none(checkpoints):
    assert checkpoints.load() is None


def test_state_and_meta_come_back_bit_by_bit(ps, checkpoints):
    meta = {
        "step": 1234,
        "t": 0.1 + 0.2,
        "dt": 1e-300 / 3,
        "chain": [{"host": "a"}],
        "case": "x" * 10**5,
    }
    X = ps.state()
    assert checkpoints.write(X, meta) == "step_000001234"
    assert names(checkpoints) == ["step_000001234.h5", "step_000001234.json"]
    read, found = checkpoints.load()
    assert read.tobytes() == X.tobytes()
    assert found == meta


def test_only_the_newest_stay(ps, checkpoints):
    for step in range(5):
        checkpoints.write(ps.state(step), {"step": step})
    assert names(checkpoints) == [f"step_00000000{s}.{e}" for s in (3, 4) for e in ("h5", "json")]


def test_newest_is_the_last_committed_not_the_highest_step(ps, checkpoints):
    """A run that went back to an older checkpoint must not jump ahead at its next restart."""
    for step in (10, 20):
        checkpoints.write(ps.state(step), {"step": step})
    checkpoints.write(ps.state(15), {"step": 15})
    assert checkpoints.load()[1]["step"] == 15


def test_a_step_can_be_written_again_and_again(ps, checkpoints):
    for seed in range(4):
        checkpoints.write(ps.state(seed), {"step": 7, "seed": seed})
        X, meta = checkpoints.load()
        assert meta["seed"] == seed
        assert np.array_equal(X, ps.state(seed))
        assert len(names(checkpoints)) == 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_state_that_is_not_finite_is_refused(ps, checkpoints, value):
    checkpoints.write(ps.state(), {"step": 1})
    bad = ps.state(1)
    bad[17, 3] = value
    with pytest.raises(NumericsError):
        checkpoints.write(bad, {"step": 2})
    assert checkpoints.load()[1] == {"step": 1}


def test_another_grid_is_bad_input_and_names_the_keys(ps, checkpoints):
    checkpoints.write(ps.state(), {"step": 1})
    other = Checkpoints(FlatSpace(nz=32, species=1), checkpoints.directory, 2)
    with pytest.raises(CaseError) as caught:
        other.load()
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "grid.z.cells",
        "flavors.antineutrinos",
    ]


def test_a_named_file_is_read_and_a_missing_one_is_bad_input(ps, checkpoints):
    for step in (1, 2):
        checkpoints.write(ps.state(step), {"step": step})
    for name in ("step_000000001", "step_000000001.h5", "step_000000001.json"):
        X, meta = checkpoints.load_file(checkpoints.directory / name)
        assert meta["step"] == 1
        assert np.array_equal(X, ps.state(1))
    with pytest.raises(CaseError, match="no such checkpoint"):
        checkpoints.load_file(checkpoints.directory / "step_000000003.h5")


def test_what_dead_writers_left_goes_away(ps, checkpoints):
    checkpoints.write(ps.state(), {"step": 1})
    for name in ("step_000000002.h5.tmp.0a", "step_000000002.json.tmp.0b"):
        (checkpoints.directory / name).write_bytes(b"half")
    (checkpoints.directory / "step_000000002.h5").write_bytes(b"renamed, but without a manifest")
    assert checkpoints.load()[1]["step"] == 1
    checkpoints.write(ps.state(3), {"step": 3})
    assert {name.split(".")[0] for name in names(checkpoints)} == {
        "step_000000001",
        "step_000000003",
    }
    assert len(names(checkpoints)) == 4
    checkpoints.clear()
    assert names(checkpoints) == []


def test_no_new_start_where_all_are_damaged(ps, checkpoints):
    said = []
    for step in (1, 2):
        checkpoints.write(ps.state(step), {"step": step})
        os.truncate(checkpoints.directory / f"step_00000000{step}.h5", 100)
    with pytest.raises(StorageError, match="none of its 2 checkpoints is whole"):
        Checkpoints(ps, checkpoints.directory, 2, say=said.append).load()
    assert len(said) == 2
    assert "step_000000002" in said[0]
    assert "has 100 bytes" in said[0]


def test_a_damaged_one_does_not_count_among_those_kept(ps, checkpoints):
    for step in (1, 2):
        checkpoints.write(ps.state(step), {"step": step})
    os.truncate(checkpoints.directory / "step_000000002.h5", 100)
    resumed = Checkpoints(ps, checkpoints.directory, 2, say=lambda line: None)
    assert resumed.load()[1]["step"] == 1
    resumed.write(ps.state(3), {"step": 3})
    assert {name.split(".")[0] for name in names(checkpoints)} == {
        "step_000000001",
        "step_000000003",
    }


def test_a_write_that_did_not_arrive_is_found_before_the_old_ones_go(ps, checkpoints, monkeypatch):
    from hpcqke import hdf5

    checkpoints.write(ps.state(1), {"step": 1})
    true_write = hdf5.write_part

    def lossy(dataset, where, values, comm):
        values = values.copy()
        values.flat[100] += 1e-15
        true_write(dataset, where, values, comm)

    monkeypatch.setattr(hdf5, "write_part", lossy)
    with pytest.raises(StorageError, match="not what was written"):
        checkpoints.write(ps.state(2), {"step": 2})
    assert names(checkpoints) == ["step_000000001.h5", "step_000000001.json"]


def test_unusable_directory_is_bad_input(ps, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CaseError, match="File exists"):
        Checkpoints(ps, tmp_path / "file", 2)


class FullAt:
    """A system call that fails the k-th time, as on a full disk."""

    def __init__(self, call, k):
        self.call, self.left = call, k

    def __call__(self, *args):
        self.left -= 1
        if self.left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.call(*args)


@pytest.mark.parametrize("call", ["posix_fallocate", "fsync", "replace"])
def test_a_full_disk_at_any_call_leaves_the_one_before(ps, checkpoints, monkeypatch, call):
    """The k-th fsync (rename, reservation) of a write fails, for each k."""
    checkpoints.write(ps.state(0), {"step": 0})
    written, k = False, 0
    while not written:
        k += 1
        with monkeypatch.context() as patch:
            patch.setattr(os, call, FullAt(getattr(os, call), k))
            try:
                checkpoints.write(ps.state(k), {"step": k})
                written = True
            except StorageError as fault:
                said = str(fault)
        X, meta = checkpoints.load()
        assert np.array_equal(X, ps.state(meta["step"]))
        assert not [name for name in names(checkpoints) if ".tmp." in name]
    assert k > 2
    assert said.endswith("No space left on device")
    assert ".tmp." not in said
