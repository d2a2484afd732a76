"""Fields: rho at the chosen times (fields.nc), readable at every moment, also after a kill.

A frame is written in place, synced, read back and compared; then its time appears. There is no
moment at which a kill could make the file unreadable or show half a frame. When the run ends, or
the frames run out, they are copied to a file of the right length that then takes the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpcqke import atomic, checksum, fields_file, hdf5
from hpcqke.errors import StorageError
from hpcqke.fields_file import Layout, Marks
from hpcqke.storage import on_each, on_root, storage_error, together

NEVER_CLOSED: list = []
"""Files whose write has failed: with Open MPI 5, to close them is to hang."""


class Fields:
    """The file of frames. All methods are collective over `ps.comm`; errors come on all ranks.

    coords: name -> (values, attributes), with attributes["dims"] for one that lies over others,
    such as weight(momentum, direction). Needed: z, momentum, direction, species, component; "time"
    and "rho" may give the attributes of these two as (None, attributes). attrs: of the file.
    capacity: frames to make room for, doubled when they are used up, but up to `most` only if more
    are not expected. resume: go on in an existing file after that many frames.
    """

    def __init__(
        self,
        ps,
        path: str | Path,
        coords: Mapping[str, tuple[Any, Mapping[str, Any]]],
        attrs: Mapping[str, Any] | None = None,
        capacity: int = 1,
        resume: int | None = None,
        most: int = 0,
    ) -> None:
        self.ps, self.comm, self.path = ps, ps.comm, Path(path)
        self._coords, self._attrs = dict(coords), dict(attrs or {})
        self.count, self._most = 0, most
        on_root(self.comm, self._remove_stale)
        if resume is None:
            self._layout = self._replace(max(1, capacity))
        else:
            self._layout = on_root(self.comm, lambda: fields_file.find(self.path))
            self._check_grid()
            self.truncate(resume)

    def __len__(self) -> int:
        return self.count

    @property
    def capacity(self) -> int:
        """Frames the file has room for."""
        return self._layout.capacity

    def append(self, t: float, X: np.ndarray) -> None:
        """Write the state X as a frame, then its time t."""
        if self.count == self.capacity:
            doubled = max(1, 2 * self.capacity)
            self._layout = self._replace(
                min(doubled, self._most) if self._most > self.count else doubled
            )
        A = self.ps.to_natural(X)
        i, state = self.count, checksum.state_checksum(self.ps, A)

        f = on_each(self.comm, self.path, lambda: hdf5.open_file(self.path, "r+", self.comm))
        where = (i, *self.ps.own)
        try:
            on_each(self.comm, self.path, lambda: hdf5.write_part(f["rho"], where, A, self.comm))
            on_each(self.comm, self.path, f.flush)
        except StorageError:
            NEVER_CLOSED.append(f)
            raise
        on_each(self.comm, self.path, f.close)
        on_each(self.comm, self.path, lambda: atomic.sync(self.path))
        if self._checksum_on_disk(self.path, self._layout, i) != state:
            fault = StorageError(f"{self.path}: frame {i}, read back, is not what was written")
            together(self.comm, fault)
        on_root(self.comm, lambda: fields_file.write_mark(self.path, self._layout, i, t, state))
        self.count += 1

    def truncate(self, n: int) -> None:
        """Keep the first n frames. StorageError if there are fewer."""
        there = len(on_root(self.comm, self._marks).times)
        if n > there:
            fault = StorageError(f"{self.path}: has {there} frames, the checkpoint needs {n}")
            together(self.comm, fault)
        if n < there:
            on_root(
                self.comm,
                lambda: fields_file.erase_marks(self.path, self._layout, n, there - n),
            )
        self.count = n

    def finish(self) -> None:
        """Give the file exactly the frames it has."""
        if self.count != self.capacity:
            self._layout = self._replace(self.count)

    def _marks(self) -> Marks:
        return fields_file.read_marks(self.path, self._layout)

    def _checksum_on_disk(self, path: Path, layout: Layout, i: int) -> int:
        """The checksum of frame i from the file's bytes, shared among the ranks. Collective."""
        place = (layout.frame(i), layout.frame_bytes, self.comm.rank, self.comm.size)
        part = on_each(self.comm, path, lambda: checksum.region_checksum(path, *place))
        return checksum.sum_over_ranks(self.comm, part)

    def _remove_stale(self) -> None:
        try:
            atomic.remove_stale(self.path.parent, self.path.name)
            for kind in ("data", "metadata"):  # Open MPI's, beside a file that was open at a kill
                for left in self.path.parent.glob(f"{self.path.name}.{kind}.*"):
                    left.unlink(missing_ok=True)
        except OSError as fault:
            raise storage_error(self.path, fault) from fault

    def _check_grid(self) -> None:
        if self._layout.shape != self._shape():
            text = f"{self.path}: frames of shape {self._layout.shape}, this run's {self._shape()}"
            together(self.comm, StorageError(text))

    def _shape(self) -> tuple[int, ...]:
        return self.ps.nz, self.ps.np, self.ps.nv, self.ps.S, self.ps.C

    def _replace(self, capacity: int) -> Layout:
        """A file with room for `capacity` frames that has all frames so far takes the name."""
        written, layout, marks = on_root(self.comm, lambda: self._create(capacity))
        try:
            if self.count:
                on_each(self.comm, written, lambda: self._copy_frames(written))
                on_each(self.comm, written, lambda: atomic.sync(written))
            for i in range(self.count):
                if self._checksum_on_disk(written, layout, i) != int(marks.checksums[i]):
                    fault = StorageError(f"{self.path}: frame {i} is damaged, or its copy is")
                    together(self.comm, fault)
            on_root(self.comm, lambda: self._name(written))
        except StorageError:
            if self.comm.rank == 0:
                atomic.discard(written)
            raise
        return layout

    def _create(self, capacity: int) -> tuple[Path, Layout, Marks]:
        written = atomic.temporary(self.path)
        marks = self._marks() if self.count else Marks(np.empty(0), np.empty(0, "<u8"))
        layout = fields_file.create(
            written, self._shape(), capacity, marks, self._coords, self._attrs
        )
        return written, layout, marks

    def _copy_frames(self, target: Path) -> None:
        with hdf5.open_file(self.path, "r", self.comm) as old:
            with hdf5.open_file(target, "r+", self.comm) as new:
                for i in range(self.count):
                    where = (i, *self.ps.own)
                    frame = hdf5.read_part(old["rho"], where, self.comm)
                    hdf5.write_part(new["rho"], where, frame, self.comm)

    def _name(self, written: Path) -> None:
        try:
            atomic.commit(written, self.path)
        except OSError as fault:
            raise storage_error(self.path, fault) from fault
