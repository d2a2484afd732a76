"""A run folder with the layout of a real one, from a small spectral model of two or more beams."""

from pathlib import Path

import numpy as np
import xarray as xr

from hpcqke.case import make_case


def table(length=40.0, cells=128, end=12.0):
    return {
        "name": "synthetic",
        "grid": {
            "z": {"length": length, "cells": cells},
            "momentum": {"directions": [1.0, -1.0]},
        },
        "terms": {"advection": {}, "self_interaction": {}},
        "initial": {
            "recipe": "random", "zeta_plus": 0.5, "zeta_minus": -0.5,
            "nmax": 30, "sigma": 1e-4, "seed": 1,
        },
        "time": {"end": end, "step": 0.05, "integrator": "rk4"},
        "output": {"series_every": 0.1, "fields_every": 0.5},
    }  # fmt: skip


def evolve(case):
    """(times, states (time, direction, xyz, z), rates of change) by RK4 and Fourier derivatives."""
    L, nz, h = case.grid.z.length, case.grid.z.cells, case.time.step
    v = np.array(case.grid.momentum.directions)[:, None, None]
    k = 2 * np.pi * np.fft.fftfreq(nz, L / nz)

    def rhs(P):
        W = P.sum(axis=0) - v * (v * P).sum(axis=0)
        derivative = np.fft.ifft(1j * k * np.fft.fft(P), axis=-1).real
        return np.cross(W, P, axis=1) - v * derivative

    rng = np.random.default_rng(case.initial.seed)
    P = np.zeros((v.size, 3, nz))
    P[:, 2] = np.array([case.initial.zeta_plus, case.initial.zeta_minus])[:, None]
    n = np.arange(1, case.initial.nmax + 1)
    phase = 2 * np.pi * (rng.random((v.size, 2, n.size, 1)) + n[:, None] * np.arange(nz) / nz)
    size = case.initial.sigma * rng.normal(size=(v.size, 2, n.size, 1))
    P[:, :2] += 2 * np.sum(size * np.cos(phase), axis=2)
    states, rates = [P], [rhs(P)]
    for _ in range(round(case.time.end / h)):
        a = rates[-1]
        b = rhs(P + h / 2 * a)
        c = rhs(P + h / 2 * b)
        P = P + h / 6 * (a + 2 * b + 2 * c + rhs(P + h * c))
        states.append(P)
        rates.append(rhs(P))
    return h * np.arange(len(states)), np.array(states), np.array(rates), k


def write_run(folder: Path, *, fields=True, unwritten=0, status="finished\n", end=12.0,
              cells=128) -> Path:  # fmt: skip
    """Make the folder of a finished (or, with `unwritten` frames, running) run."""
    case = make_case(table(end=end, cells=cells))
    t, P, dP, k = evolve(case)
    folder.mkdir(parents=True)
    (folder / "case.toml").write_text(case.to_toml())
    (folder / "STATUS").write_text(status)
    (folder / "run.log").write_text("the log\n")
    every = round(case.output.series_every / case.time.step)
    series(case, t[::every], P[::every], dP[::every], k).to_netcdf(
        folder / "series.nc", engine="h5netcdf"
    )
    if fields:
        every = round(case.output.fields_every / case.time.step)
        frames(case, t[::every], P[::every], unwritten).to_netcdf(
            folder / "fields.nc", engine="h5netcdf"
        )
    return folder


def series(case, t, P, dP, k):
    L, nz = case.grid.z.length, case.grid.z.cells
    v, dz = np.array([1.0, -1.0]), L / nz
    M, F, F2 = (np.einsum("b,tbiz->tiz", v**n, P) for n in (0, 1, 2))
    dM, dF = (np.einsum("b,tbiz->tiz", v**n, dP) for n in (0, 1))
    gradient = [np.fft.ifft(1j * k * np.fft.fft(x), axis=-1).real for x in (F, F2)]
    psi = np.stack([M[:, 0] + 1j * M[:, 1], F[:, 0] + 1j * F[:, 1]], axis=1)
    n = np.arange(-nz // 2 + 1, nz // 2)
    norm = np.sqrt((P**2).sum(axis=2)).sum(axis=-1)
    one = np.ones((t.size, 1))
    energy = 0.25 * dz * (M**2 - F**2).sum(axis=(1, 2))
    return xr.Dataset(
        {
            "step": ("time", np.arange(t.size)),
            "number": (("time", "species"), L * one),
            "flavor_matrix": (
                ("time", "species", "component"),
                dz * np.concatenate([one * nz, M.sum(axis=-1)], axis=1)[:, None],
            ),
            "energy_kinetic": ("time", L * one[:, 0]),
            "energy_refractive": ("time", energy + 0.75 * L),
            "energy_refractive_osc": ("time", energy),
            "energy_total": ("time", energy + 1.75 * L),
            "energy_refractive_osc_rate": (
                "time", 0.5 * dz * (F * gradient[1] - M * gradient[0]).sum(axis=(1, 2)),
            ),
            "energy_refractive_osc_rate_measured": (
                "time", 0.5 * dz * (M * dM - F * dF).sum(axis=(1, 2)),
            ),
            "trace_rho_squared": (("time", "species"), (P**2).sum(axis=(1, 2, 3))[:, None]),
            "polarization_norm_error": ("time", np.abs(norm / norm[0] - 1).max(axis=1)),
            "off_diagonal_rms": ("time", np.sqrt((P[:, :, :2] ** 2).sum(axis=2).mean(axis=(1, 2)))),
            "spectrum": (
                ("time", "moment", "pair", "k"),
                np.abs(np.fft.fft(psi)[:, :, None, n] / nz),
            ),
        },
        coords={
            "time": t, "species": ["nu"], "component": ["P0", "Px", "Py", "Pz"],
            "moment": ["M", "F"], "pair": ["ex"], "k": 2 * np.pi * n / L,
        },
    )  # fmt: skip


def frames(case, t, P, unwritten):
    nz, L = case.grid.z.cells, case.grid.z.length
    rho = np.empty((t.size, nz, 1, 2, 1, 4))
    rho[..., 0] = 0.5
    rho[:, :, 0, :, 0, 1:] = np.moveaxis(P, -1, 1)
    time = np.where(np.arange(t.size) < t.size - unwritten, t, np.nan)
    return xr.Dataset(
        {
            "rho": (("time", "z", "momentum", "direction", "species", "component"), rho),
            "weight": (("momentum", "direction"), np.ones((1, 2))),
        },
        coords={
            "time": time, "z": L * (np.arange(nz) / nz - 0.5), "momentum": [1.0],
            "direction": [1.0, -1.0], "species": ["nu"], "component": ["P0", "Px", "Py", "Pz"],
        },
    )  # fmt: skip
