"""Series: the diagnostics against time (series.nc), kept in memory and rewritten whole.

netCDF4-readable HDF5: `time` is the record dimension, other dimensions have their coordinates.
A reader, or a run killed at any moment, finds the file of one flush or of the next. Its attribute
"checksum" is the CRC-32 of all bytes of the file, with zeros in the place of its eight digits.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpcqke import hdf5
from hpcqke.atomic import write_atomic
from hpcqke.errors import StorageError
from hpcqke.storage import FILE_FAULTS, storage_error

_MOST_ROWS_PER_CHUNK = 1024
_LABEL, _ZEROS = b"crc32 of this file with 00000000 for: ", b"0" * 8


def is_whole(path: str | Path) -> bool:
    """Is every byte of a series file as it was written? Raises OSError."""
    data = Path(path).read_bytes()
    head, label, tail = data.partition(_LABEL)
    return bool(label) and sealed(head + label + _ZEROS + tail[len(_ZEROS) :]) == data


def sealed(image: bytes) -> bytes:
    """The bytes of a file whose checksum is still zeros, with the checksum."""
    head, label, tail = image.partition(_LABEL)
    return head + label + f"{zlib.crc32(image):08x}".encode() + tail[len(_ZEROS) :]


class Series:
    """Columns that grow by one row at a time. Rank 0 only; nothing here is collective.

    columns: name -> {"dims": further dimensions after time, "units", "long_name", "dtype"};
    "time" among them describes the time. coords: name -> (values, attributes).
    attrs: attributes of the file (provenance, the case).
    """

    def __init__(
        self,
        path: str | Path,
        columns: Mapping[str, Mapping[str, Any]],
        coords: Mapping[str, tuple[Any, Mapping[str, Any]]] | None = None,
        attrs: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        self.columns = {"time": {"long_name": "time"}} | {k: dict(v) for k, v in columns.items()}
        self.coords, self.attrs = dict(coords or {}), dict(attrs or {})
        self._rows: dict[str, list[np.ndarray]] = {name: [] for name in self.columns}

    def __len__(self) -> int:
        return len(self._rows["time"])

    def column(self, name: str) -> np.ndarray:
        """A column, shape (rows, further dimensions)."""
        rows = self._rows[name]
        return np.array(rows, self._dtype(name)).reshape(len(rows), *self._shape(name))

    def append(self, row: Mapping[str, Any]) -> None:
        """One value, or array over its further dimensions, for every column."""
        if set(row) != set(self.columns):
            raise KeyError(f"a row needs {sorted(self.columns)}, not {sorted(row)}")
        values = {name: np.array(value, self._dtype(name)) for name, value in row.items()}
        for name, value in values.items():
            if value.shape != self._shape(name):
                raise ValueError(f"{name}: shape {value.shape} instead of {self._shape(name)}")
        for name, value in values.items():
            self._rows[name].append(value)

    def truncate(self, n: int) -> None:
        """Keep the first n rows (on disk from the next flush). StorageError if there are fewer."""
        if n > len(self):
            raise StorageError(f"{self.path}: has {len(self)} rows, the checkpoint needs {n}")
        for rows in self._rows.values():
            del rows[n:]

    def flush(self) -> None:
        """Rewrite the file. Raises StorageError; the file of the last flush is then still there."""
        write_atomic(self.path, sealed(self._image()))

    def load(self, path: str | Path | None = None) -> int:
        """Take the rows of a file (default: its own) with the same columns; returns their number.

        Raises StorageError if it cannot be read or has other columns.
        """
        path = Path(path or self.path)
        try:
            with hdf5.open_file(path, "r") as f:
                found = {name: list(f[name][()]) for name in self.columns}
        except FILE_FAULTS as fault:
            raise storage_error(path, fault) from fault
        for name, rows in found.items():
            if rows and np.shape(rows[0]) != self._shape(name):
                raise StorageError(f"{path}: {name} has another shape than in this run")
        self._rows = found
        return len(self)

    def _dims(self, name: str) -> tuple[str, ...]:
        return tuple(d for d in self.columns[name].get("dims", ()) if d != "time")

    def _shape(self, name: str) -> tuple[int, ...]:
        return tuple(len(self.coords[d][0]) for d in self._dims(name))

    def _dtype(self, name: str) -> np.dtype:
        return np.dtype(self.columns[name].get("dtype", "f8"))

    def _image(self) -> bytes:
        """The whole file, made in memory: HDF5 itself never meets a full disk."""
        import h5py

        with h5py.File(self.path.name, "w", driver="core", backing_store=False) as f:
            f.attrs["checksum"] = np.bytes_(_LABEL + _ZEROS)  # of fixed length: in the header
            hdf5.put_attributes(f, self.attrs)
            self._create(f, "time").make_scale("time")
            hdf5.create_coordinates(f, self.coords)
            for name in self.columns:
                dataset = f["time"] if name == "time" else self._create(f, name)
                keep = {k: v for k, v in self.columns[name].items() if k not in ("dims", "dtype")}
                hdf5.put_attributes(dataset, keep)
                if name != "time":
                    hdf5.attach(f, dataset, ("time", *self._dims(name)))
            f.flush()
            return f.id.get_file_image()

    def _create(self, group, name: str):
        shape = self._shape(name)
        return group.create_dataset(
            name,
            data=self.column(name),
            maxshape=(None, *shape),
            chunks=(min(max(len(self), 1), _MOST_ROWS_PER_CHUNK), *shape),
            fletcher32=True,
        )
