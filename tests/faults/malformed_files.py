"""The text is no TOML, the file is no case, the override is none."""

import os
import socket
from pathlib import Path

from malformed_base import Malformed, changed, toml, valued

GOOD = toml({})


def broken(name: str, text: bytes) -> Malformed:
    return Malformed(name, ("case",), text)


def overridden(name: str, override: str, *faults: str) -> Malformed:
    return Malformed(name, faults, GOOD, overrides=(override,))


def _link_to_itself(folder: Path) -> None:
    (folder / "bad.toml").symlink_to("bad.toml")


def _link_to_nothing(folder: Path) -> None:
    (folder / "bad.toml").symlink_to("gone.toml")


def _socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)  # the path of a socket may have no more than 107 characters
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("bad.toml")
    os.chdir(here)


def _run_folder(folder: Path) -> None:
    (folder / "bad").mkdir()
    (folder / "bad" / "case.toml").write_bytes(GOOD)


def _huge(folder: Path) -> None:
    with (folder / "bad.toml").open("wb") as file:
        file.truncate(3 * 10**9)


TEXTS = [
    broken("not closed, section", b"[grid.z\nlength = 1\n"),
    broken("not closed, string", GOOD + b'[units]\nsystem = "mu\n'),
    broken("not closed, list", GOOD.replace(b"[1.0, -1.0]", b"[1.0, -1.0")),
    broken("no value", GOOD.replace(b"cells = 64", b"cells =")),
    broken("no equals sign", GOOD.replace(b"cells = 64", b"cells 64")),
    broken("colon", GOOD.replace(b"cells = 64", b"cells: 64")),
    broken("string without quotes", GOOD.replace(b'"rk5dp"', b"rk5dp")),
    broken("number with a unit", GOOD.replace(b"25.0", b"25.0 km")),
    broken("decimal comma", GOOD.replace(b"25.0", b"25,0")),
    broken("number without leading zero", GOOD.replace(b"25.0", b".25")),
    broken("capital True", GOOD + b"[flavors]\nantineutrinos = True\n"),
    broken("date that is none", GOOD + b"[checkpoint]\nevery = 2024-13-45\n"),
    broken("key twice", GOOD.replace(b"cells = 64", b"cells = 64\ncells = 65")),
    broken("section twice", GOOD + b"[time]\nend = 2.0\n"),
    broken("key and section of one name", b"grid = 1\n" + GOOD),
    broken("inline table over two lines", GOOD + b"[units]\nsystem = {a = 1,\n b = 2}\n"),
    broken("tab in a string", GOOD + b'[output]\ndirectory = "a\x01b"\n'),
    broken("zero bytes", GOOD + b"\x00\x00\x00"),
    broken("merge conflict", b"<<<<<<< HEAD\n" + GOOD),
    broken("JSON", b'{"grid": {"z": {"cells": 64}}}'),
    broken("YAML", b"grid:\n  z:\n    cells: 64\n"),
    broken("Python", b"import numpy as np\ncells = 64\n"),
    broken("integer of 5000 digits", GOOD.replace(b"cells = 64", b"cells = " + b"9" * 5000)),
    broken("lists in lists", GOOD + b"[units]\nsystem = " + b"[" * 100_000),
    broken("Latin-1", GOOD + "# L\xe4nge\n".encode("latin-1")),
    broken("UTF-16", GOOD.decode().encode("utf-16")),
    broken("binary", bytes(range(256)) * 40),
    broken("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(2000)),
    broken("gzip", b"\x1f\x8b\x08\x00" + bytes(range(200, 256))),
]

FILES = [
    Malformed("no such file", ("case",), case="gone.toml"),
    Malformed("no such file, but nearly", ("case ~ bad.toml",), GOOD, case="bda.toml"),
    Malformed("no such folder", ("case",), case="gone/bad.toml"),
    Malformed("a folder in a file", ("case",), GOOD, case="bad.toml/bad.toml"),
    Malformed("misspelled shipped case", ("case ~ two_beam",), case="two_baem"),
    Malformed("misspelled shipped case, capital", ("case ~ eigenmode",), case="Eigenmode"),
    Malformed("unknown case", ("case",), case="supernova"),
    Malformed("a folder", ("case",), case="."),
    Malformed("a run folder", ("case ~ bad/case.toml",), case="bad", prepare=_run_folder),
    Malformed("a device", ("case",), case="/dev/null"),
    Malformed("an endless device", ("case",), case="/dev/zero"),
    Malformed("a pipe", ("case",), prepare=lambda folder: os.mkfifo(folder / "bad.toml")),
    Malformed("a socket", ("case",), prepare=_socket),
    Malformed("a link to itself", ("case",), prepare=_link_to_itself),
    Malformed("a link to nothing", ("case",), prepare=_link_to_nothing),
    Malformed("no name", ("case",), case=" "),
    Malformed("a name of 5000 letters", ("case",), case="x" * 5000),
    Malformed("a name with a line break", ("case",), case="two\nbeam"),
    Malformed("3 GB", ("case",), prepare=_huge),
    changed("initial file, missing", {"initial": {"recipe": '"file"', "path": '"gone.nc"'}},
            "initial.path"),
    changed("initial file, a folder", {"initial": {"recipe": '"file"', "path": '"."'}},
            "initial.path"),
    changed("initial file, a device", {"initial": {"recipe": '"file"', "path": '"/dev/null"'}},
            "initial.path"),
    valued("output.directory", '"bad.toml"'),
    valued("output.directory", '"bad.toml/run"'),
    valued("output.directory", '"/dev/null/run"'),
    valued("output.directory", '"' + "x" * 300 + '"'),
]

OVERRIDES = [
    overridden("no value", "grid.z.cells", "override"),
    overridden("no key", "=3", "override"),
    overridden("empty key part", "grid..cells=3", "override"),
    overridden("a key in a number", "grid.z.cells.fine=3", 'override "grid.z.cells.fine"'),
    overridden("unknown key", "grid.z.cels=3", "grid.z.cels ~ cells"),
    overridden("unknown section", "gird.z.cells=3", "gird ~ grid"),
    overridden("no section", "cells=3", "cells ~ grid.z.cells"),
    overridden("no number", "grid.z.cells=many", "grid.z.cells"),
    overridden("broken list", "grid.momentum.directions=[1.0,", "grid.momentum.directions"),
    overridden("two values", "grid.z.cells=64\nlength=3", "grid.z.cells"),
    overridden("a section", "grid.z=3", "grid.z"),
    overridden("unknown integrator", "time.integrator=rk44", "time.integrator ~ rk4"),
    overridden("unknown recipe", "initial.recipe=lgc", "initial.recipe ~ lcg"),
    overridden("other recipe, its keys missing", "initial.recipe=eigenmode", "initial.n",
               "initial.amplitude"),
    overridden("rk4 keeps no tolerance", "time.integrator=rk4", "time.step"),
    Malformed("of a shipped case", ("grid.z.cells",), case="two_beam",
              overrides=("grid.z.cells=-1",)),
    Malformed("three bad ones", ("override", "grid.z.cells", "flavors.cuont ~ count"), GOOD,
              overrides=("nonsense", "grid.z.cells=0", "flavors.cuont=3")),
]

CASES = [*TEXTS, *FILES, *OVERRIDES]
