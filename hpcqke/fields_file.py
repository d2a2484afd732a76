"""The file of frames: rho(time, z, momentum, direction, species, component), all frames in place.

Made by rank 0 with room for `capacity` frames; afterwards no metadata of HDF5 changes. Times are
written as bytes at their place in the file, which HDF5 tells once: NaN means "no such frame yet".
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpcqke import atomic, hdf5
from hpcqke.storage import FILE_FAULTS, storage_error

DIMENSIONS = ("time", "z", "momentum", "direction", "species", "component")
_ROOM = 2**20  # HDF5's own bytes

_TIME = {"long_name": "time"}
_RHO = {"long_name": "flavor density matrix, real components"}


@dataclass(frozen=True)
class Layout:
    """Where the times are (byte offset), how many frames there are, and the shape of one."""

    time_offset: int
    capacity: int
    shape: tuple[int, ...]


def create(
    path: Path,
    shape: tuple[int, ...],
    capacity: int,
    times: Sequence[float],
    coords: Mapping[str, tuple[Any, Mapping[str, Any]]],
    attrs: Mapping[str, Any],
) -> Layout:
    """A file with room for `capacity` frames, its space on the disk claimed; the first frames'
    `times` are already in it. Raises StorageError and leaves nothing behind."""
    coords = dict(coords)
    _, time_attributes = coords.pop("time", (None, _TIME))
    _, rho_attributes = coords.pop("rho", (None, _RHO))
    size = 8 * capacity * (1 + int(np.prod(shape))) + _ROOM
    size += sum(2 * np.asarray(values).nbytes for values, _ in coords.values())
    try:
        atomic.reserve(path, size)
        with hdf5.open_file(path, "w") as f:
            hdf5.put_attributes(f, attrs)
            time = hdf5.create_in_place(f, "time", (capacity,))
            time[...] = np.concatenate([times, np.full(capacity - len(times), np.nan)])
            time.make_scale("time")
            hdf5.create_coordinates(f, coords)
            rho = hdf5.create_in_place(f, "rho", (capacity, *shape))
            hdf5.attach(f, rho, DIMENSIONS)
            hdf5.put_attributes(time, time_attributes)
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
    return Layout(f["time"].id.get_offset() or 0, rho.shape[0], tuple(rho.shape[1:]))


def count(path: Path, layout: Layout) -> int:
    """Frames that are there: times before the first NaN. Raises StorageError."""
    try:
        with open(path, "rb") as stream:
            stream.seek(layout.time_offset)
            times = np.frombuffer(stream.read(8 * layout.capacity), "<f8")
    except (OSError, ValueError) as fault:
        raise storage_error(path, fault) from fault
    return int(np.argmax(np.append(np.isnan(times), True)))


def read_times(path: Path, n: int) -> np.ndarray:
    """The times of the first n frames. Raises StorageError."""
    try:
        with hdf5.open_file(path, "r") as f:
            return f["time"][:n]
    except FILE_FAULTS as fault:
        raise storage_error(path, fault) from fault


def write_times(path: Path, layout: Layout, first: int, times: Sequence[float]) -> None:
    """Times from frame `first` on, durably; eight bytes each, so whole or not at all."""
    try:
        handle = os.open(path, os.O_WRONLY)
        try:
            data = np.asarray(times, "<f8").tobytes()
            os.pwrite(handle, data, layout.time_offset + 8 * first)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as fault:
        raise storage_error(path, fault) from fault
