"""Metadata of hpcqke; the compiled kernels are described in CMakeLists.txt and built by it.

Only packages that do not touch MPI are declared as requirements: mpi4py, petsc4py and an h5py with
MPI must come from one stack (distribution, modules, Spack, conda), and pip would put a serial h5py
wheel over it.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent


class CMakeBuild(build_ext):
    """build_ext that configures, builds and installs CMakeLists.txt's component "python"."""

    def run(self) -> None:
        """Put the kernels beside the sources (editable, --inplace) or into the wheel."""
        if shutil.which("cmake") is None:
            raise SystemExit("cmake is missing: apt-get install cmake, or pip install cmake")
        in_place = self.inplace or getattr(self, "editable_mode", False)
        build = ROOT / "build" / "cmake" if in_place else Path(self.build_temp).resolve() / "cmake"
        prefix = ROOT if in_place else Path(self.build_lib).resolve()
        configure = ["cmake", "-S", str(ROOT), "-B", str(build)]
        configure.append(f"-DPython_EXECUTABLE={sys.executable}")
        for name in ("HPCQKE_NATIVE", "HPCQKE_MARCH"):
            if name in os.environ:
                configure.append(f"-D{name}={os.environ[name]}")
        forget_other_python(build)
        jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))
        subprocess.run(configure, check=True)
        subprocess.run(["cmake", "--build", str(build), "--parallel", jobs], check=True)
        subprocess.run(
            ["cmake", "--install", str(build), "--component", "python", "--prefix", str(prefix)],
            check=True,
        )

    def get_outputs(self) -> list[str]:
        """Nothing for setuptools to copy: CMake installs."""
        return []

    def get_output_mapping(self) -> dict[str, str]:
        """See get_outputs."""
        return {}


def forget_other_python(build: Path) -> None:
    """Remove a build tree that was configured with another interpreter or in another folder."""
    cache = build / "CMakeCache.txt"
    if cache.exists():
        text = cache.read_text(errors="replace")
        wanted = (f"={sys.executable}\n", f"CMAKE_HOME_DIRECTORY:INTERNAL={ROOT}\n")
        if not all(line in text for line in wanted):
            shutil.rmtree(build)


def version() -> str:
    """__version__ of hpcqke/__init__.py, read as text: what it imports may not be there yet."""
    text = (ROOT / "hpcqke" / "__init__.py").read_text()
    return re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE).group(1)


setup(
    name="hpcqke",
    version=version(),
    description="Massively parallel solver of the neutrino quantum kinetic equations",
    long_description=(ROOT / "README.md").read_text() if (ROOT / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    author="hpcqke developers",
    license="MIT",
    python_requires=">=3.11",
    install_requires=["numpy>=1.24", "tomli_w"],
    extras_require={"analysis": ["xarray", "h5netcdf", "matplotlib"], "test": ["pytest"]},
    packages=find_packages(include=["hpcqke", "hpcqke.*"]),
    package_data={"hpcqke": ["cases/*.toml"]},
    ext_modules=[Extension("hpcqke.kernels._cmake", [])],
    cmdclass={"build_ext": CMakeBuild},
    entry_points={"console_scripts": ["hpcqke = hpcqke.cli:main"]},
    zip_safe=False,
)
