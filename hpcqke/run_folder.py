"""The run folder: case.toml, STATUS, run.log, and whether a run begins, goes on or is done."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from hpcqke.atomic import write_atomic
from hpcqke.errors import CaseError, StorageError

RESULTS = ("case.toml", "STATUS", "run.log", "series.nc", "fields.nc", "checkpoints", "plots")
# What may differ between a run and its continuation.
FREE = ("time.end", "output.", "checkpoint.", "grid.z.ranks", "grid.momentum.ranks")


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run. Only rank 0 writes through it."""

    path: Path

    @property
    def status(self) -> str:
        """The first word of STATUS (running | finished | resume | failed), "" if there is none."""
        try:
            return self._read("STATUS").split()[0]
        except (OSError, IndexError):
            return ""

    def _read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def set_status(self, word: str, text: str) -> None:
        """One line: the word and what it means here."""
        write_atomic(self.path / "STATUS", f"{word} {text}\n".encode())

    def set_failed(self, text: str) -> None:
        """STATUS says failed and why, if that can be written at all; no second failure.

        On a full disk the file that is there is written over: it has its place already.
        """
        line = " ".join(f"failed {text}".split())[:500] + "\n"
        try:
            write_atomic(self.path / "STATUS", line.encode())
        except StorageError:
            try:
                with open(self.path / "STATUS", "r+b") as stream:
                    stream.write(line.encode())
                    stream.truncate()
            except OSError:
                pass

    def set_case(self, case) -> None:
        write_atomic(self.path / "case.toml", case.to_toml().encode())

    def set_aside(self) -> Path | None:
        """Move an earlier run's files to old.1, old.2, ...: a new run never destroys an old one."""
        present = [name for name in RESULTS if (self.path / name).exists()]
        checkpoints = self.path / "checkpoints"
        if not [name for name in present if name != "checkpoints" or any(checkpoints.iterdir())]:
            return None
        n = 1
        while (self.path / f"old.{n}").exists():
            n += 1
        old = self.path / f"old.{n}"
        old.mkdir()
        for name in present:
            shutil.move(self.path / name, old / name)
        return old

    def must_match(self, case) -> None:
        """`CaseError` naming every key in which this folder's run had other physics.

        A case.toml that is gone or cannot be read says nothing; checkpoints carry the case too.
        """
        try:
            lines = differences(case, self._read("case.toml"), self.path)
        except (OSError, ValueError):
            return
        if lines:
            raise CaseError(lines)


def differences(case, other: str, where) -> list[str]:
    """A line for every key in which ``case`` has other physics than the case text ``other``."""
    import tomllib

    old, new = flatten(tomllib.loads(other)), flatten(tomllib.loads(case.to_toml()))
    return [
        f"{key} = {new.get(key)!r}: the run in {where} has {old.get(key)!r}; "
        "give another --output, or --restart never to set that run aside"
        for key in sorted(old.keys() | new.keys())
        if key != "name" and not key.startswith(FREE) and old.get(key) != new.get(key)
    ]


def flatten(table: dict, prefix: str = "") -> dict:
    """{"a": {"b": 1}} -> {"a.b": 1}."""
    out = {}
    for key, value in table.items():
        if isinstance(value, dict):
            out.update(flatten(value, f"{prefix}{key}."))
        else:
            out[f"{prefix}{key}"] = value
    return out
