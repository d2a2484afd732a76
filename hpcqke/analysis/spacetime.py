"""The nu_x content in space and time, thinned to what a picture can show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hpcqke import state

if TYPE_CHECKING:
    import xarray as xr

#: Pixels worth drawing along z and t; more frames are skipped, more cells averaged.
MOST_CELLS, MOST_FRAMES = 800, 900
#: Pixels of a diagram along z and t.
ROWS, COLUMNS = 1000, 1800


class Content(NamedTuple):
    """values (time, z): the share of neutrinos that are not nu_e, 0...1."""

    time: np.ndarray
    z: np.ndarray
    values: np.ndarray
    flavors: str
    label: str


def nux_content(fields: xr.Dataset, direction: int | None = None) -> Content:
    """1 - rho_ee/Tr rho of the neutrinos in one direction, or summed over momentum modes.

    direction: index of a direction; by default 0 with two directions (the paper's beam), else all.
    """
    rho = fields["rho"].sel(species="nu")
    count = rho.sizes["direction"]
    if direction is None and count == 2:
        direction = 0
    chosen = slice(None) if direction is None else slice(direction, direction + 1)
    label = "all directions"
    if direction is not None:
        label = f"beam $v$ = {float(fields['direction'].values[direction]):+.3g}"
    rho = rho.isel(direction=chosen, time=slice(None, None, -(-rho.sizes["time"] // MOST_FRAMES)))
    weight = fields["weight"].transpose("momentum", "direction").values[:, chosen]
    every = -(-rho.sizes["z"] // MOST_CELLS)
    values = []
    for i in range(rho.sizes["time"]):
        frame = rho.isel(time=i).transpose("z", "momentum", "direction", "component").values
        total = _sum(state.trace(frame), weight)
        electron = _sum(state.occupations(frame)[..., 0], weight)
        electron, total = coarse(electron, every), coarse(total, every)
        empty = np.full_like(total, np.nan)
        values.append(1 - np.divide(electron, total, out=empty, where=total != 0))
    z = coarse(fields["z"].values, every)
    three = state.number_of_flavors(rho.sizes["component"]) == 3
    flavors = r"$\nu_\mu + \nu_\tau$" if three else r"$\nu_x$"
    return Content(rho["time"].values, z, np.array(values), flavors, label)


def _sum(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.einsum("zpd,pd->z", values, weight)


def coarse(values: np.ndarray, every: int) -> np.ndarray:
    """Means over groups of `every` cells; the rest at the end is a group of its own."""
    if every == 1:
        return values
    starts = np.arange(0, values.size, every)
    return np.add.reduceat(values, starts) / np.diff(np.append(starts, values.size))


def draw(ax: Any, time: np.ndarray, z: np.ndarray, values: np.ndarray, *, cmap: str, low: float,
         high: float) -> Any:  # fmt: skip
    """values (time, z) as colours, linear between frames and cells; returns the image.

    Values are interpolated, never colours: every colour there is one of the colour bar.
    """
    image = ax.imshow(
        pixels(time, z, values).T, cmap=cmap, vmin=low, vmax=high, origin="lower", aspect="auto",
        extent=(*time[[0, -1]], *z[[0, -1]]), interpolation="nearest",
    )  # fmt: skip
    ax.grid(False)
    ax.set_ylabel(r"$z$  [$1/\mu$]")
    return image


def pixels(time: np.ndarray, z: np.ndarray, values: np.ndarray) -> np.ndarray:
    """values (time, z) at the evenly spaced times and places of a picture's COLUMNS and ROWS."""
    for axis, (place, count) in enumerate(((time, COLUMNS), (z, ROWS))):
        edges = np.linspace(place[0], place[-1], count + 1)
        middle = (edges[1:] + edges[:-1]) / 2
        right = np.clip(np.searchsorted(place, middle), 1, place.size - 1)
        part = (middle - place[right - 1]) / (place[right] - place[right - 1])
        part = np.expand_dims(part, 1 - axis)
        below, above = values.take(right - 1, axis), values.take(right, axis)
        values = (1 - part) * below + part * above
    return values
