"""Shared by all tests: fixtures mpirun, comm, shared_tmp_path, figure; one outcome for all ranks.

Under mpirun every rank runs pytest and only rank 0 prints. A test that fails on one rank fails on
all. A rank that fails while others wait for it in a collective call ends them all after GRACE s.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

import pytest
from launch import Launcher

SIZE = int(os.environ.get("OMPI_COMM_WORLD_SIZE", os.environ.get("PMI_SIZE", 1)))
RANK = int(os.environ.get("OMPI_COMM_WORLD_RANK", os.environ.get("PMI_RANK", 0)))
GRACE = 20.0


@pytest.fixture
def mpirun():
    """Start programs under mpirun, see launch.Launcher: mpirun(ranks, ["-m", "hpcqke", ...])."""
    launcher = Launcher()
    yield launcher
    launcher.close()


@pytest.fixture(scope="session")
def comm():
    """MPI.COMM_WORLD."""
    from hpcqke.parallel import world

    return world()


@pytest.fixture
def shared_tmp_path(tmp_path) -> Path:
    """Rank 0's tmp_path, on every rank."""
    return _world().bcast(tmp_path) if SIZE > 1 else tmp_path


@pytest.fixture
def figure(record_property):
    """figure(name, text): a measured number and what it must be, for the table of tests/run.sh."""

    def note(name: str, text: str) -> None:
        record_property(f"figure {name}", text)
        if RANK == 0:
            print(f"{name}: {text}")

    return note


@pytest.fixture(autouse=True)
def collect_petsc_objects():
    """Destroying a PETSc object is collective: the ranks do it together, after each test."""
    yield
    if "petsc4py.PETSc" in sys.modules:
        gc.collect()
        cleanup = getattr(sys.modules["petsc4py.PETSc"], "garbage_cleanup", None)
        if cleanup is not None:
            cleanup()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Ranks other than 0 are silent and write no result file."""
    if RANK:
        config.option.xmlpath = None
        sys.stdout = open(os.devnull, "w")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Give every rank the worst outcome of all ranks."""
    report = (yield).get_result()
    if SIZE == 1:
        return
    _meet(report)
    failures = _world().allgather(str(report.longrepr) if report.failed else "")
    if any(failures):
        texts = dict.fromkeys(text for text in failures if text)
        who = {t: [rank for rank, text in enumerate(failures) if text == t] for t in texts}
        report.outcome = "failed"
        report.longrepr = "\n".join(f"on ranks {ranks}:\n{text}" for text, ranks in who.items())


def _world():
    from mpi4py import MPI

    return MPI.COMM_WORLD


def _meet(report) -> None:
    """Wait for the other ranks; a failed rank gives up after GRACE seconds and ends them all."""
    arrived = _world().Ibarrier()
    deadline = time.monotonic() + GRACE
    while not arrived.Test():
        time.sleep(0.001)
        if report.failed and time.monotonic() > deadline:
            text = f"{report.nodeid} failed on rank {RANK} and others wait:\n{report.longrepr}\n"
            os.write(2, text.encode())
            _world().Abort(1)
