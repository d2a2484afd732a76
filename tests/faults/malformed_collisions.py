"""Rates that are none, are not enough, or have nothing to act on."""

from malformed_base import changed

BOTH = {"flavors": {"antineutrinos": "true"}}
OFFSETS = {"offset_range": "[-9.0, 9.0]", "offset_cells": "8", "p0": "20.0"}
TWO = {"grid.momentum": {"momenta": "[1.0, 2.0]"}}
GOOD = {"absorption": "[1.0, 0.5]", "equilibrium": "[0.4, 0.3]", "scattering": "[0.2, 0.2]"}


def collisions(name: str, keys: dict, *faults: str, **sections):
    """The good rates with some changed; the faults are keys of terms.collisions."""
    table = {key: value for key, value in {**GOOD, **keys}.items() if value is not None}
    full = [f if "." in f else f"terms.collisions.{f}" for f in faults]
    return changed(name, {"terms.collisions": table, **sections}, *full)


NONE = {"absorption": None, "equilibrium": None, "scattering": None}

CASES = [
    collisions("no rates", NONE, "absorption"),
    collisions("absorption without equilibrium", {"equilibrium": None}, "equilibrium"),
    collisions("equilibrium without absorption", {"absorption": None}, "equilibrium"),
    collisions("a rate < 0", {"absorption": "[1.0, -0.5]"}, "absorption"),
    collisions("a rate that is no number", {"scattering": "[1.0, nan]"}, "scattering"),
    collisions("one rate for all flavors", {"absorption": "1.0"}, "absorption"),
    collisions("a rate for a third flavor", {"absorption": "[1.0, 0.5, 0.5]"}, "absorption"),
    collisions("no rate at all", {"scattering": "[]"}, "scattering"),
    collisions("a unit", {"scattering": '["1/km", 1.0]'}, "scattering"),
    collisions("lists and numbers", {"absorption": "[[1.0, 0.5], 0.5]"}, "absorption"),
    collisions("lists in lists", {"absorption": "[[[1.0, 0.5]]]"}, "absorption"),
    collisions("an empty list", {"absorption": "[[1.0, 0.5], []]"}, "absorption", **TWO),
    collisions("a list too short", {"absorption": "[[1.0, 0.5], [0.5]]"}, "absorption", **TWO),
    collisions("a list for one of two momenta", {"equilibrium": "[[0.4, 0.3]]"}, "equilibrium",
               **TWO),
    collisions("a list too many", {"scattering": "[[0.2, 0.2], [0.3, 0.3]]"}, "scattering"),
    collisions("lists for two of three frequencies", {
        "scattering": "[[0.2, 0.2], [0.3, 0.3]]"}, "scattering", **{
        "grid.momentum": {"frequencies": "[0.5, 1.0, 2.0]"},
        "terms.vacuum": {"mass_splittings": "[1.0]", "theta": "0.1"}}),
    collisions("steps that split the terms", {}, "time.integrator",
               time={"integrator": '"bm4"', "step": "0.1", "tolerance": None}),
    collisions("nubar, which there are none of", {
        "absorption_bar": "[1.0, 0.5]", "equilibrium_bar": "[1.0, 0.5]",
        "scattering_bar": "[1.0, 0.5]"}, "absorption_bar", "equilibrium_bar", "scattering_bar"),
    collisions("scattering of nubar alone", {
        "scattering": None, "scattering_bar": "[1.0, 0.5]"}, "scattering_bar", **BOTH),
    collisions("rates of muons", {"absorption_mu": "[1.0, 0.5]"}, "absorption_mu"),
    collisions("energy kept by relaxation", {}, "time.relaxation", time={"relaxation": "true"}),
    collisions("a tracer", {}, "terms.gradient.mode", **{
        "grid.momentum": OFFSETS, "terms.gradient": {"mode": '"tracer"'}}),
]
