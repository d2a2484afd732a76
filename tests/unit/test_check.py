"""hpcqke check: right where all is well, and a table with cures where it is not."""

BROKEN = """
import sys
for name in {names}:
    sys.modules[name] = None
from hpcqke.check import check
sys.exit(check())
"""


def test_all_is_well_on_two_ranks(mpirun, tmp_path):
    """Every line is ok, and two ranks have written and read a file, of which nothing stays."""
    done = mpirun(2, ["-m", "hpcqke", "check"], cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout
    assert f"2 ranks wrote and read {tmp_path}" in done.stdout
    assert done.stdout.endswith("everything is usable\n")
    assert not list(tmp_path.iterdir())


def test_without_petsc_and_h5py(mpirun, tmp_path):
    """What is missing is named with a cure, what builds on it is left out, the rest is tried."""
    program = BROKEN.format(names=["petsc4py", "h5py"])
    done = mpirun(0, ["-c", program], cwd=tmp_path)
    lines = {line[:14].strip(): line[14:] for line in done.stdout.splitlines()}
    assert done.returncode == 1
    for name in ("petsc4py", "h5py", "analysis"):
        assert lines[name].startswith("FAIL  ModuleNotFoundError")
    assert lines["one MPI"] == "--    needs h5py, petsc4py"
    assert lines["kernels"].startswith("ok")
    assert done.stdout.count("cure: ") == 3
    assert "Traceback" not in done.stdout + done.stderr


def test_folder_that_cannot_be_written(mpirun):
    """The parallel file has to fail on all ranks alike, in one line."""
    done = mpirun(2, ["-m", "hpcqke", "check"], cwd="/proc")
    assert done.returncode == 1
    assert "cannot write into /proc" in done.stdout
