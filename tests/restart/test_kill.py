"""SIGKILL at random moments: nothing completed is lost, and the end has the same bits."""

import random
import time
from pathlib import Path

from runs import command, different, status

KILLS, DURING_WRITES = 30, 10
SETTINGS = {"checkpoint__every_steps": 1, "time__step": 0.004, "time__end": 4.0}


def wait_for(condition, running, seconds: float) -> bool:
    """Poll until the condition holds, the program ends or the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and running.process.poll() is None:
        if condition():
            return True
        time.sleep(0.0005)
    return False


def newest(folder: Path) -> int:
    """The step of the newest committed checkpoint, -1 if there is none."""
    names = (folder / "checkpoints").glob("step_*.json")
    return max((int(p.stem.split("_")[1]) for p in names), default=-1)


def test_thirty_kills(mpirun, tmp_path, figure):
    """Two ranks; a third of the kills while a checkpoint's temporary file is there."""
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    assert mpirun(0, command(whole, **{**SETTINGS, "checkpoint__every_steps": 10})).returncode == 0
    chance = random.Random(20241120)
    in_write, lives, before = 0, 0, -1
    while lives < KILLS:
        running = mpirun.start(2, command(folder, **SETTINGS))
        assert wait_for(lambda seen=before: newest(folder) > seen, running, 60)
        time.sleep(chance.uniform(0.0, 0.25))
        if lives % 3 == 0:
            in_write += wait_for(lambda: any(folder.glob("checkpoints/*.tmp.*")), running, 20)
        assert running.process.poll() is None, "the run ended before it could be killed"
        committed = newest(folder)
        running.kill()
        running.wait(20)
        assert newest(folder) >= committed >= before
        before, lives = newest(folder), lives + 1
        verified = mpirun(0, ["-m", "hpcqke", "verify", folder])
        newest_line = [x for x in verified.stdout.splitlines() if f"step_{before:09d}" in x]
        assert before < 0 or newest_line[0].startswith("ok"), verified.stdout
    last = mpirun(2, command(folder, **SETTINGS), timeout=300)
    assert last.returncode == 0, last.stderr
    assert status(folder) == "finished"
    figure("kills", f"{lives} SIGKILLs, {in_write} in the write window, resumed from step {before}")
    assert in_write >= DURING_WRITES
    assert not different(whole, folder)
