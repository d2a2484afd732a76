"""Open boxes stopped and restarted on other ranks; what comes in is part of the physics."""

import h5py
import numpy as np
from runs import command, different, status

from hpcqke.errors import EXIT

OPEN = {
    "grid__z__boundary": '["inflow", "reflecting"]',
    "terms__advection__order": 5,
    "time__tolerance": 1e-7,
}


def test_stopped_and_restarted_on_other_ranks(mpirun, tmp_path):
    """1 -> 3 -> 4 ranks; the last of them split the momenta, which mirrors look across."""
    whole = mpirun(0, command(tmp_path / "whole", **OPEN))
    assert whole.returncode == 0, whole.stderr
    for ranks, steps in ((0, 5), (3, 11)):
        options = ["-ts_max_steps", str(steps)]
        done = mpirun(ranks, command(tmp_path / "parts", options=options, **OPEN))
        assert done.returncode == EXIT["resume"], done.stderr
    done = mpirun(4, command(tmp_path / "parts", grid__momentum__ranks=2, **OPEN))
    assert done.returncode == 0, done.stderr
    assert status(tmp_path / "parts") == "finished"
    assert not different(tmp_path / "whole", tmp_path / "parts")
    with h5py.File(tmp_path / "whole" / "series.nc", "r") as file:
        left, right = (file[f"flux_{end}"][:, 0] for end in ("left", "right"))
        assert np.abs(left).max() > 0.01
        assert np.abs(right).max() < 1e-15
        assert file["spectrum"].shape[-1] == 1
    assert mpirun(0, ["-m", "hpcqke", "verify", str(tmp_path / "whole")]).returncode == 0


def test_other_inflow_is_other_physics(mpirun, tmp_path):
    inflow = {"inflow__recipe": "modes", "inflow__modes": "[{direction = 0, n = 0, re = 0.01}]"}
    beams = {"inflow__polarization": "[0.4, 0.2, 0.1, 0.1]"}
    first = mpirun(0, command(tmp_path, options=["-ts_max_steps", "3"], **OPEN, **inflow, **beams))
    assert first.returncode == EXIT["resume"], first.stderr
    beams["inflow__polarization"] = "[0.4, 0.3, 0.1, 0.1]"
    second = mpirun(0, command(tmp_path, **OPEN, **inflow, **beams))
    assert second.returncode == EXIT["input"]
    assert "inflow.polarization" in second.stderr
