"""`hpcqke compare A B`: the table, and the picture of the differences against time."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from hpcqke.analysis.compare import Comparison, Difference, common, compare_runs, is_beside
from hpcqke.analysis.open_run import Run, open_run
from hpcqke.analysis.style import line, picture, units_of
from hpcqke.errors import CaseError
from hpcqke.storage import storage_error

#: Letters of a value of a case file that are shown.
_WIDTH = 34
#: Where differences of exactly zero are drawn.
FLOOR = 1e-17


def command(a: str, b: str, png: str | None = None) -> int:
    """Print the comparison of two run folders; returns 0. `CaseError`: one is no run."""
    with open_run(a) as first, open_run(b) as second:
        found = compare_runs(first, second)
        print(report(found, first, second))
        if png:
            draw(found, first, second, Path(png))
            print(png)
    return 0


def report(found: Comparison, a: Run, b: Run) -> str:
    """The table that the command prints."""
    lines = [f"{letter}  {run.path}  ({run.status})" for letter, run in (("A", a), ("B", b))]
    lines += ["", *_case(found), ""]
    if found.same_bits:
        rows = f"{found.rows[0]} rows, {found.frames[0]} frames"
        return "\n".join([*lines, f"same bits: every number of both runs ({rows})"])
    lines += [*_series(found), "", *_fields(found)]
    if found.notes:
        lines += ["", *(f"note: {note}" for note in found.notes)]
    return "\n".join(lines)


def _case(found: Comparison) -> list[str]:
    if not found.case:
        return ["case: the same"]
    solved = sum(not is_beside(key) for key, *_ in found.case)
    head = f"case: keys of what is solved: {solved}, others: {len(found.case) - solved}"
    lines = [f"{head:45s} {'A':{_WIDTH}s} B"]
    for key, *values in found.case:
        first, second = ("-" if v is None else _short(str(v)) for v in values)
        lines.append(f"  {key:43s} {first:{_WIDTH}s} {second}")
    return lines


def _short(text: str) -> str:
    return text if len(text) < _WIDTH else f"{text[: _WIDTH - 4]}..."


def _series(found: Comparison) -> list[str]:
    first, second, both = found.rows
    head = f"series.nc: rows {first} and {second}, {both} of the same time"
    if not found.series:
        return [head]
    lines = [f"{head:55s} {'max |B - A|':>12s} {'/ max |A|':>10s} {'at t':>10s}"]
    same = [one.name for one in found.series if one.same_bits]
    lines += [_row(one) for one in found.series if not one.same_bits]
    if same:
        text = f"same bits: {', '.join(same)}"
        lines += textwrap.wrap(text, 98, initial_indent="  ", subsequent_indent="    ")
    return lines


def _row(one: Difference) -> str:
    return f"  {one.name:53s} {one.absolute:12.3e} {one.relative:10.2e} {one.time:10.6g}"


def _fields(found: Comparison) -> list[str]:
    first, second, both = found.frames
    if not found.fields:
        return [f"fields.nc: frames {first} and {second}: not compared"]
    head = f"fields.nc: frames {first} and {second}, {both} of the same time"
    lines = [head, f"  compared: {found.how}"]
    columns = [("max |B - A|", 12), ("at t", 10), ("relative L2", 12), ("at t", 10)]
    columns.append(("at the end", 12))
    lines.append("  rho       " + " ".join(f"{name:>{width}s}" for name, width in columns))
    for one in found.fields:
        if one.same_bits:
            lines.append(f"  {one.species:9s} same bits")
            continue
        i, j = one.largest.argmax(), one.l2.argmax()
        lines.append(
            f"  {one.species:9s} {one.largest[i]:12.3e} {one.time[i]:10.6g} "
            f"{one.l2[j]:12.3e} {one.time[j]:10.6g} {one.l2[-1]:12.3e}"
        )
    return lines


#: Columns whose differences are drawn, with their labels.
_DRAWN = {
    "survival": "survival",
    "energy_refractive_osc": r"$U_{\rm osc}$",
    "energy_total": "total energy",
    "off_diagonal_rms": r"rms $|P^x + iP^y|$",
}


def draw(found: Comparison, a: Run, b: Run, file: Path) -> None:
    """Relative differences against time: L2 of rho of each species, and of columns of series.nc."""
    labels = {"nu": r"$\rho$, L2", "nubar": r"$\bar\rho$, L2"}
    curves = [(f.time, f.l2, labels.get(f.species, f"{f.species}, L2")) for f in found.fields]
    curves += _columns(found, a, b)
    if not curves:
        raise CaseError([f"{file}: the runs have nothing in common that could be drawn"])
    try:
        with units_of(a.case.units.system), picture(file, (7.0, 4.0)) as (_, ax):
            for i, (time, values, label) in enumerate(curves):
                marks = {"marker": "o", "markersize": 3} if time.size < 30 else {}
                ax.semilogy(time, np.maximum(values, FLOOR), label=label, **line(i), **marks)
            ax.set_xlabel(r"$t$  [$1/\mu$]")
            ax.set_ylabel("$|B - A|$, relative\n" + r"(none: $10^{-17}$)")
            ax.set_title(f"A: {a.path.name},  B: {b.path.name}")
            ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
            ax.margins(x=0.01)
    except OSError as fault:
        raise storage_error(file, fault) from fault


def _columns(found: Comparison, a: Run, b: Run) -> list[tuple[Any, Any, str]]:
    """(times, largest |B - A| over max |A|, label) of the columns that are drawn."""
    compared = {one.name for one in found.series}
    i, j = common(a.series["time"].values, b.series["time"].values)
    curves = []
    for name, label in _DRAWN.items():
        x, y = (run.series[name].values if name in compared else None for run in (a, b))
        if x is None or x.shape[1:] != y.shape[1:]:
            continue
        x, y = (v[n].reshape(n.size, -1) for v, n in ((x, i), (y, j)))
        kept = np.isfinite(x).all(axis=0) & np.isfinite(y).all(axis=0)
        scale = np.abs(x[:, kept]).max(initial=0.0)
        if kept.any() and scale > 0:
            apart = np.abs(y - x)[:, kept].max(axis=1) / scale
            curves.append((a.series["time"].values[i], apart, label))
    return curves
