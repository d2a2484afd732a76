"""The scaling model: its fit finds what synthetic times were made of, its limits are right."""

import dataclasses
import json
import sys

import numpy as np
import pytest
from launch import ROOT

BENCH = ROOT / "tests" / "bench"
sys.path.insert(0, str(BENCH))

import scaling  # noqa: E402
import scaling_model as model  # noqa: E402

MACHINE = model.Machine(2e-6, 5e9, 3e-6, 4e9, 2e8, 0.8)
PROBLEM = model.Problem(1000, 64)
SIZES = 8.0 * 4 ** np.arange(9)


def noise(n: int) -> np.ndarray:
    return 1 + 0.02 * np.random.default_rng(1).standard_normal(n)


def test_latency_and_width_are_recovered():
    times = (2e-6 + SIZES / 5e9) * noise(SIZES.size)
    alpha, width = model.fit_messages(SIZES, times)
    assert alpha == pytest.approx(2e-6, rel=0.03)
    assert width == pytest.approx(5e9, rel=0.05)


def test_sums_are_recovered_from_more_ranks_than_cores():
    ranks, size = (a.ravel() for a in np.meshgrid([2.0, 4, 8, 16], SIZES))
    times = (3e-6 * np.log2(ranks) + size / 4e9) * np.maximum(1, ranks / 2) * noise(ranks.size)
    level, gather = model.fit_sums(ranks, size, times, 2)
    assert level == pytest.approx(3e-6, rel=0.03)
    assert gather == pytest.approx(4e9, rel=0.05)


def test_a_fit_is_never_negative():
    assert model.fit_messages(SIZES, SIZES / 1e9) == (pytest.approx(0, abs=1e-12),
                                                      pytest.approx(1e9))
    alpha, width = model.fit_messages(SIZES, 1e-6 - 1e-15 * SIZES)
    assert alpha == pytest.approx(1e-6, rel=1e-2)
    assert width == np.inf


def test_every_part_of_a_step():
    """By hand: 4 ranks along z, then 2 along z and 2 along momentum."""
    ghosts = 2 * (2e-6 + 8 * 4 * 64 * 8 / 5e9)
    by_hand = 4 * (250 * 64 / 2e8 + ghosts) + 3e-6 * 2
    assert model.step_seconds(MACHINE, PROBLEM, 4, 1, False) == pytest.approx(by_hand)
    ghosts = 2 * (2e-6 + 8 * 4 * 32 * 8 / 5e9)
    sums = 3e-6 + 8 * 8 * 500 * 8 / 4e9
    by_hand = 4 * (500 * 32 / (0.8 * 2e8) + ghosts + sums) + 3e-6 * 2
    assert model.step_seconds(MACHINE, PROBLEM, 2, 2, False) == pytest.approx(by_hand)


def test_messages_hide_behind_inner_rows_only():
    """Where there are none left, nothing is hidden; where there are many, all of it is."""
    hidden = model.step_seconds(MACHINE, PROBLEM, 4, 1, True)
    assert hidden == pytest.approx(4 * 250 * 64 / 2e8 + 2 * 3e-6)
    narrow = dataclasses.replace(PROBLEM, rows=32)
    both = [model.step_seconds(MACHINE, narrow, 4, 1, way) for way in (True, False)]
    assert both[0] == both[1]


def test_efficiency_falls_from_one():
    found = [model.efficiency(MACHINE, PROBLEM, rz, 1) for rz in (1, 2, 10, 100)]
    assert found[0] == 1
    assert np.all(np.diff(found) < 0)
    rows = dataclasses.replace(PROBLEM, rows=10)
    free = dataclasses.replace(MACHINE, alpha=0.0, level=0.0, width=np.inf)
    assert model.efficiency(free, rows, 4, 1) == pytest.approx(10 / 12)  # 3 rows, not 2.5


def test_splits_leave_rows_to_a_rank():
    assert scaling.layouts(100, PROBLEM) == [(100, 1), (50, 2), (25, 4)]
    assert scaling.layouts(200, PROBLEM) == [(100, 2), (50, 4), (25, 8)]


def test_the_command_measures_fits_and_draws(tmp_path, mpirun):
    """Three ranks: the third only takes part in messages."""
    told, png = tmp_path / "scaling.json", tmp_path / "scaling.png"
    options = ["--quick", "--json", told, "--png", png]
    done = mpirun(3, [BENCH / "scaling.py", *options], timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(told.read_text())
    assert set(found) == {
        "format", "machine", "ranks", "cores", "strong", "messages", "sums", "fit", "extrapolation"
    }  # fmt: skip
    assert {(row["split"], row["ranks"]) for row in found["strong"]} >= {("z", 1), ("momentum", 1)}
    assert {row["ranks"] for row in found["sums"]} == {2}
    assert len(found["messages"]) == 9
    assert set(found["fit"]) == {"alpha", "width", "level", "gather", "rate", "split"}
    assert len(found["extrapolation"]) == 2 * 2 * len(scaling.RANKS)
    assert all(0 < row["efficiency"] <= 1.0000001 for row in found["extrapolation"])
    assert "assumed:" in done.stdout
    assert 10_000 < png.stat().st_size < 150_000


def test_one_rank_is_refused(mpirun):
    done = mpirun(0, [BENCH / "scaling.py"], timeout=60)
    assert done.returncode == 2
    assert "mpirun -n 2" in done.stderr
