"""`hpcqke stability`: what it says of a case, as table, dataset and picture."""

import numpy as np
import pytest
import xarray as xr
from distributions import gauss, nodes

from hpcqke.analysis import linear
from hpcqke.analysis.crossings import (
    average_survival,
    box_end_state,
    find_crossings,
    power_end_state,
)
from hpcqke.analysis.doubling import cubic_weights, refined_systems
from hpcqke.analysis.homogeneous import linear_systems
from hpcqke.analysis.stability import command, report, stability
from hpcqke.case import load_case, make_case
from hpcqke.errors import CaseError, StorageError
from hpcqke.grids import quadrature


def gaussian_case(rule="gauss-legendre", count=16, sigma_bar=0.5, length=300.0, **overrides):
    """nu_e and anti-nu_e of the field's default, and a box for them."""
    v, _ = quadrature(rule, count)
    table = {
        "name": "gauss",
        "grid": {"z": {"length": length, "cells": int(length)},
                 "momentum": {"rule": rule, "count": count}},
        "flavors": {"antineutrinos": True},
        "terms": {"advection": {}, "self_interaction": {}},
        "initial": {"recipe": "modes", "modes": [{"direction": 0, "n": 0}],
                    "polarization": list(gauss(v, 0.6)),
                    "polarization_bar": list(0.9 * gauss(v, sigma_bar))},
        "time": {"end": 500.0},
    }  # fmt: skip
    return make_case(table, {key.replace("__", "."): value for key, value in overrides.items()})


def test_both_branches_of_a_case():
    result = stability(gaussian_case(count=32))
    one = result.sel(sector="ex")
    sym, brk = (one.sel(branch=b) for b in linear.BRANCHES)
    assert float(sym.gamma.max()) == pytest.approx(0.04366743, abs=1e-8)
    assert int(sym.n[sym.gamma.argmax("k")]) == 8  # the positive one: k = 0.1676
    assert float(brk.gamma.max()) == pytest.approx(0.00981787, abs=1e-8)
    assert int(brk.n[brk.gamma.argmax("k")]) == -3
    low, high = sym.band_low.values, sym.band_high.values
    inside = np.any((sym.k.values[:, None] > low) & (sym.k.values[:, None] < high), axis=1)
    assert np.array_equal(sym.gamma.values > 0, inside)
    assert float(np.nanmax(high)) == pytest.approx(0.4002, abs=1e-3)
    assert sym.eln_crossing.values == pytest.approx([0.646963], abs=1e-5)
    assert float(sym.eln_plus) == pytest.approx(0.123788, abs=1e-5)
    assert float(sym.eln_minus) == pytest.approx(0.0237878, abs=1e-6)
    # with twice the directions the fastest wave is the same, the last one at the edge is not
    assert not sym.spurious[int(sym.gamma.argmax("k"))]
    assert sym.n.values[sym.spurious.values].tolist() == [19]
    text = report(result)
    assert "crosses zero at v = 0.64695" in text
    assert "0.7245 and 0.6939 (box), 0.6715 and 0.6350 (power-1/2)" in text
    assert "azimuths >= 3 only" in text
    assert "directions are enough" in text
    assert "22.9/mu" in text


def test_long_boxes_are_thinned_and_the_fastest_wave_still_found():
    """A thousandth of the waves may be listed; the fastest is that of all waves."""
    result = stability(gaussian_case(count=8, length=60000.0, grid__z__cells=60000))
    assert result.attrs["every"] > 5
    assert result.sizes["k"] < 600
    one = result.sel(sector="ex", branch="symmetric")
    n = np.arange(1, 5000)
    system = linear_systems(gaussian_case(count=8))["ex"]
    gamma = system.growth(2 * np.pi * n / 60000)[0]
    assert int(one.n[one.gamma.argmax("k")]) == n[gamma.argmax()]
    assert f"1 of {result.attrs['every']} in the box" in report(result)


def test_the_field_s_box(figure):
    """4.1: 10240 cells, 200 midpoints, sigma_bar 0.53."""
    case = gaussian_case("uniform", 200, 0.53, 10240.0)
    k = 2 * np.pi * 209 / 10240
    gamma = linear_systems(case)["ex"].growth(k)[0][0]
    figure("4.1 as a case", f"gamma {gamma:.6f} at k = {k:.4f} (0.012713 at 0.1284)")
    assert gamma == pytest.approx(0.012713, abs=1e-6)


def slow_case(**overrides):
    """Isotropic nu + 0.8 anti-nu, inverted ordering, and what it may have besides."""
    table = {
        "name": "slow",
        "grid": {"z": {"length": 2 * np.pi, "cells": 32},
                 "momentum": {"rule": "uniform", "count": 16}},
        "flavors": {"antineutrinos": True},
        "terms": {"advection": {}, "self_interaction": {},
                  "vacuum": {"mass_splittings": [-0.04], "theta": 1e-6}},
        "initial": {"recipe": "modes", "modes": [{"direction": 0, "n": 0}],
                    "polarization": [0.5] * 16, "polarization_bar": [0.4] * 16},
        "time": {"end": 100.0},
    }  # fmt: skip
    return make_case(table, {key.replace("__", "."): value for key, value in overrides.items()})


def test_spurious_waves_are_told():
    """T4c through a case: n = 0 grows by 0.16, n = 1 (k = 1) spuriously by 0.03503."""
    result = stability(slow_case())
    one = result.sel(sector="ex", branch="symmetric").set_index(k="n")
    assert float(one.gamma.sel(k=0)) == pytest.approx(0.16, abs=1e-9)
    assert float(one.gamma.sel(k=1)) == pytest.approx(0.0350296846294, abs=1e-10)
    assert not one.spurious.sel(k=0)
    assert one.spurious.sel(k=1)
    assert one.spurious.sel(k=-1)
    text = report(result)
    assert "SPURIOUS" in text
    assert "vacuum: mixing angles -> 0" in text
    assert "does not change its sign" in text


def test_matter_is_its_mean():
    """A uniform potential shifts Re Omega by -lambda, one that depends on z by its mean."""
    plain = stability(slow_case()).sel(sector="ex", branch="symmetric")
    keys = {"terms__matter__profile": "cosine", "terms__matter__potential": 0.3,
            "terms__matter__amplitude": 0.1, "terms__matter__wave_number": 2}  # fmt: skip
    result = stability(slow_case(**keys))
    shifted = result.sel(sector="ex", branch="symmetric")
    assert "the mean of lambda over the box" in report(result)
    assert shifted.gamma.values == pytest.approx(plain.gamma.values, abs=1e-9)
    known = plain.gamma.values > 0.1
    assert (shifted.re_omega - plain.re_omega).values[known] == pytest.approx(-0.3, abs=1e-9)


def test_energies_are_those_of_each_momentum():
    """omega = dm2/2|p|: |p| = 2 and dm2 = -0.08 are |p| = 1 and dm2 = -0.04."""
    one = linear_systems(slow_case())["ex"]
    keys = {"grid__momentum__momenta": [2.0], "terms__vacuum__mass_splittings": [-0.08]}
    assert linear_systems(slow_case(**keys))["ex"].growth(0.1)[0] == pytest.approx(
        one.growth(0.1)[0], abs=1e-12)  # fmt: skip
    two = linear_systems(slow_case(grid__momentum__momenta=[1.0, 2.0]))["ex"]
    assert two.size == 4 * 16
    assert two.frequency == pytest.approx(np.array([[0.02, 0.01], [-0.02, -0.01]]))


def test_no_advection_and_one_cell():
    result = stability(slow_case(terms__advection=None))
    assert result["k"].values.tolist() == [0.0]
    assert "every k grows alike" in report(result)
    assert float(stability(slow_case(grid__z__cells=9))["gamma"].max()) > 0.1


def test_doubled_directions():
    v, _ = nodes("mid12")
    fine, _ = nodes("mid24")
    weights = cubic_weights(v, fine)
    assert weights @ (1 + v - 2 * v**2 + v**3) == pytest.approx(1 + fine - 2 * fine**2 + fine**3)
    twice, how = refined_systems(gaussian_case("uniform", 12))
    assert "cubics" in how
    assert twice["ex"].growth(0.164)[0] == pytest.approx(0.04379, abs=2e-4)
    listed = gaussian_case(count=4, grid__momentum__rule=None, grid__momentum__count=None,
                           grid__momentum__directions=[-0.5, 0.1, 0.4, 0.9])  # fmt: skip
    nothing, why = refined_systems(listed)
    assert nothing is None
    assert "listed" in why
    assert "cannot be doubled" in report(stability(listed))


def test_distributions_are_known_at_any_direction():
    """A recipe that knows f(v) gives it where it is asked for, not by interpolation."""
    angular = {"angular": "gaussian", "width": 0.6}
    bar = {"species": "nubar", "density": 0.9, "angular": "gaussian", "width": 0.5}
    case = gaussian_case(count=16, initial={"recipe": "distribution",
                                            "populations": [angular, bar]})  # fmt: skip
    result = stability(case)
    one = result.sel(sector="ex", branch="symmetric")
    assert "same distribution" in report(result)
    assert one.eln_crossing.values == pytest.approx([0.646963028187], abs=1e-9)
    k, gamma = 2 * np.pi * 8 / 300, one.gamma_doubled.set_index(k="n").sel(k=8)
    exact = linear_systems(gaussian_case(count=32))["ex"].growth(k)[0][0]
    assert float(gamma) == pytest.approx(exact, abs=1e-12)


def test_profiles_and_physical_units():
    """mu(t) as at the start, mu(z) by its mean; in cm the rates are those of the converted case."""
    plain = linear_systems(gaussian_case())["ex"].growth(0.164)[0][0]
    keys = {"terms__self_interaction": {"mu": 3.0, "profile": "exponential", "along": "t",
                                        "decay_time": 10.0}, "time__start": 5.0}  # fmt: skip
    case = gaussian_case(**keys)
    mu = 3 * np.exp(-0.5)
    assert linear_systems(case)["ex"].growth(0.164 * mu)[0][0] == pytest.approx(mu * plain)
    assert "mu as at time.start" in report(stability(case))
    keys = {"terms__self_interaction": {"mu": 1.0, "profile": "table", "along": "z",
                                        "z": [-150.0, 150.0], "values": [1.0, 3.0]}}  # fmt: skip
    mean = linear_systems(gaussian_case(**keys))["ex"].mu
    assert mean == pytest.approx(2.0, abs=0.01)
    cm = gaussian_case(units__system="cm", terms__self_interaction={"number_density": 1e33})
    assert linear_systems(cm)["ex"].mu == pytest.approx(6.42284613, rel=1e-6)
    assert "dz = 1 cm" in report(stability(cm))


def test_crossings_and_end_states(figure):
    """T4g: box and power-1/2 models of alpha = 0.9."""
    v, weight = nodes("mid2000")
    f, bar = gauss(v, 0.6), 0.9 * gauss(v, 0.5)
    found = find_crossings(v, weight, f - bar)
    assert found.v == pytest.approx([0.646963028187], abs=1e-9)
    assert (found.plus, found.minus) == (pytest.approx(0.123787827, abs=1e-7),
                                         pytest.approx(0.0237878272, abs=1e-7))  # fmt: skip
    assert found.depth == pytest.approx(0.0237878272 / 0.123787827, rel=1e-5)
    box, power = (model(v, weight, f - bar) for model in (box_end_state, power_end_state))
    assert box.survival.max() == pytest.approx(0.903916936972, abs=1e-6)
    assert power.width == pytest.approx(0.0879821767595, abs=1e-6)
    for state, expected in (
        (box, (0.724492984428, 0.693881074746)), (power, (0.671509767534, 0.635010852815))
    ):  # fmt: skip
        pair = [average_survival(weight, n, state.survival) for n in (f, bar)]
        figure("T4g", f"<P_ee>, <Pbar_ee> {pair[0]:.5f}, {pair[1]:.5f} (tol 2e-4)")
        assert pair == pytest.approx(list(expected), abs=2e-4)
        kept = np.sum(weight * (f - bar) * (1 - state.survival))
        assert kept == pytest.approx(0, abs=1e-6)  # lepton number


def test_crossings_of_other_shapes():
    v, weight = nodes("gl16")
    assert find_crossings(v, weight, 0.1 + 0.8 * v).v == pytest.approx([-0.125], abs=1e-12)
    three = find_crossings(v, weight, (v - 0.7) * (v + 0.1) * (v + 0.8))
    assert three.v == pytest.approx([-0.8, -0.1, 0.7], abs=1e-9)
    legendre = np.polynomial.legendre.legval(v, [0.05, 0.6, 0.5])
    assert find_crossings(v, weight, legendre).v == pytest.approx([0.253197264742], abs=1e-9)
    none = find_crossings(v, weight, 1 + 0.5 * v)
    assert (none.v.size, none.minus, none.depth) == (0, 0, 0)
    assert np.all(power_end_state(v, weight, 1 + 0.5 * v).survival == 1)
    assert box_end_state(v, weight, 1 + 0.5 * v).survival.max() == 1
    beams = find_crossings([1.0, -1.0, 0.0], np.ones(3), [0.3, -0.1, 0.0], smooth=False)
    assert beams.v == pytest.approx([-0.5])
    assert (beams.plus, beams.minus) == (pytest.approx(0.3), pytest.approx(0.1))


def test_files(tmp_path, capsys):
    case = slow_case()
    assert command(case, png=tmp_path / "gamma.png", netcdf=tmp_path / "gamma.nc") == 0
    assert "slow: L = 6.283/mu" in capsys.readouterr().out
    assert (tmp_path / "gamma.png").stat().st_size > 20_000
    with xr.open_dataset(tmp_path / "gamma.nc", engine="h5netcdf") as saved:
        assert set(saved.dims) >= {"sector", "branch", "k", "root", "band", "v"}
        assert bool(saved.spurious.any())
        assert saved.attrs["case"] == "slow"
    with pytest.raises(StorageError):
        command(case, netcdf=tmp_path / "nowhere" / "gamma.nc")


def test_cases_without_a_uniform_state():
    case = load_case("axisymmetric")
    with pytest.raises(CaseError, match="gives no uniform"):
        stability(case)


@pytest.mark.parametrize("ranks", [0, 2])
def test_command_line(ranks, mpirun, tmp_path):
    """One table on any number of ranks; faults by one line and exit code 2."""
    done = mpirun(ranks, ["-m", "hpcqke", "stability", "two_beam"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("axially symmetric: 31 growing waves") == 1
    done = mpirun(ranks, ["-m", "hpcqke", "stability", "axisymmetric"], cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("gives no uniform P^z to perturb") == 1
    assert "Traceback" not in done.stderr
