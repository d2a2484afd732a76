"""Analysis: reads cases and run folders, never the solver.  xarray, scipy and matplotlib live here."""
