"""The command line itself: help, unknown commands, bad options. Soon, and without a traceback."""

import pytest

BAD = [
    ([], 2),
    (["--help"], 0),
    (["run", "--help"], 0),
    (["--version"], 0),
    (["cases"], 0),
    (["rnu", "two_beam"], 2),
    (["run"], 2),
    (["run", "two_beam", "--otput", "x"], 2),
    (["run", "two_beam", "--out", "x"], 2),
    (["run", "two_beam", "-s"], 2),
    (["run", "two_beam", "-s", "grid.z.cells"], 2),
    (["run", "two_beam", "--restart", "nowhere/step_1.h5"], 2),
    (["info", "two_beam", "-n", "many"], 2),
    (["info", "two_beam", "--", "-foo"], 2),
    (["plot", "nowhere"], 2),
    (["verify", "nowhere"], 2),
    (["compare", "nowhere", "nowhere"], 2),
    (["compare", "nowhere"], 2),
]


CASES = [(*one, 0) for one in BAD]
CASES += [(*one, 3) for one in BAD if one[0][:1] in (["rnu"], ["cases"]) or "--restart" in one[0]]


@pytest.mark.parametrize(("arguments", "code", "ranks"), CASES, ids=str)
def test_options(arguments, code, ranks, tmp_path, mpirun):
    """One rank speaks, and nothing is written."""
    done = mpirun(ranks, ["-m", "hpcqke", *arguments], timeout=30, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert not any(tmp_path.iterdir())
    said = [line for line in done.stderr.splitlines() if line.startswith("hpcqke: error")]
    assert len(said) <= 1
    assert done.stdout.count("two_beam_lcg") <= 1
    reads = arguments[0:1] in (["plot"], ["verify"], ["compare"])
    assert done.seconds < (10 if ranks or reads else 2)


def test_petsc_options_that_nothing_uses(tmp_path, mpirun):
    run = ["-m", "hpcqke", "run", "multi_beam", "-s", "time.end=0.1"]
    done = mpirun(2, [*run, "--", "-ts_rk_typ", "4", "-pc_tpye", "none"], cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if "nothing in this run uses" in line]
    assert [line.split(":")[0] for line in lines] == ["-ts_rk_typ", "-pc_tpye"]


REFUSED = {
    "foo bar": "foo: must be a PETSc option",
    "-ts_max_steps 5 6": "6: must be a PETSc option",
    "-ts_max_steps abc": "has no integer value",
    "-ts_max_steps -5": "-ts_max_steps must not be negative",
    "-ts_type nosuch": "nosuch",
    "-ts_dt -1": "-ts_dt must be positive",
}


@pytest.mark.parametrize("options", REFUSED)
@pytest.mark.parametrize("ranks", [0, 2])
def test_petsc_options_with_bad_values(options, ranks, tmp_path, mpirun):
    """One line, and an earlier run of the folder stays where it is."""
    run = ["-m", "hpcqke", "run", "multi_beam", "-s", "time.end=0.1"]
    done = mpirun(ranks, [*run, "--", *options.split()], cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not any(tmp_path.iterdir())
    said = done.stderr.splitlines()
    assert sum(REFUSED[options] in line for line in said) == 1, said
    assert ranks or len(said) == 1, said


@pytest.mark.parametrize("number", [0, -3, 1009])
def test_impossible_ranks_are_named(number, mpirun):
    """By -n, which was given, and not by a key, which was not."""
    small = ["multi_beam", "-s", "grid.z.cells=60"]
    done = mpirun(0, ["-m", "hpcqke", "info", *small, "-n", number])
    assert done.returncode == 2, done.stderr
    assert "-n" in done.stderr
    assert "grid.z.ranks" not in done.stderr
