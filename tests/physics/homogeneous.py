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


def trajectory(case, times, start=None) -> list[np.ndarray]:
    """Components (z, momentum, direction, species, N_f^2) at the times, by the recipe or start."""
    found = []
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        if start is None:
            sim._initial_state()
        else:
            sim.set_state(start)
        integrator = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        now = Progress(case.time.start, 0, integrator.first_step, case.time.start)
        integrator.begin(now, sim.vec)
        for t in times:
            integrator.advance(t)
            found.append(sim.state())
        integrator.destroy()
    return found


def isotropic(terms: dict, populations: list, end: float, momenta=None, count=2, **keys):
    """One cell of an isotropic gas by the recipe `distribution`: two directions, no flux."""
    momentum = momenta or {}
    return make_case({
        "name": "isotropic",
        "grid": {"z": ONE_CELL,
                 "momentum": {"directions": [1.0, -1.0], **momentum}},
        "flavors": {"count": count, "antineutrinos": True},
        "terms": terms,
        "initial": {"recipe": "distribution", "populations": populations},
        "time": {"end": end, "integrator": "rk8vr", "tolerance": 1e-10, **keys.pop("time", {})},
        **keys,
    })  # fmt: skip


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
