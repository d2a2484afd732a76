"""Checkpoints: write, verify, commit. A run killed at any moment finds its newest whole one.

    step_000001234.h5    the state                            (checkpoint_file.py)
    step_000001234.json  its manifest, which makes it exist   (manifest.py)

The file is written under a temporary name, synced, read back and compared with the state in memory
before it gets its name; then the manifest is committed; only then may older checkpoints go.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hpcqke import atomic, checkpoint_file, checksum, manifest
from hpcqke.errors import CaseError, NumericsError, StorageError
from hpcqke.storage import on_each, on_root, storage_error, together

_KEYS = ("grid.z.cells", "grid.momentum.momenta", "grid.momentum.directions")
_KEYS += ("flavors.antineutrinos", "flavors.count")


class Checkpoints:
    """The checkpoints of a run folder. All methods are collective over `ps.comm`.

    `keep` whole ones stay; `say` takes one line of warning (called on rank 0). Makes the directory:
    CaseError on all ranks if it cannot be written to.
    """

    def __init__(
        self, ps, directory: str | Path, keep: int, say: Callable[[str], None] = print
    ) -> None:
        self.ps, self.comm = ps, ps.comm
        self.directory, self.keep, self._say = Path(directory), max(1, keep), say
        self._damaged: set[str] = set()
        on_root(self.comm, self._make_directory)

    def write(self, X: np.ndarray, meta: dict[str, Any]) -> str:
        """Commit the state X and `meta` (JSON; rank 0's counts; has "step"); returns the name.

        Raises NumericsError on all ranks if a value is not finite, StorageError on all ranks if
        the file system fails: what was committed before is then untouched.
        """
        self._refuse_nonfinite(X)
        A = self.ps.to_natural(X)
        state = checksum.state_checksum(self.ps, A)
        written, entry = on_root(self.comm, lambda: self._create(meta, state))
        try:
            checkpoint_file.write_state(written, self.ps, A)
            on_each(self.comm, written, lambda: atomic.sync(written))
            entry["crc32"], on_disk = checkpoint_file.checksums(written, entry, self.comm)
            if on_disk != entry["state_checksum"]:
                file = self.directory / entry["file"]
                fault = StorageError(f"{file}: read back, it is not what was written")
                together(self.comm, fault)
            on_root(self.comm, lambda: self._commit(written, entry, meta))
        except StorageError:
            if self.comm.rank == 0:
                atomic.discard(written)
            raise
        return manifest.name_of(entry["step"])

    def load(self) -> tuple[np.ndarray, dict[str, Any]] | None:
        """State and meta of the last committed whole checkpoint; None if there never was one.

        A damaged one costs a line of warning and the one before is taken. If none is whole:
        StorageError, since starting anew would overwrite what a person may still want to rescue.
        Removes what dead writers left. CaseError if the checkpoint has another grid.
        """
        found = on_root(self.comm, self._tidy_list)
        for path, entry in found:
            try:
                if isinstance(entry, StorageError):
                    raise entry
                return self._read(entry, self.directory), entry["meta"]
            except StorageError as fault:
                self._damaged.add(path.name)
                if self.comm.rank == 0:
                    self._say(f"warning: checkpoint {path.stem} is left out: {fault}")
        if found:
            fault = StorageError(f"{self.directory}: none of its {len(found)} checkpoints is whole")
            together(self.comm, fault)
        return None

    def load_file(self, path: str | Path) -> tuple[np.ndarray, dict[str, Any]]:
        """State and meta of one checkpoint, named by its file, its manifest or their stem.

        Raises CaseError if there is none or its grid is another, StorageError if it is damaged.
        """
        entry = on_root(self.comm, lambda: manifest.find(Path(path)))
        return self._read(entry, Path(path).parent), entry["meta"]

    def clear(self) -> None:
        """Remove all checkpoints: a run that starts anew must not resume an older one's."""
        on_root(self.comm, lambda: self._remove_except(set(), set()))

    def _make_directory(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            probe = atomic.temporary(self.directory / "step_probe")
            probe.touch()
            probe.unlink()
        except OSError as fault:
            text = f"output.directory: {fault.strerror} ({self.directory})"
            raise CaseError([text]) from fault

    def _refuse_nonfinite(self, X: np.ndarray) -> None:
        from hpcqke.kernels.guard import first_nonfinite

        error = None
        if first_nonfinite(X.reshape(len(X), -1)) >= 0:
            error = NumericsError("no checkpoint written: the state is not finite")
        together(self.comm, error)

    def _shape(self) -> tuple[int, ...]:
        return self.ps.nz, self.ps.np, self.ps.nv, self.ps.S, self.ps.C

    def _create(self, meta: dict[str, Any], state: int) -> tuple[Path, dict[str, Any]]:
        """The temporary file, and what its manifest will say. Rank 0."""
        step = int(meta["step"])
        name = manifest.free_file(self.directory, step)
        written = atomic.temporary(self.directory / name)
        size, offset = checkpoint_file.create(
            written, self._shape(), manifest.dump_json(meta), state
        )
        return written, {
            "format": manifest.FORMAT,
            "file": name,
            "step": step,
            "size": size,
            "offset": offset,
            "shape": list(self._shape()),
            "state_checksum": f"{state:016x}",
            "block": checksum.BLOCK,
        }

    def _commit(self, written: Path, entry: dict[str, Any], meta: dict[str, Any]) -> None:
        whole = entry | {"sequence": manifest.next_sequence(self.directory), "meta": meta}
        file = self.directory / entry["file"]
        try:
            atomic.commit(written, file)
        except OSError as fault:
            raise storage_error(file, fault) from fault
        path = self.directory / f"{manifest.name_of(entry['step'])}.json"
        atomic.write_atomic(path, manifest.encode(whole))
        self._damaged.discard(path.name)
        self._prune()

    def _prune(self) -> None:
        """Remove all but the newest `keep` that are not known to be damaged."""
        whole = [
            (path.name, entry["file"])
            for path, entry in manifest.newest_first(self.directory)
            if isinstance(entry, dict) and path.name not in self._damaged
        ]
        manifests = {path for path, _ in whole[: self.keep]}
        files = {file for _, file in whole[: self.keep]}
        try:
            self._remove_except(manifests, files)
        except StorageError as fault:
            self._say(f"warning: old checkpoints stay: {fault}")
        self._damaged.clear()

    def _remove_except(self, manifests: set[str], files: set[str]) -> None:
        try:
            manifest.remove_except(self.directory, manifests, files)
        except OSError as fault:
            raise storage_error(self.directory, fault) from fault

    def _tidy_list(self) -> list[tuple[Path, dict[str, Any] | StorageError]]:
        atomic.remove_stale(self.directory, "step_*")
        return manifest.newest_first(self.directory)

    def _read(self, entry: dict[str, Any], directory: Path) -> np.ndarray:
        """The state of a checkpoint, verified from the disk to the array. Collective."""
        path = directory / entry["file"]
        faults = [
            f"{key}: the checkpoint {path.name} has {theirs} along {name}, this case has {ours}"
            for key, name, theirs, ours in zip(
                _KEYS, checkpoint_file.DIMENSIONS, entry["shape"], self._shape(), strict=True
            )
            if theirs != ours
        ]
        together(self.comm, CaseError(faults) if faults else None)
        checkpoint_file.verify(path, entry, self.comm)
        A = checkpoint_file.read_state(path, self.ps)
        if f"{checksum.state_checksum(self.ps, A):016x}" != entry["state_checksum"]:
            fault = StorageError(f"{path.name}: the state read is not the one written")
            together(self.comm, fault)
        return self.ps.from_natural(A)
