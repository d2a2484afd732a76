"""A full disk (a file size limit): one line, no crash at the exit, what was there stays."""

from pathlib import Path

import pytest

SCRIPT = str(Path(__file__).with_name("limited.py"))


@pytest.mark.parametrize("ranks", [0, 1, 2])
def test_full_disk_at_many_points_of_the_write(tmp_path, ranks, mpirun):
    result = mpirun(ranks, [SCRIPT, tmp_path])
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout == "all well\n"
