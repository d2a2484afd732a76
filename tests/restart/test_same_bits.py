"""Stopped and restarted, on the same or other ranks, a run has the bits of one that was not."""

import shutil

import h5py
import numpy as np
import pytest
from runs import command, different, status

from hpcqke.errors import EXIT

STEPPERS = {
    "rk3bs": {"time__integrator": "rk3bs"},
    "rk4": {"time__integrator": "rk4"},
    "rk5dp": {"time__integrator": "rk5dp"},
    "rk8vr": {"time__integrator": "rk8vr"},
    "gauss2": {"time__integrator": "gauss2"},
    "bm6": {"time__integrator": "bm6"},
}
FIXED = ("rk4", "gauss2", "bm6")
CONTROL = {"fixed": {"time__step": 0.07}, "adaptive": {"time__tolerance": 1e-8}}


@pytest.mark.parametrize(
    ("stepper", "control"),
    [(s, c) for s in STEPPERS for c in CONTROL if c == "fixed" or s not in FIXED],
)
def test_stopped_and_restarted_on_other_ranks(stepper, control, mpirun, tmp_path):
    """Stopped at steps that no schedule knows of, gone on with 1 -> 3 -> 2 -> 4 ranks."""
    settings = {**STEPPERS[stepper], **CONTROL[control]}
    whole = mpirun(0, command(tmp_path / "whole", **settings))
    assert whole.returncode == 0, whole.stderr
    for ranks, steps in ((0, 5), (3, 11), (2, 14)):
        options = ["-ts_max_steps", str(steps)]
        done = mpirun(ranks, command(tmp_path / "parts", options=options, **settings))
        assert done.returncode == EXIT["resume"], done.stderr
        assert status(tmp_path / "parts") == "resume"
    done = mpirun(4, command(tmp_path / "parts", **settings))
    assert done.returncode == 0, done.stderr
    assert status(tmp_path / "parts") == "finished"
    assert not different(tmp_path / "whole", tmp_path / "parts")


def test_every_number_of_ranks_writes_the_same_files(mpirun, tmp_path):
    """Series and fields of 1, 2, 3 and 4 ranks, every split of z x momentum."""
    mpirun(0, command(tmp_path / "1"))
    for z, p in ((2, 1), (1, 2), (3, 1), (4, 1), (2, 2), (1, 4)):
        folder = tmp_path / f"{z}x{p}"
        layout = {"grid__z__ranks": z, "grid__momentum__ranks": p}
        assert mpirun(z * p, command(folder, **layout)).returncode == 0
        assert not different(tmp_path / "1", folder), (z, p)


def test_a_chain_of_ten_restarts(mpirun, tmp_path):
    """One run in ten pieces."""
    assert mpirun(0, command(tmp_path / "whole")).returncode == 0
    for piece in range(1, 11):
        mpirun(piece % 3, command(tmp_path / "parts", options=["-ts_max_steps", str(3 * piece)]))
    assert mpirun(2, command(tmp_path / "parts")).returncode == 0
    assert not different(tmp_path / "whole", tmp_path / "parts")


def test_from_a_named_checkpoint_elsewhere(mpirun, tmp_path):
    """--restart FILE begins new files at the checkpoint's time and ends in the same state."""
    mpirun(0, command(tmp_path / "whole"))
    mpirun(0, command(tmp_path / "first", options=["-ts_max_steps", "9"]))
    [checkpoint] = sorted((tmp_path / "first" / "checkpoints").glob("*9.json"))
    done = mpirun(2, command(tmp_path / "second", restart=str(checkpoint)))
    assert done.returncode == 0, done.stderr
    import h5py

    with (
        h5py.File(tmp_path / "whole/fields.nc") as a,
        h5py.File(tmp_path / "second/fields.nc") as b,
    ):
        assert a["rho"][-1].tobytes() == b["rho"][-1].tobytes()
        assert b["time"][0] > 0


@pytest.mark.parametrize("control", CONTROL)
def test_a_finished_run_can_be_extended(control, mpirun, tmp_path):
    """time.end may grow: the series go on without a gap or a double line.

    The checkpoint that it goes on from was taken at the very end of a segment.
    """
    settings = CONTROL[control]
    assert mpirun(0, command(tmp_path / "long", time__end=3.0, **settings)).returncode == 0
    assert mpirun(0, command(tmp_path / "two", time__end=1.0, **settings)).returncode == 0
    assert mpirun(2, command(tmp_path / "two", time__end=3.0, **settings)).returncode == 0
    assert not different(tmp_path / "long", tmp_path / "two")
    again = mpirun(0, command(tmp_path / "two", time__end=3.0, **settings))
    assert again.returncode == 0
    assert "already finished" in again.stdout


def test_other_physics_is_refused_and_never_sets_aside(mpirun, tmp_path):
    """A folder's run is not continued with other physics, nor overwritten."""
    folder = tmp_path / "run"
    assert mpirun(0, command(folder)).returncode == 0
    assert mpirun(0, command(tmp_path / "again")).returncode == 0
    other = mpirun(2, command(folder, terms__self_interaction__mu=2.0, grid__z__cells=64))
    assert other.returncode == 2
    faults = [line for line in other.stderr.splitlines() if " = " in line]
    assert [f.split(" = ")[0] for f in faults] == ["grid.z.cells", "terms.self_interaction.mu"]
    assert mpirun(0, command(folder, restart="never", time__end=1.0)).returncode == 0
    assert (folder / "old.1" / "fields.nc").exists()
    assert not different(folder / "old.1", tmp_path / "again")


@pytest.mark.parametrize("change", [{"output__series_every": 0.2}, {"time__end": 1.3}])
def test_what_is_written_may_change_in_the_middle_of_a_segment(change, mpirun, tmp_path):
    """Stopped between two rows and continued with other rows: the state belongs to its time."""
    settings = {"time__step": 0.15, "output__series_every": 0.5, "time__end": 1.0}
    fine = {**settings, **change, "time__step": 0.01}
    assert mpirun(0, command(tmp_path / "fine", **fine)).returncode == 0
    stop = ["-ts_max_steps", "3"]
    first = mpirun(0, command(tmp_path / "run", options=stop, **settings))
    assert first.returncode == EXIT["resume"]
    assert mpirun(0, command(tmp_path / "run", **{**settings, **change})).returncode == 0
    with h5py.File(tmp_path / "fine/series.nc") as a, h5py.File(tmp_path / "run/series.nc") as b:
        times, exact = b["time"][:], a["energy_refractive_osc"][:]
        assert np.all(np.diff(times) > 0)
        for t, u in zip(times, b["energy_refractive_osc"][:], strict=True):
            assert abs(u - exact[np.flatnonzero(a["time"][:] == t)[0]]) < 1e-4


def test_a_checkpoint_of_other_physics_or_beyond_the_end_is_refused(mpirun, tmp_path):
    """Also without case.toml: the checkpoint knows its case. Nothing is overwritten."""
    folder = tmp_path / "run"
    assert mpirun(0, command(folder)).returncode == 0
    before = (folder / "series.nc").read_bytes()
    short = mpirun(0, command(folder, time__end=1.0))
    assert short.returncode == 2
    assert short.stderr.startswith("time.end = 1.0")
    (folder / "case.toml").write_text("garbage")
    other = mpirun(0, command(folder, terms__self_interaction__mu=3.0))
    assert other.returncode == 2
    assert other.stderr.startswith("terms.self_interaction.mu = 3.0")
    [newest] = sorted((folder / "checkpoints").glob("*.json"))[-1:]
    second = tmp_path / "second"
    foreign = command(second, restart=str(newest), terms__self_interaction__mu=3.0)
    assert mpirun(0, foreign).returncode == 2
    assert (folder / "series.nc").read_bytes() == before


def test_results_without_their_checkpoints_are_set_aside(mpirun, tmp_path):
    """A run that must begin anew, or from a checkpoint elsewhere, keeps what lies in the folder."""
    folder, other = tmp_path / "run", tmp_path / "other"
    assert mpirun(0, command(folder)).returncode == 0
    kept = (folder / "fields.nc").read_bytes()
    shutil.rmtree(folder / "checkpoints")
    assert mpirun(2, command(folder, time__end=4.5)).returncode == 0
    assert (folder / "old.1" / "fields.nc").read_bytes() == kept
    assert mpirun(0, command(other, options=["-ts_max_steps", "9"])).returncode == EXIT["resume"]
    [checkpoint] = sorted((other / "checkpoints").glob("*9.json"))
    assert mpirun(0, command(folder, restart=str(checkpoint))).returncode == 0
    assert (folder / "old.2" / "fields.nc").exists()


def test_a_ledger_goes_on(mpirun, tmp_path):
    """K of each direction is in the checkpoint: stopped, gone on with other ranks, the same."""
    settings = {"time__integrator": "rk4", "time__step": 0.07, "terms__ledger": "{}"}
    assert mpirun(0, command(tmp_path / "whole", **settings)).returncode == 0
    options = ["-ts_max_steps", "11"]
    done = mpirun(2, command(tmp_path / "parts", options=options, **settings))
    assert done.returncode == EXIT["resume"], done.stderr
    assert mpirun(3, command(tmp_path / "parts", **settings)).returncode == 0
    assert not different(tmp_path / "whole", tmp_path / "parts")
    with h5py.File(tmp_path / "whole" / "series.nc") as file:
        assert np.abs(file["energy_kinetic_direction"][-1]).max() > 0
