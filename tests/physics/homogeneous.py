"""Homogeneous runs of given initial matrices, and their exact evolution for a constant H."""

from __future__ import annotations

import numpy as np
from mpi4py import MPI

import hpcqke
from hpcqke.case import make_case
from hpcqke.integrate import Integrator, Progress
from hpcqke.state import to_matrix

ONE_CELL = {"length": 1.0, "cells": 1}


def case_of(terms: dict, flavors: int, end: float, momenta=(1.0,), z=None, **sections):
    """Two directions +-1 of weight 1/2: an isotropic gas has no flux."""
    momentum = {"directions": [1.0, -1.0], "weights": [0.5, 0.5], "momenta": list(momenta)}
    table = {
        "name": "homogeneous",
        "grid": {"z": z or ONE_CELL, "momentum": momentum},
        "flavors": {"count": flavors, "antineutrinos": True},
        "terms": terms,
        "initial": {
            "recipe": "modes",
            "polarization": [1.0, 1.0],
            "modes": [{"direction": 0, "n": 0}],
        },
        "time": {"end": end, "tolerance": 1e-12},
        **sections,
    }
    return make_case(table)


def evolve(case, nu: np.ndarray, nubar: np.ndarray) -> np.ndarray:
    """rho(end) as matrices (z, momentum, direction, species, N_f, N_f) from uniform matrices."""

    def start(species, z, momentum, direction):
        shape = (z.size, momentum.size, direction.size, *nu.shape)
        return np.broadcast_to(nu if species == "nu" else nubar, shape)

    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(start)
        integrator = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        integrator.begin(Progress(0.0, 0, integrator.first_step, 0.0), sim.vec)
        integrator.advance(case.time.end)
        rho = to_matrix(sim.state())
        integrator.destroy()
    return rho


def turned(H: np.ndarray, rho: np.ndarray, t: float) -> np.ndarray:
    """exp(-i H t) rho exp(i H t)."""
    energy, vectors = np.linalg.eigh(H)
    step = (vectors * np.exp(-1j * energy * t)) @ vectors.conj().T
    return step @ rho @ step.conj().T


def flavor(index: int, count: int) -> np.ndarray:
    """The pure state of a flavor."""
    rho = np.zeros((count, count), dtype=complex)
    rho[index, index] = 1.0
    return rho
