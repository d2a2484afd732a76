"""Units: of the box (mu), or physical (cm); what the case gives, in rates that the solver takes.

    [units] system = "mu"   times and lengths in 1/mu, energies and |p| in mu
    [units] system = "cm"   times (c = 1) and lengths in cm, rates and wave numbers in 1/cm,
                            |p| in MeV, dm2 in eV^2, densities in 1/cm^3, of matter in g/cm^3

From Python:

    >>> from hpcqke import units
    >>> units.vacuum_frequency(2.5e-3, 10.0)        # dm2/2E in 1/cm
    >>> units.matter_potential(0.5 * 1e6)           # lambda in 1/cm of electron fraction x g/cm^3
    >>> units.self_interaction(1e33)                # mu in 1/cm of 1/cm^3
    >>> units.per_second(6.42), units.seconds(1e5)  # 1/cm -> 1/s, cm -> s
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from hpcqke.constants import HBAR_C, MATTER, REFRACTION, SPEED_OF_LIGHT, VACUUM

SYSTEMS = ("mu", "cm")

IN_CM = {
    "1/mu": "cm",
    "mu": "1/cm",
    "mu^2": "1/cm^2",
    "n/mu": "n cm",
    "n^2/mu": "n^2 cm",
    "mu n/mu": "n",
    "mu n": "n/cm",
}
"""The units of the box, and what takes their place; n is the unit of rho."""


def label(unit: str, system: str) -> str:
    """The name of a unit of the box in a system: "1/mu" is "cm" in physical units."""
    return IN_CM.get(unit, unit) if system == "cm" else unit


def vacuum_frequency(splitting: float, energy: float) -> float:
    """omega = dm2/2E in 1/cm, dm2 in eV^2, E in MeV."""
    return VACUUM * splitting / (2 * energy)


def matter_potential(density: float) -> float:
    """lambda = sqrt(2) G_F n_e in 1/cm, of electron fraction times density in g/cm^3."""
    return MATTER * density


def self_interaction(number_density: float) -> float:
    """mu = sqrt(2) G_F n in 1/cm, n in 1/cm^3."""
    return REFRACTION * number_density


def per_second(rate: float) -> float:
    """1/s of a rate in 1/cm."""
    return rate * SPEED_OF_LIGHT


def seconds(length: float) -> float:
    """s of a time in cm."""
    return length / SPEED_OF_LIGHT


def electronvolt(rate: float) -> float:
    """eV of a rate in 1/cm."""
    return rate * HBAR_C * 1e6


def vacuum_factor(system: str) -> float:
    """What dm2/(2|p|) of the case has to be multiplied with to be a rate."""
    return VACUUM if system == "cm" else 1.0


def configs(case: Any) -> Mapping[str, Any]:
    """The terms' configs with everything in rates: those of the case, or converted from cm."""
    if case.units.system == "mu":
        return case.terms
    convert = {"vacuum": _vacuum, "matter": _matter, "self_interaction": _self_interaction}
    return {name: convert.get(name, lambda c: c)(config) for name, config in case.terms.items()}


def _vacuum(config: Any) -> Any:
    masses = tuple(VACUUM * m for m in config.mass_splittings)
    return dataclasses.replace(config, mass_splittings=masses)


def _matter(config: Any) -> Any:
    if config.electron_fraction is None:
        return config
    factor = matter_potential(config.electron_fraction)
    scaled = _times(config, factor, ("amplitude", "slope", "floor", "values"))
    potential = None if config.density is None else factor * config.density
    return dataclasses.replace(scaled, potential=potential)


def _self_interaction(config: Any) -> Any:
    if config.number_density is None:
        return config
    mu = self_interaction(config.number_density)
    return dataclasses.replace(_times(config, REFRACTION, ("floor",)), mu=mu)


def _times(config: Any, factor: float, keys: tuple[str, ...]) -> Any:
    """The config with the keys that are set multiplied."""
    changes = {}
    for key in keys:
        value = getattr(config, key)
        if isinstance(value, tuple):
            changes[key] = tuple(factor * x for x in value)
        elif value is not None:
            changes[key] = factor * value
    return dataclasses.replace(config, **changes)
