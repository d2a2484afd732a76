"""README.md does what it says: its commands and scripts run, its tables and file names are true.

Blocks marked sh, python and toml are executed in the order in which they stand, in one temporary
folder. What cannot run in a test is marked console (or text) and listed in NOT_RUN.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import readme_tables
from launch import ROOT, Launcher

from hpcqke import load_case, open_run
from hpcqke.case import make_case, shipped_cases
from hpcqke.errors import EXIT, STATUS

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
RUN = ("sh", "python", "toml")
NOT_RUN = (
    "[terms.collisions]",
    "jobs/quickstart.sh",
    "pip install --no-build-isolation --no-deps .",
    "module load",
    "spack install",
    "conda create",
    "sbatch",
    "tests/run.sh",
    "P1 ",
    "growth, t =",
    "python -m pytest tests/physics/",
    "[grid.momentum]",
    "[grid.z]",
    "[units]",
    "[initial]",
)
PATH = re.compile(r"`((?:hpcqke|cython_kernels|jobs|tests)/[\w./]*)`")
NOT_THERE = {"hpcqke/terms/muons.py"}


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """The folder in which a reader has followed the whole page."""
    folder = tmp_path_factory.mktemp("reader")
    launcher = Launcher()
    environment = launcher.environment | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{launcher.environment['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), launcher.environment.get("PYTHONPATH", "")]),
    }
    (folder / "tests").symlink_to(ROOT / "tests")
    for number, (kind, text) in enumerate(BLOCKS):
        if kind == "sh":
            follow(["bash", "-euo", "pipefail", "-c", text], folder, environment)
        elif kind == "python":
            name = re.match(r"# (\w+\.py)\n", text)
            script = folder / (name[1] if name else f"block_{number}.py")
            script.write_text(text)
            follow([sys.executable, script.name], folder, environment)
    yield folder
    launcher.close()


def follow(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run one block; a failure shows the block and what it said."""
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert done.returncode == 0, f"{shlex.join(command)}\nended with {done.returncode}\n{said}"


def test_a_reader_gets_the_pictures(reader):
    plots = {path.name for path in (reader / "runs/two_beam/plots").iterdir()}
    assert plots == {"fig1.png", "spectra.png", "growth.png", "invariants.png"}
    more = {path.name for path in (reader / "runs/two_beam_ledger/plots").iterdir()} - plots
    assert more == {"ledger.png", "momentum_shift.png", "momentum_spectra.png"}
    box = {path.name for path in (reader / "runs/box/plots").iterdir()} - plots
    assert box == {"survival.png", "coherence.png", "spacetime.png", "angular.png"}
    paid = {path.name for path in (reader / "runs/small_comparison/plots").iterdir()} - plots
    assert paid - box == {"ledger.png", "ledger_directions.png"}
    assert all(f"`{name}`" in TEXT for name in plots | more | box | paid)
    for name in ("gamma.png", "scaling.png", "order.png"):
        assert (reader / name).stat().st_size > 10_000


def test_every_run_has_ended_as_it_says(reader):
    found = {p.parent.name: p.read_text().split()[0] for p in reader.glob("runs/*/STATUS")}
    assert found == {
        "two_beam": "finished", "stopped": "resume", "packet": "finished", "muons": "finished",
        "two_beam_ledger": "finished", "box": "finished", "small_comparison": "finished",
    }  # fmt: skip
    assert len(list(reader.glob("scans/order/*/STATUS"))) == 2
    with open_run(reader / "runs" / "two_beam") as run:
        assert run.series.time.values[-1] == 31
    assert len((reader / "energy.csv").read_text().splitlines()) > 300


def test_every_variable_and_file_of_a_run_is_named(reader):
    folder = reader / "runs" / "two_beam"
    with open_run(folder) as run:
        names = {*run.series.variables, *run.fields.variables, *run.fields.component.values}
        names -= {"species", "component", "flavor", "moment", "pair", "k"}  # dimensions
    names |= {p.name + "/" * p.is_dir() for p in folder.iterdir()}
    missing = [n for n in names if f"`{n}`" not in TEXT and f"`{n}(" not in TEXT]
    assert missing == []


def test_the_benchmarks_write_what_is_shown(reader):
    """The tables of the page come from the same files, of the long variants."""
    for name, stored in (("speed", "all"), ("scaling", "scaling")):
        found = json.loads((reader / f"{name}.json").read_text())
        kept = readme_tables.results(stored)
        assert found.keys() == kept.keys()
        assert found["format"] == kept["format"]


def test_blocks_that_are_not_run_are_known():
    left_out = [text for kind, text in BLOCKS if kind not in RUN]
    assert [text for text in left_out if not text.startswith(NOT_RUN)] == []
    assert len([line for line in TEXT.splitlines() if line.startswith("```")]) == 2 * len(BLOCKS)


def test_the_case_file_shown_is_the_shipped_one(tmp_path):
    (shown,) = [text for kind, text in BLOCKS if kind == "toml"]
    path = tmp_path / "two_beam.toml"
    path.write_text(shown)
    ours = load_case("two_beam", {"output.growth_window": None})
    assert load_case(path, {"time.tolerance": ours.time.tolerance}) == ours


def test_parts_of_cases_that_are_shown_are_valid():
    """Each with the rest of a small case around it."""
    rest = "[grid.z]\nlength = 9.0\ncells = 16\n[time]\nend = 1.0\n"
    rest += "[flavors]\nantineutrinos = true\n"
    rest += "[grid.momentum]\nrule = 'gauss-legendre'\ncount = 4\n"
    initial = "[initial]\nrecipe = 'distribution'\npopulations = [{}]\n"
    parts = {text.split("\n", 1)[0]: text for kind, text in BLOCKS if kind == "text"}
    case = make_case(tomllib.loads(rest + "[terms.advection]\n" + parts["[initial]"]))
    assert case.initial.populations[1].density == 0.9
    case = make_case(tomllib.loads(rest + initial + parts["[units]"]))
    assert case.units.system == "cm"


def test_tables_are_those_of_the_program():
    assert set(re.findall(r"<!-- table (\w+) -->", TEXT)) == set(readme_tables.TABLES)
    assert readme_tables.updated(TEXT) == TEXT, "python tests/readme_tables.py --write"


def test_exit_codes_and_words():
    for code in EXIT.values():
        assert f"\n| {code} | " in TEXT
    for word in STATUS:
        assert f"`{word}`" in TEXT


def test_files_that_are_named_are_there():
    links = re.findall(r"\]\(([\w/.]+)\)", TEXT)
    missing = {name for name in [*PATH.findall(TEXT), *links] if not (ROOT / name).exists()}
    assert missing <= NOT_THERE


def test_contents_lead_somewhere():
    headings = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) == anchors


@pytest.mark.parametrize("name", shipped_cases())
def test_shipped_cases_tell_how_to_run_them(name):
    """First line: what; then what to expect, how long it takes, and the commands."""
    path, first = shipped_cases()[name]
    head = path.read_text(encoding="utf-8").partition("[grid.z]")[0]
    assert 40 < len(first) <= 98
    assert "Takes " in head
    assert f"hpcqke run {name}\n" in head
    assert f"hpcqke plot runs/{name}\n" in head


def test_the_pictures_are_small():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", TEXT)
    assert len(pictures) == 16
    assert all((ROOT / picture).stat().st_size < 150_000 for picture in pictures)
