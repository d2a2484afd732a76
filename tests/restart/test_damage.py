"""Damage of every kind to the newest checkpoint: always found, the one before is used."""

import numpy as np
import pytest
from flat_space import FlatSpace

from hpcqke.checkpoint import Checkpoints

PAGE = 4096


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Two checkpoints of 164 KB, and a function that damages the second and says what is loaded."""
    ps = FlatSpace(nz=256)
    said = []
    checkpoints = Checkpoints(ps, tmp_path_factory.mktemp("shelf"), 2, say=said.append)
    for step in (1, 2):
        checkpoints.write(ps.state(step), {"step": step, "t": 0.1 * step})
    states = {step: ps.state(step).tobytes() for step in (1, 2)}

    def loaded_after(path, data):
        """The step loaded while `path` holds `data`; its state is checked."""
        whole = path.read_bytes()
        said.clear()
        path.write_bytes(data)
        try:
            X, meta = checkpoints.load()
        finally:
            path.write_bytes(whole)
        assert X.tobytes() == states[meta["step"]]
        assert meta["t"] == 0.1 * meta["step"]
        assert len(said) == (meta["step"] == 1)
        return meta["step"]

    return checkpoints.directory, loaded_after


def test_whole_one_is_used(shelf):
    directory, loaded_after = shelf
    path = directory / "step_000000002.h5"
    assert loaded_after(path, path.read_bytes()) == 2


def test_truncation_is_found(shelf):
    directory, loaded_after = shelf
    path = directory / "step_000000002.h5"
    data = path.read_bytes()
    start = data.index(FlatSpace(nz=256).state(2).tobytes())
    stop = start + 8 * 256 * 80
    cuts = {*range(0, start, 512), *range(stop, len(data), 512), *range(0, len(data), PAGE)}
    cuts |= {start - 1, start, start + 1, stop - 1, stop, stop + 1, len(data) - 1}
    cuts.discard(len(data))
    assert all(loaded_after(path, data[:n]) == 1 for n in sorted(cuts))
    assert loaded_after(path, data + b"\0") == 1


def test_bit_flips_are_found(shelf):
    directory, loaded_after = shelf
    path = directory / "step_000000002.h5"
    data = path.read_bytes()
    for bit in np.random.default_rng(3).integers(0, 8 * len(data), 1000):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << (bit % 8)
        assert loaded_after(path, damaged) == 1, f"bit {bit}"


def test_zeroed_pages_are_found(shelf):
    directory, loaded_after = shelf
    path = directory / "step_000000002.h5"
    data = path.read_bytes()
    for start in range(0, len(data), PAGE):
        damaged = bytearray(data)
        damaged[start : start + PAGE] = bytes(len(damaged[start : start + PAGE]))
        assert loaded_after(path, damaged) == (2 if damaged == data else 1), f"byte {start}"


def test_damaged_manifest_is_found(shelf):
    directory, loaded_after = shelf
    path = directory / "step_000000002.json"
    data = path.read_bytes()
    assert all(loaded_after(path, data[:n]) == 1 for n in range(0, len(data), 16))
    for bit in np.random.default_rng(4).integers(0, 8 * len(data), 200):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << (bit % 8)
        assert loaded_after(path, damaged) == 1, f"bit {bit}"
    assert loaded_after(path, bytes(len(data))) == 1


def test_files_that_changed_places_are_found(shelf):
    directory, loaded_after = shelf
    other = (directory / "step_000000001.h5").read_bytes()
    assert loaded_after(directory / "step_000000002.h5", other) == 1
