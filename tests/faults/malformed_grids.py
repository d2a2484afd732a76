"""Each key is good by itself, but together they are impossible."""

from malformed_base import MODES, changed, valued

NO_ZETA = {"zeta_plus": None, "zeta_minus": None}
FOUR = {"directions": "[1.0, 0.5, -0.5, -1.0]"}
BOTH = {"flavors": {"antineutrinos": "true"}}

GRIDS = [
    changed("fewer cells than the stencil", {"grid.z": {"cells": "8"}, "initial": {"nmax": "4"}},
            "grid.z.cells"),
    changed("two ranks a cell", {"grid.z": {"ranks": "128"}}, "grid.z.ranks"),
    changed("fewer cells a rank than the stencil", {"grid.z": {"ranks": "17"}}, "grid.z.ranks"),
    changed("more ranks than directions", {"grid.momentum": {"ranks": "3"}},
            "grid.momentum.ranks"),
    changed("more ranks than momenta", {"grid.momentum": {"momenta": "[1.0, 2.0]", "ranks": "3"}},
            "grid.momentum.ranks"),
    changed("a direction twice", {"grid.momentum": {"directions": "[1.0, 1]"},
                                  "initial": {**NO_ZETA, "polarization": "[0.5, -0.5]"}},
            "grid.momentum.directions"),
    changed("a momentum twice", {"grid.momentum": {"momenta": "[2.0, 1.0, 2.0]"}},
            "grid.momentum.momenta"),
    changed("three weights", {"grid.momentum": {"weights": "[1.0, 1.0, 1.0]"}},
            "grid.momentum.weights"),
    changed("weights all 0", {"grid.momentum": {"weights": "[0.0, 0.0]"}},
            "grid.momentum.weights"),
    changed("a momentum without weight", {"grid.momentum": {
        "momenta": "[1.0, 2.0]", "momenta_weights": "[1.0]"}}, "grid.momentum.momenta_weights"),
    changed("momentum weights all 0", {"grid.momentum": {"momenta_weights": "[0]"}},
            "grid.momentum.momenta_weights"),
    changed("directions and a rule", {"grid.momentum": {
        "rule": '"uniform"', "count": "2"}}, "grid.momentum.rule", "grid.momentum.count"),
    changed("a rule without count", {"grid.momentum": {
        "directions": None, "rule": '"uniform"'}}, "grid.momentum.count"),
    changed("a count without rule", {"grid.momentum": {"directions": None, "count": "2"}},
            "grid.momentum.rule"),
    valued("grid.momentum.azimuths", "0"),
    valued("grid.momentum.azimuths", "2.5"),
    changed("more ranks than directions with azimuths", {
        "grid.momentum": {"azimuths": "4", "ranks": "9"}}, "grid.momentum.ranks"),
    changed("a rule and weights", {"grid.momentum": {
        "directions": None, "rule": '"uniform"', "count": "2", "weights": "[1.0, 1.0]"}},
        "grid.momentum.weights"),
    valued("grid.z.cells", "2147483647"),
    changed("too many modes for any memory", {"grid.z": {"cells": "1000000000"}, "grid.momentum": {
        "directions": None, "rule": '"uniform"', "count": "2"}}, "grid.z.cells"),
]

OFFSETS = {"offset_range": "[-9.0, 9.0]", "offset_cells": "8", "p0": "20.0"}
EQ18 = {"terms.gradient": {"eq18": '"printed"'}}
RULE = {"directions": None, "rule": '"uniform"', "count": "2"}

AZIMUTHS = [
    changed("Eq. (18) in axial symmetry", {"grid.momentum": {**OFFSETS, **RULE}, **EQ18},
            "grid.momentum.azimuths"),
    changed("Eq. (18) with two azimuths", {
        "grid.momentum": {**OFFSETS, **RULE, "azimuths": "2"}, **EQ18}, "grid.momentum.azimuths"),
    changed("Eq. (18) on the axis", {"grid.momentum": {**OFFSETS, "azimuths": "4"}, **EQ18},
            "grid.momentum.directions"),
    changed("an unknown factor of Eq. (18)", {
        "grid.momentum": {**OFFSETS, **RULE, "azimuths": "4"},
        "terms.gradient": {"eq18": '"spinor"'}}, "terms.gradient.eq18"),
    changed("a factor as a number", {
        "grid.momentum": {**OFFSETS, **RULE, "azimuths": "4"},
        "terms.gradient": {"eq18": "0.5"}}, "terms.gradient.eq18"),
    changed("eq18_in_bracket as a word", {
        "grid.momentum": {**OFFSETS, **RULE, "azimuths": "4"},
        "terms.gradient": {"eq18_in_bracket": '"no"'}}, "terms.gradient.eq18_in_bracket"),
    changed("fewer cells than two stencils", {
        "grid.z": {"cells": "16"}, "grid.momentum": {**OFFSETS, **RULE, "azimuths": "4"}, **EQ18},
        "grid.z.cells"),
    changed("an eigenmode with vacuum", {
        "terms.vacuum": {"mass_splittings": "[0.1]", "theta": "0.1"},
        "initial": {
            "recipe": '"eigenmode"', "zeta_plus": "0.5", "zeta_minus": "-0.5", "n": "-4",
            "amplitude": "1e-5"}}, "initial.recipe"),
    changed("an eigenmode without axial symmetry", {
        "grid.momentum": {"azimuths": "4"}, "initial": {
            "recipe": '"eigenmode"', "zeta_plus": "0.5", "zeta_minus": "-0.5", "n": "1",
            "amplitude": "1e-4"}}, "initial.recipe"),
]

INITIAL = [
    changed("zeta with three directions", {"grid.momentum": {"directions": "[1.0, 0.0, -1.0]"}},
            "initial.zeta_plus"),
    changed("zeta with one direction", {"grid.momentum": {"directions": "[1.0]"}},
            "initial.zeta_plus"),
    changed("zeta with both beams forward", {"grid.momentum": {"directions": "[1.0, 0.5]"}},
            "initial.zeta_plus"),
    valued("initial.zeta_plus", None),
    valued("initial.zeta_minus", None),
    changed("no background", {"initial": NO_ZETA}, "initial.polarization"),
    changed("zeta and polarization", {"initial": {"polarization": "[0.5, -0.5]"}},
            "initial.zeta_plus", "initial.zeta_minus"),
    changed("polarization too short", {"grid.momentum": FOUR, "initial": {
        **NO_ZETA, "polarization": "[0.5, -0.5]"}}, "initial.polarization"),
    changed("P0 too long", {"initial": {"P0": "[0.5, 0.5, 0.5]"}}, "initial.P0"),
    changed("P0 below zeta", {"initial": {"P0": "[0.6, 0.4]"}}, "initial.P0"),
    changed("P0 below polarization", {"initial": {
        **NO_ZETA, "polarization": "[0.5, -0.5]", "P0": "[0.1, 0.5]"}}, "initial.P0"),
    changed("P0_bar below polarization_bar", {**BOTH, "initial": {
        "polarization_bar": "[0.2, -0.2]", "P0_bar": "[0.1, 0.1]"}}, "initial.P0_bar"),
    changed("polarization_bar without antineutrinos", {"initial": {
        "polarization_bar": "[0.2, -0.2]"}}, "initial.polarization_bar"),
    changed("P0_bar without antineutrinos", {"initial": {"P0_bar": "[0.2, 0.2]"}},
            "initial.P0_bar"),
    changed("polarization_bar too short", {**BOTH, "initial": {"polarization_bar": "[0.2]"}},
            "initial.polarization_bar"),
    valued("initial.nmax", "33"),
    changed("a mode beyond the grid", {"initial": {
        **MODES["initial"], "modes": "[{direction = 0, n = -33, re = 0.01}]"}},
        "initial.modes[0].n"),
    changed("a mode of a third direction", {"initial": {
        **MODES["initial"], "modes": "[{direction = 2, n = 1, re = 0.01}]"}},
        "initial.modes[0].direction"),
    changed("a mode of absent antineutrinos", {"initial": {
        **MODES["initial"], "modes": '[{direction = 1, n = 1, species = "nubar"}]'}},
        "initial.modes[0].species"),
    changed("an eigenmode beyond the grid", {"initial": {
        "recipe": '"eigenmode"', "zeta_plus": "0.5", "zeta_minus": "-0.5", "n": "-40",
        "amplitude": "1e-5"}}, "initial.n"),
    changed("an eigenmode of nothing", {"terms.self_interaction": None, "initial": {
        "recipe": '"eigenmode"', "zeta_plus": "0.5", "zeta_minus": "-0.5", "n": "-4",
        "amplitude": "1e-5"}}, "initial.recipe"),
]

TIMES = [
    valued("time.end", "0.0"),
    valued("time.end", "-1.0"),
    valued("time.start", "2.0", "time.end"),
    valued("time.step", "0.05", "time.tolerance"),
    changed("rk4 without step", {"time": {"integrator": '"rk4"'}}, "time.step"),
    changed("midpoint without step", {"time": {"integrator": '"midpoint"', "tolerance": None}},
            "time.step"),
    changed("gauss2 with tolerance", {"time": {"integrator": '"gauss2"', "tolerance": "1e-8"}},
            "time.step"),
    changed("a splitting without step", {"time": {"integrator": '"bm6"', "tolerance": None}},
            "time.step"),
    changed("a splitting with much that it cannot", {
        "time": {"integrator": '"bm4"', "tolerance": None, "step": "0.1", "relaxation": "true"},
        "terms.advection": {"filter": "0.1"},
        "grid.momentum": {"azimuths": "4", "ranks": "2"}},
        "time.relaxation", "terms.advection.filter", "grid.momentum.azimuths",
        "grid.momentum.ranks"),
    changed("a splitting with gradient terms", {
        "time": {"integrator": '"bm6"', "tolerance": None, "step": "0.1"},
        "grid.momentum": {"offset_range": "[-1.0, 1.0]", "offset_cells": "8"},
        "terms.gradient": {"mode": '"full"'}}, "time.integrator"),
    changed("a ledger with much that it cannot", {
        "terms.ledger": {},
        "terms.matter": {"profile": '"linear"', "potential": "0.1", "slope": "0.1"},
        "grid.momentum": {"azimuths": "4", "ranks": "2"}, "time": {"relaxation": "true"}},
        "terms.matter.along", "grid.momentum.azimuths", "grid.momentum.ranks", "time.relaxation"),
    changed("a ledger with gradient terms", {
        "terms.ledger": {}, "terms.gradient": {"mode": '"full"'},
        "grid.momentum": {"offset_range": "[-1.0, 1.0]", "offset_cells": "8"}},
        "terms.gradient", "grid.momentum.offset_range"),
    changed("a ledger without waves, with implicit steps", {
        "terms.ledger": {}, "terms.advection": None,
        "time": {"integrator": '"gauss2"', "tolerance": None, "step": "0.1"}},
        "terms.advection", "time.integrator"),
    changed("a ledger of a splitting", {
        "terms.ledger": {}, "time": {"integrator": '"bm6"', "tolerance": None, "step": "0.1"}},
        "time.integrator"),
    changed("a ledger of upwind differences", {
        "terms.ledger": {}, "terms.advection": {"order": "5"}}, "terms.advection.order"),
    changed("a ledger with collisions", {
        "terms.ledger": {}, "terms.collisions": {}},
        "terms.collisions", "terms.collisions.absorption"),
    changed("a ledger with mu(z)", {
        "terms.ledger": {},
        "terms.self_interaction": {"profile": '"exponential"', "scale_height": "9.0"}},
        "terms.self_interaction.along"),
    changed("a step beyond the end", {"time": {"tolerance": None, "step": "2.0"}}, "time.step"),
    changed("a step that is lost in rounding", {"time": {"tolerance": None, "step": "1e-17"}},
            "time.step"),
    valued("output.series_every", "1e-9"),
    valued("checkpoint.every", "1e-12"),
    valued("output.growth_window", "[0.5, 0.2]"),
    valued("output.growth_window", "[2.0, 2.0]"),
]

SEVERAL = [
    changed("four sections, five faults", {
        "grid.z": {"cells": "-1", "lenght": "3.0"}, "flavors": {"count": "5"},
        "time": {"end": '"late"'}, "output": {"series_evry": "1.0"}},
        "grid.z.cells", "grid.z.lenght ~ length", "flavors.count", "time.end",
        "output.series_evry ~ series_every"),
    changed("a bad key does not hide bad pairs", {
        "grid.z": {"cels": "3", "ranks": "99"}, "grid.momentum": {"weights": "[1.0]"},
        "initial": {"nmax": "50"}, "time": {"step": "0.1"}},
        "grid.z.cels ~ cells", "grid.z.ranks", "grid.momentum.weights", "initial.nmax",
        "time.tolerance"),
    changed("the wrong recipe's keys", {"initial": {
        "recipe": '"eigenmode"', "zeta_plus": "0.5", "zeta_minus": "-0.5", "nmax": "8",
        "sigma": "1e-4"}},
        "initial.nmax", "initial.sigma", "initial.n", "initial.amplitude"),
]

CASES = [*GRIDS, *AZIMUTHS, *INITIAL, *TIMES, *SEVERAL]
