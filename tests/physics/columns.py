"""A gas, and what every column of its series.nc must be: complex matrices in NumPy, pair by pair.

`expected` shares no code with hpcqke.diagnostics: natural arrays rho[species, z, momentum,
direction, N_f, N_f], double sums over pairs of modes, np.roll, matrix products, eigvalsh, explicit
Fourier sums. No two weights are equal, rho depends on everything, and both species are there.
"""

import numpy as np

from hpcqke.case import make_case

CELLS, LENGTH, MU = 16, 5.0, 1.3
V, WV = np.array([-0.9, -0.2, 0.4, 1.0]), np.array([0.3, 0.7, 1.1, 0.5])
P, WP = np.array([0.6, 1.0, 1.7]), np.array([0.8, 0.25, 1.4])
LAMBDA, WAVE, NEUTRONS = 0.7, 0.3, 0.4
SPLITTINGS = {2: [2.5], 3: [0.5, -2.5]}
ANGLES = {2: {"theta": 0.3}, 3: dict(theta12=0.6, theta13=0.15, theta23=0.8, delta_cp=4.0)}
GAMMA = np.array([[0.3, 0.1, 0.2], [0.15, 0.05, 0.25]])  # species, flavor; so the next two
EQUILIBRIUM = np.array([[0.6, 0.4, 0.5], [0.5, 0.3, 0.45]])
KAPPA = np.array([[0.2, 0.4, 0.3], [0.1, 0.5, 0.6]])
Z = -LENGTH / 2 + LENGTH / CELLS * np.arange(CELLS)
W = WP[:, None] * WV
DZ = LENGTH / CELLS


def case_of(flavors: int):
    momentum = {"directions": V.tolist(), "weights": WV.tolist()}
    momentum |= {"momenta": P.tolist(), "momenta_weights": WP.tolist()}
    matter = {"profile": "cosine", "potential": LAMBDA, "amplitude": WAVE, "wave_number": 1}
    return make_case(
        {
            "name": "columns",
            "grid": {"z": {"length": LENGTH, "cells": CELLS}, "momentum": momentum},
            "flavors": {"count": flavors, "antineutrinos": True},
            "terms": {
                "advection": {"order": 4},
                "collisions": collisions(flavors),
                "self_interaction": {"mu": MU},
                "matter": {**matter, "neutrons_per_electron": NEUTRONS},
                "vacuum": {"mass_splittings": SPLITTINGS[flavors], **ANGLES[flavors]},
            },
            "initial": {
                "recipe": "modes",
                "polarization": [0.1] * V.size,
                "modes": [{"direction": 0, "n": 1, "re": 0.01}],
            },
            "time": {"end": 1.0},
            "output": {"spectrum_modes": 5},
        }
    )


def collisions(flavors: int) -> dict:
    """The section terms.collisions."""
    names = "absorption", "equilibrium", "scattering"
    tables = zip(names, (GAMMA, EQUILIBRIUM, KAPPA), strict=True)
    return {
        name + bar: table[s, :flavors].tolist()
        for name, table in tables
        for s, bar in enumerate(("", "_bar"))
    }


def smooth(flavors: int, seed: int) -> np.ndarray:
    """rho (species, z, momentum, direction, N_f, N_f) with 0 < rho < 1: three harmonics in z."""
    draw = np.random.default_rng(seed)
    shape = (2, 1, P.size, V.size, flavors, flavors)
    rho = 0
    for n in range(4):
        for wave in (np.cos, np.sin):
            a = draw.normal(size=shape) + 1j * draw.normal(size=shape)
            angle = 2 * np.pi * n / LENGTH * Z[:, None, None, None, None]
            rho = rho + wave(angle) * (a + a.conj().swapaxes(-1, -2)) / (1 + n)
    size = np.abs(np.linalg.eigvalsh(rho)).max()
    return 0.5 * (np.eye(flavors) + 0.93 * rho / size)


def trace(a):
    return np.trace(a, axis1=-2, axis2=-1).real


def components(a):
    """P0, P of N_f = 2; the entries of the upper triangle of N_f = 3."""
    if a.shape[-1] == 2:
        sigma = [np.eye(2), [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]]
        return np.stack([trace(a @ np.array(s)) for s in sigma], axis=-1)
    upper = [f(a[..., i, j]) for i, j in ((0, 1), (0, 2), (1, 2)) for f in (np.real, np.imag)]
    return np.stack([*(a[..., i, i].real for i in range(3)), *upper], axis=-1)


def psi(a):
    """2 conj(rho_ij) of the pairs of flavors, the last axis."""
    n = a.shape[-1]
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    return np.stack([2 * a[..., i, j].conj() for i, j in pairs], axis=-1)


def pairs(a, b, trace_part, factor=lambda v, u: 1 - v * u):
    """int sum_mm' w w' factor(v, v') [Tr a_m b_m' + trace_part Tr a_m Tr b_m'] dz."""
    total = 0.0
    for i, p, j, q in np.ndindex(V.size, P.size, V.size, P.size):
        A, B = a[:, p, i], b[:, q, j]
        product = trace(A @ B) + trace_part * trace(A) * trace(B)
        total += W[p, i] * W[q, j] * factor(V[i], V[j]) * product.sum() * DZ
    return total


def slope_z(a):
    """Fourth-order central difference along z, the first axis."""
    return (8 * (np.roll(a, -1, 0) - np.roll(a, 1, 0)) - np.roll(a, -2, 0) + np.roll(a, 2, 0)) / (
        12 * DZ
    )


def hamiltonians(flavors: int):
    """(vacuum of each momentum, matter of each z without and with neutral currents)."""
    if flavors == 2:
        c, s = np.cos(0.3), np.sin(0.3)
        U = np.array([[c, s], [-s, c]], complex)
    else:
        (s12, s13, s23), (c12, c13, c23) = (f([0.6, 0.15, 0.8]) for f in (np.sin, np.cos))
        phase = np.exp(-4.0j)
        U = np.array([[1, 0, 0], [0, c23, s23], [0, -s23, c23]]) @ np.array(
            [[c13, 0, s13 * phase], [0, 1, 0], [-s13 * phase.conj(), 0, c13]]
        )
        U = U @ np.array([[c12, s12, 0], [-s12, c12, 0], [0, 0, 1]])
    H = U @ np.diag([0, *SPLITTINGS[flavors]]) @ U.conj().T / (2 * P[:, None, None])
    size = LAMBDA + WAVE * np.cos(2 * np.pi * Z / LENGTH)
    electrons = np.zeros((flavors, flavors))
    electrons[0, 0] = 1
    V_e = size[:, None, None] * electrons
    return H, V_e, V_e - 0.5 * NEUTRONS * size[:, None, None] * np.eye(flavors)


def rate_of(rho):
    """d rho/dt: -v D_z rho - i [mu sum_m' w' (1 - v v') D_m' + V +- H, rho] + C."""
    flavors = rho.shape[-1]
    H, V_e, _ = hamiltonians(flavors)
    D = rho[0] - rho[1]
    rate = np.zeros_like(rho)
    mean = np.einsum("d,szpdij->szpij", WV / WV.sum(), rho)
    for s, sign in enumerate((1, -1)):
        gamma, eq, kappa = (np.diag(a[s, :flavors]) for a in (GAMMA, EQUILIBRIUM, KAPPA))
        for p, i in np.ndindex(P.size, V.size):
            omega = V_e + sign * H[p]
            for q, j in np.ndindex(P.size, V.size):
                omega = omega + MU * W[q, j] * (1 - V[i] * V[j]) * D[:, q, j]
            here = rho[s, :, p, i]
            gain, flow = eq - here, mean[s, :, p] - here
            C = gamma @ gain + gain @ gamma + kappa @ flow + flow @ kappa
            rate[s, :, p, i] = C / 2 - V[i] * slope_z(here) - 1j * (omega @ here - here @ omega)
    return rate


def expected(start, now, t=0.4):
    """Every column of the row but growth_rate."""
    n = now.shape[-1]
    D, D_rate = now[0] - now[1], rate_of(now)
    D_rate, D_z = D_rate[0] - D_rate[1], slope_z(D)
    H, _, V_full = hamiltonians(n)
    per_mode = now.sum(axis=1) * DZ  # species, momentum, direction, N_f, N_f
    content = trace(per_mode)
    direction = np.einsum("p,pd,spd->ds", P, W, content)
    lam = np.linalg.eigvalsh(now)
    M, F = (np.einsum("pd,zpdij->zij", W * u, D) for u in (np.ones(4), V))
    k = 2 * np.pi * np.arange(-5, 6) / LENGTH
    fourier = np.exp(-1j * k[:, None] * Z) / CELLS
    energies = {
        "energy_kinetic": sum(
            P[p] * W[p, d] * content[s, p, d] for s, p, d in np.ndindex(content.shape)
        ),
        "energy_refractive": 0.5 * MU * pairs(D, D, 1.0),
        "energy_vacuum": np.einsum("pd,pij,spdji->", W, H, per_mode).real,
        "energy_matter": np.einsum("pd,zij,zpdji->", W, V_full, D).real * DZ,
        "energy_given_rate": 0.0,  # nothing depends on time; test_profiles has its reference
        "energy_u1": 0.0,  # Eq. (18) is off; test_eq18 has its reference
    }
    return energies | {
        "time": t,
        "step": 7,
        "number": np.einsum("pd,spd->s", W, content),
        "number_rate": np.einsum(
            "pd,spdi,si->si",
            W,
            EQUILIBRIUM[:, None, None, :n] * LENGTH - np.einsum("spdii->spdi", per_mode).real,
            GAMMA[:, :n],
        ),
        "flavor_matrix": components(np.einsum("pd,spdij->sij", W, per_mode)),
        "energy_kinetic_direction": direction,
        "energy_kinetic_rate": 0.0,
        "momentum_z": np.einsum("d,ds->", V, direction),
        "occupation": np.moveaxis(content, 0, 2),
        "energy_refractive_osc": 0.5 * MU * pairs(D, D, -1 / n),
        "energy_refractive_osc_rate": -MU * pairs(D, D_z, -1 / n, lambda v, u: u * (1 - v * u)),
        "energy_refractive_osc_rate_measured": MU * pairs(D, D_rate, -1 / n),
        "energy_total": sum(energies.values()),
        "entropy": -np.einsum("pd,szpdi->", W, lam * np.log(lam) + (1 - lam) * np.log(1 - lam))
        * DZ,
        "eigenvalue_min": lam.min(),
        "eigenvalue_max": lam.max(),
        "trace_rho_squared": np.einsum("pd,szpdij,szpdji->s", W, now, now).real * DZ,
        "polarization_norm_error": np.abs(length2(now) / length2(start) - 1).max(),
        "survival": survival_of(start, now),
        "off_diagonal_rms": np.sqrt(
            np.einsum("pd,szpdq->", W, np.abs(psi(now)) ** 2) * DZ / (W.sum() * LENGTH * 2)
        ),
        "spectrum": np.stack([np.abs(fourier @ psi(x)).T for x in (M, F)]),
    }


def length2(rho):
    """int [Tr rho^2 - (Tr rho)^2/N_f] dz of every mode."""
    return (trace(rho @ rho) - trace(rho) ** 2 / rho.shape[-1]).sum(axis=1)


def survival_of(start, now):
    n = start.shape[-1]
    before, after = (np.einsum("szpdii->spdi", rho).real for rho in (start, now))
    result = np.full((2, n), np.nan)
    for s in range(2):
        left, there = np.zeros(n), np.zeros(n)
        for p, d in np.ndindex(W.shape):
            a = int(np.argmax(before[s, p, d]))
            left[a] += W[p, d] * after[s, p, d, a]
            there[a] += W[p, d] * before[s, p, d, a]
        result[s, there > 0] = (left / np.where(there > 0, there, 1))[there > 0]
    return result
