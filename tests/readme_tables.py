"""The tables of README.md that the program itself knows: case file, command line, series.nc, speed.

    python tests/readme_tables.py            is README.md up to date?
    python tests/readme_tables.py --write    bring it up to date

A table stands between <!-- table NAME --> and <!-- end -->; tests/unit/test_readme.py compares.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from hpcqke import initial, terms
from hpcqke.case_sections import Sections
from hpcqke.cli import parser
from hpcqke.faults import show
from hpcqke.initial.base import Background
from hpcqke.outputs import Outputs
from hpcqke.schema import Section, Tables

README = Path(__file__).resolve().parent.parent / "README.md"
TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def keys(cls: type, path: str, leave_out: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """A row for each key of a config: name, allowed values, default, meaning."""
    for f in dataclasses.fields(cls):
        kind = f.metadata["kind"]
        if f.name in leave_out:
            continue
        name = f"{path}.{f.name}" if path else f.name
        if isinstance(kind, Section):
            if hasattr(kind, "cls"):
                yield from keys(kind.cls, name)
            continue
        default = "required" if f.default is dataclasses.MISSING else plain(f.default)
        allowed = kind.allowed.replace(f" to {2**31 - 1}", " up")
        yield [f"`{name}`", allowed, default, f.metadata["doc"]]
        if isinstance(kind, Tables):
            yield from keys(kind.cls, f"{name}[]")


def plain(default: object) -> str:
    """A default as the case file would have it; a dash where the key may be left out."""
    if default is None:
        return "–"
    return f"`{show(list(default) if isinstance(default, tuple) else default)}`"


def case() -> Iterator[list[str]]:
    """Every key of a case file but those of the initial data."""
    yield ["key", "allowed", "default", "meaning"]
    for f in dataclasses.fields(Sections):
        if f.name == "terms":
            for name, term in terms.REGISTRY.items():
                yield [f"`[terms.{name}]`", "", "off", term.doc()]
                yield from keys(term.Config, f"terms.{name}")
        elif f.name == "initial":
            recipes = " or ".join(f'"{name}"' for name in initial.REGISTRY)
            yield ["`initial.recipe`", recipes, "required", "initial data, see below"]
        else:
            kind = f.metadata["kind"]
            one = dataclasses.make_dataclass("One", [(f.name, object, one_field(f))])
            if isinstance(kind, Section):
                yield from keys(kind.cls, f.name)
            else:
                yield from keys(one, "")


def one_field(f: dataclasses.Field) -> dataclasses.Field:
    return dataclasses.field(default=f.default, metadata=f.metadata)


def recipes() -> Iterator[list[str]]:
    """The keys of [initial]: those of a uniform background first, then each recipe's own."""
    yield ["recipe", "key", "allowed", "default", "meaning"]
    perturbing = [n for n, r in initial.REGISTRY.items() if issubclass(r.Config, Background)]
    for row in keys(Background, "initial", ("recipe",)):
        yield [", ".join(perturbing), *row]
    common = tuple(f.name for f in dataclasses.fields(Background))
    for name, recipe in initial.REGISTRY.items():
        yield [f"**{name}**", "", "", "", recipe.doc()]
        for row in keys(recipe.Config, "initial", common if name in perturbing else ("recipe",)):
            yield [name, *row]


def commands() -> Iterator[list[str]]:
    """Every command and option of the program."""
    yield ["command or option", "does"]
    yield ["`hpcqke --version`", "print the version and end"]
    for action in parser()._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        helps = {choice.dest: choice.help for choice in action._choices_actions}
        for name, sub in action.choices.items():
            options = [a for a in sub._actions if a.option_strings and a.dest != "help"]
            values = [a.metavar for a in sub._actions if not a.option_strings]
            petsc = "[-- PETSc options]" if name in ("run", "scan") else ""
            yield [f"**`{' '.join(filter(None, ['hpcqke', name, *values, petsc]))}`**", helps[name]]
            for a in options:
                yield [f"&nbsp;&nbsp;`{a.option_strings[0]} {a.metavar or 'N'}`", a.help]


def series() -> Iterator[list[str]]:
    """The columns of series.nc."""
    yield ["variable", "dimensions after time", "unit", "meaning"]
    for name, column in (Outputs._columns() | Outputs._end_columns()).items():
        dims = ", ".join(column["dims"])
        yield [f"`{name}`", dims, column["units"], column["long_name"]]


def results(name: str) -> dict:
    """What tests/bench/refresh.sh has measured."""
    path = README.parent / "tests" / "bench" / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def speed() -> Iterator[list[str]]:
    """The benchmark's table."""
    yield ["measured", "", "", "in", "of bandwidth", "of peak"]
    for row in results("all")["rows"]:
        shares = [f"{100 * row[k]:.0f} %" if k in row else "" for k in ("of_bandwidth", "of_peak")]
        yield [row["name"], f"{row['value']:.3g}", row["unit"], row.get("memory", ""), *shares]


def strong() -> Iterator[list[str]]:
    """One grid on more and more ranks."""
    yield ["split along", "ranks", "µs a step", "efficiency"]
    for row in results("scaling")["strong"]:
        time = f"{1e6 * row['seconds']:.0f}"
        yield [row["split"], str(row["ranks"]), time, f"{100 * row['efficiency']:.0f} %"]


def scaling() -> Iterator[list[str]]:
    """Efficiencies on many ranks, extrapolated."""
    rows = results("scaling")["extrapolation"]
    examples = list(dict.fromkeys(row["example"] for row in rows))
    yield ["ranks", *(f"{name}{how}" for name in examples for how in ("", ": a network"))]
    for ranks in dict.fromkeys(row["ranks"] for row in rows):
        here = [row for row in rows if row["ranks"] == ranks]
        cells = [f"{100 * row['efficiency']:.0f} ({100 * row['hidden']:.0f}) %" for row in here]
        yield [str(ranks), *cells]


TABLES = {
    "case": case, "recipes": recipes, "commands": commands, "series": series,
    "speed": speed, "strong": strong, "scaling": scaling,
}  # fmt: skip


def markdown(name: str) -> str:
    """A table as Markdown."""
    rows = [[cell.replace("|", "\\|") for cell in row] for row in TABLES[name]()]
    rows.insert(1, ["---"] * len(rows[0]))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def updated(text: str) -> str:
    """The README with all its tables as the program knows them now."""
    return TABLE.sub(lambda found: found[1] + markdown(found[2]) + found[3], text)


def main() -> int:
    text = README.read_text(encoding="utf-8")
    if "--write" in sys.argv[1:]:
        README.write_text(updated(text), encoding="utf-8")
    elif updated(text) != text:
        print("README.md is out of date: python tests/readme_tables.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
