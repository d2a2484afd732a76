"""A gas of three beams and two momenta, its states, and runs of it in one segment."""

from __future__ import annotations

import numpy as np

from hpcqke.case import make_case
from hpcqke.integrate import Integrator, Progress


def gas(switched_on: dict, cells: int = 64, weights=(0.7, 1.1, 0.5), antineutrinos=False, **more):
    momentum = {"directions": [-0.8, 0.3, 0.6], "weights": list(weights)}
    momentum |= {"momenta": [0.6, 1.7], "momenta_weights": [0.4, 1.1], **more.pop("momentum", {})}
    beams = len(momentum["directions"])
    return make_case(
        {
            "name": "gas",
            "grid": {"z": {"length": 6.0, "cells": cells}, "momentum": momentum},
            "flavors": {"count": 2, "antineutrinos": antineutrinos},
            "terms": switched_on,
            "initial": {
                "recipe": "modes",
                "polarization": [0.1] * beams,
                "modes": [{"direction": 0, "n": 1, "re": 0.01}],
            },
            "time": {"end": 1.0, **more},
        }
    )


def polarized(components):
    """The state of set_state with components(z, p, v) = (P0, Px, Py, Pz) of both species."""

    def state(species, z, p, v):
        shape = (z.size, p.size, v.size)
        parts = components(z[:, None, None], p[:, None], v)
        P0, x, y, w = (np.broadcast_to(part, shape) for part in parts)
        rho = np.empty((*shape, 2, 2), complex)
        rho[..., 0, 0], rho[..., 1, 1] = (P0 + w) / 2, (P0 - w) / 2
        rho[..., 0, 1], rho[..., 1, 0] = (x - 1j * y) / 2, (x + 1j * y) / 2
        return rho

    return state


def ripple(z, p, v):
    return 1.0, 0.3 * np.cos(2 * np.pi * z / 6.0 + v), 0.2 * np.sin(2 * np.pi * z / 6.0 * p), 0.4


def integrated(sim, first: float | None = None) -> Progress:
    """Run to the end in one segment."""
    time = sim.case.time
    run = Integrator(time, sim.ps, sim.equation, lambda now, vec: False)
    now = Progress(time.start, 0, first or run.first_step, time.start)
    run.begin(now, sim.vec)
    run.advance(time.end)
    run.destroy()
    return now
