"""The picture of measured growth rates over those of the linearised equations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hpcqke.analysis import growth
from hpcqke.analysis.drawing import Skip, series_of, title
from hpcqke.analysis.homogeneous import run_systems
from hpcqke.analysis.linear import LinearSystem, central_wavenumber
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.style import SECTOR, line, picture

#: e-foldings of the fastest wave without which a window tells nothing.
SHORTEST = 1.0
#: Waves whose rate changes by this part of it from one half of the window to the other do not grow
#: exponentially yet.
BENT = 0.1


def draw_growth(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """Measured growth rate of every k over the theory curve of this very case."""
    series, systems = series_of(run), run_systems(run)
    if "advection" not in run.case.terms:
        raise Skip("without advection growth does not depend on k")
    k = growth.spectrum(series)["k"].values
    if k.size < 3:
        raise Skip("there are too few cells in z for a spectrum")
    pairs = [str(p) for p in series["pair"].values]
    # (panel, pair): only pairs with growing waves, unless there is none
    chosen = [(i, p) for i, p in enumerate(pairs) if systems[p].growth(k)[0].any()]
    chosen = chosen or list(enumerate(pairs))
    fit = _fit(run, series, systems, max(systems[p].growth(k)[0].max() for _, p in chosen))
    ranges = [_growing_range(systems[p], k) for _, p in chosen]
    span = min(low for low, _ in ranges), max(high for _, high in ranges)
    scheme = growth.scheme_of(run.case)
    largest = {w.pair: w for w in growth.compare(series, systems, fit, scheme, most=1)}
    panels = {"nrows": len(chosen), "sharex": True, "squeeze": False}
    with picture(file, (7.0, 3.9 + 2.7 * (len(chosen) - 1)), **panels) as (_, axes):
        for ax, (i, pair) in zip(axes[:, 0], chosen, strict=True):
            _panel(ax, systems[pair], k, fit, i, scheme, span)
            name = "" if len(pairs) == 1 else f" of {SECTOR.get(pair, pair)}"
            ax.set_ylabel(rf"$\gamma${name}  [$\mu$]")
            if pair in largest:
                _mark_largest(ax, largest[pair])
        axes[0, 0].legend(loc="best")
        axes[-1, 0].set_xlim(*span)
        axes[-1, 0].set_xlabel(r"$k$  [$\mu$]")
        window = rf"$t$ = {fit.window[0]:.3g} to {fit.window[1]:.3g}"
        axes[0, 0].set_title(f"{title(run)}, growth fitted over {window}, {fit.rows} rows")


def _fit(run: Run, series: Any, systems: dict[str, LinearSystem], fastest: float) -> growth.Fit:
    """The fit over the case's window, or over one found in the run."""
    given = run.case.output.growth_window
    window = given or growth.linear_window(series, systems)
    if window is None:
        raise Skip("fewer than 3 rows of series.nc in the linear phase (output.series_every)")
    if given is None and (window[1] - window[0]) * fastest < SHORTEST:
        raise Skip("the linear phase is shorter than an e-folding: nothing to fit")
    fit = growth.fit_growth(series, tuple(window))
    if not np.any(np.isfinite(fit.gamma)):
        raise Skip(f"fewer than 3 rows of series.nc for t = {window[0]:.4g}...{window[1]:.4g}")
    return fit


def _panel(ax: Any, system: LinearSystem, k: np.ndarray, fit: growth.Fit, i: int,
           scheme: tuple[int, float], span: tuple[float, float]) -> None:  # fmt: skip
    """Theory and points of one flavor pair."""
    order, step = scheme
    fine = np.linspace(*span, 801)
    theory = system.growth(fine)[0]
    on_grid = system.growth(central_wavenumber(fine, step, order))[0]
    ax.plot(fine, theory, label="linearised equations", **line(0))
    # near its edges a band moves with every small change of k: compare well inside
    inside = theory > 0.3 * theory.max()
    if np.any(np.abs(on_grid - theory)[inside] > 0.03 * theory.max()):
        ax.plot(fine, on_grid, label=f"the same on this grid (order {order})", **line(1))
    measured, color = fit.gamma[i], line(2)["color"]
    shown = np.isfinite(measured) & (k >= span[0]) & (k <= span[1])
    straight = (fit.residual[i] < 0.1) & (np.abs(fit.bend[i]) < BENT * np.abs(measured))
    clean = shown & straight & (system.growth(k)[0] > 0)
    rest = shown & ~clean
    marks = {"marker": "o", "markersize": 4, "color": color, "linestyle": "none"}
    # labelled even if this panel has none of them: the legend is for all panels
    ax.plot(k[clean], measured[clean], label="run", **marks)
    ax.plot(k[rest], measured[rest], label="run, not (yet) exponential", alpha=0.5,
            markerfacecolor="none", **marks)  # fmt: skip
    top = max(theory.max(), 0.05 * np.abs(measured[shown]).max(initial=0.0), 1e-12)
    ax.set_ylim(-0.25 * top, 1.25 * top)


def _mark_largest(ax: Any, wave: growth.Compared) -> None:
    """The largest wave's measured rate beside the predicted one, in words."""
    text = rf"largest wave, $k$ = {wave.k + 0.0:.4g}: $\gamma$ = {wave.measured:.5g}"
    ax.text(0.02, 0.04, f"{text}, predicted {wave.on_grid:.5g}", transform=ax.transAxes,
            fontsize=9, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8})  # fmt: skip


def _growing_range(system: LinearSystem, k: np.ndarray) -> tuple[float, float]:
    """The range of k that holds the growing waves, with a margin; all of k if there are none."""
    coarse = np.linspace(k[0], k[-1], max(401, 4 * k.size))
    growing = coarse[system.growth(coarse)[0] > 0]
    if growing.size == 0:
        return float(k[0]), float(k[-1])
    margin = 0.35 * np.ptp(growing) + (k[1] - k[0])
    return max(k[0], growing[0] - margin), min(k[-1], growing[-1] + margin)
