"""Overrides of single keys: `-s section.key=value`, or a dictionary from Python."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from hpcqke.faults import Faults, show
from hpcqke.initial import REGISTRY as RECIPES

REPLACES = {
    "time.step": ("time.tolerance",),
    "time.tolerance": ("time.step",),
    "grid.momentum.directions": ("grid.momentum.rule", "grid.momentum.count"),
    "grid.momentum.rule": ("grid.momentum.directions", "grid.momentum.weights"),
    "initial.polarization": ("initial.zeta_plus", "initial.zeta_minus"),
    "initial.zeta_plus": ("initial.polarization",),
    "initial.zeta_minus": ("initial.polarization",),
}
"""Keys that can't stand beside an overridden one: they are taken out of the case file's table."""


def apply(table: dict[str, Any], overrides: Mapping[str, Any] | Iterable[str],
          faults: Faults) -> None:
    """Put the overrides into the table of a case file; None takes a key or a section out."""
    values = overrides if isinstance(overrides, Mapping) else parse(overrides, faults)
    for key, value in values.items():
        if value is None:
            _remove(table, key)
        else:
            _set(table, key, _plain(value), faults)
    for key in values:
        for other in REPLACES.get(key, ()):
            if other not in values:
                _remove(table, other)
    if "initial.recipe" in values:
        _drop_other_recipes(table, values)


def parse(overrides: Iterable[str], faults: Faults) -> dict[str, Any]:
    """{key: value} of "key=value": a TOML value, or a bare string if it is not one."""
    values = {}
    for text in [overrides] if isinstance(overrides, str) else overrides:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            faults.add("override", 'must be "section.key=value"', text)
        else:
            values[key.strip()] = parse_value(value)
    return values


def parse_value(text: str) -> Any:
    """A TOML value; anything that is not one is taken as a string without quotes."""
    try:
        parsed = tomllib.loads(f"value = {text.strip()}")
    except (ValueError, RecursionError):
        return text
    return parsed["value"] if set(parsed) == {"value"} else text


def _set(table: dict[str, Any], key: str, value: Any, faults: Faults) -> None:
    *sections, last = key.split(".")
    if not all((*sections, last)):
        faults.add("override", 'must be "section.key=value"', key)
        return
    for depth, name in enumerate(sections):
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            section = ".".join(sections[:depth + 1])
            faults.add(f"override {show(key)}", f"must name a key, but {section} is no section")
            return
    table[last] = value


def _drop_other_recipes(table: dict[str, Any], overrides: Mapping[str, Any]) -> None:
    """Keys in the file that belong to other recipes only; a wrong name stays, to be a fault."""
    section = table.get("initial")
    if not isinstance(section, dict) or section.get("recipe") not in list(RECIPES):
        return
    wanted = RECIPES[section["recipe"]].Config.__dataclass_fields__
    known = {name for recipe in RECIPES.values() for name in recipe.Config.__dataclass_fields__}
    for key in known.difference(wanted):
        if f"initial.{key}" not in overrides:
            section.pop(key, None)


def _plain(value: Any) -> Any:
    """What TOML would give: numbers and arrays of numpy as Python's, paths as strings."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.tolist() if hasattr(value, "tolist") else value


def _remove(table: Any, key: str) -> None:
    *sections, last = key.split(".")
    for name in sections:
        table = table.get(name) if isinstance(table, dict) else None
    if isinstance(table, dict):
        table.pop(last, None)
