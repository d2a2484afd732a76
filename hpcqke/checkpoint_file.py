"""The file of a checkpoint: rho(z, momentum, direction, species, component) in natural order.

float64, contiguous, the same bytes on any number of ranks. `meta` is stored beside it as JSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hpcqke import checksum, hdf5
from hpcqke.atomic import discard, reserve
from hpcqke.errors import StorageError
from hpcqke.manifest import FORMAT
from hpcqke.storage import FILE_FAULTS, on_each, storage_error, together

DIMENSIONS = ("z", "momentum", "direction", "species", "component")
_ROOM = 64 * 2**10  # HDF5's own bytes: a few KiB


def create(path: Path, shape: tuple[int, ...], meta: str, state: int) -> tuple[int, int]:
    """The file with all but the state in it, its space on the disk claimed. Rank 0 only.

    Returns its size and the offset of the state's bytes. Raises StorageError and leaves nothing.
    """
    try:
        reserve(path, 8 * int(np.prod(shape)) + len(meta.encode()) + _ROOM)
        with hdf5.open_file(path, "w") as f:
            rho = hdf5.create_in_place(f, "rho", shape)
            rho.attrs["dimensions"] = " ".join(DIMENSIONS)
            f["meta"] = meta  # no attribute: those end at 64 KiB, a chain of restarts need not
            f.attrs["format"] = FORMAT
            f.attrs["state_checksum"] = f"{state:016x}"
            offset = rho.id.get_offset()
        size = path.stat().st_size
        reserve(path, size)
    except FILE_FAULTS as fault:
        discard(path)
        raise storage_error(path, fault) from fault
    return size, offset


def write_state(path: Path, ps, A: np.ndarray) -> None:
    """Each rank's part into its place. Collective; raises StorageError on all ranks."""

    def write() -> None:
        with hdf5.open_file(path, "r+", ps.comm) as f:
            hdf5.write_part(f["rho"], ps.own, A, ps.comm)

    on_each(ps.comm, path, write)


def read_state(path: Path, ps) -> np.ndarray:
    """Each rank's part. Collective; raises StorageError on all ranks."""

    def read() -> np.ndarray:
        with hdf5.open_file(path, "r", ps.comm) as f:
            return hdf5.read_part(f["rho"], ps.own, ps.comm)

    return on_each(ps.comm, path, read)


def checksums(path: Path, entry: dict[str, Any], comm) -> tuple[list[str], str]:
    """CRC-32 of each block of the file, and the state's checksum, from its bytes. Collective.

    `entry`: size, offset, shape, block as in the manifest. Raises StorageError on all ranks.
    """
    nbytes = 8 * int(np.prod(entry["shape"]))
    edges = checksum.block_edges(entry["size"], entry["offset"], nbytes, entry["block"])
    share = checksum.share_of(comm.rank, comm.size, len(edges) - 1)

    def measure() -> tuple[list[int], int]:
        actual = path.stat().st_size
        if actual != entry["size"]:
            raise StorageError(f"{path.name}: has {actual} bytes, not {entry['size']}")
        return checksum.file_checksums(path, edges, entry["offset"], nbytes, share)

    crcs, part = on_each(comm, path.name, measure)
    state = checksum.sum_over_ranks(comm, part)
    return [f"{crc:08x}" for some in comm.allgather(crcs) for crc in some], f"{state:016x}"


def verify(path: Path, entry: dict[str, Any], comm) -> None:
    """Compare every byte of the file with its manifest. Collective; StorageError on all ranks."""
    crcs, state = checksums(path, entry, comm)
    wrong = sum(a != b for a, b in zip(crcs, entry["crc32"], strict=True))
    error = None
    if wrong:
        error = StorageError(f"{path.name}: {wrong} of {len(crcs)} blocks are damaged")
    elif state != entry["state_checksum"]:
        error = StorageError(f"{path.name}: the state's checksum does not agree")
    together(comm, error)
