"""Files do not know how many ranks wrote them. Run by pytest under mpirun -n 1, 2, 3, 4."""

import tempfile
from pathlib import Path

import numpy as np
import pytest

from hpcqke import checksum
from hpcqke.checkpoint import Checkpoints
from hpcqke.checkpoint_file import DIMENSIONS
from hpcqke.errors import CaseError, NumericsError, StorageError
from hpcqke.fields import Fields
from hpcqke.fields_file import damaged_frames
from hpcqke.grids import MomentumGrid, ZGrid
from hpcqke.parallel import world
from hpcqke.phase_space import PhaseSpace, process_grids

GRIDS = [(1, 11, 2, 2), (3, 5, 1, 3), (8, 1, 2, 3)]  # momenta, directions, species, flavors


def momentum_grid(momenta, directions):
    v = np.linspace(-1, 1, directions) if directions > 1 else np.ones(1)
    p = 1.0 + np.arange(momenta)
    return MomentumGrid(v, np.ones(directions), p, np.ones(momenta))


def natural(ps, seed=0):
    """The whole state in natural order, the same on every rank."""
    return np.random.default_rng(seed).normal(size=(ps.nz, ps.np, ps.nv, ps.S, ps.C))


@pytest.fixture
def folder():
    """One directory for all ranks."""
    comm = world()
    made = tempfile.TemporaryDirectory() if comm.rank == 0 else None
    yield Path(comm.bcast(made.name if made else None))
    comm.Barrier()
    if made:
        made.cleanup()


def phase_spaces():
    """Every grid on every layout of these ranks."""
    for momenta, directions, species, flavors in GRIDS:
        grid = momentum_grid(momenta, directions)
        for rz, rm in process_grids(world().size, 24, 1, grid):
            ps = PhaseSpace(ZGrid(10.0, 24), grid, flavors, species, 1, rz, rm)
            yield ps
            ps.destroy()


def one_rank_checksum(whole):
    index = np.arange(whole.size, dtype=np.uint64)
    return checksum.mixed_sum(whole.ravel().view(np.uint64), index)


def test_same_checksum_and_state_on_every_layout(folder):
    for ps in phase_spaces():
        whole = natural(ps)
        X = ps.from_natural(whole[ps.own])
        assert checksum.state_checksum(ps, ps.to_natural(X)) == one_rank_checksum(whole)
        checkpoints = Checkpoints(ps, folder, 1)
        checkpoints.clear()
        checkpoints.write(X, {"step": 3, "t": 0.3, "rank": ps.rank})
        read, meta = checkpoints.load()
        assert np.array_equal(read.reshape(X.shape), X)
        assert meta == {"step": 3, "t": 0.3, "rank": 0}
        if ps.rank == 0:
            data = (folder / "step_000000003.h5").read_bytes()
            assert data.count(whole.tobytes()) == 1


def test_read_on_another_layout_than_written(folder):
    layouts = list(process_grids(world().size, 24, 1, momentum_grid(8, 3)))
    for step, (rz, rm) in enumerate(layouts):
        ps = PhaseSpace(ZGrid(10.0, 24), momentum_grid(8, 3), 2, 2, 1, rz, rm)
        checkpoints = Checkpoints(ps, folder, 2)
        found = checkpoints.load()
        if step:
            assert np.array_equal(ps.to_natural(found[0]), natural(ps)[ps.own])
        checkpoints.write(ps.from_natural(natural(ps)[ps.own]), {"step": step})
        ps.destroy()


@pytest.fixture
def ps():
    ps = PhaseSpace(ZGrid(10.0, 24), momentum_grid(1, 11), 2, 2, 1)
    yield ps
    ps.destroy()


def test_all_ranks_refuse_what_one_rank_finds(folder, ps):
    checkpoints = Checkpoints(ps, folder, 2, say=lambda line: None)
    X = ps.from_natural(natural(ps)[ps.own])
    checkpoints.write(X, {"step": 1})
    checkpoints.write(X, {"step": 2})
    bad = X.copy()
    if ps.rank == ps.size - 1:
        bad.flat[0] = np.nan
    with pytest.raises(NumericsError):
        checkpoints.write(bad, {"step": 3})
    if ps.rank == 0:
        with open(folder / "step_000000002.h5", "r+b") as stream:
            stream.seek(-1, 2)
            last = stream.read(1)[0]
            stream.seek(-1, 2)
            stream.write(bytes([last ^ 1]))
    ps.comm.Barrier()
    assert checkpoints.load()[1] == {"step": 1}
    with pytest.raises(StorageError, match=r"1 of \d blocks"):
        checkpoints.load_file(folder / "step_000000002.h5")
    with pytest.raises(CaseError):
        checkpoints.load_file(folder / "step_000000009.h5")


def test_fields_are_the_same_file_on_every_layout(folder):
    from hpcqke import hdf5

    for ps in phase_spaces():
        names = dict(zip(DIMENSIONS, natural(ps).shape, strict=True))
        coords = {name: (np.arange(n), {}) for name, n in names.items()}
        fields = Fields(ps, folder / "fields.nc", coords, {}, capacity=1)
        for i in range(3):
            fields.append(0.5 * i, ps.from_natural(natural(ps, i)[ps.own]))
        fields = Fields(ps, folder / "fields.nc", coords, {}, resume=2)
        fields.append(9.0, ps.from_natural(natural(ps, 9)[ps.own]))
        fields.finish()
        if ps.rank == 0:
            with hdf5.open_file(folder / "fields.nc", "r") as f:
                assert list(f["time"][()]) == [0.0, 0.5, 9.0]
                assert damaged_frames(folder / "fields.nc") == []
                for i, seed in enumerate((0, 1, 9)):
                    assert np.array_equal(f["rho"][i], natural(ps, seed))
        ps.comm.Barrier()
