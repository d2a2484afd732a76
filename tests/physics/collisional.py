"""Gases with collisions, and what their rates say: closed forms and eigenvalues, in NumPy."""

from __future__ import annotations

import numpy as np
from mpi4py import MPI

import hpcqke
from hpcqke.case import make_case
from hpcqke.integrate import Integrator, Progress
from hpcqke.state import to_matrix


def case_of(collisions: dict, flavors: int = 2, antineutrinos: bool = True, **sections):
    """Two directions +-1 in one cell; `sections` are added, or replaced key by key."""
    table = {
        "name": "collisional",
        "grid": {
            "z": {"length": 1.0, "cells": 1},
            "momentum": {"directions": [1.0, -1.0], "weights": [0.5, 0.5]},
        },
        "flavors": {"count": flavors, "antineutrinos": antineutrinos},
        "terms": {"collisions": collisions},
        "initial": {"recipe": "modes", "modes": [{"direction": 0, "n": 0}]},
        "time": {"end": 1.0, "tolerance": 1e-11},
    }
    for name, section in sections.items():
        both = {**table[name], **section}
        table[name] = {key: value for key, value in both.items() if value is not None}
    momentum = table["grid"]["momentum"]
    count = momentum.get("count") or len(momentum["directions"])
    table["initial"].setdefault("polarization", [0.1] * count)
    return make_case(table)


def evolve(case, function, times=()) -> list[np.ndarray]:
    """rho(t) as matrices (z, momentum, direction, species, N_f, N_f) at each time, or the end."""
    found = []
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(function)
        integrator = Integrator(case.time, sim.ps, sim.equation, lambda now, vec: False)
        integrator.begin(Progress(0.0, 0, integrator.first_step, 0.0), sim.vec)
        for t in times or (case.time.end,):
            integrator.advance(t)
            found.append(to_matrix(sim.state()))
        integrator.destroy()
    return found


def uniform(nu, nubar):
    """The same (N_f, N_f) at every z in every direction, or (p, N_f, N_f), one for each |p|."""

    def start(species, z, momentum, direction):
        rho = np.asarray(nu if species == "nu" else nubar, dtype=complex)
        rho = rho if rho.ndim == 3 else rho[None]
        shape = (z.size, momentum.size, direction.size, *rho.shape[1:])
        return np.broadcast_to(rho[None, :, None], shape)

    return start


def hermitian(flavors: int, seed: int = 4):
    """Matrices with eigenvalues inside 0 .. 1, different in every mode."""
    draw = np.random.default_rng(seed)

    def start(species, z, momentum, direction):
        shape = (z.size, momentum.size, direction.size, flavors, flavors)
        a = draw.normal(size=shape) + 1j * draw.normal(size=shape)
        _, basis = np.linalg.eigh(a + a.conj().swapaxes(-1, -2))
        n = draw.uniform(0.02, 0.98, shape[:-1])
        return np.einsum("...ij,...j,...kj->...ik", basis, n, basis.conj())

    return start


RATES = {
    2: {
        "absorption": [[0.7, 0.1], [1.1, 0.0], [1.9, 0.4]],
        "absorption_bar": [0.3, 0.2],
        "equilibrium": [[0.9, 0.3], [0.6, 0.2], [0.2, 0.1]],
        "equilibrium_bar": [0.4, 0.25],
        "scattering": [0.5, 0.2],
        "scattering_bar": [[0.0, 0.3], [0.6, 0.1], [0.9, 0.4]],
    },
    3: {
        "absorption": [[0.7, 0.1, 0.3], [1.1, 0.0, 0.2], [1.9, 0.4, 0.6]],
        "absorption_bar": [0.3, 0.2, 0.5],
        "equilibrium": [[0.9, 0.3, 0.5], [0.6, 0.2, 0.4], [0.2, 0.1, 0.3]],
        "equilibrium_bar": [0.4, 0.25, 0.35],
        "scattering": [0.5, 0.2, 0.3],
        "scattering_bar": [[0.0, 0.3, 0.1], [0.6, 0.1, 0.2], [0.9, 0.4, 0.7]],
    },
}
"""Different for every flavor, species and momentum; lists of lists and single lists."""
MOMENTA = {"momenta": [1.0, 2.0, 3.5], "momenta_weights": [0.3, 1.2, 0.7]}


def gas(flavors: int, collisions=None, antineutrinos: bool = True, **sections):
    """Five directions, three momenta, one cell."""
    grid = {"momentum": {"rule": "gauss-legendre", "count": 5, **MOMENTA}}
    rates = collisions or RATES[flavors]
    return case_of(rates, flavors, antineutrinos, grid=grid, **sections)


def table(key: str, flavors: int) -> np.ndarray:
    """(momentum, species, N_f) of RATES, written out."""
    sides = (RATES[flavors][key], RATES[flavors][f"{key}_bar"])
    return np.stack([np.broadcast_to(side, (3, flavors)) for side in sides], axis=1)


def growth(mu, omega, g, g_bar, rate, rate_bar) -> tuple[float, np.ndarray, np.ndarray]:
    """The largest Im Omega of rho_ex ~ exp(-i Omega t), and its rho_ex of nu and of nubar.

    Linearised, for groups i with g = n_e - n_x and the rates of rho_ex, D = sum (g - gbar):
    i d_t S_i = [mu D - i Gamma_i -+ omega_i] S_i - mu g_i sum_j (S_j - Sbar_j).
    """
    g, g_bar = np.atleast_1d(g), np.atleast_1d(g_bar)
    content = np.concatenate([g, g_bar])
    sign = np.repeat([1.0, -1.0], [g.size, g_bar.size])
    turning = mu * (content @ sign) - sign * omega
    damping = np.append(rate, rate_bar)
    matrix = np.diag(turning - 1j * damping) - mu * np.outer(content, sign)
    frequencies, modes = np.linalg.eig(matrix)
    fastest = frequencies.imag.argmax()
    mode = modes[:, fastest] / np.abs(modes[:, fastest]).max()
    return frequencies[fastest].imag, mode[: g.size], mode[g.size :]
