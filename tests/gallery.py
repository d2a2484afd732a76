"""The pictures of the shipped cases: hpcqke/cases/NAME.png, a page of README.md.

    python tests/gallery.py              run every case of PICTURES and put its picture there
    python tests/gallery.py bipolar msw  these only

Runs and their other pictures stay in runs/gallery/.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
#: The picture of `hpcqke plot` that shows what a case is about.
PICTURES = {
    "vacuum": "probabilities.png",
    "msw": "probabilities.png",
    "bipolar": "probabilities.png",
    "synchronised": "probabilities.png",
    "spectral_split": "spectrum.png",
    "fast_pendulum": "beams.png",
    "fast_flavor_box": "survival.png",
    "matter_neutrino_resonance": "probabilities.png",
    "collisional": "probabilities.png",
    "inflow": "profile.png",
    "slab": "profile.png",
    "three_flavors": "beams.png",
}


def make(name: str, folder: Path) -> Path:
    """Run a case, draw it, put its picture beside it; returns the picture."""
    run = folder / name
    program = [sys.executable, "-m", "hpcqke"]
    for command in (["run", name, "--output", run, "--restart", "never"], ["plot", run]):
        subprocess.run([*program, *map(str, command)], check=True, cwd=ROOT)
    picture = ROOT / "hpcqke" / "cases" / f"{name}.png"
    drawn = Image.open(run / "plots" / PICTURES[name]).convert("RGB")
    # a palette of the whole range of colours: pictures of the repository are small
    drawn.quantize(256, Image.Quantize.MAXCOVERAGE).save(picture, optimize=True)
    return picture


if __name__ == "__main__":
    for name in sys.argv[1:] or PICTURES:
        print(make(name, ROOT / "runs" / "gallery"))
