"""Checks between keys: what no single key can know. Each check is one small generator.

A check yields (key, what is allowed[, value]); asked for a value that is already a fault it ends by
itself (`Unusable`), so the other checks still run.
"""

from collections.abc import Iterator
from typing import Any

from hpcqke import case_checks_boundary as boundary
from hpcqke import case_checks_initial as initial
from hpcqke import frequencies
from hpcqke.case_sections import SPLITTINGS, WITHOUT_ERROR_ESTIMATE, Sections
from hpcqke.faults import Faults
from hpcqke.schema import Unusable
from hpcqke.terms import REGISTRY

MOST_ROWS = 10_000_000

Found = Iterator[tuple[Any, ...]]


def check(case: Sections, faults: Faults) -> None:
    """Add a line for every pair of keys that can't be together. `case` may be a `Partial`."""
    for one in (*CHECKS, *initial.CHECKS, *boundary.CHECKS):
        try:
            for key, allowed, *value in one(case):
                faults.add(key, allowed, *value)
        except Unusable:
            continue


def stencil_fits(case: Sections) -> Found:
    width = stencil(case)
    cells = case.grid.z.cells
    if cells < 2 * width + 1:
        yield "grid.z.cells", f"must be >= {2 * width + 1} for the stencil of the terms", cells


def ranks_along_z(case: Sections) -> Found:
    z = case.grid.z
    most = z.cells // max(stencil(case), 1)
    if z.ranks > most > 0:
        yield ("grid.z.ranks", f"must be <= {most}: {z.cells} cells, and each rank needs at least "
               "as many as the stencil is wide", z.ranks)


def ranks_along_momentum(case: Sections) -> Found:
    momentum = case.grid.momentum
    bins = momenta(case)
    most, what = (bins, "momenta") if bins > 1 else (directions(case), "directions")
    if most and momentum.ranks > most:
        yield "grid.momentum.ranks", f"must be <= {most}, the number of {what}", momentum.ranks


def directions_or_rule(case: Sections) -> Found:
    momentum = case.grid.momentum
    if momentum.directions is not None:
        for key in ("rule", "count"):
            if getattr(momentum, key) is not None:
                yield (f"grid.momentum.{key}", "must be left out when directions are listed",
                       getattr(momentum, key))
    elif momentum.rule is None and momentum.count is None:
        yield "grid.momentum.directions", "missing; must be a list of numbers, or rule and count"
    elif momentum.count is None:
        yield "grid.momentum.count", f'missing; rule = "{momentum.rule}" needs it'
    elif momentum.rule is None:
        yield "grid.momentum.rule", f"missing; count = {momentum.count} needs it"


def no_duplicates(case: Sections) -> Found:
    momentum = case.grid.momentum
    for key in ("directions", "momenta"):
        values = getattr(momentum, key)
        if values and len(set(values)) < len(values):
            yield f"grid.momentum.{key}", "must not have a value twice", values


def weights_match(case: Sections) -> Found:
    weights, count = case.grid.momentum.weights, polar_angles(case)
    if weights is None:
        return
    if case.grid.momentum.rule is not None:
        yield "grid.momentum.weights", "must be left out: the rule brings its own", weights
    elif count and len(weights) != count:
        yield "grid.momentum.weights", f"must have {count} numbers, one a direction", weights
    elif not sum(weights) > 0:
        yield "grid.momentum.weights", "must not all be 0", weights


def momenta_weights_match(case: Sections) -> Found:
    momentum = case.grid.momentum
    weights, found = momentum.momenta_weights, frequencies.bins(momentum)
    count = len(found[0] if found else momentum.momenta)
    if weights is None:
        return
    if len(weights) != count:
        yield "grid.momentum.momenta_weights", f"must have {count} numbers, one a momentum", weights
    elif not sum(weights) > 0:
        yield "grid.momentum.momenta_weights", "must not all be 0", weights


def offsets_complete(case: Sections) -> Found:
    """offset_range and offset_cells belong together and take the place of momenta."""
    momentum = case.grid.momentum
    if momentum.offset_range is None:
        if momentum.offset_cells is not None:
            yield ("grid.momentum.offset_cells", "must be left out without offset_range",
                   momentum.offset_cells)
        return
    if momentum.offset_cells is None:
        yield "grid.momentum.offset_cells", "missing; offset_range needs it"
    if not momentum.offset_range[0] < momentum.offset_range[1]:
        yield "grid.momentum.offset_range", "must be [q0, q1] with q0 < q1", momentum.offset_range
    if momentum.p0 + momentum.offset_range[0] < 0 < momentum.p0:
        least = -momentum.offset_range[0]
        yield "grid.momentum.p0", f"must be >= {least}, so that |p| > 0", momentum.p0
    if momentum.momenta != (1.0,):
        yield "grid.momentum.momenta", "must be left out with offset_range", momentum.momenta


def gradient_has_its_grid(case: Sections) -> Found:
    """The gradient term needs advection, self-interaction, bins in q and directions +-1."""
    if "gradient" not in case.terms.keys():  # faulty terms end the check here
        return
    for name in ("advection", "self_interaction"):
        if name not in case.terms:
            yield f"terms.{name}", "missing; the gradient term needs it"
    if case.terms["gradient"].mode == "tracer" and case.flavors.antineutrinos:
        yield "terms.gradient.mode", 'must be "full" with antineutrinos', "tracer"
    momentum = case.grid.momentum
    if momentum.offset_range is None:
        yield "grid.momentum.offset_range", "missing; the gradient term needs bins in q = |p| - p0"
    if momentum.rule == "gauss-legendre":
        yield "grid.momentum.rule", 'must be "uniform" with the gradient term', momentum.rule
    if momentum.directions is not None and any(abs(v) != 1 for v in momentum.directions):
        yield ("grid.momentum.directions", 'must be 1 and -1 with the gradient term, or use '
               'rule = "uniform"', momentum.directions)


def units_fit(case: Sections) -> Found:
    """Keys in g/cm^3 and 1/cm^3 are for physical units, the gradient terms for those of the box."""
    on = dict(case.terms.items())
    physical = case.units.system == "cm"
    for name, key in (("matter", "density"), ("matter", "electron_fraction"),
                      ("self_interaction", "number_density")):
        value = getattr(on.get(name), key, None)
        if value is not None and not physical:
            yield f"terms.{name}.{key}", 'needs units.system = "cm"', value
    if physical and "gradient" in on:
        yield "terms.gradient", 'must be left out with units.system = "cm"'
    if physical and getattr(on.get("self_interaction"), "mu", None) == 1.0:
        if on["self_interaction"].number_density is None:
            yield ("terms.self_interaction.number_density",
                   'missing; units.system = "cm" needs it, or mu in 1/cm')


def terms_are_whole(case: Sections) -> Found:
    """What each term knows about its own keys, and about them beside the rest of the case."""
    for name, config in case.terms.items():
        try:
            for key, *rest in REGISTRY[name].check(config, case):
                yield (key if "." in key else f"terms.{name}.{key}", *rest)
        except Unusable:
            continue


def relaxation_possible(case: Sections) -> Found:
    if case.time.relaxation and not case.time.integrator.startswith("rk"):
        yield "time.relaxation", "is for the explicit Runge-Kutta integrators", case.time.relaxation
    if case.time.relaxation and depends_on_time(case):
        needs = "must be false: a Hamiltonian that depends on time does not keep the energy"
        yield "time.relaxation", needs, case.time.relaxation


def depends_on_time(case: Sections) -> bool:
    """Has a term of this case a profile in t?"""
    return any(getattr(config, "along", "z") == "t" for config in dict(case.terms.items()).values())


def splitting_possible(case: Sections) -> Found:
    """A splitting shifts exactly and turns each cell by itself: nothing else fits into it."""
    chosen = case.time.integrator
    if chosen not in SPLITTINGS:
        return
    here = f'integrator = "{chosen}"'
    for name in case.terms.keys():
        if REGISTRY[name].kind not in ("transport", "hamiltonian"):
            yield "time.integrator", f"must be another one with the {name} term", chosen
    if depends_on_time(case):
        yield "time.integrator", "must be another one with a profile in t", chosen
    interaction = dict(case.terms.items()).get("self_interaction")
    if interaction is not None and interaction.profile != "constant":
        yield "time.integrator", "must be another one with a profile of self_interaction", chosen
    if "advection" in case.terms and case.terms["advection"].filter:
        yield "terms.advection.filter", f"must be 0 with {here}", case.terms["advection"].filter
    momentum = case.grid.momentum
    if momentum.azimuths > 1:
        yield "grid.momentum.azimuths", f"must be 1 with {here}", momentum.azimuths
    if momentum.ranks > 1:
        yield "grid.momentum.ranks", f"must be 0 or 1 with {here}", momentum.ranks


def end_after_start(case: Sections) -> Found:
    if case.time.end <= case.time.start:
        yield "time.end", f"must be > time.start = {case.time.start}", case.time.end


def step_or_tolerance(case: Sections) -> Found:
    time = case.time
    if time.step is not None and time.tolerance is not None:
        yield "time.tolerance", "must be left out when time.step is given", time.tolerance


def step_where_no_error_estimate(case: Sections) -> Found:
    time = case.time
    if time.integrator in WITHOUT_ERROR_ESTIMATE and time.step is None:
        yield "time.step", (f'missing; integrator = "{time.integrator}" has no error estimate, it '
                            "needs a fixed step")


def step_fits_span(case: Sections) -> Found:
    time = case.time
    span = time.end - time.start
    if time.step is None or span <= 0:
        return
    if time.step > span:
        yield "time.step", f"must be <= {span:g}, the time from start to end", time.step
    elif time.step < 1e-14 * max(abs(time.start), abs(time.end)):
        yield "time.step", "must be larger: times this close can't be told apart", time.step


def rows_can_be_counted(case: Sections) -> Found:
    span = case.time.end - case.time.start
    for section, key in (("output", "series_every"), ("output", "fields_every"),
                         ("checkpoint", "every")):
        every = vars(getattr(case, section)).get(key)
        if every is not None and span / every > MOST_ROWS:
            least = f"{span / MOST_ROWS:g}"
            yield f"{section}.{key}", f"must be >= {least}: {MOST_ROWS} rows at most", every


def growth_window_is_one(case: Sections) -> Found:
    window = case.output.growth_window
    if window and not window[0] < window[1]:
        yield "output.growth_window", "must be [t0, t1] with t0 < t1", window


def stencil(case: Sections) -> int:
    """The widest stencil along z of the terms that are on, in cells."""
    chosen = [(REGISTRY[name], config) for name, config in case.terms.items()]
    width = max((term.stencil_z(config) for term, config in chosen), default=0)
    return width * max((term.derivatives_z(config) for term, config in chosen), default=1)


def directions(case: Sections) -> int:
    """The number of directions (v, phi), 0 if the case does not say."""
    return polar_angles(case) * case.grid.momentum.azimuths


def polar_angles(case: Sections) -> int:
    """The number of v, 0 if the case does not say."""
    momentum = case.grid.momentum
    return len(momentum.directions) if momentum.directions is not None else momentum.count or 0


def momenta(case: Sections) -> int:
    """The number of bins in |p|."""
    momentum = case.grid.momentum
    if momentum.offset_range is not None:
        return momentum.offset_cells or 1
    found = frequencies.bins(momentum)
    return len(found[0] if found else momentum.momenta)


CHECKS = (
    stencil_fits, ranks_along_z, ranks_along_momentum, directions_or_rule, no_duplicates,
    weights_match, momenta_weights_match, offsets_complete, frequencies.check, units_fit,
    gradient_has_its_grid, terms_are_whole, relaxation_possible, splitting_possible,
    end_after_start, step_or_tolerance, step_where_no_error_estimate, step_fits_span,
    rows_can_be_counted, growth_window_is_one,
)
