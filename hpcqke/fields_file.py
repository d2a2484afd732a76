"""The file of frames: rho(time, z, momentum, direction, species, component), all frames in place.

Made by rank 0 with room for `capacity` frames; afterwards no metadata of HDF5 changes. Times and
the frames' checksums are written as bytes at their place in the file, which HDF5 tells once. A time
that is NaN means "no such frame yet".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpcqke import atomic, checksum, hdf5
from hpcqke.storage import FILE_FAULTS, storage_error

DIMENSIONS = ("time", "z", "momentum", "direction", "species", "component")
_ROOM = 2**20  # HDF5's own bytes

_TIME = {"long_name": "time"}
_RHO = {"long_name": "flavor density matrix, real components"}


_CHECKSUM = {"long_name": "checksum of the frame's float64 values, see hpcqke/checksum.py"}


@dataclass(frozen=True)
class Layout:
    """Byte offsets of times, checksums and frames; the number of frames; the shape of one."""

    time: int
    checksum: int
    rho: int
    capacity: int
    shape: tuple[int, ...]

    @property
    def frame_bytes(self) -> int:
        return 8 * int(np.prod(self.shape))

    def frame(self, i: int) -> int:
        """Byte offset of frame i."""
        return self.rho + i * self.frame_bytes


@dataclass(frozen=True)
class Marks:
    """What says that frames are there: their times and checksums."""

    times: np.ndarray
    checksums: np.ndarray


def create(
    path: Path,
    shape: tuple[int, ...],
    capacity: int,
    marks: Marks,
    coords: Mapping[str, tuple[Any, Mapping[str, Any]]],
    attrs: Mapping[str, Any],
) -> Layout:
    """A file with room for `capacity` frames, its space on the disk claimed; the `marks` of the
    first frames are already in it. Raises StorageError and leaves nothing behind."""
    coords = dict(coords)
    _, time_attributes = coords.pop("time", (None, _TIME))
    _, rho_attributes = coords.pop("rho", (None, _RHO))
    size = 8 * capacity * (2 + int(np.prod(shape))) + _ROOM
    size += sum(2 * np.asarray(values).nbytes for values, _ in coords.values())
    missing = capacity - len(marks.times)
    try:
        atomic.reserve(path, size)
        with hdf5.open_file(path, "w") as f:
            hdf5.put_attributes(f, attrs)
            time = hdf5.create_in_place(f, "time", (capacity,))
            time[...] = np.concatenate([marks.times, np.full(missing, np.nan)])
            time.make_scale("time")
            hdf5.create_coordinates(f, coords)
            sums = hdf5.create_in_place(f, "checksum", (capacity,), "<u8")
            sums[...] = np.concatenate([marks.checksums, np.zeros(missing, "<u8")])
            rho = hdf5.create_in_place(f, "rho", (capacity, *shape))
            hdf5.attach(f, sums, ("time",))
            hdf5.attach(f, rho, DIMENSIONS)
            hdf5.put_attributes(time, time_attributes)
            hdf5.put_attributes(sums, _CHECKSUM)
            hdf5.put_attributes(rho, rho_attributes)
            layout = _layout(f)
        atomic.reserve(path, path.stat().st_size)
    except FILE_FAULTS as fault:
        atomic.discard(path)
        raise storage_error(path, fault) from fault
    return layout


def find(path: Path) -> Layout:
    """The layout of an existing file. Raises StorageError."""
    try:
        with hdf5.open_file(path, "r") as f:
            return _layout(f)
    except FILE_FAULTS as fault:
        raise storage_error(path, fault) from fault


def _layout(f) -> Layout:
    rho = f["rho"]
    places = (f[name].id.get_offset() or 0 for name in ("time", "checksum", "rho"))
    return Layout(*places, rho.shape[0], tuple(rho.shape[1:]))


def read_marks(path: Path, layout: Layout) -> Marks:
    """The marks of the frames that are there (before the first NaN). Raises StorageError."""
    try:
        with open(path, "rb") as stream:
            stream.seek(layout.time)
            times = np.frombuffer(stream.read(8 * layout.capacity), "<f8")
            n = int(np.argmax(np.append(np.isnan(times), True)))
            stream.seek(layout.checksum)
            return Marks(times[:n], np.frombuffer(stream.read(8 * n), "<u8"))
    except (OSError, ValueError) as fault:
        raise storage_error(path, fault) from fault


def write_mark(path: Path, layout: Layout, i: int, time: float, state: int) -> None:
    """Say that frame i is there: its checksum, then its time, each durable before the next."""
    _write(path, layout.checksum + 8 * i, np.array([state], "<u8"))
    _write(path, layout.time + 8 * i, np.array([time], "<f8"))


def erase_marks(path: Path, layout: Layout, first: int, n: int) -> None:
    """Say that n frames from `first` on are not there."""
    _write(path, layout.time + 8 * first, np.full(n, np.nan))


def _write(path: Path, offset: int, values: np.ndarray) -> None:
    try:
        handle = os.open(path, os.O_WRONLY)
        try:
            os.pwrite(handle, values.tobytes(), offset)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as fault:
        raise storage_error(path, fault) from fault


def damaged_frames(path: Path) -> list[int]:
    """Frames whose bytes are not those that were written. Raises StorageError."""
    layout = find(path)
    marks = read_marks(path, layout)
    try:
        return [
            i
            for i, state in enumerate(marks.checksums)
            if checksum.region_checksum(path, layout.frame(i), layout.frame_bytes) != int(state)
        ]
    except FILE_FAULTS as fault:
        raise storage_error(path, fault) from fault
