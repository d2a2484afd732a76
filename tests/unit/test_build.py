"""The compiled kernels obey the floating-point rules: strict IEEE, no FMA, nothing process-wide."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hpcqke

ROOT = Path(hpcqke.__file__).resolve().parent.parent
MODULES = sorted((ROOT / "hpcqke" / "kernels").glob("*.so"))
FORBIDDEN = {
    "-ffast-math",
    "-Ofast",
    "-funsafe-math-optimizations",
    "-fassociative-math",
    "-freciprocal-math",
    "-ffinite-math-only",
    "-fno-signed-zeros",
    "-ffp-contract=fast",
    "-fopenmp",
}


def test_every_source_is_compiled():
    """Each .pyx has its module, and each module its .pyx."""
    sources = {path.stem for path in (ROOT / "cython_kernels").glob("*.pyx")}
    assert {path.name.split(".")[0] for path in MODULES} == sources


def test_flags():
    """Every C file is compiled without contraction and without relaxed arithmetic."""
    commands = ROOT / "build" / "cmake" / "compile_commands.json"
    if not commands.exists():
        pytest.skip("not built in this folder")
    for entry in json.loads(commands.read_text()):
        flags = set(entry["command"].split())
        assert "-ffp-contract=off" in flags, entry["file"]
        assert not flags & FORBIDDEN, entry["file"]


@pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")
@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name.split(".")[0])
def test_no_fused_multiply_add(module):
    """No variant of any kernel rounds once where another rounds twice."""
    text = subprocess.run(["objdump", "-d", module], capture_output=True, text=True, check=True)
    fused = re.findall(r"\bv?fn?m(?:add|sub|addsub|subadd)(?:132|213|231)?[ps][ds]\b", text.stdout)
    assert not fused


def test_subnormals_survive_the_kernels():
    """Loading the kernels leaves the processor's rounding mode alone."""
    names = [f"hpcqke.kernels.{path.name.split('.')[0]}" for path in MODULES]
    program = f"import {', '.join(names)}; x = 5e-324; print(x * 1.0 == 5e-324)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def test_one_version():
    """The package, what pip knows and the citation say the same version."""
    from importlib.metadata import version

    assert version("hpcqke") == hpcqke.__version__
    assert f"\nversion: {hpcqke.__version__}\n" in (ROOT / "CITATION.cff").read_text()
