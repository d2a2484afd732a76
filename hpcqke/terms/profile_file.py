"""Tables of profiles from text files: their numbers take the place of the path in the case.

So the case in the run folder is complete, and a restart does not depend on the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import numpy as np

from hpcqke.faults import Faults

MOST_LINES = 1_000_000


def substitute(table: dict[str, Any], faults: Faults) -> None:
    """Replace terms.NAME.path of a profile by its points and values; a line for a file's fault."""
    terms = table.get("terms")
    for name in ("matter", "self_interaction"):
        section = terms.get(name) if isinstance(terms, Mapping) else None
        path = section.get("path") if isinstance(section, Mapping) else None
        if not isinstance(path, str) or section.get("profile") != "table":
            continue
        points = section.get("along", "z")
        fault, x, y = read(path)
        if fault:
            faults.add(f"terms.{name}.path", fault, path)
        elif points in ("z", "t"):
            for key in (points, "values"):
                if key in section:
                    faults.add(f"terms.{name}.{key}", "must be left out with path", section[key])
            section.update({points: x, "values": y})
            del section["path"]


def read(path: str) -> tuple[str, list[float], list[float]]:
    """(fault, x, y) of a file with two columns of numbers; # begins a comment."""
    try:
        with open(path, encoding="utf-8") as file:
            columns = np.loadtxt(islice(file, MOST_LINES), ndmin=2)
    except OSError as error:
        return f"can't be read: {error.strerror}", [], []
    except ValueError:
        return "must be a text file with two columns of numbers", [], []
    if columns.shape[1] != 2 or not 2 <= len(columns) < MOST_LINES:
        return f"must have two columns and from 2 to {MOST_LINES - 1} rows", [], []
    if not np.isfinite(columns).all():
        return "holds values that are not finite", [], []
    return "", columns[:, 0].tolist(), columns[:, 1].tolist()
