"""rho(t_0, z, p) as a file holds it: the last time of a fields.nc on the same grid."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcqke.errors import CaseError
from hpcqke.initial.base import Recipe
from hpcqke.schema import text


class FromFile(Recipe):
    """The state that a file holds."""

    name = "file"

    @dataclass(frozen=True, kw_only=True)
    class Config(Recipe.Config):
        """Where the file is."""

        path: str = text(doc="a fields.nc, relative to the folder in which the run is started")

    @classmethod
    def fill(cls, config: Any, ps: Any, case: Any) -> np.ndarray:
        """Every rank reads its own part of the last frame that was written."""
        import h5py

        want = (ps.nz, ps.np, ps.nv, ps.S, ps.C)
        try:
            with h5py.File(config.path, "r") as file:
                rho, written = file["rho"], np.isfinite(file["time"][:])
                if rho.shape[1:] != want or not written.any():
                    what = f"holds (z, momentum, direction, species, component) = {rho.shape[1:]}"
                    raise CaseError([f"initial.path = {config.path!r}: {what}, not {want}"])
                A = rho[(int(np.flatnonzero(written)[-1]), *ps.own)]
        except (OSError, KeyError) as error:
            text = f"initial.path = {config.path!r}: not a readable fields.nc ({error})"
            raise CaseError([text]) from None
        if not np.isfinite(A).all():
            raise CaseError([f"initial.path = {config.path!r}: holds values that are not finite"])
        return A
