"""A case: the frozen, validated description of a run.  The one way in for bad input.

case file (TOML) -> overrides -> sections -> checks between sections -> checks of this machine.
Nothing stops at the first fault: `CaseError` has a line for every one.
"""

import copy
import dataclasses
import os
from collections.abc import Iterable, Mapping
from typing import Any

from hpcqke import (
    case_checks,
    case_file,
    case_machine,
    case_overrides,
    frequencies,
    initial,
    terms,
)
from hpcqke.case_file import shipped_cases as shipped_cases
from hpcqke.case_sections import Sections
from hpcqke.errors import CaseError
from hpcqke.faults import Faults
from hpcqke.schema import Section, read
from hpcqke.terms import profile_file

DEFAULT_TOLERANCE = 1e-8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case(Sections):
    """A whole case, nothing left open; case.grid.z.cells, case.terms["advection"].order, ..."""

    def to_toml(self) -> str:
        """The complete case file, defaults included; `load_case` reads an equal case from it."""
        return case_file.to_toml(self)

    def state_bytes(self) -> int:
        """Bytes of one state vector, over all ranks, without padding."""
        return case_machine.state_bytes(self)


def load_case(name_or_path: str | os.PathLike[str],
              overrides: Mapping[str, Any] | Iterable[str] = (), *, here: bool = True) -> Case:
    """The case of a TOML file or of a shipped name, with overrides applied.

    `overrides`: {"grid.z.cells": 4000} or ["grid.z.cells=4000"]; None takes a key or a section out,
    and an override of time.step takes out the file's time.tolerance, and so on. `here`: look also
    at what depends on this machine (memory, files); someone who only reads a finished run doesn't.
    Raises CaseError with one line for every fault.
    """
    path = case_file.find(name_or_path)
    table = case_file.read_table(path)
    table.setdefault("name", path.stem)
    return make_case(table, overrides, here=here)


def make_case(table: dict[str, Any], overrides: Mapping[str, Any] | Iterable[str] = (), *,
              here: bool = True) -> Case:
    """The case of a table as `tomllib` reads it; `load_case` without the file."""
    faults = Faults(elsewhere=_key_names())
    table = copy.deepcopy(table)
    case_overrides.apply(table, overrides, faults)
    profile_file.substitute(table, faults)
    case = read(Case, table, "", faults)
    case_checks.check(case, faults)
    if here:
        case_machine.check(case, faults)
    if faults:
        raise CaseError(faults)
    return _complete(case)


def _complete(case: Case) -> Case:
    """Write out the defaults that follow from other keys."""
    momentum, time, output = frequencies.complete(case), case.time, case.output
    if momentum.directions is not None and momentum.weights is None:
        momentum = dataclasses.replace(momentum, weights=(1.0,) * len(momentum.directions))
    if momentum.momenta_weights is None:
        momentum = dataclasses.replace(momentum, momenta_weights=(1.0,) * len(momentum.momenta))
    if time.step is None and time.tolerance is None:
        time = dataclasses.replace(time, tolerance=DEFAULT_TOLERANCE)
    if time.relaxation is None:
        keeps = "gradient" in case.terms and time.integrator.startswith("rk")
        keeps = keeps and not case_checks.depends_on_time(case)
        keeps = keeps and "collisions" not in case.terms
        time = dataclasses.replace(time, relaxation=keeps)
    if output.directory is None:
        output = dataclasses.replace(output, directory=f"runs/{case.name}")
    grid = dataclasses.replace(case.grid, momentum=momentum)
    return dataclasses.replace(case, grid=grid, time=time, output=output)


def _key_names() -> dict[str, str]:
    """{last part: full name} of every key of every section, term and recipe."""
    names: dict[str, str] = {}

    def walk(cls: type, path: str) -> None:
        for f in dataclasses.fields(cls):
            full = f"{path}.{f.name}" if path else f.name
            names.setdefault(f.name, full)
            kind = f.metadata["kind"]
            if isinstance(kind, Section) and hasattr(kind, "cls"):
                walk(kind.cls, full)

    walk(Sections, "")
    for name, term in terms.REGISTRY.items():
        names.setdefault(name, f"terms.{name}")
        walk(term.Config, f"terms.{name}")
    for recipe in initial.REGISTRY.values():
        walk(recipe.Config, "initial")
    return names
