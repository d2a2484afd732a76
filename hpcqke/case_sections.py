"""The sections of a case file: every key, what it may be, what it is if left out."""
# ruff: noqa: RUF009 -- the helpers of hpcqke.schema return dataclass fields

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpcqke.case_kinds import OptionalRecipe, Recipe, SwitchedOn, boundary, name
from hpcqke.schema import boolean, choice, field, integer, number, numbers, section, text
from hpcqke.units import SYSTEMS

SPLITTINGS = ("bm4", "bm6")
INTEGRATORS = ("rk3bs", "rk4", "rk5dp", "rk8vr", "midpoint", "gauss2", *SPLITTINGS)
WITHOUT_ERROR_ESTIMATE = ("rk4", "midpoint", "gauss2", *SPLITTINGS)


@dataclass(frozen=True, kw_only=True)
class GridZ:
    length: float = number(above=0, unit="1/mu", doc="length L of the box; z from -L/2 to L/2")
    cells: int = integer(minimum=1, maximum=2**31 - 1, doc="cells along z")
    boundary: str | tuple[str, str] = boundary("periodic", doc=(
        "what lies beyond the box: itself again, [inflow], nothing, or mirrors"))
    ranks: int = integer(0, minimum=0, maximum=2**31 - 1, doc="ranks along z, 0 = automatic")


@dataclass(frozen=True, kw_only=True)
class GridMomentum:
    directions: tuple[float, ...] | None = numbers(
        None, minimum=-1, maximum=1, doc="v = cos(theta) of each direction")
    rule: str | None = choice("gauss-legendre", "uniform", default=None,
                              doc="directions and weights of a quadrature rule, with count")
    count: int | None = integer(None, minimum=1, maximum=4096, doc="directions of the rule")
    azimuths: int = integer(1, minimum=1, maximum=1024, doc=(
        "angles phi around z, in each of which all v are taken; 1 = axial symmetry"))
    weights: tuple[float, ...] | None = numbers(
        None, minimum=0, doc="weight of each listed direction; 1 if left out")
    momenta: tuple[float, ...] = numbers((1.0,), above=0, doc="|p| of each momentum bin")
    offset_range: tuple[float, float] | None = numbers(
        None, length=2, doc="[q0, q1] of uniform bins in q = |p| - p0, instead of momenta")
    offset_cells: int | None = integer(None, minimum=2, maximum=100000, doc="bins of offset_range")
    p0: float = number(
        0.0, minimum=0, unit="mu", doc="|p| where q = 0; energies are counted from it")
    momenta_weights: tuple[float, ...] | None = numbers(
        None, minimum=0, doc="weight of each momentum bin; 1 if left out")
    frequencies: tuple[float, ...] | None = numbers(None, unit="mu", doc=(
        "omega = dm2/2|p| of each bin, instead of momenta; the sign is that of dm2"))
    frequency_range: tuple[float, float] | None = numbers(
        None, length=2, unit="mu", doc="[w0, w1] of uniform bins in omega, instead of momenta")
    frequency_cells: int | None = integer(
        None, minimum=1, maximum=100000, doc="bins of frequency_range; their weights are d omega")
    ranks: int = integer(0, minimum=0, maximum=2**31 - 1,
                         doc="ranks along momentum, 0 = automatic")


@dataclass(frozen=True, kw_only=True)
class Grid:
    z: GridZ = section(GridZ)
    momentum: GridMomentum = section(GridMomentum)


@dataclass(frozen=True, kw_only=True)
class Flavors:
    count: int = choice(2, 3, default=2, doc="number of flavors")
    antineutrinos: bool = boolean(False, doc="evolve antineutrinos as well")


@dataclass(frozen=True, kw_only=True)
class Time:
    start: float = number(0.0, unit="1/mu", doc="time at which the run starts")
    end: float = number(unit="1/mu", doc="time at which the run ends")
    integrator: str = choice(*INTEGRATORS, default="rk5dp", doc="time integrator")
    step: float | None = number(None, above=0, unit="1/mu", doc="fixed step")
    relaxation: bool | None = boolean(
        None, doc="stretch Runge-Kutta steps so that energy is kept; true with the gradient term")
    tolerance: float | None = number(
        None, above=0, maximum=0.1, doc="absolute and relative, per step; 1e-8 if there is no step")


@dataclass(frozen=True, kw_only=True)
class Output:
    directory: str | None = text(None, doc="the run folder; runs/NAME if left out")
    series_every: float | None = number(None, above=0, unit="1/mu", doc="time between rows")
    series_every_steps: int | None = integer(None, minimum=1, doc="steps between rows")
    series_every_wall: float | None = number(None, above=0, unit="s", doc="seconds between rows")
    fields_every: float | None = number(None, above=0, unit="1/mu", doc="time between fields")
    fields_every_steps: int | None = integer(None, minimum=1, doc="steps between fields")
    fields_every_wall: float | None = number(None, above=0, unit="s", doc="seconds between fields")
    spectrum_modes: int = integer(128, minimum=1, maximum=2**31 - 1,
                                  doc="Fourier numbers of the spectrum, cells/2 at most")
    growth_window: tuple[float, float] | None = numbers(
        None, length=2, unit="1/mu", doc="[t0, t1] in which the growth rate is fitted")
    progress_every: float = number(10.0, above=0, unit="s", doc="seconds between log lines")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    every: float | None = number(None, above=0, unit="1/mu", doc="time between checkpoints")
    every_steps: int | None = integer(None, minimum=1, doc="steps between checkpoints")
    every_wall: float = number(600.0, minimum=0, unit="s", doc="seconds between them, 0 = never")
    keep: int = integer(2, minimum=1, maximum=10000, doc="how many of the newest are kept")


@dataclass(frozen=True, kw_only=True)
class Units:
    system: str = choice(*SYSTEMS, default="mu", doc=(
        "mu: times and lengths in 1/mu; cm: cm (c = 1), rates 1/cm, |p| MeV, dm2 eV^2"))


@dataclass(frozen=True, kw_only=True)
class Sections:
    """A whole case file."""

    name: str = name(None, doc="name of the case; that of its file if left out")
    grid: Grid = section(Grid)
    flavors: Flavors = section(Flavors)
    terms: Mapping[str, Any] = field(SwitchedOn(), None, "the physics terms that are on")
    initial: Any = field(Recipe(), None, "the initial data")
    inflow: Any = field(OptionalRecipe(), None, (
        "what comes in at ends that are \"inflow\", by its values there; as [initial] if left out"))
    time: Time = section(Time)
    output: Output = section(Output)
    checkpoint: Checkpoint = section(Checkpoint)
    units: Units = section(Units)
