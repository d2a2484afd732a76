"""Is `hpcqke info` right?  python tests/bench/prediction.py [RANKS] [CASE [KEY=VALUE ...]]

For shipped cases, and longer and larger variants of them: the run time that info predicts, the one
that the run's closing line tells, and their ratio. Each info stands right before its run. RANKS 0,
the default, is without mpirun.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from launch import Launcher

CASES = (
    ("two_beam",),
    ("two_beam", "grid.z.cells=16000", "time.end=10"),
    ("two_beam", "time.integrator=rk4", "time.step=0.02", "time.end=100", "output.fields_every=2"),
    ("multi_beam",),
    ("multi_beam", "time.end=200", "time.tolerance=1e-9"),
    ("eigenmode",),
    ("gradient",),
    ("gradient", "time.end=60"),
    ("axisymmetric",),
    ("axisymmetric", "grid.z.cells=256"),
)


def measured(launcher: Launcher, folder: Path, ranks: int, case: tuple[str, ...]):
    """(predicted, measured) seconds of a case."""
    options = [case[0], *(word for key in case[1:] for word in ("-s", key))]
    said = []
    for command in (["info"], ["run", "--restart", "never", "--output", "run"]):
        done = launcher(ranks, ["-m", "hpcqke", *command, *options], timeout=280, cwd=folder)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        said.append(done.stdout)
    predicted = re.search(r"^run time +about (\S+) s", said[0], re.MULTILINE)
    took = re.search(r"cells in (\S+) s on", said[1])
    return float(predicted[1]), float(took[1])


def main() -> None:
    ranks = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    cases = (tuple(sys.argv[2:]),) if len(sys.argv) > 2 else CASES
    launcher = Launcher()
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            predicted, took = measured(launcher, Path(folder), ranks, case)
            print(f"{' '.join(case):80s} predicted {predicted:7.3g} s, took {took:7.3g} s, "
                  f"ratio {predicted / took:.2f}", flush=True)
    launcher.close()


if __name__ == "__main__":
    main()
