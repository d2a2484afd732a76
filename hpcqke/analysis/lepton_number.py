"""Lepton number by angle (ELN, XLN), its crossings as they move, and the end states of models.

    L_a(v) = sum_p w_p [rho_aa(p, v) - rhobar_aa(p, v)],      G(v) = L_a(v) - L_b(v) of a pair

per dv and over all azimuths, in n. ELN is L_e, XLN is L_x. int G dv of all v is kept by the
self-interaction, G(v) itself is not: where it stops to change its sign the instability ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpcqke import state
from hpcqke.analysis.crossings import box_end_state, find_crossings, power_end_state
from hpcqke.analysis.frames import flavors_of, fold, frames_of, weight_of
from hpcqke.errors import CaseError

if TYPE_CHECKING:
    import xarray as xr


def lepton_number(
    fields: xr.Dataset, z: float | str | None = None, v_weight: np.ndarray | None = None
) -> xr.Dataset:
    """L_a(v, t) of every flavor: mean over the box, in the cell nearest to z, or z = "all" cells.

    v_weight: w_v of the directions (`MomentumGrid.v_weight`); needed if there are several |p|,
    whose weights fields.nc has only as the product w_p w_v. Variables: lepton_number (time, flavor,
    [z,] direction), in n, and weight (direction), w_v of all azimuths; v rises.
    """
    import xarray as xr

    weight = weight_of(fields)
    if v_weight is None:
        if weight.shape[0] > 1:
            raise CaseError(["lepton number of several |p|: v_weight must be given"])
        v_weight = weight[0]
    local = z is not None
    if local:
        cell = fields["z"].values if z == "all" else [float(z)]
        fields = fields.sel(z=cell, method=None if z == "all" else "nearest")
    known = [str(name) for name in fields["species"].values]
    total = 0.0
    for species, sign in (("nu", 1.0), ("nubar", -1.0)):
        if species in known:
            rows = [
                state.occupations(f if local else f.mean(axis=0, keepdims=True))
                for f in frames_of(fields, species)
            ]
            total = total + sign * np.array(rows)
    content = np.einsum("tzpdf,pd->tfzd", total, weight)  # of each direction: w_v L_a
    v = fields["direction"].values
    polar, density = fold(v, content / v_weight, v_weight)
    summed = fold(v, v_weight, np.ones_like(v))[1] * (v.size // polar.size)
    result = xr.Dataset(
        {
            "lepton_number": (("time", "flavor", "z", "direction"), density, {"units": "n"}),
            "weight": ("direction", summed, {"units": "1"}),
        },
        coords={"time": fields["time"], "flavor": list(flavors_of(fields)), "direction": polar},
    )
    if local:
        result = result.assign_coords(z=fields["z"].values)
    return result if z == "all" else result.isel(z=0)


def net_distribution(found: xr.Dataset, pair: str | None = None) -> xr.DataArray:
    """G(v, t) = L_a - L_b of a flavor pair (default: ex, or emu), from `lepton_number`."""
    flavors = [str(name) for name in found["flavor"].values]
    pairs = dict(zip(state.PAIR_NAMES[len(flavors)], state.PAIRS[len(flavors)], strict=True))
    pair = next(iter(pairs)) if pair is None else pair
    if pair not in pairs:
        raise CaseError([f'pair = "{pair}": one of {", ".join(pairs)}'])
    a, b = (found["lepton_number"].isel(flavor=i, drop=True) for i in pairs[pair])
    return (a - b).rename("G").assign_attrs(units="n", pair=pair)


def crossings(found: xr.Dataset, pair: str | None = None, smooth: bool = True) -> xr.Dataset:
    """Where G(v, t) changes its sign and the integrals of both signs, frame by frame.

    smooth: see `crossings.find_crossings`. Variables: eln_crossing (time, crossing), nan beyond;
    plus, minus (time), in n: I+ and I-; depth (time), the smaller over the larger.
    """
    import xarray as xr

    G, weight = net_distribution(found, pair), found["weight"].values
    v = found["direction"].values
    rows = [find_crossings(v, weight, one, smooth=smooth) for one in G.values]
    at = np.full((len(rows), max((row.v.size for row in rows), default=0)), np.nan)
    for i, row in enumerate(rows):
        at[i, : row.v.size] = row.v
    return xr.Dataset(
        {
            "eln_crossing": (("time", "crossing"), at, {"units": "1"}),
            "plus": ("time", [row.plus for row in rows], {"units": "n"}),
            "minus": ("time", [row.minus for row in rows], {"units": "n"}),
            "depth": ("time", [row.depth for row in rows], {"units": "1"}),
        },
        coords={"time": found["time"]},
    )


def end_states(found: xr.Dataset, pair: str | None = None) -> xr.Dataset:
    """P(v) of the box and the power-1/2 model from G at the first frame, see `crossings`.

    Variables: survival (model, direction), width (model) of the power law; models for one crossing
    and random seeds (`crossings` of the attributes says how many there are).
    """
    import xarray as xr

    G, weight = net_distribution(found, pair).values[0], found["weight"].values
    v = found["direction"].values
    models = {"box": box_end_state, "power-1/2": power_end_state}
    ends = [model(v, weight, G) for model in models.values()]
    return xr.Dataset(
        {
            "survival": (("model", "direction"), [e.survival for e in ends], {"units": "1"}),
            "width": ("model", [e.width for e in ends], {"units": "1"}),
        },
        coords={"model": list(models), "direction": v},
        attrs={"crossings": int(find_crossings(v, weight, G).v.size)},
    )
