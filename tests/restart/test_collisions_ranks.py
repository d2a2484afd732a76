"""A run with collisions, stopped and gone on with on other ranks, has the bits of a whole one."""

from runs import command, different, status

from hpcqke.errors import EXIT

COLLISIONS = {
    "terms__collisions__absorption": "[0.3, 0.1]",
    "terms__collisions__equilibrium": "[0.5, 0.2]",
    "terms__collisions__scattering": "[0.2, 0.4]",
}


def test_stopped_and_restarted_on_other_ranks(mpirun, tmp_path):
    """1 -> 3 -> 2 ranks, these two along momentum."""
    assert mpirun(0, command(tmp_path / "whole", **COLLISIONS)).returncode == 0
    layouts = ((0, {}), (3, {}), (2, {"grid__momentum__ranks": 2}))
    for (ranks, layout), steps in zip(layouts, (5, 11, None), strict=True):
        options = ["-ts_max_steps", str(steps)] if steps else ()
        settings = {**COLLISIONS, **layout}
        done = mpirun(ranks, command(tmp_path / "parts", options=options, **settings))
        assert done.returncode == (EXIT["resume"] if steps else 0), done.stderr
    assert status(tmp_path / "parts") == "finished"
    assert not different(tmp_path / "whole", tmp_path / "parts")
