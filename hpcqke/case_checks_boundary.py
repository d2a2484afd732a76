"""Checks of open boxes: what comes in, what mirrors need, what only periodic boxes have."""

from collections.abc import Iterator
from typing import Any

from hpcqke import case_checks_initial as initial_checks
from hpcqke.case_sections import SPLITTINGS

ELSEWHERE = {"file": "holds no values at the ends", "eigenmode": "is of a periodic box"}

Found = Iterator[tuple[Any, ...]]


def ends(case: Any) -> tuple[str, ...]:
    """What the two ends are; empty if the box is periodic."""
    boundary = case.grid.z.boundary
    if boundary == "periodic":
        return ()
    return (boundary,) * 2 if isinstance(boundary, str) else boundary


def open_ends_need_streaming(case: Any) -> Found:
    if ends(case) and "advection" not in case.terms.keys():
        yield ("grid.z.boundary", 'must be "periodic" without [terms.advection]',
               case.grid.z.boundary)


def no_splitting(case: Any) -> Found:
    """Splittings shift exactly, which is possible in a periodic box only."""
    order = getattr(dict(case.terms.items()).get("advection"), "order", 0)
    if order % 2 and case.time.integrator in SPLITTINGS:
        allowed = "must be another one with odd terms.advection.order"
        yield "time.integrator", allowed, case.time.integrator


def mirrors_have_both_sides(case: Any) -> Found:
    momentum = case.grid.momentum
    if "reflecting" not in ends(case) or momentum.directions is None:
        return
    weights = momentum.weights or (1.0,) * len(momentum.directions)
    sides = dict(zip(momentum.directions, weights, strict=False))
    if any(sides.get(-v) != w for v, w in sides.items()):
        allowed = "must have -v with the same weight for each v, for reflecting ends"
        yield "grid.momentum.directions", allowed, momentum.directions


def inflow_is_known(case: Any) -> Found:
    """[inflow] belongs to ends that are "inflow"; a recipe must have values at the ends."""
    if "inflow" not in ends(case):
        if case.inflow is not None:
            yield "inflow", 'must be left out: no end in grid.z.boundary is "inflow"'
        return
    config, section = (case.inflow, "inflow") if case.inflow is not None else (case.initial, "")
    if config.recipe in ELSEWHERE:
        what = f"it {ELSEWHERE[config.recipe]}"
        if section:
            yield "inflow.recipe", f"must be another one, {what}", config.recipe
        else:
            yield "inflow", f'missing; initial.recipe = "{config.recipe}" cannot tell, {what}'


def inflow_is_whole(case: Any) -> Found:
    """What is checked of [initial], of [inflow]."""
    if case.inflow is None:
        return
    for one in initial_checks.CHECKS:
        try:
            for key, *rest in one(_Inflow(case)):
                yield (key.replace("initial", "inflow", 1), *rest)
        except initial_checks.Unusable:
            continue


def no_eigenmode(case: Any) -> Found:
    if ends(case) and case.initial.recipe == "eigenmode":
        yield "initial.recipe", 'needs grid.z.boundary = "periodic"', "eigenmode"


class _Inflow:
    """A case whose initial data are what comes in."""

    def __init__(self, case: Any) -> None:
        self._case, self.initial = case, case.inflow

    def __getattr__(self, name: str) -> Any:
        return getattr(self._case, name)


CHECKS = (
    open_ends_need_streaming, no_splitting, mirrors_have_both_sides, inflow_is_known,
    inflow_is_whole, no_eigenmode,
)
