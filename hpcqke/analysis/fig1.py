"""Fig. 1 of the paper: the nu_x content in space and time over U_osc(t)/U_osc(0)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcqke.analysis import spacetime
from hpcqke.analysis.drawing import Skip, series_of, title
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.style import COLORMAP, line, picture

if TYPE_CHECKING:
    import xarray as xr

#: Below this change of U_osc/U_osc(0) or of the content, what changes is drawn, not the whole.
SMALL = 0.1
#: Changes of U_osc/U_osc(0) that only the time steps make.
ROUND_OFF = 1e-10
#: Changes of the content that are none.
CONSTANT = 1e-12


def draw_fig1(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """Both panels over one time axis; without frames of rho, U_osc alone."""
    series = series_of(run)
    try:
        content = _content(run)
    except Skip as reason:
        say(f"{file.name}: without the space-time diagram: {reason}")
        content = None
    rows = 1 if content is None else 2
    ratios = [1] if content is None else [2.2, 1]
    size = (7.0, 2.9 if content is None else 5.8)
    with picture(
        file, size, nrows=rows, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios}
    ) as (figure, axes):
        axes = axes[:, 0]
        if content is not None:
            _diagram(figure, axes[0], content)
        _energy(axes[-1], series)
        axes[-1].set_xlabel(r"$t$  [$1/\mu$]")
        time = series["time"].values
        if time.size > 1:
            axes[-1].set_xlim(time[0], time[-1])
        axes[0].set_title(title(run))


def _content(run: Run) -> spacetime.Content:
    if not run.has_fields() or run.fields.sizes["time"] < 2:
        raise Skip("fewer than 2 frames in fields.nc")
    if run.fields.sizes["z"] < 2:
        raise Skip("there is only one cell in z")
    return spacetime.nux_content(run.fields)


def _diagram(figure: Any, ax: Any, content: spacetime.Content) -> None:
    low, high = limits(content.values)
    mesh = spacetime.draw(
        ax, content.time, content.z, content.values, cmap=COLORMAP, low=low, high=high
    )
    figure.colorbar(mesh, ax=ax, label=f"{content.flavors} content, {content.label}", pad=0.01)


def limits(content: np.ndarray) -> tuple[float, float]:
    """Ends of the colour bar: 0 and 1, or those of the content if it changes, but by little."""
    low, high = float(np.nanmin(content)), float(np.nanmax(content))
    return (low, high) if CONSTANT < high - low <= SMALL else (0.0, 1.0)


def _energy(ax: Any, series: xr.Dataset) -> None:
    time, energy = series["time"].values, series["energy_refractive_osc"].values
    if not np.all(np.isfinite(energy)) or energy[0] == 0:
        ax.plot(time, energy, **line(0))
        ax.set_ylabel(r"$U_{\rm osc}$  [$\mu n/\mu$]")
        return
    ratio = energy / energy[0]
    change = np.abs(ratio - 1).max()
    if ROUND_OFF < change < SMALL:
        ax.plot(time, (energy - energy[0]) / energy[0], **line(0))
        ax.set_ylabel(r"$U_{\rm osc}(t)/U_{\rm osc}(0) - 1$")
    else:
        ax.plot(time, ratio, **line(0))
        ax.set_ylabel(r"$U_{\rm osc}(t)/U_{\rm osc}(0)$")
        ax.set_ylim(min(-0.05, 1.1 * ratio.min()), 1.1 * max(1.0, ratio.max()))
    ax.axhline(0, color="0.5", linewidth=0.8)
