"""How far a run is from what the equation keeps: one number a row, and the worst of each.

trace        |int sum Tr rho dz / start - 1|              without collisions: 0
length       max over modes |int P^2 dz / start - 1|      without collisions and gradient terms
lepton_a     |int sum (rho_aa - rhobar_aa) dz - start| / int sum Tr rho dz        fast limit
eigenvalues  smallest of rho, and largest over its start; rho >= 0 asks for >= 0
entropy      change since the start; nan while an eigenvalue is outside 0...1
energies     U_osc, and its part in P^x, P^y:  mu/2 int [<M,M> - <F,F>] of the off-diagonals
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpcqke import state
from hpcqke.analysis.frames import frames_of, length_of, weight_of

if TYPE_CHECKING:
    import xarray as xr

_SIGNS = {"nu": 1.0, "nubar": -1.0}


def monitors(series: xr.Dataset) -> xr.Dataset:
    """The table above from series.nc, (time,) each; what the series lacks is left out."""
    import xarray as xr

    number = series["number"].sum("species").values
    found = {"trace": np.abs(number / number[0] - 1)}
    if "polarization_norm_error" in series:
        found["length"] = np.abs(series["polarization_norm_error"].values)
    for flavor, total in lepton_totals(series).items():
        found[f"lepton_{flavor}"] = np.abs(total - total[0]) / np.abs(number[0])
    if "eigenvalue_min" in series:
        found["eigenvalue_min"] = series["eigenvalue_min"].values
        found["eigenvalue_growth"] = series["eigenvalue_max"].values
        found["eigenvalue_growth"] = found["eigenvalue_growth"] / found["eigenvalue_growth"][0]
    if "entropy" in series:
        found["entropy_change"] = series["entropy"].values - series["entropy"].values[0]
    found["energy_refractive_osc"] = series["energy_refractive_osc"].values
    return xr.Dataset({k: ("time", v) for k, v in found.items()}, {"time": series["time"]})


def lepton_totals(series: xr.Dataset) -> dict[str, np.ndarray]:
    """int sum (rho_aa - rhobar_aa) dz of each flavor, (time,), in n/mu: ELN and XLN."""
    matrix = series["flavor_matrix"].transpose("time", "species", "component").values
    sign = [_SIGNS.get(str(name), 0.0) for name in series["species"].values]
    net = state.occupations(np.einsum("s,tsc->tc", sign, matrix))
    return dict(zip(state.FLAVORS[net.shape[-1]], net.T, strict=True))


def worst(found: xr.Dataset) -> dict[str, float]:
    """The largest of each monitor over time; of eigenvalue_min and entropy_change the smallest."""
    lowest = ("eigenvalue_min", "entropy_change")
    values = {}
    for name in found:
        if name != "energy_refractive_osc":
            one = found[name]
            values[str(name)] = float(one.min() if name in lowest else one.max())
    return values


def transverse_energy(fields: xr.Dataset, mu: float = 1.0) -> xr.DataArray:
    """The part of U_osc in the off-diagonal elements, (time,), in mu n/mu; axial symmetry.

    Linear theory's Eq. (12) is about this part alone; P^z changes at the same order.
    """
    import xarray as xr

    weight, v = weight_of(fields), fields["direction"].values
    dz = length_of(fields) / fields.sizes["z"]
    total = []
    sums: list = [0.0] * fields.sizes["time"]
    for species, sign in _SIGNS.items():
        if species in [str(name) for name in fields["species"].values]:
            for i, frame in enumerate(frames_of(fields, species)):
                psi = sign * state.off_diagonals(frame)
                weights = np.stack([weight, weight * v])
                sums[i] = sums[i] + np.einsum("mpd,zpdq->mzq", weights, psi)
    for M, F in sums:
        # <a,b> of the off-diagonal part: sum over pairs 2 Re rho_ij* rho_ij = |psi|^2/2
        total.append(0.25 * mu * dz * np.sum(np.abs(M) ** 2 - np.abs(F) ** 2))
    return xr.DataArray(
        total, {"time": fields["time"]}, ("time",), "energy_refractive_osc_transverse",
        {"units": "mu n/mu"},
    )  # fmt: skip
