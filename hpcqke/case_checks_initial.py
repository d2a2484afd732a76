"""Checks of the initial data against the grids, the flavors and the terms."""

from collections.abc import Iterator
from typing import Any

from hpcqke.initial.base import REGISTRY, Background
from hpcqke.schema import Partial, Unusable

Found = Iterator[tuple[Any, ...]]


def recipe_is_whole(case: Any) -> Found:
    """What a recipe knows about its own keys, and about them beside the rest of the case."""
    for key, *rest in REGISTRY[case.initial.recipe].check(case.initial, case):
        yield (f"initial.{key}", *rest)


def background_given(case: Any) -> Found:
    """zeta_plus and zeta_minus, or polarization."""
    config = _background(case)
    zeta = {key: getattr(config, key) for key in ("zeta_plus", "zeta_minus")}
    given = [key for key, value in zeta.items() if value is not None]
    if config.polarization is not None:
        for key in given:
            yield f"initial.{key}", "must be left out when polarization is given", zeta[key]
    elif not given:
        yield "initial.polarization", "missing; must be a list, or give zeta_plus and zeta_minus"
    elif len(given) == 1:
        missing = next(key for key in zeta if key not in given)
        yield f"initial.{missing}", f"missing; initial.{given[0]} needs it"


def zeta_needs_two_beams(case: Any) -> Found:
    """zeta_plus is the direction with v > 0, zeta_minus that with v < 0."""
    config = _background(case)
    if config.zeta_plus is None or config.zeta_minus is None or config.polarization is not None:
        return
    count, listed = _directions(case)
    opposite = listed is None or (min(listed) < 0 < max(listed))
    if count != 2 or not opposite:
        yield ("initial.zeta_plus", "needs two directions, one > 0 and one < 0, but there are "
               f"{count}{'' if count != 2 else ' on one side'}; use polarization", config.zeta_plus)


def one_number_a_direction(case: Any) -> Found:
    config = _background(case)
    count, _ = _directions(case)
    for key in ("polarization", "polarization_bar", "P0", "P0_bar"):
        values = getattr(config, key)
        if values is not None and len(values) != count:
            yield f"initial.{key}", f"must have {count} numbers, one a direction", values


def not_more_polarized_than_full(case: Any) -> Found:
    """|P^z| <= P0, or a flavor would have a negative number of neutrinos."""
    config = _background(case)
    count, listed = _directions(case)
    pz = config.polarization
    if pz is None and listed is not None and None not in (config.zeta_plus, config.zeta_minus):
        pz = [config.zeta_plus if v > 0 else config.zeta_minus for v in listed]
    pairs = (("P0", config.P0, pz),
             ("P0_bar", config.P0_bar, config.polarization_bar or (0.0,) * count))
    for key, p0, polarization in pairs:
        if p0 is None or polarization is None or len(p0) != len(polarization):
            continue
        if any(abs(p) > n for p, n in zip(polarization, p0, strict=True)):
            yield (f"initial.{key}", "must be >= |P^z| in every direction, here "
                   f"{[abs(p) for p in polarization]}", p0)


def antineutrinos_wanted(case: Any) -> Found:
    config = _background(case)
    if case.flavors.antineutrinos:
        return
    for key in ("polarization_bar", "P0_bar"):
        if getattr(config, key) is not None:
            yield f"initial.{key}", "needs flavors.antineutrinos = true", getattr(config, key)


def modes_representable(case: Any) -> Found:
    """|n| <= cells/2: a shorter wave looks like a longer one on this grid."""
    most = case.grid.z.cells // 2
    for key in ("nmax", "n"):
        value = _own(case.initial, key)
        if value is not None and abs(value) > most:
            low = "" if key == "nmax" else f"from {-most} to {most}, "
            yield (f"initial.{key}", f"must be {low or f'<= {most}, '}half of grid.z.cells", value)
    for path, mode in _modes(case):
        n = _own(mode, "n")
        if n is not None and abs(n) > most:
            yield f"{path}.n", f"must be from {-most} to {most}, half of grid.z.cells", n


def modes_have_a_direction(case: Any) -> Found:
    count, _ = _directions(case)
    count *= case.grid.momentum.azimuths
    for path, mode in _modes(case):
        direction = _own(mode, "direction")
        if direction is not None and direction >= count:
            allowed = f"must be from 0 to {count - 1}: there are {count} directions"
            yield f"{path}.direction", allowed, direction


def modes_have_a_species(case: Any) -> Found:
    if case.flavors.antineutrinos:
        return
    for path, mode in _modes(case):
        if _own(mode, "species") == "nubar":
            yield f"{path}.species", "needs flavors.antineutrinos = true", "nubar"


def eigenmode_grows(case: Any) -> Found:
    if case.initial.recipe != "eigenmode":
        return
    interaction = dict(case.terms.items()).get("self_interaction")
    if interaction is None or interaction.mu == 0:
        allowed = "needs [terms.self_interaction] with mu > 0: nothing grows without"
        yield "initial.recipe", allowed, "eigenmode"
    elif interaction.profile != "constant":
        allowed = 'needs terms.self_interaction.profile = "constant"'
        yield "initial.recipe", allowed, "eigenmode"


def eigenmode_is_fast(case: Any) -> Found:
    """Its size is defined by the energy that self-interaction alone moves."""
    if case.initial.recipe != "eigenmode":
        return
    for name in ("vacuum", "collisions"):
        if name in case.terms.keys():
            yield "initial.recipe", f"must not be eigenmode with [terms.{name}]", "eigenmode"


def eigenmode_is_axisymmetric(case: Any) -> Found:
    if case.initial.recipe == "eigenmode" and case.grid.momentum.azimuths > 1:
        yield "initial.recipe", "needs grid.momentum.azimuths = 1", "eigenmode"


def _background(case: Any) -> Any:
    """The config of a recipe that perturbs a uniform background; `Unusable` if it does not."""
    config = case.initial
    cls = config.config_class if isinstance(config, Partial) else type(config)
    if not issubclass(cls, Background):
        raise Unusable("background")
    return config


def _directions(case: Any) -> tuple[int, tuple[float, ...] | None]:
    """How many v, and which they are if they are listed."""
    momentum = case.grid.momentum
    listed = momentum.directions
    count = len(listed) if listed is not None else momentum.count
    if not count:
        raise Unusable("directions")
    return count, listed


def _own(config: Any, key: str) -> Any:
    """A value that only some configs have; None if this one has not, or if it is a fault."""
    return vars(config).get(key)


def _modes(case: Any) -> Iterator[tuple[str, Any]]:
    for i, mode in enumerate(_own(case.initial, "modes") or ()):
        yield f"initial.modes[{i}]", mode


CHECKS = (
    recipe_is_whole,
    background_given, zeta_needs_two_beams, one_number_a_direction, not_more_polarized_than_full,
    antineutrinos_wanted, modes_representable, modes_have_a_direction, modes_have_a_species,
    eigenmode_grows, eigenmode_is_fast, eigenmode_is_axisymmetric,
)
