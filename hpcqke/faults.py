"""The lines a bad case is answered with: `section.key = value: what is allowed; did you mean "..."?`."""

import difflib
import re
from collections.abc import Iterable
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
    choices = list(names)
    found = difflib.get_close_matches(name.lower(), [c.lower() for c in choices], n=1, cutoff=0.5)
    if not found:
        return ""
    return next(f'; did you mean "{c}"?' for c in choices if c.lower() == found[0])


class Faults(list):
    """Fault lines in the order they were found."""

    def add(self, key: str, allowed: str, *value: Any) -> None:
        """`key = value: allowed`, or `key: allowed` if the key has no value."""
        self.append(f"{key} = {show(value[0])}: {allowed}" if value else f"{key}: {allowed}")
