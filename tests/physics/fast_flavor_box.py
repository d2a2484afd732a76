"""The deterministic fast-flavor box of a comparison between codes, through the API.

L = 256/mu, directions at the midpoints of 32 bins, g(v) ~ exp(-(v-1)^2/(2 sigma^2)) with
int g dv = 1 (sigma = 0.6, neutrinos) and 0.9 (sigma = 0.53, antineutrinos), rho_ee = g but for a
bump of coherence rho_ex = (g/2) 1e-6 exp(-z^2/50). Converged <P_ee> and <Pbar_ee>: finite
differences of eighth order on 512 cells; COSEnu's finite volumes agree to all digits.
"""

from __future__ import annotations

import math

import numpy as np

from hpcqke.case import make_case

LENGTH, DIRECTIONS, END = 256.0, 32, 2000.0
CONVERGED = {
    1300: (0.8414385, 0.8238199),
    1400: (0.7990204, 0.7766886),
    1600: (0.7874970, 0.7638848),
    1800: (0.9715860, 0.9684287),
    2000: (0.9114453, 0.9016055),
}
SHAPE = {"nu": (0.6, 1.0), "nubar": (0.53, 0.9)}


def spectrum(species: str, v: np.ndarray) -> np.ndarray:
    """g(v) of neutrinos or antineutrinos."""
    sigma, number = SHAPE[species]
    norm = sigma * math.sqrt(math.pi / 2) * math.erf(2 / (sigma * math.sqrt(2)))
    return number / norm * np.exp(-((v - 1) ** 2) / (2 * sigma**2))


def state(species, z, momentum, direction) -> np.ndarray:
    """rho for `Simulation.set_state`; |P| = g everywhere."""
    g = spectrum(species, direction)[None, None, :]
    bump = (1e-6 * np.exp(-(z**2) / 50))[:, None, None]
    long = np.sqrt(1 - bump**2)
    rho = np.zeros((z.size, momentum.size, direction.size, 2, 2), dtype=complex)
    rho[..., 0, 0], rho[..., 1, 1] = g * (1 + long) / 2, g * (1 - long) / 2
    rho[..., 0, 1] = rho[..., 1, 0] = g * bump / 2
    return rho


def case_of(cells: int, integrator: str, step: float, end: float = END):
    """The box on so many cells with a fixed step."""
    return make_case(
        {
            "name": "fast_flavor_box",
            "grid": {
                "z": {"length": LENGTH, "cells": cells},
                "momentum": {"rule": "uniform", "count": DIRECTIONS},
            },
            "flavors": {"antineutrinos": True},
            "terms": {"advection": {"order": 8}, "self_interaction": {}},
            "initial": {
                "recipe": "modes",
                "polarization": [0.5] * DIRECTIONS,
                "modes": [{"direction": 0, "n": 1, "re": 0.0}],
            },
            "time": {"end": end, "integrator": integrator, "step": step},
            "output": {"directory": "never-used"},
        }
    )


def survival(rho: np.ndarray) -> np.ndarray:
    """<P_ee>, <Pbar_ee> of natural components (z, momentum, direction, species, component)."""
    v = -1 + 2 / DIRECTIONS * (np.arange(DIRECTIONS) + 0.5)
    number = np.array([spectrum(s, v).sum() for s in SHAPE])
    electron = 0.5 * (rho[..., 0] + rho[..., 3]).mean(axis=(0, 1)).sum(axis=0)
    return electron / number
