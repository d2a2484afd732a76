"""Rates stored by processor in baseline/, and what became faster or slower since.

Nothing here fails: a machine may be busy. A ratio below `SLOWER` is pointed out.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

FOLDER = Path(__file__).with_name("baseline")
RATE = "Mcell/s/core"
SLOWER = 0.8


def name_of(machine: dict) -> str:
    """The file name of a processor: amd-epyc-26-2-1-2-cores."""
    keys = ("name", "family", "model", "stepping", "cores")
    words = " ".join(str(machine[key]) for key in keys) + " cores"
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def stored(machine: dict, folder: Path | None = None) -> dict | None:
    """What is stored for this processor (in `FOLDER`), None if nothing is."""
    path = (folder or FOLDER) / f"{name_of(machine)}.json"
    return json.loads(path.read_text()) if path.exists() else None


def store(found: dict, folder: Path | None = None) -> Path:
    """Keep the rates of a table (see all.py) for its processor; others of it stay as they are."""
    before = stored(found["machine"], folder) or {"rates": {}}
    rates = {row["name"]: round(row["value"], 1) for row in found["rows"] if row["unit"] == RATE}
    keep = {"machine": found["machine"], "date": found["date"], "program": found["program"]}
    folder = folder or FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{name_of(found['machine'])}.json"
    path.write_text(json.dumps(keep | {"rates": before["rates"] | rates}, indent=1) + "\n")
    return path


def ratios(found: dict, base: dict | None) -> list[str]:
    """A line for each rate that has a stored one: now over then."""
    if base is None:
        return [f"no rates are stored for this processor ({name_of(found['machine'])}): "
                "python tests/bench/all.py --update"]
    lines = [f"now over the rates stored on {base['date'][:10]}:"]
    for row in found["rows"]:
        then = base["rates"].get(row["name"])
        if then:
            ratio = row["value"] / then
            slower = "  slower" if ratio < SLOWER else ""
            lines.append(f"{ratio:6.2f}  {row['name']:48s} {row['value']:.1f} / {then:.1f} "
                         f"{row['unit']}{slower}")
    return lines
