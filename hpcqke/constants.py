"""Constants of nature in MeV, cm and g; hbar = c = 1 turns the others into these.

Sources: hbar c, c, N_A, e: the exact values of the SI of 2019 (CODATA 2018); G_F: Particle Data
Group, Review of Particle Physics, from the lifetime of the muon, relative accuracy 5e-7.
"""

import math

HBAR_C = 1.973269804e-11
"""MeV cm."""
SPEED_OF_LIGHT = 2.99792458e10
"""cm/s."""
G_F = 1.1663787e-11
"""Fermi's constant over (hbar c)^3, 1/MeV^2."""
AVOGADRO = 6.02214076e23
"""Baryons, and so electrons per electron fraction, in a gram."""

REFRACTION = math.sqrt(2) * G_F * HBAR_C**2
"""sqrt(2) G_F as cm^2: 1/cm for each 1/cm^3."""
MATTER = REFRACTION * AVOGADRO
"""lambda in 1/cm for electron_fraction times density = 1 g/cm^3."""
VACUUM = 1e-12 / HBAR_C
"""MeV/cm for 1 eV^2: dm2/2E in 1/cm is VACUUM dm2/(2E), dm2 in eV^2 and E in MeV."""
