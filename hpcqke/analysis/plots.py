"""`hpcqke plot RUN`: the pictures of a run, finished or not, as PNG files in RUN/plots/."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcqke.analysis import growth, spacetime
from hpcqke.analysis.homogeneous import run_systems
from hpcqke.analysis.invariants import draw_invariants
from hpcqke.analysis.linear import LinearSystem, central_wavenumber
from hpcqke.analysis.open_run import Run, open_run
from hpcqke.analysis.style import COLORMAP, SECTOR, line, picture
from hpcqke.errors import CaseError

if TYPE_CHECKING:
    import xarray as xr


class Skip(Exception):
    """A picture that this run has no data for; the text says why."""


def plot_run(path: str | Path, say: Callable[[str], Any] = print) -> list[Path]:
    """Draw everything a run has data for; returns the files, and says a line for each one left out.

    Raises CaseError if there is no run at `path` or nothing to draw in it.
    """
    drawn = []
    with open_run(path) as run:
        folder = run.path / "plots"
        for name, draw in PICTURES.items():
            try:
                draw(run, folder / name, say)
            except (Skip, CaseError) as reason:
                say(f"{name}: not drawn: {reason}")
            else:
                drawn.append(folder / name)
    if not drawn:
        raise CaseError([f"{path}: nothing to draw yet"])
    return drawn


def title(run: Run) -> str:
    """Name of the case, and where an unfinished run has got to."""
    if run.status == "finished":
        return run.case.name
    return f"{run.case.name} ({run.status}, t = {run.series['time'].values[-1]:.4g})"


def fig1(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """Space-time diagram of the nu_x content over U_osc(t)/U_osc(0), one time axis for both."""
    series = _series(run)
    content = spacetime.nux_content(run.fields) if run.has_fields() else None
    if content is None or content.values.shape[0] < 2:
        say(f"{file.name}: without the space-time diagram: fewer than 2 frames in fields.nc")
        content = None
    rows = 1 if content is None else 2
    ratios = [1] if content is None else [2.2, 1]
    size = (7.0, 2.9 if content is None else 5.8)
    with picture(
        file, size, nrows=rows, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios}
    ) as (figure, axes):
        axes = axes[:, 0]
        if content is not None:
            axes[0].grid(False)
            mesh = axes[0].pcolormesh(
                content.time, content.z, content.values.T, cmap=COLORMAP, vmin=0, vmax=1,
                shading="nearest", rasterized=True,
            )  # fmt: skip
            axes[0].set_ylabel(r"$z$  [$1/\mu$]")
            figure.colorbar(mesh, ax=axes[0], label=rf"$\nu_x$ content, {content.label}", pad=0.01)
        energy = series["energy_refractive_osc"].values
        relative = np.all(np.isfinite(energy)) and energy[0] != 0
        axes[-1].plot(series["time"], energy / energy[0] if relative else energy, **line(0))
        axes[-1].axhline(0, color="0.5", linewidth=0.8)
        unit = r"(t)/U_{\rm osc}(0)$" if relative else r"$  [$\mu\times n/\mu$]"
        axes[-1].set_ylabel(r"$U_{\rm osc}" + unit)
        axes[-1].set_xlabel(r"$t$  [$1/\mu$]")
        axes[-1].set_xlim(series["time"].values[0], series["time"].values[-1])
        axes[0].set_title(title(run))


def spectra(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """|psi_k| of the off-diagonal elements at several times, one panel for each flavor pair."""
    import matplotlib

    series = _series(run)
    psi = growth.spectrum(series)
    psi = psi.isel(time=np.all(np.isfinite(psi.values), axis=(1, 2)))
    if psi.sizes["time"] == 0 or not np.any(psi.values > 0):
        raise Skip("no off-diagonal element anywhere")
    frames = _telling_frames(psi.max(("pair", "k")).values)
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.92, frames.size))
    top = psi.values[frames].max()
    # the first frame may hold waves that were not seeded at all, at round-off
    late = psi.values[frames[-6:]]
    floor = max(late[late > 0].min(initial=top), 1e-14 * top)
    bands = _bands(run)
    pairs = psi["pair"].values
    panels = {"nrows": len(pairs), "sharex": True, "squeeze": False}
    with picture(file, (7.0, 3.9 * len(pairs)), **panels) as (_, axes):
        for ax, pair in zip(axes[:, 0], pairs, strict=True):
            for low, high in bands.get(str(pair), []):
                ax.axvspan(low, high, color="0.92", zorder=0)
            for frame, color in zip(frames, shades, strict=True):
                one = psi.isel(time=frame).sel(pair=pair)
                label = f"$t$ = {float(one['time']):.4g}"
                # zeros would vanish from a log axis: let them fall through its floor
                values = np.maximum(one, 1e-3 * floor)
                ax.semilogy(one["k"], values, color=color, label=label, linewidth=1.2)
            ax.set_ylim(floor / 2, top * 3)
            ax.margins(x=0)
            ax.set_ylabel(rf"$|\psi_k|$ of {SECTOR.get(str(pair), str(pair))}  [$n$]")
            ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title=r"[$1/\mu$]")
        axes[-1, 0].set_xlabel(r"$k$  [$\mu$]" + ("   (grey: growing waves)" if bands else ""))
        axes[0, 0].set_title(title(run))


def _telling_frames(size: np.ndarray) -> np.ndarray:
    """Indices of about 7 rows: 4 evenly over the growth of `size` (time,), 3 over what follows."""
    grown = int(np.argmax(size > 0.5 * size.max()))
    rows = np.concatenate([np.linspace(0, grown, 4), np.linspace(grown, size.size - 1, 4)])
    return np.unique(rows.round().astype(int))


def growth_rates(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """Measured growth rate of every k over the theory curve of this very case."""
    series, systems = _series(run), run_systems(run)
    if "advection" not in run.case.terms:
        raise Skip("without advection growth does not depend on k")
    window = getattr(run.case.output, "growth_window", None) or growth.linear_window(
        series, systems
    )
    if window is None:
        raise Skip("fewer than 3 rows of series.nc in the linear phase (output.series_every)")
    fit = growth.fit_growth(series, tuple(window))
    if not np.any(np.isfinite(fit.gamma)):
        raise Skip(f"fewer than 3 rows of series.nc for t = {window[0]:.4g}...{window[1]:.4g}")
    k = growth.spectrum(series)["k"].values
    order = run.case.terms["advection"].order
    step = run.case.grid.z.length / run.case.grid.z.cells
    pairs = [str(p) for p in series["pair"].values]
    # (panel, pair): only pairs with growing waves, unless there is none
    chosen = [(i, p) for i, p in enumerate(pairs) if systems[p].growth(k)[0].any()]
    chosen = chosen or list(enumerate(pairs))
    panels = {"nrows": len(chosen), "sharex": True, "squeeze": False}
    with picture(file, (7.0, 3.9 * len(chosen)), **panels) as (_, axes):
        ranges = []
        for ax, (i, pair) in zip(axes[:, 0], chosen, strict=True):
            ranges.append(_growth_panel(ax, systems[pair], k, fit, i, order, step))
            ax.set_ylabel(rf"$\gamma$ of {SECTOR.get(pair, pair)}  [$\mu$]")
            ax.legend(loc="best")
        axes[-1, 0].set_xlim(min(low for low, _ in ranges), max(high for _, high in ranges))
        axes[-1, 0].set_xlabel(r"$k$  [$\mu$]")
        span = rf"$t$ = {fit.window[0]:.3g} to {fit.window[1]:.3g}"
        axes[0, 0].set_title(f"{title(run)}, growth fitted over {span}, {fit.rows} rows")


def _growth_panel(
    ax: Any, system: LinearSystem, k: np.ndarray, fit: growth.Fit, i: int, order: int, step: float
) -> tuple[float, float]:
    """Theory and points of one flavor pair; returns the range of k worth showing."""
    low, high = _growing_range(system, k)
    fine = np.linspace(low, high, 601)
    theory = system.growth(fine)[0]
    on_grid = system.growth(central_wavenumber(fine, step, order))[0]
    ax.plot(fine, theory, label="linearised equations", **line(0))
    # near its edges a band moves with every small change of k: compare well inside
    inside = theory > 0.3 * theory.max()
    if np.any(np.abs(on_grid - theory)[inside] > 0.03 * theory.max()):
        ax.plot(fine, on_grid, label=f"the same on this grid (order {order})", **line(1))
    measured, color = fit.gamma[i], line(2)["color"]
    clean = (fit.residual[i] < 0.1) & (system.growth(k)[0] > 0)
    marks = {"marker": "o", "markersize": 4, "color": color, "linestyle": "none"}
    if clean.any():
        ax.plot(k[clean], measured[clean], label="run", **marks)
    ax.plot(k[~clean], measured[~clean], label="run, no exponential growth", alpha=0.5,
            markerfacecolor="none", **marks)  # fmt: skip
    top = max(theory.max(), 0.05 * np.nanmax(np.abs(measured)), 1e-12)
    ax.set_ylim(-0.25 * top, 1.25 * top)
    return low, high


def _growing_range(system: LinearSystem, k: np.ndarray) -> tuple[float, float]:
    """The range of k that holds the growing waves, with a margin; all of k if there are none."""
    coarse = np.linspace(k[0], k[-1], max(401, 4 * k.size))
    growing = coarse[system.growth(coarse)[0] > 0]
    if growing.size == 0:
        return float(k[0]), float(k[-1])
    margin = 0.35 * np.ptp(growing) + (k[1] - k[0])
    return max(k[0], growing[0] - margin), min(k[-1], growing[-1] + margin)


def invariants(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """Drift of what should not change, the energies, and both sides of Eq. (7)."""
    series = _series(run)
    if series.sizes["time"] < 2:
        raise Skip("only one row in series.nc")
    draw_invariants(series, title(run), file)


def _series(run: Run) -> xr.Dataset:
    series = run.series
    if series.sizes.get("time", 0) == 0:
        raise Skip("series.nc has no rows yet")
    return series


def _bands(run: Run) -> dict[str, list[tuple[float, float]]]:
    """Unstable bands of each pair, {} if the case does not tell."""
    from hpcqke.analysis.stability import sample_range, unstable_bands

    try:
        systems = run_systems(run)
    except CaseError:
        return {}
    if "advection" not in run.case.terms:
        return {}
    limit = np.pi * run.case.grid.z.cells / run.case.grid.z.length
    bands = {}
    for name, system in systems.items():
        reach = sample_range(system, limit)
        bands[name] = unstable_bands(system, np.linspace(-reach, reach, 401)) if reach else []
    return bands


PICTURES = {
    "fig1.png": fig1,
    "spectra.png": spectra,
    "growth.png": growth_rates,
    "invariants.png": invariants,
}
