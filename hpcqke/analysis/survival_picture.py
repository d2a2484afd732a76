"""The picture of survival probabilities: against time, by angle and by energy at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hpcqke import state
from hpcqke.analysis import lepton_number as ln
from hpcqke.analysis.crossings import average_survival
from hpcqke.analysis.drawing import (
    Skip,
    direction_weights,
    energy_axis,
    frames_from,
    title,
)
from hpcqke.analysis.frames import flavors_of, fold, frames_of
from hpcqke.analysis.open_run import Run
from hpcqke.analysis.probability import average_over, pair_survival, transition
from hpcqke.analysis.style import line, picture
from hpcqke.errors import CaseError

if TYPE_CHECKING:
    import xarray as xr

#: Part of the run's frames at its end whose mean is drawn.
LATE = 0.25
#: <P_aa> at the first frame above which modes count as pure.
PURE = 0.98
NAMES = {"e": "e", "x": "x", "mu": r"\mu", "tau": r"\tau"}


class Survival(NamedTuple):
    """Its symbol; mean and spread over z of the sum over modes, (time,); P and content of modes.

    column: species and flavor of the column of series.nc that has the same mean, if there is one.
    """

    name: str
    column: tuple[str, str] | None
    average: np.ndarray
    spread: np.ndarray
    modes: xr.Dataset


def draw_survival(run: Run, file: Path, say: Callable[[str], Any]) -> None:
    """<P(a -> a)>(t) of every flavor that modes began in; P(v) and P(|p|) late in the run."""
    fields = frames_from(run)
    found = survivals(fields, "collisions" in run.case.terms)
    if not found:
        raise Skip("no mode began mainly in one flavor")
    directions = np.unique(fields["direction"].values).size
    rows = (
        ["time"] + ["direction"] * (directions > 2) + ["momentum"] * (fields.sizes["momentum"] > 1)
    )
    models = _models(run, fields, found[0])
    with picture(file, (7.0, 0.6 + 2.7 * len(rows)), nrows=len(rows), squeeze=False) as (_, axes):
        axes = axes[:, 0]
        _against_time(axes[0], found, models, run)
        for ax, dim in zip(axes[1:], rows[1:], strict=True):
            _late(ax, found, dim, fields)
        if directions > 2 and models is not None:
            _draw_models(axes[1], models)
        for ax in axes:
            ax.set_ylim(-0.03, 1.05)
            ax.margins(x=0)
            ax.legend(loc="best", ncol=2)
        axes[0].set_title(title(run))


def survivals(fields: xr.Dataset, collisions: bool = False) -> list[Survival]:
    """Of each species and flavor that any mode began in.

    P(a -> a) of modes that begin pure; of mixed ones of two flavors P of `pair_survival`, of three,
    and with collisions, which make and take neutrinos, the part left of rho_aa. All begin at 1.
    """
    found = []
    for species in (s for s in ("nu", "nubar") if s in fields["species"].values):
        for flavor in flavors_of(fields):
            try:
                one = transition(fields, flavor, species)
            except CaseError:
                continue  # nothing began in it
            found.append(_survival(fields, one.sel(flavor=flavor), collisions))
    return found


def _survival(fields: xr.Dataset, one: xr.Dataset, collisions: bool) -> Survival:
    species = one.attrs["species"]
    bar, a = (r"\bar" if species == "nubar" else ""), NAMES[one.attrs["start"]]
    name, content, P = rf"{bar} P_{{{a}{a}}}", one["content"], one["probability"]
    begun, spread = float(one["average"][0]), one["average_spread"].values
    (start,) = frames_of(fields.isel(time=[0]), species)
    # series.nc leaves modes out in which lepton number, rho - rhobar, is negative
    column = (species, one.attrs["start"]) if state.trace(start).min() >= 0 else None
    if begun < PURE or collisions:
        two = len(flavors_of(fields)) == 2 and not collisions
        pair = pair_survival(fields, species) if two else None
        surplus = None if pair is None else pair["content"].where(content > 0, 0.0)
        if surplus is not None and surplus.sum() > 0:
            spread = spread * float(content.sum() / surplus.sum())
            P, content, column = pair["probability"], surplus, None
        else:
            name = rf"{bar}\rho_{{{a}{a}}}/{bar}\rho_{{{a}{a}}}(0)"
            spread, content, P = spread / begun, content * P[0], P / P[0]
    modes = _modes(P, content)
    average = average_over(modes, "momentum", "direction").values
    return Survival(name, column, average, spread, modes)


def _modes(probability: xr.DataArray, content: xr.DataArray) -> xr.Dataset:
    """What `average_over` takes."""
    import xarray as xr

    content = content.drop_vars("time", errors="ignore")
    return xr.Dataset({"probability": probability, "content": content})


def _against_time(ax: Any, found: list[Survival], models: dict | None, run: Run) -> None:
    """Means at the rows of series.nc, which are closer than frames, where it has them."""
    fields, series = frames_from(run), run.series
    for i, one in enumerate(found):
        mean, spread, style = one.average, one.spread, line(i)
        if fields.sizes["z"] > 1:
            band = {"color": style["color"], "alpha": 0.16, "linewidth": 0}
            ax.fill_between(fields["time"], mean - spread, mean + spread, **band)
        time = fields["time"]
        if one.column is not None and "survival" in series:
            species, flavor = one.column
            time, mean = series["time"], series["survival"].sel(species=species, flavor=flavor)
        ax.plot(time, mean, label=rf"$\langle {one.name}\rangle$", **style)
    for model, style in zip(models or (), (":", "--"), strict=False):
        value = models[model]["average"]
        label = f"{model} model: {value:.3f}"
        ax.axhline(value, color="0.45", linestyle=style, linewidth=1.1, label=label)
    ax.set_xlabel(r"$t$  [$1/\mu$]")
    ax.set_ylabel("survival\n(band: spread over $z$)" if fields.sizes["z"] > 1 else "survival")


def _late(ax: Any, found: list[Survival], dim: str, fields: xr.Dataset) -> None:
    """Mean over the last quarter of the frames with its range, and the last frame."""
    other = "momentum" if dim == "direction" else "direction"
    for i, one in enumerate(found):
        P = average_over(one.modes, other).transpose("time", dim)
        first = min(int((1 - LATE) * P.sizes["time"]), P.sizes["time"] - 1)
        x, values = P[dim].values, P.values
        if dim == "momentum":
            x, axis = energy_axis(fields)
            x, values = x[np.argsort(x)], values[:, np.argsort(x)]
        else:
            axis = r"$v = \cos\theta$"
            x, values = fold(x, values, one.modes["content"].sum("momentum").values)
        kept = np.isfinite(values[-1])
        style = line(i)
        late = values[first:, kept]
        marks = {"marker": "o", "markersize": 3} if kept.sum() < 80 else {}
        ax.plot(x[kept], late.mean(axis=0), label=f"${one.name}$", **style, **marks)
        band = {"color": style["color"], "alpha": 0.16, "linewidth": 0}
        ax.fill_between(x[kept], late.min(axis=0), late.max(axis=0), **band)
    t = fields["time"].values
    when = f"$t$ = {t[first]:.4g} to {t[-1]:.4g}"
    ax.set_ylabel(f"mean and range over\n{when}")
    ax.set_xlabel(axis)


def _models(run: Run, fields: xr.Dataset, first: Survival) -> dict | None:
    """Models of the end for two flavors with one crossing: v, P(v), and its mean over `first`."""
    if len(flavors_of(fields)) != 2 or np.unique(fields["direction"].values).size <= 2:
        return None
    start = ln.lepton_number(fields.isel(time=[0]), v_weight=direction_weights(run))
    ends = ln.end_states(start)
    if ends.attrs["crossings"] != 1:
        return None
    content = first.modes["content"].sum("momentum").values
    v, mean = fold(fields["direction"].values, content, np.ones_like(content))
    models = {}
    for name in ends["model"].values:
        P = ends["survival"].sel(model=name).values
        average = average_survival(np.ones_like(v), mean, P)
        models[str(name)] = {"v": v, "survival": P, "average": average}
    return models


def _draw_models(ax: Any, models: dict) -> None:
    ways = ((":", "steps-mid"), ("--", "default"))
    for (name, one), (dash, way) in zip(models.items(), ways, strict=True):
        ax.plot(one["v"], one["survival"], color="0.45", linestyle=dash, linewidth=1.1,
                drawstyle=way, label=f"{name} model")  # fmt: skip
