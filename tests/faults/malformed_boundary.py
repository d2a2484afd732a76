"""Open boxes: ends that there are not, what they cannot do, and what comes in."""

from malformed_base import changed, valued

INFLOW = {"grid.z": {"boundary": '"inflow"'}, "terms.advection": {"order": "5"}}
OUTFLOW = {"grid.z": {"boundary": '["outflow", "outflow"]'}, "terms.advection": {"order": "3"}}
MIRRORS = {"grid.z": {"boundary": '["inflow", "reflecting"]'}, "terms.advection": {"order": "1"}}
GAS = {"recipe": '"modes"', "polarization": "[0.5, -0.5]",
       "modes": "[{direction = 0, n = 0, re = 0.01}]"}
WAVE = {"recipe": '"eigenmode"', "zeta_plus": "0.5", "zeta_minus": "-0.5", "n": "1",
        "amplitude": "1e-4"}
OFFSETS = {"offset_range": "[-9.0, 9.0]", "offset_cells": "8", "p0": "20.0"}

CASES = [
    valued("grid.z.boundary", '"outflo"', "grid.z.boundary ~ outflow"),
    valued("grid.z.boundary", '["inflow"]'),
    valued("grid.z.boundary", '["periodic", "inflow"]'),
    valued("grid.z.boundary", '["inflow", "outflow", "outflow"]'),
    valued("grid.z.boundary", '[1, "inflow"]'),
    valued("grid.z.boundary", "true"),
    valued("terms.advection.order", "7"),
    changed("central differences between open ends", {"grid.z": {"boundary": '"outflow"'}},
            "terms.advection.order"),
    changed("open ends without streaming", {**OUTFLOW, "terms.advection": None},
            "grid.z.boundary"),
    changed("fewer cells than the rows at an end", {
        **INFLOW, "grid.z": {"boundary": '"inflow"', "cells": "8"}, "initial": {"nmax": "4"}},
        "grid.z.cells"),
    changed("a filter of upwind differences", {"terms.advection": {"order": "5", "filter": "0.1"}},
            "terms.advection.filter"),
    changed("energy kept by upwind differences", {
        "terms.advection": {"order": "5"}, "time": {"relaxation": "true"}}, "time.relaxation"),
    changed("upwind differences in exact shifts", {
        "terms.advection": {"order": "5"},
        "time": {"integrator": '"bm4"', "step": "0.1", "tolerance": None}}, "time.integrator"),
    changed("upwind differences and gradient terms", {
        "terms.advection": {"order": "5"}, "grid.momentum": OFFSETS, "terms.gradient": {}},
        "terms.advection.order"),
    changed("a mirror without -v", {
        **MIRRORS, "grid.momentum": {"directions": "[1.0, -0.5]"}}, "grid.momentum.directions"),
    changed("a mirror with another weight of -v", {
        **MIRRORS, "grid.momentum": {"weights": "[1.0, 2.0]"}}, "grid.momentum.directions"),
    changed("inflow into a periodic box", {"inflow": GAS}, "inflow"),
    changed("inflow through outflow", {**OUTFLOW, "inflow": GAS}, "inflow"),
    changed("inflow without recipe", {**INFLOW, "inflow": {"polarization": "[1.0, 1.0]"}},
            "inflow.recipe"),
    changed("inflow by an unknown recipe", {**INFLOW, "inflow": {"recipe": '"mode"'}},
            "inflow.recipe ~ modes"),
    changed("inflow of three beams", {
        **INFLOW, "inflow": {**GAS, "polarization": "[0.5, -0.5, 0.1]"}}, "inflow.polarization"),
    changed("inflow of fewer than none", {**INFLOW, "inflow": {**GAS, "P0": "[0.1, 0.1]"}},
            "inflow.P0"),
    changed("inflow from a file", {
        **INFLOW, "inflow": {"recipe": '"file"', "path": '"fields.nc"'}}, "inflow.recipe"),
    changed("a file tells no inflow", {
        **INFLOW, "initial": {"recipe": '"file"', "path": '"none.nc"'}},
        "inflow", "initial.path"),
    changed("an eigenmode between open ends", {**OUTFLOW, "initial": WAVE}, "initial.recipe"),
]
