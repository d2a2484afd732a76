"""The flows of the splitting integrators with complex matrices, plainly: what the kernels must be.

rho is (z, momentum, direction, species, N_f, N_f).
"""

from __future__ import annotations

import numpy as np


def commutator_flow(rho, v, weight, mu, mean, tau, steps=200):
    """The local flow over tau by `steps` of the classical Runge-Kutta method, extrapolated once."""
    coarse, fine = (march(rho, v, weight, mu, mean, tau, n) for n in (steps, 2 * steps))
    return fine + (fine - coarse) / 15


def march(rho, v, weight, mu, mean, tau, steps):
    """Classical Runge-Kutta steps of d rho/dt = i[rho, mu (M - v F) + mean(z)]."""
    h = tau / steps

    def slope(x):
        net = x[:, :, :, 0] - (x[:, :, :, 1] if x.shape[3] == 2 else 0)
        M = np.einsum("pd,zpdab->zab", weight, net)
        F = np.einsum("pd,d,zpdab->zab", weight, v, net)
        H = mu * (M[:, None] - v[None, :, None, None] * F[:, None]) + mean[:, None]
        H = H[:, None, :, None]
        return 1j * (x @ H - H @ x)

    for _ in range(steps):
        k1 = slope(rho)
        k2 = slope(rho + h / 2 * k1)
        k3 = slope(rho + h / 2 * k2)
        k4 = slope(rho + h * k3)
        rho = rho + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return rho


def exponential(omega):
    """exp(-i Omega) of Hermitian matrices (..., N_f, N_f), by eigenvalues."""
    values, vectors = np.linalg.eigh(omega)
    return (vectors * np.exp(-1j * values)[..., None, :]) @ vectors.conj().swapaxes(-1, -2)


def shifted(x, distance, points=12):
    """f(z + distance[d]) on a periodic grid, for x (z, momentum, direction, ...)."""
    out = np.empty_like(x)
    for d, s in enumerate(distance):
        first = int(np.floor(s)) - points // 2 + 1
        taps = np.arange(first, first + points)
        out[:, :, d] = 0
        for j in taps:
            others = taps[taps != j]
            factor = np.prod((s - others) / (j - others))
            out[:, :, d] += factor * np.roll(x[:, :, d], -j, axis=0)
    return out
