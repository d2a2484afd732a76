"""Compiled loops over cells: kinetic (fast), reference (readable), guard, integrals."""
