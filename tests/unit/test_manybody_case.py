"""The spins of a case: their mean field is the kinetic equation that the code solves (T9)."""

import numpy as np
import pytest
from manybody_numbers import GENERIC, TWO_BEAMS

import hpcqke
from hpcqke.case import make_case
from hpcqke.errors import CaseError
from hpcqke.manybody import beams, beams_along, from_case, mean_field

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def distance(found, wanted) -> float:
    return float(np.abs(np.asarray(found) - wanted).max())


def generic_case(tmp_path, antineutrinos: bool, **sections):
    """Four directions, four omega, mixing, matter; P0 = 1 where neutrinos are."""
    numbers = GENERIC[4]["system"]
    momentum = {"directions": numbers["v"], "frequencies": numbers["omega"]}
    terms = {"vacuum": {"mass_splittings": [1.0], "theta": numbers["theta"]},
             "self_interaction": {"mu": numbers["mu"] / 4}}  # fmt: skip
    case = {
        "grid": {"z": {"length": 1.0, "cells": 1}, "momentum": momentum},
        "flavors": {"antineutrinos": antineutrinos},
        "terms": terms,
        "initial": {"recipe": "modes", "polarization": [0.0] * 4,
                    "modes": [{"direction": 0, "n": 0}]},
        "time": {"end": 5.0, "integrator": "rk8vr", "tolerance": 1e-12},
        "output": {"directory": str(tmp_path / "run"), "fields_every": 0.5},
    }  # fmt: skip
    for key, section in sections.items():
        case.setdefault(key, {}).update(section)
    return make_case(case)


def start_of(modes):
    """A function for set_state: (species, momentum, direction): the P of a neutrino there."""

    def start(species, z, momentum, direction):
        rho = np.zeros((z.size, momentum.size, direction.size, 2, 2), dtype=complex)
        for (name, p, v), P in modes.items():
            if name == species:
                rho[:, p, v] = 0.5 * (np.eye(2) + np.einsum("a,aij->ij", P, PAULI))
        return rho

    return start


UP, DOWN = (0, 0, 1), (0, 0, -1)
NEUTRINOS = {("nu", 0, 0): UP, ("nu", 1, 1): UP, ("nu", 2, 2): DOWN, ("nu", 3, 3): DOWN}
MIXED = {("nu", 0, 0): UP, ("nu", 1, 1): (0.6, 0, -0.8), ("nubar", 2, 2): UP,
         ("nubar", 0, 3): (0, 0.6, 0.8)}  # fmt: skip


@pytest.mark.parametrize(("modes", "matter"), [(NEUTRINOS, None), (MIXED, 0.8)])
def test_the_mean_field_is_the_kinetic_equation(modes, matter, tmp_path, figure):
    """The spins get b, J, mu and their first state from the case; the code runs the case."""
    sections = {} if matter is None else {"terms": {"matter": {"potential": matter}}}
    case = generic_case(tmp_path, matter is not None, **sections)
    start = start_of(modes)
    system = from_case(case, start=start)
    if matter is None:
        given = beams_along(**GENERIC[4]["system"])
        for name in ("field", "spin", "coupling", "mu"):
            assert distance(getattr(system, name), getattr(given, name)) < 1e-14
    with hpcqke.Simulation(case) as sim:
        sim.set_state(start)
        run = sim.run(restart="never", quiet=True)
    with hpcqke.open_run(run.path) as opened:
        rho = opened.fields.rho.transpose("time", "z", "species", "momentum", "direction",
                                          "component").load()  # fmt: skip
    mean = mean_field.evolve(system, rho.time.values).polarization
    off = 0.0
    for k, (species, p, v) in enumerate(sorted(modes, key=lambda m: (m[0] != "nu", *m[1:]))):
        P = rho.values[:, 0, ("nu", "nubar").index(species), p, v, 1:]
        off = max(off, distance(mean[:, k] * (1 if species == "nu" else -1), P))
    figure(f"T9 mean field = QKE, {len(modes)} neutrinos, matter {matter}", f"{off:.1e} (tol 1e-9)")
    assert off < 1e-9


def test_mixtures_and_densities_become_neutrinos_of_both_kinds():
    """Three quarters nu_e of one direction, nu_x of half its density in the other."""
    momentum = {"directions": [1.0, -1.0]}
    initial = {"recipe": "modes", "polarization": [0.5, -0.5], "P0": [1.0, 0.5],
               "modes": [{"direction": 0, "n": 0}]}  # fmt: skip
    case = make_case({
        "grid": {"z": {"length": 1.0, "cells": 1}, "momentum": momentum}, "initial": initial,
        "terms": {"self_interaction": {"mu": 2.0}}, "time": {"end": 1.0},
    })  # fmt: skip
    system = from_case(case, neutrinos=12)
    assert system.count.tolist() == [6, 2, 4]
    assert system.spin[:, 2].tolist() == [1, -1, -1]
    assert system.mu == pytest.approx(3.0)
    assert system.coupling.tolist() == [[0, 0, 2], [0, 0, 2], [2, 2, 0]]
    with pytest.raises(CaseError, match="neutrinos = 10: the densities ask for"):
        from_case(case, neutrinos=10)


def test_the_shipped_two_beams():
    case = hpcqke.load_case("two_beam", {"initial.sigma": 0.0})
    found = beams.evolve(from_case(case, neutrinos=32), [1.0, 2.5])
    # J_AB = 2: twice as fast
    assert distance(found.survival[:, 0], TWO_BEAMS[32][0][1:3]) < 1e-11



@pytest.mark.parametrize("antineutrinos", [False, True])
def test_azimuths_ranks_and_many_momenta(antineutrinos):
    """from_case compares its mean field with the kinetic equation, or raises."""
    momentum = {"directions": [0.5, -0.2], "weights": [0.4, 0.4], "azimuths": 3, "ranks": 2,
                "frequencies": [-0.3, -0.5], "momenta_weights": [2.0, 2.0]}  # fmt: skip
    case = make_case({
        "grid": {"z": {"length": 1.0, "cells": 1}, "momentum": momentum},
        "flavors": {"antineutrinos": antineutrinos},
        "terms": {"self_interaction": {"mu": 1.5}, "matter": {"potential": 0.7},
                  "vacuum": {"mass_splittings": [-1.0], "theta": 0.3}},
        "initial": {"recipe": "modes", "polarization": [1.0, -1.0],
                    "modes": [{"direction": 0, "n": 0}]},
        "time": {"end": 1.0},
    })  # fmt: skip
    system = from_case(case)
    assert system.N == 12
    assert system.mu == pytest.approx(1.5 * 2 * 2 * (0.4 + 0.4))
    v, across = [0.5, -0.2], np.sqrt(1 - 0.5**2) * np.sqrt(1 - 0.2**2)
    assert system.coupling[0, 3] == pytest.approx(1 - v[0] * v[1] + 0.5 * across)  # phi = 120 deg
    assert system.field[6] == pytest.approx([-0.5 * np.sin(0.6), 0, 0.5 * np.cos(0.6) + 0.7])


@pytest.mark.parametrize(("overrides", "message"), [
    ({"initial.sigma": 1e-3}, "initial: must be the same at all z"),
    ({"terms.matter.profile": "cosine", "terms.matter.potential": 1.0,
      "terms.matter.amplitude": 0.5, "terms.matter.wave_number": 1}, "terms: must be constant"),
    ({"terms.self_interaction.profile": "exponential", "terms.self_interaction.along": "t",
      "terms.self_interaction.decay_time": 10.0}, "terms: must be constant"),
    ({"terms.collisions.scattering": [1e-3, 0.0]}, "terms: must be constant"),
])  # fmt: skip
def test_cases_that_are_no_spin_system(overrides, message):
    case = hpcqke.load_case("two_beam", {"initial.sigma": 0.0, **overrides})
    with pytest.raises(CaseError, match=message):
        from_case(case)
