"""A good case, and how a malformed one is made from it and described."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GOOD = {
    "grid.z": {"length": "25.0", "cells": "64"},
    "grid.momentum": {"directions": "[1.0, -1.0]"},
    "terms.advection": {"order": "8"},
    "terms.self_interaction": {"mu": "1.0"},
    "initial": {"recipe": '"random"', "zeta_plus": "0.5", "zeta_minus": "-0.5", "nmax": "8",
                "sigma": "1e-4", "seed": "1"},
    "time": {"end": "1.0", "integrator": '"rk5dp"', "tolerance": "1e-8"},
    "output": {"series_every": "0.1"},
}

MODES = {"initial": {"recipe": '"modes"', "zeta_plus": "0.5", "zeta_minus": "-0.5",
                     "modes": "[{direction = 0, n = 1, re = 0.01}]"}}

Sections = dict[str, dict[str, str | None] | None]


@dataclass(frozen=True)
class Malformed:
    """A case that has to be refused.

    `faults` has one entry a line, in any order: "key" or "key ~ nearest valid name".
    `prepare(folder)` makes what the case needs; `case` is given to the program in that folder.
    """

    name: str
    faults: tuple[str, ...]
    text: bytes = b""
    case: str = "bad.toml"
    overrides: tuple[str, ...] = ()
    prepare: Callable[[Path], None] | None = None

    def write(self, folder: Path) -> None:
        """Put everything that this case needs into an empty folder."""
        if self.text:
            (folder / "bad.toml").write_bytes(self.text)
        if self.prepare is not None:
            self.prepare(folder)


def toml(sections: Sections) -> bytes:
    """The text of a case: the good one with these sections and keys instead; None takes out."""
    merged = {name: dict(keys) for name, keys in GOOD.items()}
    for name, keys in sections.items():
        if keys is None:
            merged.pop(name)
        elif name == "initial" and "recipe" in keys:
            merged[name] = dict(keys)
        else:
            merged.setdefault(name, {}).update(keys)
    lines = []
    for name, keys in merged.items():
        lines += [f"[{name}]", *(f"{k} = {v}" for k, v in keys.items() if v is not None), ""]
    return "\n".join(lines).encode()


def changed(name: str, sections: Sections, *faults: str) -> Malformed:
    """The good case with changed sections."""
    return Malformed(name, faults, toml(sections))


def valued(key: str, value: str | None, *faults: str) -> Malformed:
    """The good case with one value; the fault is that of this key unless others are given."""
    section, _, last = key.rpartition(".")
    name = f"{key} = {value}"[:60]
    return changed(name, {section: {last: value}}, *(faults or (key,)))
