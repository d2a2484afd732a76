"""Butcher tableaux of PETSc's explicit Runge-Kutta types, as PETSc itself gives them."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tableau:
    """Butcher tableau: A (s, s), b, c, embedded b^ (None if there is none), order p."""

    A: np.ndarray
    b: np.ndarray
    c: np.ndarray
    embedded: np.ndarray | None
    order: int
    first_same_as_last: bool


ORDERS = {"3bs": 3, "4": 4, "5dp": 5, "8vr": 8}


def petsc_tableau(PETSc, rk_type: str) -> Tableau:
    """The tableau of one of PETSc's TSRK types, a key of `ORDERS` (PETSc tells all but those)."""
    ts = PETSc.TS().create(PETSc.COMM_SELF)
    ts.setType("rk")
    ts.setRKType(rk_type)
    library = ctypes.CDLL(PETSc.__file__)
    integer = ctypes.c_int64 if np.dtype(PETSc.IntType).itemsize == 8 else ctypes.c_int32
    pointer = ctypes.POINTER(ctypes.c_double)
    stages, degree, fsal = integer(), integer(), ctypes.c_int()
    A, b, c, embedded, interpolant = (pointer() for _ in range(5))
    error = library.TSRKGetTableau(
        ctypes.c_void_p(ts.handle),
        ctypes.byref(stages),
        ctypes.byref(A),
        ctypes.byref(b),
        ctypes.byref(c),
        ctypes.byref(embedded),
        ctypes.byref(degree),  # of the interpolant
        ctypes.byref(interpolant),
        ctypes.byref(fsal),
    )
    if error:
        raise PETSc.Error(error)
    s = stages.value

    def copy(values, n: int) -> np.ndarray:
        return np.ctypeslib.as_array(values, (n,)).copy()

    tableau = Tableau(
        copy(A, s * s).reshape(s, s),
        copy(b, s),
        copy(c, s),
        copy(embedded, s) if embedded else None,
        ORDERS[rk_type],
        bool(fsal.value),
    )
    ts.destroy()
    return tableau
