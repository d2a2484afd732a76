"""The gradient cases of P10 and P11 as whole runs on four ranks: the bits of one rank."""

import pytest
from runs import different


@pytest.mark.parametrize(
    ("case", "settings"),
    [("gradient", ()), ("axisymmetric", ()), ("axisymmetric", ("terms.gradient.mode=tracer",))],
)
def test_whole_run_on_four_ranks(case, settings, mpirun, tmp_path):
    """What test_gradient and test_axisymmetric measure on one rank holds on four."""
    keys = [part for setting in settings for part in ("-s", setting)]
    for ranks in (1, 4):
        run = ["-m", "hpcqke", "run", case, *keys, "--output", str(tmp_path / str(ranks))]
        assert mpirun(ranks, run).returncode == 0
    assert not different(tmp_path / "1", tmp_path / "4")
