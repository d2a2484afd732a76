"""States in the kernels' layout, and the equation written with NumPy's complex matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpcqke.kernels import kinetic

PAULI = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
UPPER = ((0, 1), (0, 2), (1, 2))
SHAPES = [(nf, s, W) for nf in (2, 3) for s in (1, 2) for W in (1, 2, 4, 8)]


def to_matrix(x: np.ndarray) -> np.ndarray:
    """Components (..., 4 or 9) to Hermitian matrices (..., N_f, N_f)."""
    if x.shape[-1] == 4:
        return np.einsum("...c,cij->...ij", x, PAULI) / 2
    m = np.zeros((*x.shape[:-1], 3, 3), complex)
    for a in range(3):
        m[..., a, a] = x[..., a]
    for n, (a, b) in enumerate(UPPER):
        m[..., a, b] = x[..., 3 + 2 * n] + 1j * x[..., 4 + 2 * n]
        m[..., b, a] = m[..., a, b].conj()
    return m


def to_components(m: np.ndarray) -> np.ndarray:
    """Hermitian matrices (..., N_f, N_f) to components (..., N_f^2)."""
    if m.shape[-1] == 2:
        return np.einsum("...ij,cji->...c", m, PAULI).real
    off = [part for a, b in UPPER for part in (m[..., a, b].real, m[..., a, b].imag)]
    return np.stack([m[..., a, a].real for a in range(3)] + off, axis=-1)


@dataclass
class Problem:
    """A random state of nv directions on nz rows in blocks of W lanes, and its Hamiltonian."""

    nflavors: int
    species: int
    W: int
    nv: int = 11
    nz: int = 21
    width: int = 4
    seed: int = 1

    def __post_init__(self):
        rng = np.random.default_rng(self.seed)
        self.C = self.nflavors**2
        self.nblk = -(-self.nv // self.W)
        cells = (self.nz + 2 * self.width, self.nv, self.species, self.C)
        self.natural = rng.uniform(-1, 1, cells)
        self.cos = rng.uniform(-1, 1, self.nv)
        self.weights = rng.uniform(0.5, 1.5, self.nv)
        self.A = rng.uniform(-1, 1, (self.nz, self.C))
        self.B = rng.uniform(-1, 1, (self.nz, self.C))
        self.natural_mode = rng.uniform(-1, 1, cells[1:])
        self.v, self.weight = self.lanes(self.cos), self.lanes(self.weights)
        self.mode = self.to_rows(self.natural_mode[None]).reshape(self.nblk, -1, self.W)
        ghosted = self.to_rows(self.natural)
        self.lo, self.X, self.hi = np.split(ghosted, [self.width, self.width + self.nz])
        self.lo, self.X, self.hi = self.lo.copy(), self.X.copy(), self.hi.copy()

    def lanes(self, x: np.ndarray) -> np.ndarray:
        """One number a direction -> (nblk, W), padded with zeros."""
        return np.pad(x, (0, self.nblk * self.W - self.nv)).reshape(self.nblk, self.W)

    def to_rows(self, x: np.ndarray) -> np.ndarray:
        """(nz, nv, S, C) -> (nz, row)."""
        x = np.pad(x, ((0, 0), (0, self.nblk * self.W - self.nv), (0, 0), (0, 0)))
        x = x.reshape(len(x), self.nblk, self.W, self.species * self.C)
        return np.ascontiguousarray(x.transpose(0, 1, 3, 2)).reshape(len(x), -1)

    def to_natural(self, rows: np.ndarray) -> np.ndarray:
        """(nz, row) -> (nz, nv, S, C)."""
        x = rows.reshape(len(rows), self.nblk, self.species * self.C, self.W).transpose(0, 1, 3, 2)
        x = x.reshape(len(rows), self.nblk * self.W, self.species, self.C)
        return x[:, : self.nv]

    def kernel(self, module, chunk_start=None, order=8, dz=0.1, filter=0.3, **options):
        """A Kinetic of `module` (kinetic or reference) for this problem, one block a chunk."""
        chunk_start = range(self.nblk + 1) if chunk_start is None else chunk_start
        return module.Kinetic(self.nflavors, self.species, self.v, self.weight, list(chunk_start),
                              order=order, dz=dz, filter=filter, **options)

    def rows(self) -> np.ndarray:
        """Somewhere to write a rate."""
        return np.full_like(self.X, np.nan)

    def fused(self, kernel, mode=None, ext=True) -> np.ndarray:
        """The whole rate, with mu = 0.7."""
        F = self.rows()
        A, B = (self.A, self.B) if ext else (None, None)
        kernel.fused(self.X, self.lo, self.hi, F, 0, self.nz, 0.7, A, B, mode)
        return F

    def chunk_moments(self, kernel, chunks: int) -> np.ndarray:
        """(chunks, nz, 2C)."""
        out = np.full((chunks, self.nz, 2 * self.C), np.nan)
        kernel.moments(self.X, out)
        return out

    def paper_moments(self) -> np.ndarray:
        """(nz, 2C) by NumPy."""
        x = self.natural[self.width:self.width + self.nz]
        net = x[:, :, 0] - x[:, :, 1] if self.species == 2 else x[:, :, 0]
        sums = [np.einsum("v,zvc->zc", w, net) for w in (self.weights, self.weights * self.cos)]
        return np.concatenate(sums, axis=1)

    def paper_transport(self, dz: float = 0.1, filter: float = 0.3) -> np.ndarray:
        """-v d_z rho to 8th order and the damping -filter/dz (delta/2)^8, on (nz, nv, S, C)."""
        x, w, nz = self.natural, self.width, self.nz
        shifted = {m: x[w + m:w + m + nz] for m in range(-4, 5)}
        slope = sum(c * (shifted[m] - shifted[-m])
                    for m, c in ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280)))
        bumps = np.diff(x, 8, axis=0)
        return -self.cos[:, None, None] * slope / dz - filter / dz / 256 * bumps

    def paper_commutator(self, A: np.ndarray, B: np.ndarray, mode: bool) -> np.ndarray:
        """i(rho h - h rho), h = A - v B (+ mode), by complex matrices."""
        h = (A[:, None] - self.cos[:, None] * B[:, None])[:, :, None]
        h = h + self.natural_mode[None] if mode else h
        rho, h = to_matrix(self.natural[self.width:self.width + self.nz]), to_matrix(h)
        return to_components(1j * (rho @ h - h @ rho))


def isas() -> list[str]:
    """The instruction sets that this machine can run."""
    found = []
    for isa in ("avx512", "avx2", "sse2", "generic"):
        try:
            Problem(2, 1, 1).kernel(kinetic, isa=isa)
            found.append(isa)
        except ValueError:
            continue
    return found
