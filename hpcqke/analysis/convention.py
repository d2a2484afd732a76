"""The two conventions for antineutrinos.

Here, as Sigl & Raffelt: rhobar_ab = <b_a^+ b_b>, which obeys the same H_nunu as rho. Many codes
(Emu and others) keep rhobar_ab = <b_b^+ b_a>, the complex conjugate; then

    i (d_t + v d_z) rhobar' = [H_vac* - H_mat - H_nunu*, rhobar'],   H_nunu = mu (rho - rhobar'*)

Probabilities and |rho_ex| are the same in both, phases of rho_ex and the sign of k are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpcqke.errors import CaseError

if TYPE_CHECKING:
    import xarray as xr


def to_physical_antinu(rho_bar: np.ndarray | xr.DataArray) -> np.ndarray | xr.DataArray:
    """rhobar of the other convention, or back: the complex conjugate.

    rho_bar: complex matrices (..., N_f, N_f), or components of antineutrinos alone, a DataArray
    with the dimension "component" (P^y and the imaginary parts change their sign).
    """
    if not hasattr(rho_bar, "dims"):
        return np.conj(rho_bar)
    if "species" in rho_bar.coords and {*np.atleast_1d(rho_bar["species"].values)} != {"nubar"}:
        raise CaseError(['to_physical_antinu: select species = "nubar" first'])
    names = [str(name) for name in rho_bar["component"].values]
    sign = [-1.0 if name == "Py" or name.endswith("_im") else 1.0 for name in names]
    factor = rho_bar["component"].copy(data=np.array(sign))
    return rho_bar * factor.drop_vars("component").assign_coords(component=names)
