"""Analysis: reads cases and run folders, never the solver.

xarray, scipy and matplotlib are imported in this room only, and only when something needs them.
"""

from hpcqke.analysis.open_run import open_run

__all__ = ["open_run"]
