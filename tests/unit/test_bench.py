"""The benchmark's table and JSON, and the ratios that a continuous integration prints."""

import json
import subprocess
import sys

import pytest
from launch import ROOT

BENCH = ROOT / "tests" / "bench"
sys.path.insert(0, str(BENCH))

import all as bench  # noqa: E402
import baseline  # noqa: E402
import machine  # noqa: E402

CPU = {"name": "AMD EPYC (TM)", "family": "26", "model": "2", "stepping": "1", "cores": 2}
KEYS = {"format", "program", "date", "machine", "instructions", "quick", "rows"}


def table(**rates):
    rows = [bench.row(name, value, baseline.RATE) for name, value in rates.items()]
    rows.append(bench.row("copy in L2", 100.0, "GB/s"))
    return {"machine": CPU, "date": "2026-01-02T03:04:05", "program": "1", "rows": rows}


def test_a_slower_run_is_a_printed_ratio(tmp_path):
    """Also of a table with other rows; only rates are compared."""
    baseline.store(table(kernel=200.0, steps=100.0, gone=5.0), tmp_path)
    lines = baseline.ratios(table(kernel=100.0, steps=110.0, new=1.0),
                            baseline.stored(CPU, tmp_path))
    assert lines[0].endswith("stored on 2026-01-02:")
    assert [line.split()[:2] for line in lines[1:]] == [["0.50", "kernel"], ["1.10", "steps"]]
    assert [line.endswith("slower") for line in lines[1:]] == [True, False]


def test_a_processor_without_stored_rates_is_one_line(tmp_path):
    assert baseline.stored(CPU, tmp_path) is None
    (line,) = baseline.ratios(table(kernel=1.0), None)
    assert "amd-epyc-tm-26-2-1-2-cores" in line
    assert "--update" in line


def test_storing_keeps_the_rates_of_other_rows(tmp_path):
    baseline.store(table(kernel=200.0, steps=100.0), tmp_path)
    path = baseline.store(table(kernel=300.04), tmp_path)
    assert json.loads(path.read_text())["rates"] == {"kernel": 300.0, "steps": 100.0}


def test_parts_of_the_limits():
    """128 bytes and 139 operations a cell of two flavors at order 8, 288 and 471 of three."""
    widths = {"L2": 200.0, "L3": 100.0, "DRAM": 50.0}
    two = bench.shares(2, 8, 1000, 2, 100.0, widths, 139.0)
    assert two == {"memory": "L2", "of_bandwidth": pytest.approx(0.064), "of_peak":
                   pytest.approx(0.1)}
    three = bench.shares(3, 8, 10**8, 2, 100.0, widths, 471.0)
    assert three == {"memory": "DRAM", "of_bandwidth": pytest.approx(0.576), "of_peak":
                     pytest.approx(0.1)}
    assert "of_peak" not in bench.shares(2, 6, 1000, 2, 100.0, widths, None)


def test_this_machine_is_measured():
    assert set(machine.cpu()) == set(CPU)
    assert machine.copy_rate(2**16, 0.01) > 0
    peak = machine.peak(0.01)
    assert peak is None or min(peak.values()) > 0


def test_the_command_prints_a_table_and_writes_json(tmp_path, monkeypatch, capsys):
    """On one grid each here; a run without stored rates, or with faster ones, ends well."""
    small = ((2, 8, 2, 8),), ((2, 1000, 16, "rk4", 4),)
    monkeypatch.setattr(bench, "QUICK_KERNELS", small[0])
    monkeypatch.setattr(bench, "QUICK_RUNS", small[1])
    widths = dict.fromkeys(("L2", "L3", "DRAM"), 1.0)
    monkeypatch.setattr(bench, "limits", lambda seconds: ([], widths, 1.0))
    monkeypatch.setattr(bench, "gradients", lambda quick: [])
    monkeypatch.setattr(baseline, "FOLDER", tmp_path / "baseline")
    told = tmp_path / "table.json"
    monkeypatch.setattr(sys, "argv", ["all.py", "--quick", "--ratios", "--json", str(told)])
    bench.main()
    found = json.loads(told.read_text())
    assert set(found) == KEYS
    assert found["format"] == bench.FORMAT
    assert found["quick"] is True
    assert [row["unit"] for row in found["rows"]] == [baseline.RATE] * 2
    for row in found["rows"]:
        assert {"name", "value", "unit", "memory", "of_bandwidth", "of_peak"} == set(row)
        assert row["value"] > 0
    said = capsys.readouterr().out
    assert all(row["name"] in said for row in found["rows"])
    assert "no rates are stored" in said
    for one in found["rows"]:
        one["value"] *= 100
    baseline.store(found)
    bench.main()
    assert capsys.readouterr().out.count("Mcell/s/core  slower\n") == 2


def test_ci_prints_the_ratios_and_cannot_fail_by_them():
    """The benchmark stands in .ci/run where its end is no failure."""
    text = (ROOT / ".ci" / "run").read_text()
    line = next(line for line in text.splitlines() if "bench/all.py --quick --ratios" in line)
    assert "timeout" in line
    assert "|| echo" in line


def test_the_options_are_explained():
    done = subprocess.run(
        [sys.executable, str(BENCH / "all.py"), "--help"], capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("--quick", "--json", "--ratios", "--update"))
