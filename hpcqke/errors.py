"""Failures that have a name, their exit codes and their words in STATUS.

Anything else that escapes is a bug: exit code 1 and a traceback.
"""

from collections.abc import Iterable

EXIT = {
    "finished": 0,
    "bug": 1,
    "input": 2,
    "numerics": 3,
    "storage": 4,
    "resume": 75,  # EX_TEMPFAIL of sysexits.h: stopped early, start again with --restart auto
}

STATUS = ("running", "finished", "resume", "failed")
"""The words that the STATUS file of a run folder may begin with."""


class HpcqkeError(Exception):
    """A failure the user can act on: one line, no traceback."""

    exit_code = EXIT["bug"]

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


class CaseError(HpcqkeError):
    """Bad input. `faults` holds every fault found, one line each; str() joins the lines."""

    exit_code = EXIT["input"]

    def __init__(self, faults: Iterable[str]):
        self.faults = [faults] if isinstance(faults, str) else list(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(self.faults)


class NumericsError(HpcqkeError):
    """The solution is no longer one: a value that is not finite, a solver that gave up."""

    exit_code = EXIT["numerics"]


class StorageError(HpcqkeError):
    """A file could not be written, or what it holds is not what was written."""

    exit_code = EXIT["storage"]
