"""Signals: USR1, TERM and INT ask for a checkpoint and a clean stop; a second INT stops at once.

A batch system may signal before the imports are done, so `install` is called first thing in
`hpcqke.__main__`, before MPI and PETSc, and once more after PETSc has started.
"""

from __future__ import annotations

import os
import signal

NUMBERS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)

_received: list[str] = []


def _on_signal(number: int, _frame) -> None:
    name = signal.Signals(number).name
    if name == "SIGINT" and "SIGINT" in _received:
        os._exit(130)
    _received.append(name)


def install() -> None:
    """Take over USR1, TERM and INT."""
    for number in NUMBERS:
        signal.signal(number, _on_signal)


def restore() -> None:
    """Let them end the process again: it has nothing left to save."""
    for number in NUMBERS:
        signal.signal(number, signal.SIG_DFL)


def received() -> str | None:
    """The first signal that has arrived, or None."""
    return _received[0] if _received else None


def clear() -> None:
    """Forget what arrived (a new run in the same process)."""
    _received.clear()
