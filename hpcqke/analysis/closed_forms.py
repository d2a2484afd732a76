"""What theory says about a homogeneous run, beside which its pictures draw what came out.

    constant H             exp(-iHt) of every mode: vacuum, and matter of constant density
    exponential matter     Parke: <P_ee> = 1/2 + (1/2 - P_c) cos 2theta_m cos 2theta, with
                           P_c = (e^{-2 pi h w sin^2 theta} - e^{-2 pi h w})/(1 - e^{-2 pi h w})
    one |p|, nu and nubar  pendulum: period and turning point (theta -> 0)
    large mu               all turn with w_sync = sum w (P + Pbar)/sum (P - Pbar)
    falling mu, matter     resonance: P^z = (alpha^2 - 1 - R^2)/2R,  R = lambda/mu
    no vacuum              fast pendulum: cos = -1 + 2 w_P^2/(w_P^2 + gamma^2)

Two flavors but for the first one; nu_e (and nubar_e) at the start. w = dm2/2|p|, h the decay time,
B = (sin 2theta, 0, -cos 2theta); conventions as in README.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpcqke import state, units
from hpcqke.analysis.homogeneous import hamiltonian_terms, linear_systems, polar_grid
from hpcqke.terms import REGISTRY

#: mu |P - Pbar| above this times the largest |w| counts as large.
LARGE = 100.0


@dataclass(frozen=True)
class Mark:
    """P_a of one species by theory: a curve, or with two times a level between them."""

    species: int
    flavor: int
    time: NDArray[np.float64]
    value: NDArray[np.float64]
    label: str


def marks(case: Any, time: NDArray, content: NDArray) -> list[Mark]:
    """What theory knows about the probabilities of a homogeneous case at the times.

    content: rho_aa of the first frame times the weights, (species, momentum, direction, N_f).
    """
    return list(_marks(case, np.asarray(time, float), np.asarray(content, float)))


def _marks(case: Any, time: NDArray, content: NDArray) -> Iterator[Mark]:
    on = set(case.terms) - {"advection"}
    if not on <= {"vacuum", "matter", "self_interaction"} or "vacuum" not in on:
        return
    configs = units.configs(case)
    along = {name: configs[name].profile for name in on - {"vacuum"}}
    if "self_interaction" not in on and set(along.values()) <= {"constant"}:
        yield from constant(case, time, content)
    if case.flavors.count != 2 or content[..., 1].any():
        return
    if "self_interaction" not in on:
        if along == {"matter": "exponential"} and configs["matter"].along == "t":
            yield from _parke(case, configs, time, content)
    elif len(content) == 2 and _isotropic(case, content):
        yield from _dense(case, configs, along, time, content)


def constant(case: Any, time: NDArray, content: NDArray) -> Iterator[Mark]:
    """exp(-iHt) diag exp(iHt) of each |p|, H of the terms, summed over the modes."""
    grid = polar_grid(case)
    count = case.flavors.count
    H = np.zeros((len(content), grid.p.size, count, count), complex)
    for s, sign in enumerate((1, -1)[: len(content)]):
        vacuum = REGISTRY["vacuum"](units.configs(case)["vacuum"])
        H[s] += sign * state.to_matrix(vacuum.matrix(grid.magnitude))
        if "matter" in case.terms:
            H[s, :, 0, 0] += units.configs(case)["matter"].potential
    energy, vectors = np.linalg.eigh(H)
    wave = np.exp(-1j * energy * time[:, None, None, None])
    amplitude = np.einsum("spbi,tspi,spai->tspba", vectors, wave, vectors.conj())
    total = content.sum(axis=(1, 2, 3))
    found = np.einsum("tspba,spda->tsb", np.abs(amplitude) ** 2, content) / total[:, None]
    for s in range(len(content)):
        for b in range(count):
            yield Mark(s, b, time, found[:, s, b], "exact")


def parke(w: float, theta: float, potential: float, h: float) -> float:
    """<P_ee> when lambda = potential exp(-t/h) is gone, w > 0 or < 0; antineutrinos: -potential."""
    if w < 0:
        w, potential = -w, -potential
    mixing = math.sin(theta) ** 2 if potential > 0 else math.cos(theta) ** 2
    low = math.exp(-2 * math.pi * h * w)
    crossing = (math.exp(-2 * math.pi * h * w * mixing) - low) / (1 - low)
    c, s = math.cos(2 * theta), math.sin(2 * theta)
    along = (c - potential / w) / math.hypot(s, c - potential / w)
    return 0.5 + (0.5 - crossing) * along * c


def _parke(case: Any, configs: Any, time: NDArray, content: NDArray) -> Iterator[Mark]:
    grid = polar_grid(case)
    w = configs["vacuum"].mass_splittings[0] / (2 * grid.magnitude)
    matter = configs["matter"]
    start = matter.potential * math.exp(-case.time.start / matter.decay_time)
    if abs(start) < 10 * np.abs(w).max():
        return  # the formula starts deep in matter
    ends = np.array([time[0], time[-1]])
    for s, n in enumerate(content.sum(axis=(2, 3))):
        sign = (1, -1)[s]
        theory = [parke(x, configs["vacuum"].theta, sign * start, matter.decay_time) for x in w]
        yield Mark(s, 0, ends, np.full(2, theory @ n / n.sum()), "Parke, averaged")


def _isotropic(case: Any, content: NDArray) -> bool:
    """No flux: only then is every formula below the whole answer."""
    v = polar_grid(case).v
    if v.size != content.shape[2]:
        return False
    return bool(abs(content.sum(axis=(1, 3)) @ v).max() < 1e-12 * content.sum())


def _dense(case: Any, configs: Any, along: dict, time: NDArray, content: NDArray) -> Iterator[Mark]:
    n = content.sum(axis=(1, 2, 3))
    mu, theta = configs["self_interaction"].mu, configs["vacuum"].theta
    w = configs["vacuum"].mass_splittings[0] / (2 * polar_grid(case).magnitude)
    number = content.sum(axis=(2, 3))
    if along == {"self_interaction": "constant"}:
        if mu * abs(n[0] - n[1]) > LARGE * np.abs(w).max():
            turn = (number.sum(axis=0) @ w) / (n[0] - n[1])
            value = 1 - (np.sin(2 * theta) * np.sin(turn * time / 2)) ** 2
            for s in (0, 1):
                yield Mark(s, 0, time, value, rf"one frequency, {abs(turn):.4g}")
        elif w.size == 1 and w[0] < 0:
            T, low = pendulum(float(w[0]), theta, mu * n[0], n[1] / n[0])
            turns = int((time[-1] - time[0]) / T + 0.5)
            at = time[0] + T * (np.arange(turns) + 0.5)
            for s in (0, 1):
                yield Mark(s, 0, at, np.full(at.size, low[s]), f"turning point, T = {T:.6g}")
    elif along == {"self_interaction": "exponential", "matter": "constant"} and n[1] > n[0]:
        if configs["self_interaction"].along == "t" and w[0] > 0:
            alpha = n[1] / n[0]
            falling = mu * n[0] * np.exp(-time / configs["self_interaction"].decay_time)
            for s, P in enumerate(resonance(configs["matter"].potential / falling, alpha)):
                yield Mark(s, 0, time, 0.5 * (1 + P), "resonance")


def pendulum(w: float, theta: float, mu: float, alpha: float) -> tuple[float, tuple[float, float]]:
    """(period, (P_ee, Pbar_ee) at the turning point, theta -> 0) of P = z, Pbar = alpha z.

    Q = P + Pbar - (w/mu) B and D = P - Pbar: c = Q.B/|Q| obeys c'^2 = a cubic, with the kept
    E = w Q.B + mu D^2/2, s = D.Q/|Q| and D.B.
    """
    B = np.array([np.sin(2 * theta), 0, -np.cos(2 * theta)])
    z = np.array([0, 0, 1.0])
    Q, D = (1 + alpha) * z - w / mu * B, (1 - alpha) * z
    length = float(np.linalg.norm(Q))
    E, s, L = w * B @ Q + mu / 2 * D @ D, D @ Q / length, D @ B
    square = np.polynomial.Polynomial([1, 0, -1])
    cubic = 2 * mu * square * np.polynomial.Polynomial([E - mu * s**2 / 2, -w * length])
    cubic -= mu**2 * np.polynomial.Polynomial([L, -s]) ** 2
    roots = np.sort(cubic.roots().real)
    lower, upper = (roots[1], roots[2]) if w < 0 else (roots[0], roots[1])
    m = (upper - lower) / (roots[2] - roots[0])
    T = 4 * elliptic_k(m) / math.sqrt(2 * mu * abs(w) * length * (roots[2] - roots[0]))
    # P.B = (Q c + w/mu + D.B)/2; the start is at one end of the swing, this is the other one
    end = max((lower, upper), key=lambda c: abs(c - Q @ B / length))
    both = [0.5 * (length * end + w / mu + sign * L) for sign in (1, -1)]
    return T, (0.5 * (1 - both[0]), 0.5 * (1 - both[1] / alpha))


def elliptic_k(m: float) -> float:
    """Complete elliptic integral K(m), parameter m = k^2, by the arithmetic-geometric mean."""
    if m >= 1:
        return math.inf
    a, b = 1.0, math.sqrt(1 - m)
    while abs(a - b) > 1e-15 * a:
        a, b = (a + b) / 2, math.sqrt(a * b)
    return math.pi / (a + b)


def resonance(R: ArrayLike, alpha: float) -> tuple[NDArray, NDArray]:
    """P^z and Pbar^z/alpha of the matter-neutrino resonance, alpha > 1 antineutrinos a neutrino.

    Between R = alpha - 1 and alpha + 1; the flavors of the ends before and after.
    """
    R = np.clip(np.asarray(R, float), alpha - 1, alpha + 1)
    return (alpha**2 - 1 - R**2) / (2 * R), (alpha**2 + R**2 - 1) / (2 * alpha * R)


def lowest_cosine(omega: complex) -> float:
    """Lowest cos of the fast pendulum from its eigenvalue in the frame that turns with D_0."""
    return -1 + 2 * omega.real**2 / abs(omega) ** 2


def fast_pendulum(case: Any) -> complex | None:
    """w_P + i gamma of the fastest homogeneous wave, seen turning with D_0; None if none grows.

    For two flavors without vacuum and collisions: D_0, the lepton number, turns with -mu D_0.
    """
    system = linear_systems(case)["ex"]
    omega = complex(system.roots(np.zeros(1))[0][0])
    if omega.imag <= 0:
        return None
    mu = sum(term.strength(case.time.start) for term in hamiltonian_terms(case))
    return omega + mu * float(system.weight @ system.net)
