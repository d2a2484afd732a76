"""The pictures of a box with many directions: space-time diagrams, and lepton number by angle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcqke.analysis import lepton_number as ln
from hpcqke.analysis import maps, spacetime
from hpcqke.analysis.drawing import Skip, direction_weights, frames_from, title
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.spectra_picture import telling_frames
from hpcqke.analysis.style import COLORMAP, SECTOR, line, picture

if TYPE_CHECKING:
    import xarray as xr

#: Colours of s between -1 and 1, and of angles.
_BOTH_SIGNS, _CYCLE = "RdBu", "twilight"


def draw_spacetime(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """s(z, t) in two directions, |rho_ex| and its phase of the sum over momentum."""
    fields = frames_from(run, cells=2)
    total = maps.space_time(fields)
    if not float(total["coherence"].max()) > 0:
        raise Skip("all off-diagonal elements are zero")
    v = np.unique(fields["direction"].values)
    chosen = [v[-1], v[0]] if v.size > 1 else [v[0]]
    rows = len(chosen) + 2
    panels = {"nrows": rows, "sharex": True, "sharey": True}
    with picture(file, (7.0, 0.8 + 2.1 * rows), **panels) as (figure, axes):
        for ax, one in zip(axes, chosen, strict=False):
            data = maps.space_time(fields, v=float(one))
            flavors = fields.sizes["component"] == 9
            name = r"$s_{e\mu}$" if flavors else r"$P^z/P^0$"
            image = _diagram(ax, data["polarization"], _BOTH_SIGNS, -1.0, 1.0)
            figure.colorbar(image, ax=ax, label=f"{name},  $v$ = {one:+.3g}", pad=0.01)
        top = float(total["coherence"].max())
        pair = (SECTOR["emu"] if fields.sizes["component"] == 9 else SECTOR["ex"]).strip("$")
        image = _diagram(axes[-2], total["coherence"], COLORMAP, 0.0, top)
        label = rf"$|\sum_p \rho_{{{pair}}}|$  [$n$]"
        figure.colorbar(image, ax=axes[-2], label=label, pad=0.01)
        image = _phase(axes[-1], total)
        bar = figure.colorbar(image, ax=axes[-1], label="phase of the same", pad=0.01)
        bar.set_ticks([-np.pi, 0, np.pi], labels=[r"$-\pi$", "0", r"$\pi$"])
        axes[-1].set_xlabel(r"$t$  [$1/\mu$]")
        axes[0].set_title(title(run))


def _diagram(ax: Any, values: xr.DataArray, cmap: str, low: float, high: float) -> Any:
    every = -(-values.sizes["z"] // spacetime.MOST_CELLS)
    thin = values.isel(z=slice(None, None, every))
    return spacetime.draw(
        ax, thin["time"].values, thin["z"].values, thin.values, cmap=cmap, low=low, high=high
    )


def _phase(ax: Any, total: xr.Dataset) -> Any:
    """Angles can't be interpolated: the real and imaginary parts are."""
    time, z = total["time"].values, total["z"].values
    size, phase = total["coherence"].values, np.nan_to_num(total["phase"].values)
    real, imaginary = (spacetime.pixels(time, z, size * f(phase)) for f in (np.cos, np.sin))
    image = ax.imshow(
        np.arctan2(imaginary, real).T, cmap=_CYCLE, vmin=-np.pi, vmax=np.pi, origin="lower",
        aspect="auto", extent=(*time[[0, -1]], *z[[0, -1]]), interpolation="nearest",
    )  # fmt: skip
    ax.grid(False)
    ax.set_ylabel(r"$z$  [$1/\mu$]")
    return image


def draw_angular(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """G(v) of the first flavor pair at several times, its integrals, and G(v, z) at the end."""
    import matplotlib

    fields = frames_from(run)
    weight = direction_weights(run)
    found = ln.lepton_number(fields, v_weight=weight)
    G = ln.net_distribution(found)
    pair = SECTOR.get(G.attrs["pair"], G.attrs["pair"])
    smooth = run.case.grid.momentum.rule is not None
    signs = ln.crossings(found, smooth=smooth)
    frames = telling_frames(np.abs(G - G.isel(time=0)).max("direction").values)
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.92, frames.size))
    several = fields.sizes["z"] > 1
    heights = [1.3, 1.0, 1.2][: 2 + several]
    panels = {"nrows": len(heights), "gridspec_kw": {"height_ratios": heights}}
    with picture(file, (7.0, 6.0 + 3.0 * several), **panels) as (figure, axes):
        for frame, color in zip(frames, shades, strict=True):
            one = G.isel(time=frame)
            axes[0].plot(one["direction"], one, color=color, label=f"{float(one['time']):.4g}")
        axes[0].axhline(0, color="0.5", linewidth=0.8)
        axes[0].set_xlabel(r"$v = \cos\theta$")
        axes[0].set_ylabel(f"$G(v)$ of {pair}  [$n$]")
        axes[0].legend(title=r"$t$  [$1/\mu$]", loc="best", ncol=2)
        for i, (name, label) in enumerate((("plus", "$I_+$"), ("minus", "$I_-$"))):
            axes[1].semilogy(signs["time"], signs[name], label=label, **line(i))
        top = float(max(signs["plus"].max(), signs["minus"].max())) or 1.0
        axes[1].set_ylim(1e-4 * top, 2 * top)
        axes[1].set_xlabel(r"$t$  [$1/\mu$]")
        axes[1].set_ylabel("integrals of $G$ where\n" + r"it is $>$ 0, $<$ 0  [$n$]")
        axes[1].legend(loc="lower left")
        axes[1].margins(x=0)
        if several:
            _everywhere(figure, axes[2], fields, weight)
        axes[0].set_title(title(run))


def _everywhere(figure: Any, ax: Any, fields: xr.Dataset, weight: Any) -> None:
    """G(v, z) at the end."""
    last = fields.isel(time=[-1])
    z = fields["z"].values[:: -(-fields.sizes["z"] // spacetime.MOST_CELLS)]
    found = ln.lepton_number(last.sel(z=z), "all", weight)
    local = ln.net_distribution(found).isel(time=0).transpose("direction", "z")
    size = float(np.abs(local).max()) or 1.0
    ax.grid(False)
    mesh = ax.pcolormesh(
        local["z"].values, local["direction"].values, local.values, cmap=_BOTH_SIGNS,
        vmin=-size, vmax=size, shading="nearest", rasterized=True,
    )  # fmt: skip
    ax.set_xlabel(r"$z$  [$1/\mu$]")
    ax.set_ylabel(r"$v = \cos\theta$")
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, -1), min(high, 1))
    t = float(last["time"].values[0])
    figure.colorbar(mesh, ax=ax, label=f"$G(v, z)$ at $t$ = {t:.4g}  [$n$]", pad=0.01)
