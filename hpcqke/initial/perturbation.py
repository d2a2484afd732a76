"""Seeds of the recipe `distribution`: a small turn a(z, v) of every flavor matrix.

    tilt        a = e                                    (changes nothing in a homogeneous box)
    velocity    a = e v
    bump        a = e exp[-z^2/(2 s^2)]
    sinusoid    a = e sin(2 pi n z/L)
    random      a = sum_{0 < |n| <= nmax} (e/|n|) exp[i (2 pi n z/L + phi_n)],  phi_n in [0, 2 pi)

For two flavors P^x + i P^y = (n_e - n_x) a and P^z = (n_e - n_x) sqrt(1 - |a|^2). For three it is
rho = U diag(n) U^dagger with U = exp(A), A_ab = -w_ab (conj(a)/2) asin|a|/|a|, A_ba = -conj(A_ab),
w_ab the weights of the pairs emu, etau, mutau; the same with one pair gives that of two flavors.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hpcqke.state import PAIRS

KEYS = {
    "none": (),
    "tilt": ("amplitude",),
    "velocity": ("amplitude",),
    "bump": ("amplitude", "width"),
    "sinusoid": ("amplitude", "wave_number"),
    "random": ("amplitude", "nmax", "seed"),
}
"""The keys of each perturbation; seed is 1 if left out."""


def amplitude(config: Any, z: np.ndarray, v: np.ndarray, length: float) -> tuple:
    """Real and imaginary part of a(z, v), shapes that broadcast to (len(z), len(v)).

    Point by point, so that no value depends on the number of ranks.
    """
    e, name = config.amplitude or 0.0, config.perturbation
    if name == "random":
        return fourier(e, config.nmax, 1 if config.seed is None else config.seed, z, length)
    if name == "velocity":
        real = e * v[None, :]
    elif name == "bump":
        real = np.array([[e * math.exp(-((float(x) / config.width) ** 2) / 2)] for x in z])
    elif name == "sinusoid":
        k = 2 * math.pi * config.wave_number / length
        real = np.array([[e * math.sin(k * float(x))] for x in z])
    else:
        real = np.full((1, 1), e)
    return real.reshape(-1, real.shape[-1]), np.zeros_like(real)


def fourier(e: float, nmax: int, seed: int, z: np.ndarray, length: float) -> tuple:
    """sum (e/|n|) exp[i (2 pi n z/L + phi_n)] at the points z, the same on any ranks: (len(z), 1).

    The phases of n = 1, -1, 2, -2 ... are one counter-based stream.
    """
    phases = 2 * np.pi * np.random.Generator(np.random.Philox(seed)).random((nmax, 2))
    real, imaginary = np.zeros(z.size), np.zeros(z.size)
    for n, pair in enumerate(phases, start=1):
        k = 2 * np.pi * n / length
        for sign, phase in zip((1, -1), pair, strict=True):
            real += e / n * np.cos(sign * k * z + phase)
            imaginary += e / n * np.sin(sign * k * z + phase)
    return real[:, None], imaginary[:, None]


def turned(n: np.ndarray, a: tuple, weights: Any) -> np.ndarray:
    """Components (z, p, v, N_f^2) of U diag(n) U^dagger.

    n (p, v, N_f); a: its real and imaginary part as `amplitude` gives them; weights of the pairs
    of three flavors.
    """
    real, imaginary = (x[:, None, :] for x in a)
    size = np.sqrt(real**2 + imaginary**2)
    if n.shape[-1] == 2:
        g = n[..., 0] - n[..., 1]
        parts = [n.sum(axis=-1), g * real, g * imaginary, g * np.sqrt(1 - size**2)]
        return np.stack(np.broadcast_arrays(*parts), axis=-1)
    return _turned_three(n, real, imaginary, size, weights)


def _turned_three(n, real, imaginary, size, weights) -> np.ndarray:
    scale = np.divide(np.arcsin(size), size, out=np.ones_like(size), where=size > 0)
    generator = np.zeros((*size.shape, 3, 3), dtype=complex)
    for (i, j), w in zip(PAIRS[3], weights, strict=True):
        # H = i A is Hermitian: U = exp(-i H)
        generator[..., i, j].real = -0.5 * w * scale * imaginary
        generator[..., i, j].imag = -0.5 * w * scale * real
        generator[..., j, i] = generator[..., i, j].conj()
    angle, vectors = np.linalg.eigh(generator)
    re, im = np.zeros(vectors.shape), np.zeros(vectors.shape)
    for m in range(3):
        # Real numbers: numpy's complex products round differently at the end of an array.
        x, y = vectors[..., :, m].real, vectors[..., :, m].imag
        wave = angle[..., m, None, None]
        real = x[..., :, None] * x[..., None, :] + y[..., :, None] * y[..., None, :]
        imaginary = y[..., :, None] * x[..., None, :] - x[..., :, None] * y[..., None, :]
        re += real * np.cos(wave) + imaginary * np.sin(wave)
        im += imaginary * np.cos(wave) - real * np.sin(wave)

    def entry(i: int, j: int, part) -> np.ndarray:
        return sum(n[..., f] * part(re[..., i, f], im[..., i, f], re[..., j, f], im[..., j, f])
                   for f in range(3))  # fmt: skip

    out = [entry(i, i, lambda a, b, c, d: a * c + b * d) for i in range(3)]
    for i, j in PAIRS[3]:
        out.append(entry(i, j, lambda a, b, c, d: a * c + b * d))
        out.append(entry(i, j, lambda a, b, c, d: b * c - a * d))
    return np.stack(out, axis=-1)
