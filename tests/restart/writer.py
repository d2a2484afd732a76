"""Writes checkpoints or frames without end, to be killed:  writer.py checkpoints|frames DIRECTORY

Prints the number of each one that is there. With `points`: forks a writer for each call of the
write protocol, which kills itself just before that call, and checks what is left.
"""

import itertools
import os
import signal
import sys

import numpy as np
from flat_space import COORDS, FlatSpace

from hpcqke.checkpoint import Checkpoints
from hpcqke.fields import Fields

CALLS = ("posix_fallocate", "fsync", "replace", "unlink", "pwrite", "ftruncate", "open")


def write_checkpoints(directory):
    ps = FlatSpace()
    checkpoints = Checkpoints(ps, directory, 2)
    found = checkpoints.load()
    first = found[1]["step"] + 1 if found else 0
    for step in itertools.count(first):
        checkpoints.write(ps.state(step), {"step": step})
        print(step, flush=True)


def write_frames(directory):
    """Frames 0, 1, 2, ... in a file that is finished and resumed again and again."""
    ps = FlatSpace()
    path = os.path.join(directory, "fields.nc")
    done = count_frames(path) if os.path.exists(path) else None
    fields = Fields(ps, path, COORDS, {}, capacity=2, resume=done)
    for i in itertools.count(len(fields)):
        fields.append(0.5 * i, ps.state(i))
        print(i, flush=True)
        if i % 5 == 4:
            fields.finish()


def count_frames(path):
    """Frames in a file, each checked to the last bit."""
    import h5py

    ps = FlatSpace()
    with h5py.File(path, "r") as f:
        times = f["time"][()]
        n = int(np.isfinite(times).sum())
        assert np.array_equal(times[:n], 0.5 * np.arange(n)), times
        for i in range(n):
            assert f["rho"][i].tobytes() == ps.state(i).tobytes(), i
    return n


def kill_at_each_call(directory):
    """The k-th call of any of CALLS in a write is the writer's last moment, for each k."""
    ps = FlatSpace()
    checkpoints = Checkpoints(ps, directory, 2, say=sys.exit)
    for step in (0, 1):
        checkpoints.write(ps.state(step), {"step": step})
    for k in itertools.count():
        newest = checkpoints.load()[1]["step"]
        child = os.fork()
        if child == 0:
            _die_before(k)
            checkpoints.write(ps.state(newest + 1), {"step": newest + 1})
            os._exit(0)
        _, status = os.waitpid(child, 0)
        X, meta = checkpoints.load()
        assert meta["step"] in (newest, newest + 1), (k, meta)
        assert X.tobytes() == ps.state(meta["step"]).tobytes()
        if status == 0:
            assert meta["step"] == newest + 1
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    print(k, flush=True)


def _die_before(k):
    calls = itertools.count()

    def deadly(genuine):
        def call(*args, **more):
            if next(calls) == k:
                os.kill(os.getpid(), signal.SIGKILL)
            return genuine(*args, **more)

        return call

    for name in CALLS:
        setattr(os, name, deadly(getattr(os, name)))


if __name__ == "__main__":
    what = {"checkpoints": write_checkpoints, "frames": write_frames, "points": kill_at_each_call}
    what[sys.argv[1]](sys.argv[2])
