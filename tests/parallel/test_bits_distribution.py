"""Initial data by distributions: the same bits on any number of ranks and for every split."""

import numpy as np
import pytest
from layouts import gathered, splits
from mpi4py import MPI

import hpcqke
from hpcqke.case import make_case

SIZE = MPI.COMM_WORLD.size
SEEDS = {
    "random": {"perturbation": "random", "amplitude": 1e-3, "nmax": 9, "seed": 4},
    "bump": {"perturbation": "bump", "amplitude": 0.1, "width": 2.3},
    "velocity": {"perturbation": "velocity", "amplitude": 0.2},
    "sinusoid": {"perturbation": "sinusoid", "amplitude": 0.2, "wave_number": 3},
}
THERMAL = {"spectrum": "fermi-dirac", "temperature": 1.1}
KINDS = [
    (2, "random", "three"),
    (2, "bump", "one"),
    (3, "random", "one"),
    (3, "bump", "three"),
    (3, "velocity", "one"),
    (2, "sinusoid", "one"),
]
MOMENTA = {"one": [1.0], "three": [1.0, 2.0, 3.5]}


def state(flavors: int, seed: str, momenta: str, comm, split=(0, 0)) -> np.ndarray:
    case = make_case({
        "name": "bits",
        "grid": {
            "z": {"length": 20.0, "cells": 37, "ranks": split[0]},
            "momentum": {
                "rule": "gauss-legendre", "count": 20, "azimuths": 2, "momenta": MOMENTA[momenta],
                "ranks": split[1],
            },
        },
        "flavors": {"count": flavors, "antineutrinos": True},
        "terms": {"advection": {}, "self_interaction": {}},
        "initial": {
            "recipe": "distribution",
            "populations": [
                {"angular": "gaussian", "width": 0.6, **THERMAL},
                {"species": "nubar", "angular": "maximum-entropy", "flux_factor": 0.4},
                {"flavor": "x" if flavors == 2 else "tau", "density": 0.2},
            ],
            **SEEDS[seed],
        },
        "time": {"end": 1.0},
    })  # fmt: skip
    with hpcqke.Simulation(case, comm=comm) as sim:
        sim._initial_state()
        return gathered(sim.ps, sim.state())


@pytest.mark.parametrize("split", splits(SIZE), ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize(("flavors", "seed", "momenta"), KINDS)
def test_same_bits(flavors, seed, momenta, split):
    if momenta == "three" and split[1] > 3:
        return  # more ranks along momentum than momenta are refused
    rho = state(flavors, seed, momenta, MPI.COMM_WORLD, split)
    assert rho.tobytes() == state(flavors, seed, momenta, MPI.COMM_SELF).tobytes()
    assert np.abs(rho).max() > 0.1
