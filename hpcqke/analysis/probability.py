"""Probabilities of flavor conversion from the frames of a run, relative to the first one.

    P(a -> b) = <rho_bb(t)>_z / <Tr rho(0)>_z          of a mode that began mainly in flavor a
    <P(a -> b)> = sum w <rho_bb(t)>_z / sum w <Tr rho(0)>_z             over all modes that did

The sum over b is 1 as long as neutrinos are neither made nor lost. For modes that began as nu_e it
is the literature's <P_ee> = sum w g (1 + <s_z>)/2 / sum w g. (`survival` of series.nc divides by
rho_aa(0) instead of Tr rho(0): the same for pure modes, and 1 at the start whatever was seeded.)
Modes that begin mixed have no P(a -> b) that rho alone could tell; for two flavors

    P = (1 + <P^z(t)>_z/<P^z(0)>_z)/2,    rho_ee(t) = P rho_ee(0) + (1 - P) rho_xx(0)

is what remains of their surplus (`pair_survival`), and what models of end states are about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpcqke import state
from hpcqke.analysis.frames import flavors_of, frames_of, weight_of
from hpcqke.errors import CaseError

if TYPE_CHECKING:
    import xarray as xr

_MODES = ("momentum", "direction")


def transition(fields: xr.Dataset, start: str = "e", species: str = "nu") -> xr.Dataset:
    """P(start -> flavor) by mode and on average, with the spread (standard deviation) over z.

    Variables: probability, spread (time, flavor, momentum, direction), nan for modes that began in
    another flavor; average, average_spread (time, flavor) of the sum over modes, whose spread is
    that of the local sums; content (momentum, direction): w |<Tr rho(0)>| of the chosen modes, in
    n, which weighs averages. `CaseError`: unknown flavor or species, no mode that began in it.
    """
    flavors = flavors_of(fields)
    if start not in flavors:
        raise CaseError([f'start = "{start}": one of {", ".join(flavors)}'])
    columns: dict[str, list] = {k: [] for k in ("mean", "spread", "average", "average_spread")}
    content = begun = None
    for frame in frames_of(fields, species):
        n = state.occupations(frame)
        if content is None:
            begun = np.mean(state.trace(frame), axis=0)
            sign = np.sign(begun)  # negative: rho stands for rho - rhobar, and more nubar are there
            main = (n.mean(axis=0) * sign[..., np.newaxis]).argmax(axis=-1)
            chosen = (main == flavors.index(start)) & (begun != 0)
            content = np.where(chosen, weight_of(fields) * np.abs(begun), 0.0)
            if not content.sum() > 0:
                raise CaseError([f"no mode of {species} began mainly as nu_{start}"])
            share = np.where(chosen, weight_of(fields) * sign, 0.0) / content.sum()
        local = np.einsum("zpdf,pd->zf", n, share)
        columns["mean"].append(n.mean(axis=0))
        columns["spread"].append(n.std(axis=0))
        columns["average"].append(local.mean(axis=0))
        columns["average_spread"].append(local.std(axis=0))
    if content is None:
        raise CaseError(["fields.nc has no frames"])
    per = np.where(content > 0, begun, np.nan)[..., np.newaxis]
    found = {
        "probability": (("time", *_MODES, "flavor"), np.array(columns["mean"]) / per),
        "spread": (("time", *_MODES, "flavor"), np.array(columns["spread"]) / per),
        "average": (("time", "flavor"), np.array(columns["average"])),
        "average_spread": (("time", "flavor"), np.array(columns["average_spread"])),
        "content": (_MODES, content),
    }
    result = _dataset(fields, found, flavor=list(flavors))
    result.attrs = {"start": start, "species": species}
    result["content"].attrs["units"] = "n"
    return result.transpose("time", "flavor", *_MODES)


def average_over(found: xr.Dataset, *dims: str) -> xr.DataArray:
    """<P(start -> flavor)> over "momentum", "direction" or both, weighted with `content`.

    By angle: average_over(transition(fields), "momentum"); by energy: ..., "direction").
    """
    content = found["content"]
    total = content.sum(dims)
    mean = (found["probability"] * content).sum(dims) / total.where(total > 0)
    return mean.rename("probability").assign_attrs(units="1")


def pair_survival(fields: xr.Dataset, species: str = "nu") -> xr.Dataset:
    """P = (1 + <P^z(t)>/<P^z(0)>)/2 of every mode, two flavors; see the equation above.

    Variables: probability (time, momentum, direction), nan where P^z(0) = 0, and content
    (momentum, direction): w |<P^z(0)>|, in n, which weighs averages (`average_over`).
    """
    if len(flavors_of(fields)) != 2:
        raise CaseError(["the survival of a pair is that of two flavors"])
    pz = np.array([frame[..., 3].mean(axis=0) for frame in frames_of(fields, species)])
    with np.errstate(invalid="ignore", divide="ignore"):
        P = np.where(pz[0] != 0, 0.5 * (1 + pz / pz[0]), np.nan)
    found = {
        "probability": (("time", *_MODES), P),
        "content": (_MODES, weight_of(fields) * np.abs(pz[0])),
    }
    return _dataset(fields, found)


def _dataset(fields: xr.Dataset, variables: dict, **coords: list) -> xr.Dataset:
    """Variables with the coordinates of the fields, azimuth and frequency included."""
    import xarray as xr

    kept = {k: c for k, c in fields.coords.items() if {*c.dims} <= {"time", *_MODES} and c.dims}
    kept |= {name: fields[name].variable for name in ("azimuth", "frequency") if name in fields}
    result = xr.Dataset(variables, coords=kept | coords)
    for name in variables:
        result[name].attrs["units"] = "1"
    return result
