"""A full disk (a file size limit): one line, no crash at the exit, what was there stays."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = str(Path(__file__).with_name("limited.py"))


@pytest.mark.parametrize("ranks", [1, 2])
def test_full_disk_at_many_points_of_the_write(tmp_path, ranks):
    command = [sys.executable, SCRIPT, str(tmp_path)]
    if ranks > 1:
        mpirun = shutil.which("mpirun") or pytest.skip("no mpirun")
        command = [mpirun, "-n", str(ranks), *command]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=dict(os.environ)
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout == "all well\n"
