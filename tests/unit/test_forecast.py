"""`hpcqke info`: the arithmetic of its prediction, and that it leaves no file and touches none."""

import dataclasses
import re

import numpy as np
import pytest

import hpcqke
from hpcqke import calibration, info
from hpcqke.calibration import Trial
from hpcqke.forecast import copied, forecast
from hpcqke.outputs import first_frames

TRIAL = Trial(
    ranks=2, share=0.25, t=2.0, steps=50, dt=0.02, step=0.01, slopes=6.0, row=0.02, frame=0.1,
    checkpoint=0.3, start=0.5, end=0.25,
)  # fmt: skip
SETTINGS = {"time.end": 10.0, "output.series_every": 0.5, "output.fields_every": 2.5}


def box(**settings):
    more = {key.replace("__", "."): value for key, value in settings.items()}
    return hpcqke.load_case("two_beam_modes", SETTINGS | more)


def test_every_part_of_the_time():
    """50 steps to t = 2, 400 more of 0.02; a quarter of the cells on 2 ranks, the run on 8."""
    whole = forecast(box(), TRIAL, 8)
    assert whole.steps == pytest.approx(50 + 8 / 0.02)
    assert whole.slopes == pytest.approx(6 * 450)
    assert (whole.rows, whole.frames, whole.checkpoints) == (21, 5, 1)
    expected = {
        "stepping": 450 * 0.01 * 4 * 2 / 8,
        "diagnostics": 21 * 0.02 * 4 * 2 / 8,
        "fields": 5 * 0.1 * 4,
        "checkpoints": 0.3 * 4,
        "start and end": 0.75,
    }
    assert whole.seconds == pytest.approx(expected)
    assert whole.total == pytest.approx(sum(expected.values()))


def test_a_trial_that_reached_the_end_is_the_run():
    done = dataclasses.replace(TRIAL, ranks=1, share=1.0, t=10.0, steps=700)
    assert forecast(box(), done, 1).steps == 700


def test_given_step_lengths_count_from_the_start():
    assert forecast(box(), TRIAL, 2, dt=0.125).steps == pytest.approx(80)


def test_outputs_by_steps_and_by_the_clock():
    """Every 20 steps a row; every 0.4 s a checkpoint, whose own time counts too."""
    case = box(output__series_every=None, output__series_every_steps=20, checkpoint__every_wall=0.4)
    trial = dataclasses.replace(TRIAL, ranks=1, share=1.0, frame=0.0, row=0.0, checkpoint=0.2)
    whole = forecast(case, trial, 1)
    assert whole.rows == 2 + 450 // 20
    # 4.5 s of steps and n checkpoints of 0.2 s: n = 1 + (4.5 + 0.2 n) / 0.4, by three passes
    assert whole.checkpoints == 1 + int((4.5 + 0.2 * (1 + int((4.5 + 0.2 * 12) / 0.4))) / 0.4)


@pytest.mark.parametrize(("frames", "room"), [(5, 16), (100, 16), (65, 16), (16, 16)])
def test_frames_copied_while_the_file_grows(frames, room):
    """As `Fields` does it: doubled when used up, but not beyond what is expected."""
    copies, there, have = 0, 0, room
    for _ in range(frames):
        if there == have:
            copies += there
            have = min(2 * have, frames)
        there += 1
    assert copied(frames, room) == copies
    assert copied(frames, first_frames(frames, 8)) == 0


def test_a_large_case_is_tried_on_fewer_rows():
    large = box(grid__z__cells=2 * calibration.MOST_CELLS, grid__z__length=1000.0)
    piece, share = calibration.part_of(large, 1)
    assert piece.grid.z.cells == calibration.MOST_CELLS // 2
    assert share == 0.25
    assert piece.grid.z.length / piece.grid.z.cells == pytest.approx(1000 / large.grid.z.cells)
    assert calibration.part_of(large, 2)[1] == 0.5
    assert calibration.part_of(box(), 1) == (box(), 1.0)


def test_steps_are_shortened_to_land_on_rows():
    assert info.landing_step(box(), 0.3) == pytest.approx(0.25)
    assert info.landing_step(box(), 2.0) == pytest.approx(0.5)


def test_the_trial_measures_the_very_run(tmp_path, monkeypatch):
    """Steps, right-hand sides a step and the end of a short run; its folder is not looked at."""
    monkeypatch.chdir(tmp_path)
    case = box(time__end=1.0, time__integrator="rk4", time__step=0.1)
    trial = calibration.calibrate(case)
    assert (trial.ranks, trial.share, trial.t, trial.steps) == (1, 1.0, 1.0, 10)
    assert (trial.dt, trial.slopes) == (pytest.approx(0.1), 4)
    assert all(getattr(trial, part) > 0 for part in ("step", "row", "frame", "checkpoint", "end"))
    assert not any(tmp_path.iterdir())


def test_a_piece_of_a_large_case_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calibration, "MOST_CELLS", 128)
    trial = calibration.calibrate(box(time__end=0.5), seconds=0.05)
    assert trial.share == pytest.approx(64 / box().grid.z.cells)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("ranks", [0, 2])
def test_no_file_is_left_and_none_is_touched(ranks, tmp_path, mpirun):
    """Also not those of a run that is there; the report has the same counts as the run."""
    settings = ["-s", "time.end=0.5", "-s", "time.step=0.05", "-s", "output.series_every=0.1"]
    case = ["two_beam_modes", *settings]
    done = mpirun(ranks, ["-m", "hpcqke", "run", *case], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    before = snapshot(tmp_path)
    told = mpirun(ranks, ["-m", "hpcqke", "info", *case], cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert snapshot(tmp_path) == before
    closing = re.search(r"(\d+) steps, (\d+) right-hand sides of (\d+) cells in", done.stdout)
    said = re.search(r"^cost +(\d+) steps, (\d+) right-hand sides of (\d+) cells, 6 rows",
                     told.stdout, re.MULTILINE)
    assert said.groups() == closing.groups()
    assert re.search(rf"^ranks +{max(ranks, 1)} = ", told.stdout, re.MULTILINE)
    assert re.search(r"^run time +about [\d.e-]+ s \(stepping ", told.stdout, re.MULTILINE)
    for text in (told.stdout, done.stdout):
        assert np.isfinite(float(re.search(r"([\d.]+) Mcell/s/core stepping", text)[1]))


@pytest.mark.parametrize("landings", [["-s", "output.series_every=0.1"], []])
def test_the_trial_of_a_long_run_ends_on_all_ranks_together(landings, tmp_path, mpirun):
    """In the middle of the run, and of a segment; adaptive steps are said to stay as they are."""
    case = ["two_beam_modes", "-s", "time.end=5000", "-s", "time.tolerance=1e-7"]
    told = mpirun(2, ["-m", "hpcqke", "info", *case, *landings], timeout=60, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert not any(tmp_path.iterdir())
    assert "assumed         steps stay as long as they were in the trial" in told.stdout
    steps = int(re.search(r"^trial +(\d+) steps of this run on 2", told.stdout, re.MULTILINE)[1])
    whole = float(re.search(r"^cost +(\S+) steps", told.stdout, re.MULTILINE)[1])
    assert 0 < steps < whole


def snapshot(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}
