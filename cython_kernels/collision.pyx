# cython: language_level=3, boundscheck=False, initializedcheck=False
"""Emission, absorption and isotropic elastic scattering on rows of the state.

    C = 1/2 {diag(Gamma), rho_eq - rho} + 1/2 {diag(kappa), <rho> - rho}
with the average <rho> over directions at fixed |p|; rho_eq is diagonal. Rows and components are
those of `kinetic`. In components 1/2 {diag(r), rho} multiplies the entry ab by (r_a + r_b)/2; for
two flavors, r = (r_e + r_x)/2 and m = (r_e - r_x)/2, it is (r P0 + m Pz, r Px, r Py, r Pz + m P0).
"""

import numpy as np


cdef extern from "collision.h":
    ctypedef struct hq_collision:
        int species, components, lanes
        Py_ssize_t blocks, per_momentum, length
        const double *weight
        const double *there
        const double *emission
        const double *loss
        const double *gain
        const double *loss_mix
        const double *gain_mix
    void hq_collision_sums(const hq_collision *k, const double *X, Py_ssize_t rows,
                           const int *chunk_start, Py_ssize_t chunks, double *out) noexcept nogil
    void hq_collide(const hq_collision *k, const double *X, double *F, Py_ssize_t rows,
                    const double *average) noexcept nogil


def damping(rates):
    """1/2 {diag(r), .} of r (momenta, species, N_f): factor of each component, and the mixing m."""
    rates = np.asarray(rates, dtype=np.float64)
    if rates.shape[-1] == 2:
        e, x = np.moveaxis(rates, -1, 0)
        return np.stack([0.5*(e + x)]*4, axis=-1), 0.5*(e - x)
    e, mu, tau = np.moveaxis(rates, -1, 0)
    pairs = [0.5*(a + b) for a, b in ((e, mu), (e, tau), (mu, tau)) for part in ("re", "im")]
    return np.stack([e, mu, tau, *pairs], axis=-1), np.zeros(rates.shape[:-1])


cdef class Collision:
    """Rank-local collisions of the own momenta.

    weight: (nblk, W), of a direction in <rho> (they add up to 1 over all directions);
    there: (nblk, W), 1, or 0 for a lane of padding; chunk_start: block indices of the chunks that
    `moments` sums; absorption, equilibrium, scattering: (momenta, species, N_f).
    ValueError names an argument that does not fit.
    """
    cdef hq_collision k
    cdef double[:, ::1] weight, there
    cdef double[:, :, ::1] emission, loss, gain
    cdef double[:, ::1] loss_mix, gain_mix
    cdef int[::1] chunk_start

    def __init__(self, weight, there, chunk_start, absorption, equilibrium, scattering):
        absorption, scattering = np.asarray(absorption, float), np.asarray(scattering, float)
        shape = absorption.shape
        if len(shape) != 3 or shape[1] not in (1, 2) or shape[2] not in (2, 3):
            raise ValueError(f"absorption of shape {shape}: must be (momenta, 1 or 2, 2 or 3)")
        if np.shape(equilibrium) != shape or scattering.shape != shape:
            raise ValueError(f"equilibrium and scattering must have absorption's shape {shape}")
        self.weight = np.array(weight, dtype=np.float64, order="C")
        self.there = np.array(there, dtype=np.float64, order="C")
        blocks, lanes = self.weight.shape[0], self.weight.shape[1]
        if lanes not in (1, 2, 4, 8) or blocks == 0 or blocks % shape[0]:
            raise ValueError(f"weight of shape {(blocks, lanes)}: must be (blocks of {shape[0]} "
                             "momenta, 1, 2, 4 or 8 lanes)")
        if np.shape(there) != np.shape(weight):
            raise ValueError("there must have the shape of weight")
        self.chunk_start = np.array(chunk_start, dtype=np.intc)
        starts = np.asarray(self.chunk_start)
        if len(starts) < 2 or starts[0] != 0 or starts[-1] != blocks or (np.diff(starts) < 0).any():
            raise ValueError(f"chunk_start {starts} must rise from 0 to the {blocks} blocks")
        self.set_rates(absorption, np.asarray(equilibrium, float), scattering)
        self.k.species, self.k.components, self.k.lanes = shape[1], shape[2]**2, lanes
        self.k.blocks, self.k.per_momentum = blocks, blocks//shape[0]
        self.k.length = blocks*self.k.species*self.k.components*lanes
        self.k.weight, self.k.there = &self.weight[0, 0], &self.there[0, 0]

    cdef set_rates(self, absorption, equilibrium, scattering):
        """What goes in and what goes out, by component."""
        emission = absorption*equilibrium
        loss, loss_mix = damping(absorption + scattering)
        gain, gain_mix = damping(scattering)
        self.emission = np.zeros(loss.shape)
        if emission.shape[-1] == 2:
            np.asarray(self.emission)[..., 0] = emission[..., 0] + emission[..., 1]
            np.asarray(self.emission)[..., 3] = emission[..., 0] - emission[..., 1]
        else:
            np.asarray(self.emission)[..., :3] = emission
        self.loss, self.loss_mix = np.ascontiguousarray(loss), np.ascontiguousarray(loss_mix)
        self.gain, self.gain_mix = np.ascontiguousarray(gain), np.ascontiguousarray(gain_mix)
        self.k.emission, self.k.loss = &self.emission[0, 0, 0], &self.loss[0, 0, 0]
        self.k.gain = &self.gain[0, 0, 0]
        self.k.loss_mix, self.k.gain_mix = &self.loss_mix[0, 0], &self.gain_mix[0, 0]

    def moments(self, const double[:, ::1] X, double[:, :, ::1] out):
        """out (nchunk, nz, species*components) = sum of weight rho over the chunk's directions."""
        cdef Py_ssize_t chunks = self.chunk_start.shape[0] - 1
        if X.shape[1] != self.k.length:
            raise ValueError(f"X must have {self.k.length} columns, not {X.shape[1]}")
        if (out.shape[0], out.shape[1], out.shape[2]) != (chunks, X.shape[0],
                                                          self.k.species*self.k.components):
            raise ValueError("out must be (chunks, nz, species*components)")
        if X.shape[0] == 0:
            return
        with nogil:
            hq_collision_sums(&self.k, &X[0, 0], X.shape[0], &self.chunk_start[0], chunks,
                              &out[0, 0, 0])

    def add(self, const double[:, ::1] X, double[:, ::1] F, const double[:, :, ::1] average):
        """F += C[rho]; average (momenta, nz, species*components), None if nothing scatters."""
        if X.shape[1] != self.k.length or F.shape[0] != X.shape[0] or F.shape[1] != X.shape[1]:
            raise ValueError(f"X and F must be (nz, {self.k.length})")
        if average is not None and (average.shape[0], average.shape[1], average.shape[2]) != (
                self.k.blocks//self.k.per_momentum, X.shape[0], self.k.species*self.k.components):
            raise ValueError("average must be (momenta, nz, species*components)")
        if X.shape[0] == 0:
            return
        cdef const double *mean = &average[0, 0, 0] if average is not None else NULL
        with nogil:
            hq_collide(&self.k, &X[0, 0], &F[0, 0], X.shape[0], mean)
