"""What this machine can do at most: memory bandwidth by cache level, arithmetic peak, of one core.

Bandwidth is measured with numpy's copy (the C library's memcpy, which writes large arrays around
the caches); bytes read and written are counted once each. The peak is measured with peak.c, where
there is a C compiler. Both are the best of several
tries, in seconds of the processor.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from time import process_time

import numpy as np

CACHE = Path("/sys/devices/system/cpu/cpu0/cache")
USUAL = {"L2": 2**20, "L3": 32 * 2**20}


def cpu() -> dict:
    """Name, family, model, stepping and number of cores of this machine's processor."""
    try:
        text = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        text = ""
    found = dict(re.findall(r"^(.+?)\s*: (.*)$", text, re.MULTILINE))
    keys = {"name": "model name", "family": "cpu family", "model": "model", "stepping": "stepping"}
    cores = os.cpu_count()
    return {k: found.get(v, "unknown") for k, v in keys.items()} | {"cores": cores}


def cache_bytes() -> dict[str, int]:
    """Sizes of L2 and L3 as the system tells them, else usual ones."""
    sizes = dict(USUAL)
    for index in CACHE.glob("index*"):
        level = f"L{(index / 'level').read_text().strip()}"
        number = re.match(r"(\d+)K", (index / "size").read_text())
        if level in sizes and number:
            sizes[level] = int(number[1]) * 1024
    return sizes


def bandwidth(seconds: float) -> dict[str, float]:
    """GB/s (read + written) of a copy whose two arrays lie in L2, L3 and in memory."""
    size = cache_bytes()
    total = {
        "L2": size["L2"] // 2,
        "L3": min(4 * size["L2"], size["L3"] // 2),
        "DRAM": 8 * size["L3"],
    }
    return {level: copy_rate(n, seconds) for level, n in total.items()}


def copy_rate(total: int, seconds: float) -> float:
    """GB/s of copies between two arrays of ``total`` bytes together."""
    source, target = np.ones(total // 16), np.zeros(total // 16)
    repeat = max(1, 2**24 // total)
    best, end = np.inf, process_time() + seconds
    while process_time() < end:
        begun = process_time()
        for _ in range(repeat):
            np.copyto(target, source)
        best = min(best, (process_time() - begun) / repeat)
    return 1e-9 * total / best


def peak(seconds: float) -> dict[str, float] | None:
    """GFlop/s of one core, with fused multiply-adds and without; None without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        return {
            "fused": flop_rate(compiler, "fast", Path(folder), seconds),
            "separate": flop_rate(compiler, "off", Path(folder), seconds),
        }


def flop_rate(compiler: str, contract: str, folder: Path, seconds: float) -> float:
    """GFlop/s of peak.c compiled with -ffp-contract=CONTRACT."""
    library = folder / f"peak_{contract}{sysconfig.get_config_var('SHLIB_SUFFIX') or '.so'}"
    source = Path(__file__).with_name("peak.c")
    flags = ["-O3", "-march=native", f"-ffp-contract={contract}", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True, timeout=60)
    chains = ctypes.CDLL(str(library)).chains
    chains.restype, chains.argtypes = ctypes.c_double, [ctypes.c_long, ctypes.c_void_p]
    out, best, end = ctypes.c_double(), 0.0, process_time() + seconds
    while process_time() < end:
        begun = process_time()
        operations = chains(10**5, ctypes.byref(out))
        best = max(best, operations / (process_time() - begun))
    return 1e-9 * best
