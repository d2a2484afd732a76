"""Checksums: of the state in memory, whatever its distribution, and of a file's bytes, in blocks.

    state = sum_i mix(bits(x_i), i)  mod 2^64,     i = natural index (z, momentum, direction, ...)

For each i the mix is a bijection of the 64 bits, so any single changed value changes the sum;
the sum does not care who adds which part, nor in what order.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np

BLOCK = 4 * 2**20
_PIECE = 2**16  # values mixed at a time: they and their indices stay in cache
_MASK = 2**64 - 1


def mixed_sum(bits: np.ndarray, index: np.ndarray) -> int:
    """Sum of mix(bits, index) modulo 2^64 (uint64 arrays of one shape; `index` is overwritten).

    The mix is splitmix64's finalizer of bits XOR a multiple of the index.
    """
    v = index
    v += np.uint64(1)
    v *= np.uint64(0x9E3779B97F4A7C15)
    v ^= bits
    t = v >> np.uint64(30)
    v ^= t
    v *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(v, np.uint64(27), out=t)
    v ^= t
    v *= np.uint64(0x94D049BB133111EB)
    np.right_shift(v, np.uint64(31), out=t)
    v ^= t
    return int(v.sum(dtype=np.uint64))


def state_checksum(ps, A: np.ndarray) -> int:
    """The checksum of the whole state; `A` is this rank's natural-order part. Collective."""
    (z0, _), (i0, i1), (d0, d1) = ps.z_range, ps.momentum_range, ps.direction_range
    inner = ps.S * ps.C
    modes = np.arange(i0, i1)[:, None] * ps.nv + np.arange(d0, d1)
    column = (modes[:, :, None] * inner + np.arange(inner)).ravel().astype(np.uint64)
    bits = np.ascontiguousarray(A).reshape(len(A), -1).view(np.uint64)
    height = max(1, _PIECE // max(1, column.size))
    total = 0
    for row in range(0, len(bits), height):
        piece = bits[row : row + height]
        first = np.arange(z0 + row, z0 + row + len(piece), dtype=np.uint64)
        first *= np.uint64(ps.np * ps.nv * inner)
        total += mixed_sum(piece, first[:, None] + column)
    return sum_over_ranks(ps.comm, total)


def sum_over_ranks(comm, part: int) -> int:
    """Sum of the ranks' 64-bit parts, modulo 2^64. Collective."""
    whole = np.array([part & _MASK], dtype=np.uint64)
    if comm.size > 1:
        from mpi4py import MPI

        comm.Allreduce(MPI.IN_PLACE, whole, MPI.SUM)
    return int(whole[0])


def block_edges(size: int, offset: int, nbytes: int, block: int = BLOCK) -> list[int]:
    """Edges of a file's blocks: the data region (offset, nbytes) starts a block and ends one."""
    edges = {0, size, offset + nbytes, *range(offset, offset + nbytes, block)}
    return sorted(edges)


def file_checksums(
    path: str | Path, edges: list[int], offset: int, nbytes: int, share: range
) -> tuple[list[int], int]:
    """CRC-32 of the blocks in `share` and their part of the state checksum, from the file's bytes.

    The data region holds little-endian float64 in natural order. Raises OSError, or ValueError if
    the file ends early.
    """
    crcs, total = [], 0
    handle = os.open(path, os.O_RDONLY)
    try:
        for k in share:
            start, stop = edges[k], edges[k + 1]
            data = _read(handle, start, stop - start)
            crcs.append(zlib.crc32(data))
            if offset <= start < offset + nbytes:
                values = np.frombuffer(data, dtype="<u8")
                first = (start - offset) // 8
                for i in range(0, values.size, _PIECE):
                    part = values[i : i + _PIECE]
                    index = np.arange(first + i, first + i + part.size, dtype=np.uint64)
                    total += mixed_sum(part, index)
    finally:
        os.close(handle)
    return crcs, total & _MASK


def _read(handle: int, start: int, length: int) -> bytes:
    parts = []
    while length > 0:
        part = os.pread(handle, length, start)
        if not part:
            raise ValueError("the file ends early")
        parts.append(part)
        start, length = start + len(part), length - len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def region_checksum(
    path: str | Path, offset: int, nbytes: int, rank: int = 0, size: int = 1
) -> int:
    """A rank's part of the state checksum of the bytes (offset, nbytes) of a file.

    Raises OSError, or ValueError if the file ends early.
    """
    edges = [*range(offset, offset + nbytes, BLOCK), offset + nbytes]
    share = share_of(rank, size, len(edges) - 1)
    return file_checksums(path, edges, offset, nbytes, share)[1]


def share_of(rank: int, size: int, blocks: int) -> range:
    """The blocks that a rank reads: contiguous, in rank order."""
    return range(rank * blocks // size, (rank + 1) * blocks // size)
