"""Growing waves of large systems by SLEPc: Krylov-Schur on the Cayley transform of the matrix.

    T = 1 + 2 i eta (Omega - s)^-1,   s = omega_0 + i eta,   |T| > 1 if and only if Im Omega > 0,

so that growing waves are the eigenvalues of largest modulus. The matrix is diagonal but for the
two momentum sums (and one mean over directions for each scattering block), hence (matrix - s)^-1
costs O(n) by Sherman, Morrison and Woodbury and nothing of size n^2 is stored. PETSc's scalars are
real: a complex vector is kept as its real part, then its imaginary part.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcqke.analysis.linear import DENSE
from hpcqke.errors import CaseError

if TYPE_CHECKING:
    from hpcqke.analysis.linear import LinearSystem

#: Growth below this part of the frequencies' spread is not told from zero: the eigenvalues of real
#: roots crowd on the unit circle, and no number of restarts would end.
FLOOR = 1e-3
#: Growing waves asked for at each k, Krylov vectors kept, restarts at most.
WANTED, VECTORS, RESTARTS = 4, 48, 40
TOLERANCE = 1e-9


class Resolvent:
    """x -> (matrix - s)^-1 x of one system, k and branch."""

    def __init__(self, system: LinearSystem, k: float, branch: str, s: complex) -> None:
        local, source, scattering = system.blocks
        v, weight = system.v, system.weight
        self.shape, self.s = source.shape, s
        self.frequency = k * v + local
        self.inverse = 1 / (self.frequency - s)
        symmetric = branch == "symmetric"
        self.kappa = scattering if symmetric else np.zeros_like(scattering)
        self.spread = np.broadcast_to(weight / weight.sum(), source.shape)
        self.turned = self.inverse * self.spread
        # without its scattering a block is diagonal; with it 1/(1 + i kappa sum spread/(f - s))
        self.gain = 1j * self.kappa / (1 + 1j * self.kappa * self.turned.sum(axis=1))
        if symmetric:
            self.tests = np.stack([np.ones_like(v), v])
            self.columns = np.stack([source, -source * v])
        else:
            across = np.sqrt(1 - v**2)
            self.tests = across[np.newaxis]
            self.columns = -(1.0 if system.azimuths == 2 else 0.5) * (source * across)[np.newaxis]
        self.solved = np.stack([self._blocks(c) for c in self.columns])
        sums = np.einsum("av,cbv->ac", self.tests, self.solved)
        self.inner = np.linalg.inv(np.eye(len(sums)) + sums)

    def _blocks(self, x: np.ndarray) -> np.ndarray:
        """The same without the self-interaction."""
        y = self.inverse * x
        return y - self.turned * (self.gain * y.sum(axis=1))[:, np.newaxis]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        y = self._blocks(x.reshape(self.shape))
        sums = self.inner @ np.einsum("av,bv->a", self.tests, y)
        return (y - np.einsum("c,cbv->bv", sums, self.solved)).ravel()


class Cayley:
    """T on vectors of real and imaginary parts, for PETSc."""

    def __init__(self, resolvent: Resolvent) -> None:
        self.resolvent = resolvent

    def apply(self, x: np.ndarray) -> np.ndarray:
        """T x of a complex vector."""
        return x + 2j * self.resolvent.s.imag * self.resolvent(x)

    def mult(self, mat: Any, x: Any, y: Any) -> None:
        """PETSc's callback."""
        parts = x.getArray(readonly=True).reshape(2, -1)
        result = self.apply(parts[0] + 1j * parts[1])
        y.setArray(np.concatenate([result.real, result.imag]))


def growing_roots(system: LinearSystem, k: float, branch: str = "symmetric") -> np.ndarray:
    """Omega of up to four growing waves at k, fastest first, in mu; CaseError without SLEPc.

    Waves that grow by less than FLOOR times the spread of v k - V^z are left out.
    """
    SLEPc = slepc()
    from petsc4py import PETSc

    local = (k * system.v + system.blocks.local).real
    middle, spread = 0.5 * (local.min() + local.max()), np.ptp(local) + system.bandwidth
    resolvent = Resolvent(system, k, branch, complex(middle, 0.5 * spread))
    n = 2 * system.size
    mat = PETSc.Mat().createPython((n, n), Cayley(resolvent), comm=PETSc.COMM_SELF)
    mat.setUp()
    eps = SLEPc.EPS().create(comm=PETSc.COMM_SELF)
    eps.setOperators(mat)
    eps.setProblemType(SLEPc.EPS.ProblemType.NHEP)
    eps.setWhichEigenpairs(SLEPc.EPS.Which.LARGEST_MAGNITUDE)
    # every root comes twice, as itself and as its conjugate
    eps.setDimensions(2 * WANTED, VECTORS)
    eps.setTolerances(TOLERANCE, RESTARTS)
    eps.solve()
    floor = FLOOR * spread
    found = []
    re, im = mat.createVecs()
    for i in range(eps.getConverged()):
        theta = eps.getEigenpair(i, re, im)
        a, b = (x.getArray().reshape(2, -1) for x in (re, im))
        # of an eigenvector z = (z1, z2) of both T and its conjugate, z1 + i z2 belongs to T
        x = (a[0] + 1j * b[0]) + 1j * (a[1] + 1j * b[1])
        if np.linalg.norm(x) > 1e-6 * np.sqrt(np.sum(a**2) + np.sum(b**2)):
            omega = root_of(theta, resolvent.s)
            if omega.imag > floor and all(abs(omega - f) > 1e-6 * spread for f in found):
                found.append(omega)
    for thing in (eps, mat, re, im):
        thing.destroy()
    return np.array(sorted(found, key=lambda omega: -omega.imag), dtype=complex)


def root_of(theta: complex, s: complex) -> complex:
    """Omega of an eigenvalue of T."""
    return s + 2j * s.imag / (theta - 1) if theta != 1 else complex(np.inf)


def slepc() -> Any:
    """slepc4py.SLEPc; CaseError with the cure if it is not there."""
    try:
        import slepc4py
    except ImportError:
        # Debian keeps it beside petsc4py, in a folder of its own that no path leads to
        import petsc4py

        beside = petsc4py.__file__.replace("/petscdir/petsc", "/slepcdir/slepc")
        sys.path.append(str(Path(beside).parents[1]))
        importlib.invalidate_caches()
        try:
            import slepc4py
        except ImportError:
            cure = "install slepc4py of this PETSc (Debian: apt-get install python3-slepc4py-real)"
            raise CaseError([f"stability: so many waves (> {DENSE}) need SLEPc: {cure}"]) from None
        finally:
            sys.path.pop()
    slepc4py.init([])
    from slepc4py import SLEPc

    return SLEPc
