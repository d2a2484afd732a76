"""The table that `hpcqke stability` prints: growing waves, angles, box and time, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpcqke.analysis.crossings import (
    Crossings,
    average_survival,
    box_end_state,
    power_end_state,
)
from hpcqke.analysis.linear import LinearSystem
from hpcqke.units import label

if TYPE_CHECKING:
    import xarray as xr

    from hpcqke.case import Case

#: A wave counts as resolved if the grid changes its k by less than this.
RESOLVED = 0.01
#: Directions count as enough if twice as many change the fastest rate by less than this.
CONVERGED = 0.01
#: e-foldings from seeds of 10^-4 or so to full conversion.
FOLDS = 10
BRANCH = {"symmetric": "axially symmetric", "breaking": "axial symmetry broken, exp(+-i phi)"}


def notes(case: Case) -> str:
    """What the linearised equations leave out of this case, a line each."""
    lines = []
    if "vacuum" in case.terms:
        lines.append("vacuum: mixing angles -> 0, H_vac by its diagonal; mixing only seeds")
    for name, what in (("matter", "lambda"), ("self_interaction", "mu")):
        config = case.terms.get(name)
        if config is None or config.profile == "constant":
            continue
        if config.along == "t":
            lines.append(f"{name}: {what} as at time.start")
        else:
            lines.append(f"{name}: the mean of {what} over the box, not its slope")
    if "gradient" in case.terms:
        lines.append("gradient terms are left out: they change rates by mu/|p|")
    if "advection" in case.terms and case.terms["advection"].filter > 0:
        lines.append("the filter of the advection is left out of the rates on the grid")
    if case.grid.momentum.azimuths == 1:
        lines.append("exp(+-i phi) waves: a prediction; a run shows them with azimuths >= 3 only")
    elif case.grid.momentum.azimuths == 2:
        lines.append("exp(+-i phi) waves: two azimuths couple them twice as strongly as phi itself")
    return "\n".join(lines)


def end_states(number: np.ndarray, system: LinearSystem, crossings: Crossings) -> str:
    """Two flavors with one crossing: what models of the end state say of <P_ee>.

    number: rho_ee (S, Nv) on the directions of the system.
    """
    if crossings.v.size != 1:
        return ""
    models = {"box": box_end_state, "power-1/2": power_end_state}
    parts = []
    for name, model in models.items():
        P = model(system.v, system.weight, system.net).survival
        values = " and ".join(f"{average_survival(system.weight, f, P):.4f}" for f in number)
        parts.append(f"{values} ({name})")
    both = "<P_ee> and <Pbar_ee>" if len(number) == 2 else "<P_ee>"
    return f"models of the end after random seeds, {both}: {', '.join(parts)}"


def report(result: xr.Dataset) -> str:
    """The compact table that the command prints."""
    a = result.attrs
    scheme = f"central differences of order {a['order']}" if a["order"] else "no advection"
    modes = f"{a['directions']} directions"
    if a["azimuths"] > 1:
        modes += f" x {a['azimuths']} azimuths"
    if a["momenta"] > 1:
        modes += f" x {a['momenta']} momenta"
    lines = [
        f"{a['case']}: L = {_long(a['length'], a)}, {a['cells']} cells, "
        f"dz = {_long(a['length'] / a['cells'], a)}, {scheme}, {modes}",
    ]
    lines += [f"  {line}" for line in a["notes"].splitlines()]
    for sector in result["sector"].values:
        one = result.sel(sector=sector)
        lines += ["", f"{sector}: {_angles(one)}"]
        if a["end_states"]:
            lines.append("  " + a["end_states"])
        for branch in result["branch"].values:
            lines += _branch_report(one.sel(branch=branch), f"{sector}, {BRANCH[str(branch)]}")
    return "\n".join(lines)


def _short(x: float, scale: object) -> str:
    """Six digits, or 0 if that is round-off beside the scale: no "-1.4e-17"."""
    return f"{x if abs(x) > 1e-9 * np.abs(np.array(scale)).max() else 0.0:.6g}"


def _long(x: float, a: dict) -> str:
    """A length or time with its unit."""
    unit = label("1/mu", a["system"])
    return f"{x:.4g}/mu" if unit == "1/mu" else f"{x:.4g} {unit}"


def _angles(one: xr.Dataset) -> str:
    plus, minus = float(one["eln_plus"]), float(one["eln_minus"])
    v = one["eln_crossing"].values[np.isfinite(one["eln_crossing"].values)]
    sums = f"I+ = {plus:.6g} n, I- = {minus:.6g} n"
    if v.size == 0:
        return f"net lepton number does not change its sign with v ({sums})"
    places = ", ".join(f"{x:.6f}" for x in v[:8].round(6) + 0.0)
    depth = min(plus, minus) / max(plus, minus)
    return f"net lepton number crosses zero at v = {places}; {sums}, depth {depth:.3g}"


def _branch_report(one: xr.Dataset, title: str) -> list[str]:
    gamma, n, k = one["gamma"].values, one["n"].values, one["k"].values
    low, high = (one[name].values for name in ("band_low", "band_high"))
    found = np.isfinite(low)
    ends = list(zip(low[found], high[found], strict=True))
    bands = ", ".join(f"{_short(a, ends)} < k < {_short(b, ends)}" for a, b in ends[:6])
    unit = label("mu", one.attrs["system"])
    if len(ends) > 6:
        bands += f" and {len(ends) - 6} bands more"
    growing = np.flatnonzero(gamma > 0)
    if growing.size == 0:
        lines = [f"{title}: no wave of the box grows"]
        if gamma.max() < 0:
            lines[0] += f"; collisions damp the most persistent one by {-gamma.max():.6g} {unit}"
        if bands:
            lines.append(f"  but {bands} (in {unit}) does: the box is too short for such a wave")
        return lines
    fastest = int(gamma.argmax())
    # the first and last wave of every run of growing ones
    place = np.flatnonzero(np.diff(np.concatenate([[0], gamma > 0, [0]])))
    edges = np.unique(np.concatenate([place[::2], place[1::2] - 1]))
    count = f"{growing.size} growing waves"
    if one.attrs["every"] > 1:
        count += f" listed (1 of {one.attrs['every']} in the box, all near the fastest)"
    lines = [f"{title}: {count}" + (f", {bands} (in {unit})" if bands else "")]
    lines.append(
        f"  {'wave':<8} {'n':>6} {'k':>12} {'gamma':>13} {'on grid':>13} {'2 N_v':>13} "
        f"{'Re Omega':>12} {'cells/wave':>11} {'waves/box':>10}"
    )
    cells, real = one.attrs["cells"], one["re_omega"].values
    twice, spurious = one["gamma_doubled"].values, one["spurious"].values
    for name, i in [("fastest", fastest)] + [("edge", int(i)) for i in edges[:8]]:
        turning = _short(real[i], gamma[i])
        per_wave = f"{cells / abs(n[i]):.1f}" if n[i] else "all"
        doubled = f"{twice[i]:.8g}" if np.isfinite(twice[i]) else "-"
        lines.append(
            f"  {name:<8} {n[i]:>6} {k[i]:>12.6g} {gamma[i]:>13.8g} "
            f"{one['gamma_on_grid'].values[i]:>13.8g} {doubled:>13} {turning:>12} "
            f"{per_wave:>11} {abs(n[i]):>10}" + (" spurious" if spurious[i] else "")
        )
    lines += ["  " + text for text in (_time(one, gamma[fastest]), _verdict(one, growing),
                                       _directions(one, fastest))]  # fmt: skip
    return lines


def _time(one: xr.Dataset, gamma: float) -> str:
    folds = one.attrs["duration"] * gamma
    time = _long(1 / gamma, one.attrs)
    text = f"e-folding time of the fastest wave: {time}; {folds:.3g} of them in the run"
    return text if folds >= FOLDS else text + ": is time.end late enough?"


def _directions(one: xr.Dataset, fastest: int) -> str:
    """Are there enough directions?"""
    gamma, twice = one["gamma"].values, one["gamma_doubled"].values
    if not np.isfinite(twice[fastest]):
        return f"directions: {one.attrs['doubled']}"
    how = f"twice the directions ({one.attrs['doubled']})"
    seen, spurious = int(np.isfinite(twice).sum()), int(one["spurious"].values.sum())
    change = twice[fastest] / gamma[fastest] - 1
    if one["spurious"].values[fastest] or spurious > seen / 3:
        return (
            f"SPURIOUS: with {how} the rates of {spurious} of {seen} growing waves change by more "
            "than 20 %: they belong to the grid; take more (grid.momentum.count)"
        )
    edge = f"; {spurious} of {seen} waves, at an edge, are spurious" if spurious else ""
    if abs(change) > CONVERGED:
        return (f"directions NOT enough: {how} change the fastest rate by {100 * change:+.2g} %"
                f"{edge}; take more (grid.momentum.count)")  # fmt: skip
    return f"directions are enough: {how} change the fastest rate by {change:+.1e}{edge}"


def _verdict(one: xr.Dataset, growing: np.ndarray) -> str:
    if not one.attrs["order"]:
        return "without advection waves do not stream: every k grows alike"
    k, k_grid = one["k"].values[growing], one["k_on_grid"].values[growing]
    shortest = np.abs(k).argmax()
    error = abs(k_grid[shortest] / k[shortest] - 1) if k[shortest] else 0.0
    if error > RESOLVED:
        return (
            f"NOT resolved: the grid changes k by {100 * error:.2g} % at k = {k[shortest]:.4g}; "
            "take more cells (grid.z.cells) or a higher order (terms.advection.order)"
        )
    text = f"resolved: the grid changes k by {error:.1e} at most"
    if growing.size < 5:
        text += f"; few growing waves fit in the box ({growing.size}): is grid.z.length enough?"
    return text
