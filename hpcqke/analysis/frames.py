"""What all analyses of fields.nc share: frames one at a time, the modes' weights, axial means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hpcqke import state
from hpcqke.errors import CaseError

if TYPE_CHECKING:
    import xarray as xr


def frames_of(fields: xr.Dataset, species: str) -> Iterator[np.ndarray]:
    """rho of one species frame by frame, (z, momentum, direction, component), in n.

    One frame is in memory at a time. `CaseError` if the run has no such species.
    """
    known = [str(name) for name in fields["species"].values]
    if species not in known:
        raise CaseError([f'species = "{species}": one of {", ".join(known)}'])
    rho = fields["rho"].isel(species=known.index(species))
    rho = rho.transpose("time", "z", "momentum", "direction", "component")
    for i in range(rho.sizes["time"]):
        yield rho.isel(time=i).values


def weight_of(fields: xr.Dataset) -> np.ndarray:
    """Quadrature weights w_p w_v of the modes, (momentum, direction)."""
    return fields["weight"].transpose("momentum", "direction").values


def flavors_of(fields: xr.Dataset) -> tuple[str, ...]:
    """Names of the flavors: e, x or e, mu, tau."""
    return state.FLAVORS[state.number_of_flavors(fields.sizes["component"])]


def pair_of(fields: xr.Dataset, pair: str | None) -> tuple[int, int, int]:
    """Index of a flavor pair (None: the first, ex or emu) and of its two flavors."""
    count = state.number_of_flavors(fields.sizes["component"])
    names = state.PAIR_NAMES[count]
    if pair is not None and pair not in names:
        raise CaseError([f'pair = "{pair}": one of {", ".join(names)}'])
    i = 0 if pair is None else names.index(pair)
    return i, *state.PAIRS[count][i]


def length_of(fields: xr.Dataset) -> float:
    """L of the periodic box, from its cells. `CaseError` if there is only one."""
    z = fields["z"].values
    if z.size < 2:
        raise CaseError(["there is only one cell in z"])
    return float((z[1] - z[0]) * z.size)


def is_periodic(fields: xr.Dataset) -> bool:
    """Are the cells those of a periodic box, the first at -L/2? Open ones have theirs inside."""
    z = fields["z"].values
    return z.size < 2 or bool(abs(z[0] + 0.5 * z.size * (z[1] - z[0])) < 0.25 * (z[1] - z[0]))


def fold(v: np.ndarray, values: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means over the azimuths of each v: v in rising order and values (..., v).

    values, weight: (..., direction); where all weights of a v are 0 the mean is nan.
    """
    polar, place = np.unique(v, return_inverse=True)
    member = (place[:, None] == np.arange(polar.size)).astype(float)
    weight = np.broadcast_to(weight, values.shape)
    total = weight @ member
    with np.errstate(invalid="ignore", divide="ignore"):
        return polar, np.where(weight > 0, weight * values, 0.0) @ member / total
