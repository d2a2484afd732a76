"""A folder that cannot be used, that another job uses, a disk that fills up: one line, no harm."""

import os
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from launch import ROOT
from left import command, different, ends_like, newest_step, run, status

SLACK = 2.0  # s


def one_line(done, code: int, key: str) -> str:
    """The program's only line beside mpirun's own words."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if key in line]
    assert len(lines) == 1, done.stderr
    return lines[0]


def contents(folder) -> dict:
    return {str(p.relative_to(folder)): p.lstat().st_mtime_ns for p in sorted(folder.rglob("*"))}


def unusable(kind: str, tmp_path) -> str:
    """A place where no run can be."""
    if kind == "a file":
        (tmp_path / "taken").write_text("something else\n")
        return str(tmp_path / "taken")
    if kind == "inside a file":
        (tmp_path / "taken").write_text("something else\n")
        return str(tmp_path / "taken" / "run")
    if kind == "read-only system":
        return "/proc/run"
    if kind == "no permission":
        if os.getuid() == 0:
            pytest.skip("root may write everywhere")
        (tmp_path / "closed").mkdir(mode=0o555)
        return str(tmp_path / "closed" / "run")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere" / "at" / "all")
    return str(tmp_path / "gone" / "run")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that meets no fault."""
    from launch import Launcher

    folder, launcher = tmp_path_factory.mktemp("whole") / "run", Launcher()
    assert launcher(0, run(folder)).returncode == 0
    launcher.close()
    return folder


KINDS = ["a file", "inside a file", "read-only system", "no permission", "broken link"]


@pytest.mark.parametrize("ranks", [0, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_unusable_folder(kind, ranks, tmp_path, mpirun):
    directory = unusable(kind, tmp_path)
    before = contents(tmp_path)
    done = min(
        (mpirun(ranks, command(directory), timeout=30) for _ in range(2)), key=lambda d: d.seconds
    )
    one_line(done, 2, "output.directory")
    assert contents(tmp_path) == before
    assert done.seconds < SLACK + (1.0 if ranks else 0.0)  # mpirun itself waits a second


@pytest.mark.parametrize("ranks", [0, 2])
def test_second_job_in_a_folder(ranks, tmp_path, mpirun):
    """It is sent away; the first goes on. A killed job's lock is no lock."""
    whole, folder = tmp_path / "whole", tmp_path / "run"
    assert mpirun(0, command(whole, time__step=0.005)).returncode == 0
    first = mpirun.start(0, command(folder, time__step=0.005))
    while not status(folder).startswith("running"):
        assert first.process.poll() is None
        time.sleep(0.005)
    first.signal(19)  # SIGSTOP: it holds the folder as long as we like
    for restart in ("auto", "never"):
        done = mpirun(ranks, command(folder, restart=restart, time__step=0.005), timeout=30)
        line = one_line(done, 2, "output.directory")
        assert f"in use by process {first.process.pid} on " in line
    first.signal(18)
    assert first.wait(60).returncode == 0
    assert not different(whole, folder)


def test_a_killed_jobs_lock_is_no_lock(tmp_path, mpirun):
    folder = tmp_path / "run"
    first = mpirun.start(0, command(folder, time__step=0.001))
    while not status(folder).startswith("running"):
        time.sleep(0.005)
    first.kill()
    first.wait(10)
    assert mpirun(0, command(folder, time__step=0.001)).returncode == 0


@pytest.mark.parametrize("site", ["hook", "append", "checkpoint"])
@pytest.mark.parametrize("ranks", [0, 2])
def test_file_limit_in_the_middle(site, ranks, whole, tmp_path, mpirun):
    """RLIMIT_FSIZE from one moment on: exit 4, what was there stays, and the run can go on."""
    folder = tmp_path / "run"
    done = mpirun(ranks, run(folder, site=site, what="limit", step=40), timeout=30)
    line = one_line(done, 4, f"{folder}/")
    assert status(folder) == f"failed {line}"
    assert done.seconds < 10
    assert newest_step(folder) == 32
    ends_like(whole, folder, mpirun, ranks=ranks)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4000 KiB, where this may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4000k", "none", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("free", [20, 1090, *range(0, 112, 16)])
def test_full_disk(free, whole, small_disk, mpirun):
    """So many KiB are left (from step 20 on): exit 0, or exit 4 and it goes on when there is room.

    Every second point is on two ranks; two of them are there from the beginning.
    """
    folder, ballast = small_disk / "run", small_disk / "ballast"
    ranks, before = 2 * (free % 32 == 0), free > 112 or free == 20
    if before:
        ballast.write_bytes(bytes((3996 - free) * 1024))
    fault = {} if before else {"what": f"fill:{ballast}:{free}", "rank": 0, "step": 20}
    done = mpirun(ranks, run(folder, **fault), timeout=30)
    assert done.seconds < 10
    if done.returncode:
        line = one_line(done, 4, f"{folder}/")
        assert status(folder) in (f"failed {line}", "")
        assert "No space left" in line
        print(line)
    newest = newest_step(folder)
    assert newest >= (-1 if before else 16)
    ballast.unlink()
    ends_like(whole, folder, mpirun, ranks=ranks)


def test_terminal_that_goes_away(tmp_path, mpirun):
    """A closed pipe behind stdout ends no run (mpirun gives up by itself)."""
    running = mpirun.start(0, [*command(tmp_path / "run"), "-s", "output.progress_every=0.001"])
    running.process.stdout.close()
    running.process.stdout = None
    assert running.wait(30).returncode == 0
    assert status(tmp_path / "run").startswith("finished ")


PARALLEL_FILE = """
import hpcqke.parallel, os, sys
assert "mpi4py.MPI" not in sys.modules
assert os.environ["OMPI_MCA_sharedfp"]
from hpcqke import hdf5
comm, path = hpcqke.parallel.world(), sys.argv[1]
with hdf5.open_file(path, "w", comm) as f:
    data = f.create_dataset("x", (comm.size,), dtype="i8")
    with data.collective:
        data[comm.rank] = comm.rank
with hdf5.open_file(path, "r", comm) as f:
    assert list(f["x"][:]) == list(range(comm.size))
"""


@pytest.fixture
def taken():
    """A file name whose semaphore on this machine belongs to others (a folder keeps root out)."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("no /dev/shm")
    with TemporaryDirectory(dir="/dev/shm", prefix="sem.OMPIO_") as semaphore:
        yield Path(semaphore).name.removeprefix("sem.OMPIO_")


@pytest.mark.parametrize("ranks", [2, 3])
def test_a_file_of_this_name_is_open_elsewhere(ranks, taken, tmp_path, mpirun):
    """Open MPI has, for shared file pointers, one semaphore of the name for the whole machine."""
    mpirun.environment.pop("OMPI_MCA_sharedfp", None)  # the program sets it, not only mpi.env
    done = mpirun(ranks, ["-c", PARALLEL_FILE, taken], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [taken]
