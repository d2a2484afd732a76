"""USR1, TERM and INT at random moments: a checkpoint, exit 75, and the resumed run has the bits."""

import random
import signal
import time
from pathlib import Path

import pytest
from left import command, different, newest_step, run, status

LONG = {"time__end": 120.0, "time__step": 0.07, "checkpoint__every": 5.0}
SIGNALS = [signal.SIGUSR1, signal.SIGTERM, signal.SIGINT]


def wait_until_it_listens(running, ranks: int, seconds: float = 20.0) -> None:
    """Until every rank has a handler for USR1: Python's own start cannot be protected."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pids = running.ranks() if ranks else [running.process.pid]
        if len(pids) >= max(ranks, 1) and all(map(listens, pids)):
            return
        time.sleep(0.001)
    raise AssertionError(f"no handlers after {seconds} s")


def listens(pid: int) -> bool:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    caught = next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt")), 0)
    return bool(caught >> (signal.SIGUSR1 - 1) & 1)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The run that nobody disturbs, and the seconds that it takes."""
    from launch import Launcher

    folder, launcher = tmp_path_factory.mktemp("undisturbed") / "run", Launcher()
    done = launcher(0, command(folder, **LONG))
    launcher.close()
    assert done.returncode == 0, done.stderr
    return folder, done.seconds


@pytest.mark.parametrize("ranks", [0, 2])
@pytest.mark.parametrize("number", SIGNALS, ids=lambda n: n.name)
def test_at_random_moments(number, ranks, undisturbed, tmp_path, mpirun, figure):
    """To the process itself, or to mpirun: it hands on USR1, and TERM and INT a second later."""
    whole, seconds = undisturbed
    folder, chance = tmp_path / "run", random.Random(int(number) + ranks)
    stopped, late = 0, 0.0
    while stopped < 4:
        running = mpirun.start(ranks, command(folder, **LONG))
        wait_until_it_listens(running, ranks)
        time.sleep(chance.uniform(0.0, 0.5 * seconds))
        running.signal(number)
        sent = time.monotonic()
        done = running.wait(30)
        assert not done.timed_out
        if status(folder).startswith("finished "):
            break
        through = ranks and number != signal.SIGUSR1  # then mpirun's exit code tells nothing
        assert through or done.returncode == 75, done.stderr
        name = "SIGTERM" if through else number.name
        assert status(folder).startswith(f"resume stopped by {name} "), done.stderr
        assert newest_step(folder) == int(status(folder).split()[-1])
        stopped, late = stopped + 1, max(late, time.monotonic() - sent)
    figure(f"{number.name}, {ranks or 1} ranks", f"{stopped} stops, the slowest in {late:.1f} s")
    assert stopped > 0
    done = mpirun(ranks, command(folder, **LONG))
    assert done.returncode == 0, done.stderr
    assert status(folder).startswith("finished ")
    assert not different(whole, folder)


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
def test_during_the_imports(delay, tmp_path, mpirun):
    """From the first line of the program on: one step, a checkpoint, exit 75."""
    folder = tmp_path / "run"
    running = mpirun.start(0, command(folder, **LONG))
    wait_until_it_listens(running, 0)
    time.sleep(delay)
    running.signal(signal.SIGUSR1)
    done = running.wait(30)
    assert done.returncode == 75, done.stderr
    assert status(folder).startswith("resume stopped by SIGUSR1 ")


def test_one_rank_is_told(tmp_path, mpirun):
    """A signal that only one of three ranks gets stops all at the same step."""
    folder = tmp_path / "run"
    args = run(folder, what="USR1", rank=2, step=20)
    done = mpirun(3, args)
    assert done.returncode == 75, done.stderr
    assert status(folder).split()[:4] == ["resume", "stopped", "by", "SIGUSR1"]
    assert newest_step(folder) in (20, 21)


def test_second_interrupt_ends_at_once(tmp_path, mpirun):
    """Also where no step comes to an end."""
    folder = tmp_path / "run"
    args = run(folder, site="stage", rank=0, what="sleep", step=20)
    running = mpirun.start(0, args)
    while not status(folder).startswith("running") or newest_step(folder) < 0:
        time.sleep(0.05)
        assert running.process.poll() is None
    time.sleep(0.5)
    running.signal(signal.SIGINT)
    time.sleep(0.5)
    assert running.process.poll() is None
    running.signal(signal.SIGINT)
    sent = time.monotonic()
    assert running.wait(20).returncode == 130
    assert time.monotonic() - sent < 2


def test_after_the_end_it_stays_finished(undisturbed, mpirun):
    """Started once more there is nothing to do, and STATUS says so."""
    whole, _ = undisturbed
    before = (whole / "fields.nc").read_bytes()
    for ranks in (0, 2):
        done = mpirun(ranks, command(whole, **LONG))
        assert done.returncode == 0, done.stderr
        assert "already finished" in done.stdout
        assert status(whole).startswith("finished ")
        assert (whole / "fields.nc").read_bytes() == before
