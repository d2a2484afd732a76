"""Growth rates measured in a run, to hold against those of the linearised equations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hpcqke.analysis.linear import LinearSystem, central_wavenumber
from hpcqke.errors import CaseError

if TYPE_CHECKING:
    import xarray as xr

    from hpcqke.case import Case

#: rms of the off-diagonal elements, over |P^z|, up to which a run counts as linear.
LINEAR = 0.05


class Fit(NamedTuple):
    """Least squares of ln |psi_k| = gamma t + const: slope and rms residual, (pair, k).

    bend: slope of the later half of the rows minus that of the earlier.
    """

    gamma: np.ndarray
    residual: np.ndarray
    window: tuple[float, float]
    rows: int
    bend: np.ndarray


def spectrum(series: xr.Dataset) -> xr.DataArray:
    """sqrt((|M_k|^2 + |F_k|^2)/2) of the off-diagonal elements, (time, pair, k), in n.

    With two beams v = +-1 it is sqrt(|psi_+|^2 + |psi_-|^2).
    """
    power = (series["spectrum"] ** 2).sum("moment") / 2
    return (power**0.5).transpose("time", "pair", "k").sortby("k")


def linear_window(
    series: xr.Dataset, systems: Mapping[str, LinearSystem]
) -> tuple[float, float] | None:
    """Times between which growth is exponential: the last 40 % of the linear phase.

    The phase ends where the rms of the off-diagonal elements passes 5 % of the mean |P^z|; what
    comes before is left to the waves that decay.  None if a run has no such rows.
    """
    time, end = series["time"].values, linear_end(series, systems)
    if np.sum(time <= end) < 3:
        return None
    return float(0.4 * time[0] + 0.6 * end), end


def linear_end(series: xr.Dataset, systems: Mapping[str, LinearSystem]) -> float:
    """The last row's time before the rms of the off-diagonal elements passes 5 % of |P^z|."""
    scale = max(np.sqrt(np.mean(s.polarization**2)) for s in systems.values())
    time = series["time"].values
    over = np.flatnonzero(series["off_diagonal_rms"].values > LINEAR * scale)
    return float(time[max(over[0] - 1, 0)] if over.size else time[-1])


def fit_growth(series: xr.Dataset, window: tuple[float, float]) -> Fit:
    """Growth rate of every k from the rows of `series` inside the window (nan if fewer than 3).

    Amplitudes at round-off (below 1e-10 of the largest) give nan.
    """
    psi = spectrum(series)
    time = psi["time"].values
    inside = (time >= window[0] - 1e-9) & (time <= window[1] + 1e-9)
    rows = int(inside.sum())
    shape = psi.shape[1:]
    if rows < 3:
        nothing = np.full(shape, np.nan)
        return Fit(nothing, nothing, window, rows, nothing)
    t, amplitude = time[inside], psi.values[inside]
    with np.errstate(divide="ignore"):
        y = np.log(np.where(amplitude > 1e-10 * psi.values.max(), amplitude, 0.0))
    half = (rows + 1) // 2  # of three rows the middle one is in both
    with np.errstate(invalid="ignore"):
        slope, residual = _line(t, y)
        bend = _line(t[-half:], y[-half:])[0] - _line(t[:half], y[:half])[0]
    return Fit(np.where(np.isfinite(slope), slope, np.nan), residual, window, rows, bend)


def fit_rate(amplitude: xr.DataArray, window: tuple[float, float]) -> xr.Dataset:
    """gamma of amplitude ~ e^{gamma t} between two times, whatever its other dimensions are.

    amplitude: with a dimension "time", > 0 where it grows; of a power, 2 gamma comes out.
    Variables: gamma, in the unit of 1/time, and residual, the rms of what is left of ln(amplitude);
    nan where it is 0 in the window. `CaseError` if fewer than 3 rows are in the window.
    """
    import xarray as xr

    time = amplitude["time"].values
    inside = (time >= window[0] - 1e-9) & (time <= window[1] + 1e-9)
    if inside.sum() < 3:
        raise CaseError([f"window {window[0]:g}...{window[1]:g}: must hold 3 rows or more, "
                         f"of t = {time[0]:g}...{time[-1]:g}"])  # fmt: skip
    chosen = amplitude.transpose("time", ...).isel(time=np.flatnonzero(inside))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope, residual = _line(time[inside], np.log(np.abs(chosen.values)))
    dims = chosen.dims[1:]
    coords = {name: c for name, c in chosen.coords.items() if "time" not in c.dims}
    return xr.Dataset({"gamma": (dims, slope), "residual": (dims, residual)}, coords)


class Compared(NamedTuple):
    """One wave of a run: Fourier number, k, measured and predicted rates, in mu."""

    pair: str
    n: int
    k: float
    measured: float
    residual: float
    predicted: float
    on_grid: float


def scheme_of(case: Case) -> tuple[int, float]:
    """Order of the advection (0: none) and step along z."""
    z, advection = case.grid.z, case.terms.get("advection")
    return (advection.order if advection else 0), z.length / z.cells


def compare(series: xr.Dataset, systems: Mapping[str, LinearSystem], fit: Fit,
            scheme: tuple[int, float], most: int = 3) -> list[Compared]:  # fmt: skip
    """The largest waves of each pair at the end of the window, beside the linearised equations.

    scheme: order (0: no advection) and step of the difference along z. Waves that the fit has no
    rate for are left out; the largest of a pair comes first.
    """
    order, step = scheme
    psi = spectrum(series)
    k = psi["k"].values
    inside = psi["time"].values <= fit.window[1] + 1e-9
    last = psi.values[inside][-1]
    zero = int(np.abs(k).argmin())
    found = []
    for i, pair in enumerate(psi["pair"].values):
        for j in np.argsort(-last[i], kind="stable")[:most]:
            if not np.isfinite(fit.gamma[i, j]):
                continue
            stream = k[j] if order else 0.0
            grid = central_wavenumber(stream, step, order) if order else 0.0
            rates = systems[str(pair)].growth([stream, float(grid)])[0]
            found.append(Compared(str(pair), int(j) - zero, float(k[j]), float(fit.gamma[i, j]),
                                  float(fit.residual[i, j]), *map(float, rates)))  # fmt: skip
    return found


def _line(t: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and rms residual of the line through y (time, ...)."""
    t = t - t.mean()
    slope = np.tensordot(t, y, (0, 0)) / np.sum(t**2)
    rest = y - y.mean(axis=0) - np.multiply.outer(t, slope)
    return slope, np.sqrt(np.mean(rest**2, axis=0))
