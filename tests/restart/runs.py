"""Runs of the program in other processes, and what they leave, as bytes."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

SMALL = {
    "grid.z.cells": 60,
    "time.end": 4.0,
    "output.series_every": 0.25,
    "output.fields_every": 0.5,
    "checkpoint.every": 1.0,
}


def command(folder, *, restart="auto", options=(), **settings) -> list[str]:
    """Arguments of `python` for a run of the four-beam case in ``folder``."""
    keys = {**SMALL, **{k.replace("__", "."): v for k, v in settings.items()}}
    args = ["-m", "hpcqke", "run", "multi_beam", "--output", str(folder), "--restart", restart]
    for key, value in keys.items():
        args += ["-s", f"{key}={value}"]
    return [*args, "--", *options] if options else args


def results(folder: Path) -> dict[str, bytes]:
    """Every number of series.nc and fields.nc, as bytes by name."""
    found = {}
    for name in ("series.nc", "fields.nc"):
        with h5py.File(folder / name, "r") as file:
            for key, dataset in file.items():
                values = np.asarray(dataset[()])
                if values.dtype == object:  # names: their bytes in memory are addresses
                    values = values.astype("S")
                found[f"{name}:{key}"] = values.tobytes() + str(values.shape).encode()
    return found


def different(a: Path, b: Path) -> list[str]:
    """Names of what differs between two runs by a single bit."""
    one, two = results(a), results(b)
    return sorted(k for k in one.keys() | two.keys() if one.get(k) != two.get(k))


def status(folder: Path) -> str:
    return (folder / "STATUS").read_text().split()[0]
