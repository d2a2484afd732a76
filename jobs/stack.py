"""Which parts of the stack can this interpreter use?  python stack.py

Asked by bootstrap.sh of every candidate interpreter, before anything of hpcqke is there; standard
library only. One line for each finding:

    core PART: WHY      cannot be used, and pip cannot bring it (MPI, PETSc, HDF5, a compiler)
    extra PART          missing, pip could bring it
    path FOLDER         a folder that a virtual environment of this interpreter must be able to see
"""

import glob
import importlib
import importlib.util
import os
import shutil
import sys
import sysconfig

EXTRA = {
    "cython": "Cython",
    "setuptools": "setuptools",
    "wheel": "wheel",
    "pytest": "pytest",
    "tomli_w": "tomli_w",
    "xarray": "xarray",
    "h5netcdf": "h5netcdf",
    "matplotlib": "matplotlib",
}


def debian_petsc() -> str:
    """Folder of Debian's petsc4py with real scalars, if this is Debian's interpreter, or "".

    Debian's own link to it exists only beside the large -dev package.
    """
    if sys.base_prefix != "/usr":
        return ""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    found = glob.glob("/usr/lib/petscdir/petsc*/*-real/lib/python3/dist-packages")
    fits = [p for p in found if glob.glob(p + "/petsc4py/lib/**/PETSc*" + suffix, recursive=True)]
    return max(fits, key=lambda p: [int(n) for n in p.split("/")[4][5:].split(".")], default="")


def core(part: str) -> str:
    """Why `part` cannot be used, or "" if it can."""
    if part == "petsc4py" and debian_petsc():
        sys.path.insert(0, debian_petsc())
    try:
        module = importlib.import_module(part)
        if part == "petsc4py":
            scalar = importlib.import_module("petsc4py.PETSc").ScalarType.__name__
            return "" if scalar == "float64" else f"scalars are {scalar}, float64 is needed"
        if part == "mpi4py":
            importlib.import_module("mpi4py.MPI")
        if part == "h5py" and not module.get_config().mpi:
            return "built without MPI"
    except Exception as why:
        return f"{type(why).__name__}: {why}".splitlines()[0]
    return ""


def main() -> None:
    """Print the findings."""
    os.environ["H5PY_ALWAYS_USE_MPI"] = "1"
    for part in ("numpy", "mpi4py", "petsc4py", "h5py"):
        why = core(part)
        if why:
            print(f"core {part}: {why}")
        else:
            print("path", os.path.dirname(os.path.dirname(sys.modules[part].__file__)))
    for tool in ("cc", "make", "mpirun"):
        if not shutil.which(tool):
            print(f"core {tool}: not on the PATH")
    if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
        print("core Python.h: not there (python3-dev)")
    if not importlib.util.find_spec("ensurepip") or not importlib.util.find_spec("venv"):
        print("core venv: this Python cannot make virtual environments (python3-venv)")
    if not shutil.which("cmake"):
        print("extra cmake")
    for part, module in EXTRA.items():
        if not importlib.util.find_spec(module):
            print("extra", part)


if __name__ == "__main__":
    main()
