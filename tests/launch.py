"""Start Python under mpirun from a test: own environment, own session, hard time-out.

A process that has imported mpi4py cannot start mpirun with its own environment (MPI leaves
variables there); Python's snapshot `os.environ` lacks them. Open MPI gives every rank its own
process group, so what must go is found by its session.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OF_A_RANK = ("PMIX_", "PMI_", "OMPI_COMM_", "OMPI_MCA_ess", "OMPI_MCA_orte", "OMPI_MCA_pmix")


def environment() -> dict[str, str]:
    """This process's environment without a rank's identity, with the settings of jobs/mpi.env."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(OF_A_RANK)}
    shell = ["bash", "-c", '. "$1"; env -0', "-", str(ROOT / "jobs" / "mpi.env")]
    text = subprocess.run(shell, env=clean, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)


@dataclass
class Finished:
    """A program that has ended, or was ended at the time-out (then `timed_out`)."""

    returncode: int
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool = False


@dataclass
class Running:
    """A program under mpirun in a session of its own."""

    process: subprocess.Popen
    started: float = field(default_factory=time.monotonic)

    def pids(self) -> list[int]:
        """mpirun and its ranks, as long as they live."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
        return sorted(found)

    def ranks(self) -> list[int]:
        """The ranks' process ids, without mpirun's."""
        return [pid for pid in self.pids() if pid != self.process.pid]

    def signal(self, number: int) -> None:
        """Send a signal to mpirun, which hands USR1, USR2 and TERM on to the ranks."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL everything of this session."""
        for _ in range(3):
            for pid in self.pids():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def wait(self, timeout: float) -> Finished:
        """Wait for the end; at the time-out kill everything and say so."""
        timed_out = False
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
            self.kill()
            out, err = self.process.communicate()
        seconds = time.monotonic() - self.started
        out, err = out.replace("\0", ""), err.replace("\0", "")  # Open MPI 5 leaves some
        return Finished(self.process.returncode, out, err, seconds, timed_out)


class Launcher:
    """What the fixture `mpirun` hands out: call it to run, `start` to look after it yourself."""

    def __init__(self) -> None:
        self.scratch = tempfile.mkdtemp(prefix="hq-")  # a short name: sockets are made in it
        self.environment = environment() | {"TMPDIR": self.scratch}
        for transport in ("vader", "sm"):  # or killed ranks would leave their memory in /dev/shm
            self.environment[f"OMPI_MCA_btl_{transport}_backing_directory"] = self.scratch
        self.mpirun = shutil.which("mpirun") or shutil.which("mpiexec") or "mpirun"
        self.running: list[Running] = []

    def start(
        self, ranks: int, args: list[str], cwd=None, env: dict[str, str] | None = None
    ) -> Running:
        """Start `python ARGS` on `ranks` ranks (0: without mpirun)."""
        command = [sys.executable, *map(str, args)]
        if ranks:
            command = [self.mpirun, "-n", str(ranks), *command]
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=self.environment | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.running.append(Running(process))
        return self.running[-1]

    def __call__(
        self, ranks: int, args: list[str], timeout: float = 120, cwd=None, env=None
    ) -> Finished:
        """Run `python ARGS` on `ranks` ranks (0: without mpirun) to its end.

        A time-out is a failed test; its output is shown.
        """
        done = self.start(ranks, args, cwd, env).wait(timeout)
        if done.timed_out:
            text = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            raise AssertionError(f"{args} on {ranks} ranks: not ended after {timeout} s\n{text}")
        return done

    def close(self) -> None:
        """End what a test has left behind."""
        for one in self.running:
            if one.process.poll() is None or one.pids():
                one.kill()
                one.process.communicate()
        shutil.rmtree(self.scratch, ignore_errors=True)
