"""Space-time diagrams and angular distributions as data: P^z(z, t; v), |rho_ex| and its phase.

    s(z, t) = (rho_aa - rho_bb)/(rho_aa + rho_bb),   rho_ab = |rho_ab| e^{i phase}

of one direction, or of the sums over momentum sum_p w_p rho.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpcqke import state
from hpcqke.analysis.frames import fold, frames_of, pair_of, weight_of
from hpcqke.errors import CaseError

if TYPE_CHECKING:
    import xarray as xr


def space_time(
    fields: xr.Dataset, species: str = "nu", v: float | None = None, pair: str | None = None
) -> xr.Dataset:
    """s, |rho_ab| and phase of rho_ab, (time, z), in the direction nearest to v or summed over all.

    Variables: polarization (P^z/P0 of two flavors), coherence, in n, phase, -pi...pi; nan where
    there is nothing. Sums are over |p| and over the azimuths of v with their weights.
    """
    import xarray as xr

    which, a, b = pair_of(fields, pair)
    directions, weight = fields["direction"].values, weight_of(fields)
    attributes = {"species": species}
    if v is not None:
        nearest = directions[np.abs(directions - v).argmin()]
        weight = np.where(directions == nearest, weight, 0.0)
        attributes["v"] = float(nearest)
    polarization, off = [], []
    for frame in frames_of(fields, species):
        n = np.einsum("zpdf,pd->zf", state.occupations(frame), weight)
        with np.errstate(invalid="ignore", divide="ignore"):
            polarization.append((n[:, a] - n[:, b]) / (n[:, a] + n[:, b]))
        psi = np.einsum("zpd,pd->z", state.off_diagonals(frame)[..., which], weight)
        off.append(0.5 * psi.conj())
    off = np.array(off)
    phase = np.where(off != 0, np.angle(off), np.nan)
    dims = ("time", "z")
    return xr.Dataset(
        {
            "polarization": (dims, np.array(polarization), {"units": "1"}),
            "coherence": (dims, np.abs(off), {"units": "n"}),
            "phase": (dims, phase, {"units": "rad"}),
        },
        coords={d: fields[d] for d in dims},
        attrs=attributes,
    )


def angular_distribution(
    fields: xr.Dataset, time: float, z: float | None = None, v_weight: np.ndarray | None = None
) -> xr.Dataset:
    """rho_aa(v) of every species and flavor, and |rho_ab|(v), at the frame nearest to a time.

    z: in the cell nearest to it; None: mean over the box of rho_aa, rms of |rho_ab|. Summed
    over |p|, per dv over all azimuths, in n; v_weight as for `lepton_number`. Variables: occupation
    (species, flavor, direction), coherence (species, pair, direction).
    """
    import xarray as xr

    weight = weight_of(fields)
    if v_weight is None:
        if weight.shape[0] > 1:
            raise CaseError(["angular distribution of several |p|: v_weight must be given"])
        v_weight = weight[0]
    i = int(np.abs(fields["time"].values - time).argmin())
    one = fields.isel(time=[i])
    if z is not None:
        one = one.isel(z=[int(np.abs(fields["z"].values - z).argmin())])
    v, found = fields["direction"].values, {"occupation": [], "coherence": []}
    names = [str(s) for s in fields["species"].values]
    names = [s for s in names if s in state.SPECIES]
    for species in names:
        (frame,) = frames_of(one, species)
        n = np.einsum("zpdf,pd->fd", state.occupations(frame), weight) / frame.shape[0]
        psi = np.einsum("zpdq,pd->zqd", state.off_diagonals(frame), weight)
        rms = 0.5 * np.sqrt(np.mean(np.abs(psi) ** 2, axis=0))
        for name, values in (("occupation", n), ("coherence", rms)):
            polar, folded = fold(v, values / v_weight, v_weight)
            found[name].append(folded)
    flavors = state.number_of_flavors(fields.sizes["component"])
    result = xr.Dataset(
        {
            "occupation": (("species", "flavor", "direction"), found["occupation"]),
            "coherence": (("species", "pair", "direction"), found["coherence"]),
        },
        coords={
            "species": names, "flavor": list(state.FLAVORS[flavors]),
            "pair": list(state.PAIR_NAMES[flavors]), "direction": polar,
            "time": fields["time"].values[i],
        },
    )  # fmt: skip
    for name in found:
        result[name].attrs["units"] = "n"
    return result if z is None else result.assign_coords(z=one["z"].values[0])
