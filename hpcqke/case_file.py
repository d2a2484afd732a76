"""Case files: finding one by name or path, reading its TOML, writing a complete one."""

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpcqke.errors import CaseError
from hpcqke.faults import Faults, nearest, printable

SHIPPED = Path(__file__).parent / "cases"
LARGEST = 10_000_000
"""Bytes; what is larger is no case file."""


def shipped_cases() -> dict[str, tuple[Path, str]]:
    """{name: (path, first comment line)} of the cases that come with hpcqke."""
    return {path.stem: (path, _first_comment(path)) for path in sorted(SHIPPED.glob("*.toml"))}


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The case file of a shipped name or of a path; CaseError if there is none."""
    given = os.fspath(name_or_path)
    if given in shipped_cases():
        return shipped_cases()[given][0]
    path = Path(given)
    if not given.strip() or not given.isprintable():
        _refuse(given, "must be a TOML file or the name of a shipped case")
    try:
        if path.is_dir():
            inside = path / "case.toml"
            hint = f'; did you mean "{inside}"?' if inside.is_file() else ""
            _refuse(given, f"is a folder, not a case file{hint}")
        if not os.path.lexists(path):
            _refuse(given, f"no such file and no shipped case of that name{_near(path)}")
        if not path.is_file():
            _refuse(given, "is not a regular file")
    except OSError as error:
        _refuse(given, f"can't be looked at: {error.strerror}")
    return path


def read_table(path: Path) -> dict[str, Any]:
    """The TOML table of a file; CaseError with one line if it can't be had."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        _refuse(path, f"can't be read: {error.strerror}")
    if len(data) > LARGEST:
        _refuse(path, f"is larger than {LARGEST} bytes: not a case file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[:error.start].count(b"\n") + 1
        _refuse(path, f"is not UTF-8 text (at line {line})")
    try:
        return tomllib.loads(text)
    except RecursionError:
        _refuse(path, "is nested too deeply")
    except ValueError as error:
        _refuse(path, f"is not valid TOML: {printable(str(error))}")


def to_toml(config: Any) -> str:
    """The complete text of a config made of nested dataclasses; unset keys as comments."""
    import tomli_w  # needed only here; reading a case has to be quick

    lines = [f"# {name} is not set" for name in _unset(config)]
    for line in tomli_w.dumps(_plain(config)).splitlines():
        lines.append(line)
        if line.startswith("[") and not line.startswith("[["):
            section = _follow(config, line.strip("[]").split("."))
            lines += [f"# {name} is not set" for name in _unset(section)]
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        items = [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
        return {name: _plain(item) for name, item in items if item is not None}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _follow(config: Any, path: list[str]) -> Any:
    for name in path:
        config = config[name] if isinstance(config, Mapping) else getattr(config, name)
    return config


def _unset(section: Any) -> list[str]:
    if not dataclasses.is_dataclass(section):
        return []
    return [f.name for f in dataclasses.fields(section) if getattr(section, f.name) is None]


def _near(path: Path) -> str:
    """The nearest of the shipped names and of the TOML files in the same folder."""
    names = list(shipped_cases())
    folder = path.parent
    if folder.is_dir() and os.access(folder, os.R_OK):
        names += [str(folder / p.name) for p in folder.glob("*.toml")]
    return nearest(str(path), names) or nearest(path.stem, shipped_cases())


def _first_comment(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        return file.readline().lstrip("#").strip()


def _refuse(case: str | os.PathLike[str], text: str) -> Any:
    faults = Faults()
    faults.add("case", text, os.fspath(case))
    raise CaseError(faults)


