"""Signals: USR1, TERM and INT ask for a checkpoint and a clean stop; a second INT stops at once.

A batch system may signal before the imports are done, so `install` is called first thing in
`hpcqke.__main__`, before MPI and PETSc, and once more after PETSc has started.
"""

from __future__ import annotations

import os
import signal

_received: list[str] = []


def _on_signal(number: int, _frame) -> None:
    name = signal.Signals(number).name
    if name == "SIGINT" and "SIGINT" in _received:
        os._exit(130)
    _received.append(name)


def install() -> None:
    """Take over USR1, TERM and INT."""
    for name in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _on_signal)


def received() -> str | None:
    """The first signal that has arrived, or None."""
    return _received[0] if _received else None


def clear() -> None:
    """Forget what arrived (a new run in the same process)."""
    _received.clear()
