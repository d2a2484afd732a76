"""The answer to a bad case: a line `section.key = value: what is allowed; did you mean "..."?`."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST_VALUE = 70


def printable(text: str) -> str:
    """`text` with everything that could break or hide a line escaped."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def show(value: Any) -> str:
    """A value as TOML writes it, on one line, shortened."""
    text = _toml(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + printable(value[: LONGEST_VALUE + 1]) + '"'
    if isinstance(value, dict):
        inside = ", ".join(f"{show_key(str(k))} = {_toml(v)}" for k, v in value.items())
        return "{" + inside + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value[:LONGEST_VALUE]) + "]"
    if isinstance(value, int) and abs(value) >= 10**LONGEST_VALUE:
        return "(an integer of hundreds of digits)"
    return printable(repr(value) if isinstance(value, (int, float)) else str(value))


def show_key(key: str) -> str:
    """A key as TOML writes it: quoted where it has to be, shortened."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", key) else show(key)


def join(path: str, key: str) -> str:
    """The dotted name of `key` in the section `path` ("" is the top of the file)."""
    return f"{path}.{show_key(key)}" if path else show_key(key)


def nearest(name: str, names: Iterable[str]) -> str:
    """'; did you mean "..."?' with the nearest of `names`, or nothing."""
    near = _nearest(name, names, cutoff=0.5)
    return f'; did you mean "{near}"?' if near else ""


def _nearest(name: str, names: Iterable[str], cutoff: float) -> str:
    lower = {n.lower(): n for n in names}
    found = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=cutoff)
    return lower[found[0]] if found else ""


class Faults(list[str]):
    """Fault lines in the order they were found.

    `elsewhere` has the full names of all keys by their last part: a key that is unknown where it
    stands may have its place in another section.
    """

    def __init__(self, elsewhere: Mapping[str, str] | None = None):
        super().__init__()
        self.elsewhere = elsewhere or {}

    def add(self, key: str, allowed: str, *value: Any) -> None:
        """`key = value: allowed`, or `key: allowed` if the key has no value."""
        self.append(f"{key} = {show(value[0])}: {allowed}" if value else f"{key}: {allowed}")

    def unknown(self, path: str, name: str, value: Any, known: Iterable[str]) -> None:
        """The line of a name that does not exist in the section `path`."""
        near = _nearest(name, known, cutoff=0.75)
        if not near:
            near = self.elsewhere.get(_nearest(name, self.elsewhere, cutoff=0.8), "")
        hint = f'; did you mean "{near}"?' if near else nearest(name, known)
        self.add(join(path, name), f"unknown name, allowed are {', '.join(known)}{hint}", value)
