"""The end of tests/run.sh: a line for every test file, the measured figures, and the closing line.

python summary.py BUILD SECONDS: BUILD is CMake's build folder; ends with code 1 if anything failed.
"""

import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def main(build: Path, seconds: str) -> int:
    """Add up what pytest has left in BUILD/results, and what ctest says ended without a word."""
    total = {"passed": 0, "failed": 0, "skipped": 0}
    figures: dict[tuple[str, str], None] = {}
    silent = {
        line.split(":", 1)[1] for line in _lines(build / "Testing/Temporary/LastTestsFailed.log")
    }
    print()
    for path in sorted((build / "results").glob("*.xml")):
        suite = next(xml.parse(path).iter("testsuite"))
        count = {key: int(suite.get(key, 0)) for key in ("tests", "errors", "failures", "skipped")}
        bad = count["errors"] + count["failures"]
        good = max(count["tests"] - bad - count["skipped"], 0)
        print(
            f"{path.stem:32s}{good:5d} passed {bad:3d} failed {float(suite.get('time', 0)):8.1f} s"
        )
        for key, add in zip(total, (good, bad, count["skipped"]), strict=True):
            total[key] += add
        if bad:
            silent -= {name for name in silent if name.replace("/", "-") == path.stem}
        for mark in suite.iter("property"):
            figures[mark.get("name", ""), mark.get("value", "")] = None
    for name in sorted(silent):
        print(f"{name:32s} ended without a result (crash or time-out)")
    total["failed"] += len(silent)
    for name, text in figures:
        print(f"{name.removeprefix('figure '):50s} {text}")
    print(", ".join(f"{number} {word}" for word, number in total.items()) + f" in {seconds} s")
    return int(total["failed"] > 0 or total["passed"] == 0)


def _lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
