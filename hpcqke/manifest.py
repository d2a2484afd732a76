"""The manifests of a checkpoint directory: a checkpoint exists if and only if its manifest is whole
and its file is what the manifest says.

JSON that carries the CRC-32 of its own bytes:  {"manifest":{...},"crc32":"0123abcd"}
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from hpcqke.errors import CaseError, StorageError
from hpcqke.storage import storage_error

FORMAT = "hpcqke checkpoint 1"
_HEAD, _MIDDLE, _TAIL = b'{"manifest":', b',\n"crc32":"', b'"}\n'

Manifest = dict[str, Any]


def dump_json(thing: Any) -> str:
    """Compact JSON; floats come back bit by bit (repr), NumPy scalars and arrays become plain."""
    return json.dumps(thing, default=_plain, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be stored in a checkpoint")


def encode(manifest: Manifest) -> bytes:
    """The bytes of a manifest file."""
    body = _HEAD + dump_json(manifest).encode()
    return body + _MIDDLE + f"{zlib.crc32(body):08x}".encode() + _TAIL


def decode(data: bytes) -> Manifest:
    """The manifest in a file's bytes. ValueError unless each byte is as `encode` wrote it."""
    body = data[: -(len(_MIDDLE) + 8 + len(_TAIL))]
    if not body or data != body + _MIDDLE + f"{zlib.crc32(body):08x}".encode() + _TAIL:
        raise ValueError("the manifest is damaged")
    manifest = json.loads(body[len(_HEAD) :])
    if manifest["format"] != FORMAT:
        raise ValueError(f"format {manifest['format']!r} is not {FORMAT!r}")
    return manifest


def read(path: Path) -> Manifest:
    """The manifest at `path`. Raises StorageError (one line) if it is not whole."""
    try:
        return decode(path.read_bytes())
    except (OSError, ValueError) as fault:
        raise storage_error(path.name, fault) from fault


def find(path: Path) -> Manifest:
    """The manifest of a checkpoint named by its file, its manifest or the stem of both.

    Raises CaseError if there is none, StorageError if it is damaged.
    """
    target = path.parent / (path.name.split(".")[0] + ".json")
    if not target.exists():
        raise CaseError([f"restart = {str(path)!r}: no such checkpoint (looked for {target})"])
    return read(target)


def name_of(step: int) -> str:
    return f"step_{step:09d}"


def newest_first(directory: Path) -> list[tuple[Path, Manifest | StorageError]]:
    """All manifests of a directory, the last committed first; damaged ones lead the list.

    By commitment, not by step: a run may have gone back to an older checkpoint.
    """
    whole, damaged = [], []
    for path in sorted(directory.glob("step_*.json"), reverse=True):
        try:
            whole.append((path, read(path)))
        except StorageError as fault:
            damaged.append((path, fault))
    return damaged + sorted(whole, key=lambda item: item[1]["sequence"], reverse=True)


def next_sequence(directory: Path) -> int:
    """One more than any manifest there has."""
    known = [m["sequence"] for _, m in newest_first(directory) if isinstance(m, dict)]
    return 1 + max(known, default=0)


def free_file(directory: Path, step: int) -> str:
    """A file name that no manifest speaks of: if this step was committed before, that file stays
    as it is until the manifest has moved on to the new one."""
    stem = name_of(step)
    try:
        taken = read(directory / f"{stem}.json")["file"]
    except StorageError:
        taken = None
    return f"{stem}.again.h5" if taken == f"{stem}.h5" else f"{stem}.h5"


def remove_except(directory: Path, manifests: set[str], files: set[str]) -> None:
    """Remove all checkpoints but these. Raises OSError.

    Manifests first: a file without one is nothing, a manifest without its file is damage.
    """
    for pattern, kept in (("step_*.json", manifests), ("step_*.h5", files)):
        for path in directory.glob(pattern):
            if path.name not in kept:
                path.unlink(missing_ok=True)
