"""HDF5 files as hpcqke writes them: opened one way, laid out in place, readable as netCDF4.

h5py is imported when a file is first opened (`hpcqke.parallel` must choose its MPI build before).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def open_file(path: str | Path, mode: str, comm=None):
    """An h5py.File: through MPI-IO (collective) if `comm` has several ranks, else serial.

    HDF5's own file locks are off: a reader that has the file open must not end a run, and
    `hpcqke.lock` keeps a second writer out.
    """
    import h5py

    if comm is not None and comm.size > 1:
        return h5py.File(path, mode, driver="mpio", comm=comm)
    return h5py.File(path, mode, locking=False)


def create_in_place(group, name: str, shape: tuple[int, ...], dtype: str = "<f8"):
    """A contiguous dataset whose bytes have their place in the file from the start, unwritten.

    Later writes change these bytes and nothing else in the file.
    """
    import h5py

    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.CONTIGUOUS)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plist.set_obj_track_times(False)
    kind = h5py.h5t.py_create(np.dtype(dtype), logical=True)
    space = h5py.h5s.create_simple(shape)
    return h5py.Dataset(h5py.h5d.create(group.id, name.encode(), kind, space, plist))


def write_part(dataset, where: tuple, values: np.ndarray, comm) -> None:
    """Write each rank's part in one collective call."""
    if comm.size > 1:
        with dataset.collective:
            dataset[where] = values
    else:
        dataset[where] = values


def read_part(dataset, where: tuple, comm) -> np.ndarray:
    """Read each rank's part in one collective call."""
    if comm.size > 1:
        with dataset.collective:
            return dataset[where]
    return dataset[where]


def put_attributes(thing, attributes: Mapping[str, Any]) -> None:
    """Attributes as text or numbers; None is left out, other objects are stored as JSON."""
    for name, value in attributes.items():
        if value is None:
            continue
        if not isinstance(value, (str, int, float, np.generic, np.ndarray)):
            value = json.dumps(value, default=str)
        thing.attrs[name] = int(value) if isinstance(value, bool) else value


def create_coordinates(group, coords: Mapping[str, tuple[Any, Mapping[str, Any]]]) -> None:
    """Coordinates {name: (values, attributes)} as dimension scales of their own name.

    One with "dims" among its attributes lies over these dimensions, which come before it.
    """
    import h5py

    for name, (values, attributes) in coords.items():
        values = np.asarray(values)
        if values.dtype.kind in "UO":
            text = h5py.string_dtype()
            dataset = group.create_dataset(name, data=values.astype(object), dtype=text)
        else:
            dataset = group.create_dataset(name, data=values)
        put_attributes(dataset, {k: v for k, v in attributes.items() if k != "dims"})
        if "dims" in attributes:
            attach(group, dataset, attributes["dims"])
        else:
            dataset.make_scale(name)


def attach(group, dataset, dimensions: tuple[str, ...]) -> None:
    """Name a dataset's dimensions by their coordinates."""
    for axis, name in enumerate(dimensions):
        dataset.dims[axis].attach_scale(group[name])
