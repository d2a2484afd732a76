"""Checkpoints and fields under a file size limit, on any number of ranks:  limited.py DIRECTORY

RLIMIT_FSIZE stands for a full disk. After each failure the limit is lifted and all must be well.
"""

import resource
import sys
import time

import numpy as np

from hpcqke.checkpoint import Checkpoints
from hpcqke.errors import StorageError
from hpcqke.fields import Fields
from hpcqke.grids import MomentumGrid, ZGrid
from hpcqke.phase_space import PhaseSpace
from hpcqke.series import Series

POINTS = 32


def limit(size):
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


def refused(action, size):
    """Whether the action fails as it should under this limit."""
    start = time.monotonic()
    limit(size)
    said = "nothing"
    try:
        action()
    except StorageError as fault:
        said = str(fault)
    finally:
        limit(None)
    assert "File too large" in said, said
    assert "\n" not in said
    assert time.monotonic() - start < 10
    return True


def main(directory):
    v = np.linspace(-1, 1, 5)
    ps = PhaseSpace(ZGrid(10.0, 64), MomentumGrid(v, np.ones(5), np.ones(2), np.ones(2)), 2, 2, 0)
    X = np.random.default_rng(ps.rank).normal(size=(ps.rows, ps.row))
    X = ps.from_natural(ps.to_natural(X))
    checkpoints = Checkpoints(ps, f"{directory}/checkpoints", 2)
    checkpoints.write(X, {"step": 1})
    size = 8 * ps.nz * ps.np * ps.nv * ps.S * ps.C + 10000
    for bound in np.linspace(0, size, POINTS, endpoint=False).astype(int):
        assert refused(lambda: checkpoints.write(2 * X, {"step": 2}), int(bound)), bound
        loaded, meta = checkpoints.load()
        assert meta == {"step": 1}
        assert loaded.tobytes() == X.tobytes()

    names = {"z": ps.nz, "momentum": ps.np, "direction": ps.nv, "species": ps.S, "component": ps.C}
    coords = {name: (np.arange(n), {}) for name, n in names.items()}
    path = f"{directory}/fields.nc"
    assert refused(lambda: Fields(ps, path, coords, {}, capacity=100), size)
    fields = Fields(ps, path, coords, {}, capacity=1)
    fields.append(0.0, X)
    assert refused(lambda: fields.append(1.0, X), size)  # it must grow, and cannot
    fields.append(1.0, X)
    assert len(fields) == 2
    if ps.rank == 0:
        series = Series(f"{directory}/series.nc", {"a": {}})
        series.append({"time": 0.0, "a": 1.0})
        series.flush()
        series.append({"time": 1.0, "a": 1.0})
        assert refused(series.flush, 1000)
        assert series.load() == 1
    checkpoints.write(2 * X, {"step": 2})
    assert checkpoints.load()[1] == {"step": 2}
    if ps.rank == 0:
        print("all well")


if __name__ == "__main__":
    main(sys.argv[1])
