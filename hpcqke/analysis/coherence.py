"""Coherence in space and angle: spectra of rho_ex, its correlation function and its lengths.

    S(k, t) = sum_p w_p |rho_ex,k(p)|^2,          sum_k S = sum_p w_p <|rho_ex|^2>_z
    C(r, t) = sum_k S e^{ikr} / sum_k S = sum w <psi*(z) psi(z + r)> / sum w <|psi|^2>
    A_l(t)  = (2l + 1)/2 <|sum_p w_p P_l(v) rho_ex(p, z)|^2>_z

k is that of psi = P^x + iP^y = 2 rho_ex*, as in series.nc and linear theory; a wave of rho_ex
itself has the opposite sign. Antineutrinos are in the Sigl-Raffelt convention
(`to_physical_antinu` turns them, and their k, around).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpcqke import state
from hpcqke.analysis.frames import frames_of, is_periodic, length_of, pair_of, weight_of
from hpcqke.errors import CaseError

if TYPE_CHECKING:
    import xarray as xr


def power_spectrum(
    fields: xr.Dataset, species: str = "nu", pair: str | None = None, by_direction: bool = False
) -> xr.DataArray:
    """S(k, t), in n^2; by_direction: (time, direction, k), sum_p over |p| and azimuths only.

    k rises from -pi/dz; the box is periodic.
    """
    import xarray as xr

    length, weight = length_of(fields), weight_of(fields)
    if not is_periodic(fields):
        raise CaseError(["spectra in k are those of periodic boxes"])
    which = pair_of(fields, pair)[0]
    v, rows = fields["direction"].values, []
    for frame in frames_of(fields, species):
        psi = np.fft.fft(state.off_diagonals(frame)[..., which], axis=0) / frame.shape[0]
        power = np.einsum("kpd,pd->dk", 0.25 * np.abs(psi) ** 2, weight)
        rows.append(power if by_direction else power.sum(axis=0))
    nz = fields.sizes["z"]
    k = 2 * np.pi * np.fft.fftfreq(nz, length / nz)
    coords = {"time": fields["time"], "k": k}
    values, dims = np.array(rows), ("time", "k")
    if by_direction:
        polar = np.unique(v)
        values = np.stack([values[:, v == one].sum(axis=1) for one in polar], axis=1)
        coords["direction"], dims = polar, ("time", "direction", "k")
    attributes = {"units": "n^2", "long_name": "|rho_ex,k|^2", "length": length}
    return xr.DataArray(values, coords, dims, "power", attributes).sortby("k")


def correlation(power: xr.DataArray) -> xr.DataArray:
    """C(r), complex, of a `power_spectrum`, 0 <= r <= L/2; nan where there is no coherence."""
    import xarray as xr

    nz, length = power.sizes["k"], power.attrs["length"]
    ordered = power.transpose(..., "k").sortby("k").values
    values = np.fft.ifft(np.fft.ifftshift(ordered, axes=-1), axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = values / values[..., :1].real
    r = length / nz * np.arange(nz // 2 + 1)
    dims = [d for d in power.dims if d != "k"]
    coords = {d: power[d] for d in dims} | {"r": r}
    attributes = {"units": "1", "long_name": "correlation of psi"}
    return xr.DataArray(values[..., : r.size], coords, (*dims, "r"), "correlation", attributes)


def coherence_lengths(power: xr.DataArray) -> xr.Dataset:
    """Half widths of the autocorrelation, in the unit of 1/k, from a `power_spectrum`.

    Variables: coherence_length, where |C(r)| falls to 1/2: how far phases are related, whatever the
    wave they ride on; correlation_length, where Re C(r) does: the size of a patch of one sign. A
    single wave e^{ikz} has inf and pi/(3|k|). inf: not within L/2; nan: no coherence.
    """
    import xarray as xr

    C = correlation(power)
    dims = C.dims[:-1]
    lengths = {
        "coherence_length": (dims, _half_width(C["r"].values, np.abs(C.values))),
        "correlation_length": (dims, _half_width(C["r"].values, C.values.real)),
    }
    return xr.Dataset(lengths, {d: C[d] for d in dims})


def _half_width(r: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The first r where values (..., r) pass 1/2, on straight lines between cells."""
    below = values < 0.5
    j = below.argmax(axis=-1)
    i = np.maximum(j - 1, 0)
    first, second = (np.take_along_axis(values, n[..., None], -1)[..., 0] for n in (i, j))
    with np.errstate(invalid="ignore", divide="ignore"):
        at = r[i] + (first - 0.5) / (first - second) * (r[j] - r[i])
    at = np.where(below.any(axis=-1), at, np.inf)
    return np.where(np.isnan(values[..., 0]), np.nan, at)


def angular_spectrum(
    fields: xr.Dataset, species: str = "nu", pair: str | None = None, lmax: int | None = None
) -> xr.DataArray:
    """A_l(t) of rho_ex, (time, l), in n^2; lmax: one less than the number of v by default.

    sum_l A_l = int <|rho_ex|^2>_z dv up to the resolution of the directions; the highest l tell
    whether there are enough of these.
    """
    import xarray as xr

    weight, v = weight_of(fields), fields["direction"].values
    count = np.unique(v).size
    lmax = count - 1 if lmax is None else lmax
    if not 0 <= lmax < count:
        raise CaseError([f"lmax = {lmax}: must be from 0 to {count - 1}, for {count} v"])
    which = pair_of(fields, pair)[0]
    P_l = np.stack([np.polynomial.Legendre.basis(n)(v) for n in range(lmax + 1)])
    sums = (weight * P_l[:, np.newaxis]).reshape(lmax + 1, -1).T  # over all modes, (modes, l)
    rows = []
    for frame in frames_of(fields, species):
        psi = state.off_diagonals(frame)[..., which]
        moments = psi.reshape(psi.shape[0], -1) @ sums
        rows.append(0.25 * np.mean(np.abs(moments) ** 2, axis=0))
    l = np.arange(lmax + 1)  # noqa: E741
    return xr.DataArray(
        (l + 0.5) * np.array(rows), {"time": fields["time"], "l": l}, ("time", "l"), "power",
        {"units": "n^2", "long_name": "power of rho_ex in P_l(v)"},
    )  # fmt: skip
