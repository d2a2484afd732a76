"""Momentum bins by vacuum frequency omega = dm2/(2|p|): their |p| and weights.

The sign of omega is that of dm2, for neutrinos; antineutrinos have -omega by themselves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from hpcqke.units import vacuum_factor


def bins(momentum: Any) -> tuple[tuple[float, ...], tuple[float, ...] | None] | None:
    """(omega, weights) of a section grid.momentum, weights None if it lists omega; None: neither.

    A range has midpoints with the bins' width as weights.
    """
    if momentum.frequencies is not None:
        return momentum.frequencies, None
    if momentum.frequency_range is None or momentum.frequency_cells is None:
        return None
    edges = np.linspace(*momentum.frequency_range, momentum.frequency_cells + 1)
    middle = 0.5 * (edges[:-1] + edges[1:])
    return tuple(middle.tolist()), tuple(np.diff(edges).tolist())


def complete(case: Any) -> Any:
    """The section grid.momentum with momenta (and weights) of the frequencies, if it has any."""
    momentum = case.grid.momentum
    found = bins(momentum)
    if found is None or "vacuum" not in case.terms.keys():  # faulty terms end a check here
        return momentum
    omega, weights = found
    splitting = case.terms["vacuum"].mass_splittings[0] * vacuum_factor(case.units.system)
    momenta = tuple(splitting / (2 * w) for w in omega)
    return dataclasses.replace(
        momentum, momenta=momenta, momenta_weights=weights or momentum.momenta_weights
    )


def check(case: Any) -> Iterator[tuple[Any, ...]]:
    """Frequencies need one dm2 of their sign, and take the place of momenta and offsets."""
    momentum = case.grid.momentum
    given = [k for k in ("frequencies", "frequency_range") if getattr(momentum, k) is not None]
    if momentum.frequency_cells is not None and "frequency_range" not in given:
        needs = "must be left out without frequency_range"
        yield "grid.momentum.frequency_cells", needs, momentum.frequency_cells
    if not given:
        return
    key = f"grid.momentum.{given[0]}"
    value = getattr(momentum, given[0])
    if len(given) == 2:
        needs = "must be left out when frequencies are listed"
        yield "grid.momentum.frequency_range", needs, momentum.frequency_range
        return
    if "frequency_range" in given and momentum.frequency_cells is None:
        yield "grid.momentum.frequency_cells", "missing; frequency_range needs it"
        return
    if momentum.offset_range is not None:
        yield "grid.momentum.offset_range", f"must be left out with {given[0]}", (
            momentum.offset_range
        )
        return
    if case.flavors.count != 2:
        yield key, "is for flavors.count = 2", value
        return
    if "vacuum" not in dict(case.terms.items()):
        yield key, "needs [terms.vacuum]", value
        return
    yield from _check_values(case, key, value)


def _check_values(case: Any, key: str, value: Any) -> Iterator[tuple[Any, ...]]:
    momentum = case.grid.momentum
    omega, weights = bins(momentum)
    splitting = case.terms["vacuum"].mass_splittings[0]
    if any(w * splitting <= 0 for w in omega):
        sign = ">" if splitting > 0 else "<"
        yield key, f"must be {sign} 0 like terms.vacuum.mass_splittings = {splitting:g}", value
        return
    if len(set(omega)) < len(omega):
        yield key, "must not have a value twice", value
    whole = complete(case)
    for name, default in (("momenta", (1.0,)), ("momenta_weights", None)):
        own = getattr(momentum, name)
        listed_weights = name == "momenta_weights" and weights is None
        if own not in (default, getattr(whole, name)) and not listed_weights:
            yield f"grid.momentum.{name}", f"must be left out with {key.rpartition('.')[2]}", own
