"""SIGKILL while files are written: always a whole one left, nothing for a person to repair."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from flat_space import FlatSpace
from writer import count_frames

from hpcqke.checkpoint import Checkpoints

WRITER = str(Path(__file__).with_name("writer.py"))
ROUNDS = 8


def kill_after(seconds, what, directory):
    """Start a writer, kill it that long after its first line; the numbers it printed."""
    command = [sys.executable, WRITER, what, str(directory)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as writer:
        first = writer.stdout.readline()
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read()
    assert writer.returncode == -signal.SIGKILL
    return [int(line) for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]


@pytest.fixture
def moments():
    return np.random.default_rng().uniform(0, 0.05, ROUNDS)


def test_checkpoints_survive_kills_at_random_moments(tmp_path, moments):
    ps = FlatSpace()
    for moment in moments:
        printed = kill_after(moment, "checkpoints", tmp_path)
        X, meta = Checkpoints(ps, tmp_path, 2, say=pytest.fail).load()
        assert meta["step"] in (printed[-1], printed[-1] + 1)
        assert X.tobytes() == ps.state(meta["step"]).tobytes()


def test_fields_survive_kills_at_random_moments(tmp_path, moments):
    for moment in moments:
        printed = kill_after(moment, "frames", tmp_path)
        assert count_frames(tmp_path / "fields.nc") in (printed[-1] + 1, printed[-1] + 2)


def test_checkpoints_survive_a_kill_before_each_call_of_the_write(tmp_path):
    """Each reservation, sync, rename, removal and opening of a write is once the last one."""
    result = subprocess.run(
        [sys.executable, WRITER, "points", str(tmp_path)],
        capture_output=True, text=True, timeout=120, env=dict(os.environ),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) >= 15
