"""Semi-discrete energy balance of the whole right-hand side (P12b, and P13 without Eq. 18).

d/dt (K + U + E_vacuum + E_matter) of the evaluated slope, for two and three flavors, antineutrinos,
complex mixing and matter that depends on z: zero to rounding. Each piece alone is not.
"""

import numpy as np
import pytest
from boxes import finished
from mpi4py import MPI

import hpcqke
from hpcqke import state
from hpcqke.case import make_case
from hpcqke.refractive_energy import bilinear

MIXING = {
    2: {"mass_splittings": [3.0], "theta": 0.4},
    3: {
        "mass_splittings": [1.0, -4.0],
        "theta12": 0.6,
        "theta13": 0.3,
        "theta23": 0.8,
        "delta_cp": 1.1,
    },
}
MATTER = {"profile": "cosine", "potential": 0.3, "amplitude": 0.8, "wave_number": 1}
GRIDS = {
    "(p, v)": {"rule": "uniform", "count": 6},
    "on axis": {"directions": [1.0, -1.0]},
}


def case_of(grid: str, flavors: int, antineutrinos: bool, gradient: dict, **terms):
    return make_case(
        {
            "name": "balance",
            "grid": {
                "z": {"length": 6.0, "cells": 24},
                "momentum": {
                    **GRIDS[grid],
                    "offset_range": [-18.0, 18.0],
                    "offset_cells": 24,
                    "p0": 20.0,
                },
            },
            "flavors": {"count": flavors, "antineutrinos": antineutrinos},
            "terms": {
                "advection": {},
                "self_interaction": {"mu": 1.3},
                "vacuum": MIXING[flavors],
                "matter": {**MATTER, "neutrons_per_electron": 0.7},
                "gradient": gradient,
                **terms,
            },
            "initial": {"recipe": "tilted", "momentum_width": 2.0},
            "time": {"end": 1.0},
        }
    )


def smooth(flavors: int):
    """Hermitian matrices that vary with z and v and vanish at the ends of the momentum window."""
    draw = np.random.default_rng(8)
    shape = (2, 3, 2, flavors, flavors)  # species, wave, even or odd in v
    a = draw.normal(size=shape) + 1j * draw.normal(size=shape)
    a = a + a.conj().swapaxes(-1, -2)

    def rho(species, z, q, v):
        s = 0 if species == "nu" else 1
        n = np.arange(3)
        waves = np.cos(2 * np.pi / 6.0 * n * z[:, None] + n)
        shifted = np.cos(2 * np.pi / 6.0 * n * z[:, None] + 2.1 * n + 0.4)
        g = np.exp(-(q**2) / 8.0) / 50
        even = np.einsum("zn,v,q,nij->zqvij", waves, np.ones_like(v), g, a[s, :, 0])
        return even + np.einsum("zn,v,q,nij->zqvij", shifted, v, g, a[s, :, 1])

    return rho


def power(case) -> dict[str, float]:
    """dE/dt of each energy, by the chain rule from the evaluated slope."""
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(smooth(case.flavors.count))
        rho, rate = sim.state(), sim.rhs()
        ps, equation = sim.ps, sim.equation
        weight, dz = ps.momentum.weight, ps.z.dz
        sign = np.array([1.0, -1.0])[: ps.S]
        both = rate.sum(axis=3)
        kinetic = dz * np.einsum("pd,pd,zpd->", weight, equation.energy, state.trace(both))
        net, net_rate = (np.einsum("s,zpdsc->zpdc", sign, x) for x in (rho, rate))
        v = ps.momentum.v
        M, dM = (np.einsum("pd,zpdc->zc", weight, x) for x in (net, net_rate))
        F, dF = (np.einsum("pd,d,zpdc->zc", weight, v, x) for x in (net, net_rate))
        refractive = dz * equation.strength(0.0) * np.sum(bilinear(M, dM) - bilinear(F, dF))
        external = equation.external
        vacuum = sum(external.modes(dz * rate.sum(axis=0)).values())
        matter = dz * np.sum(external.density(dM))
    return {"K": kinetic, "U": refractive, "vacuum": vacuum, "matter": matter}


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("flavors", [2, 3])
@pytest.mark.parametrize("antineutrinos", [False, True])
def test_energy_is_conserved_by_the_slope(grid, flavors, antineutrinos, figure):
    """P13 without Eq. (18): the sum of all rates vanishes, none of them does."""
    rates = power(case_of(grid, flavors, antineutrinos, {}))
    total, size = sum(rates.values()), max(map(abs, rates.values()))
    text = ", ".join(f"{name} {rate:.2e}" for name, rate in rates.items())
    figure(f"dE/dt {flavors} flavors {grid}", f"{text}; sum {total:.1e} (tol 1e-11)")
    assert abs(total) < 1e-11 * max(size, 1.0)
    assert min(map(abs, rates.values())) > 1e-4 * size


@pytest.mark.parametrize("part", ["weak_force", "group_velocity"])
def test_one_part_alone_does_not_close(part):
    """Energy is left over without the force, or without the velocity, in a (p, v) gas."""
    rates = power(case_of("(p, v)", 3, True, {part: False}))
    assert abs(sum(rates.values())) > 1e-3 * max(map(abs, rates.values()))


@pytest.mark.parametrize("flavors", [2, 3])
def test_flavor_is_conserved_without_vacuum_and_matter(flavors):
    """int sum (rho - rhobar) as a matrix, all components, and the number of each species."""
    off = {"vacuum": None, "matter": None}
    case = case_of("(p, v)", flavors, True, {})
    table = {f"terms.{name}": value for name, value in off.items()}
    case = make_case_again(case, table)
    with hpcqke.Simulation(case, comm=MPI.COMM_SELF) as sim:
        sim.set_state(smooth(flavors))
        rate, weight = sim.rhs(), sim.ps.momentum.weight
        net = np.einsum("pd,zpdc->c", weight, rate[..., 0, :] - rate[..., 1, :])
        size = np.einsum("pd,zpdsc->", weight, np.abs(rate))
        number = np.einsum("pd,zpds->s", weight, state.trace(rate))
    assert np.abs(net).max() < 1e-13 * size
    assert np.abs(number).max() < 1e-13 * size


def make_case_again(case, overrides: dict):
    import tomllib

    return make_case(tomllib.loads(case.to_toml()), overrides)


def test_force_of_a_matter_gradient(figure, tmp_path):
    """P12b: V = .8 cos z diag(1, 0), f0 = 1 + .5 sin z: mean q of nu_e +-.16829420, nubar_e -+."""
    case = make_case(
        {
            "name": "p12b",
            "grid": {
                "z": {"length": 2 * np.pi, "cells": 64},
                "momentum": {
                    "directions": [1.0, -1.0],
                    "offset_range": [-40.0, 40.0],
                    "offset_cells": 48,
                    "p0": 100.0,
                },
            },
            "flavors": {"count": 2, "antineutrinos": True},
            "terms": {
                "advection": {},
                "self_interaction": {"mu": 0.0},
                "matter": {"profile": "cosine", "amplitude": 0.8, "wave_number": 1},
                "gradient": {},
            },
            "initial": {"recipe": "tilted", "momentum_width": 5.0},
            "time": {"end": 1.0, "step": 0.02},
            "output": {"directory": str(tmp_path / "run")},
        }
    )

    def electrons(species, z, q, v):
        f = (1 + 0.5 * np.sin(z))[:, None, None] * np.exp(-(q**2) / 50)[None, :, None]
        rho = np.zeros((z.size, q.size, v.size, 2, 2))
        rho[..., 0, 0] = 0.3 * f * np.ones(v.size)
        return rho

    with hpcqke.Simulation(case) as sim:
        sim.set_state(electrons)
        sim.run(quiet=True)
    from hpcqke.analysis import open_run

    last = open_run(tmp_path / "run").series.occupation.isel(time=-1)
    mean = (last * last.momentum).sum("momentum") / last.sum("momentum")
    expected = 0.16829420 * np.array([[1, -1], [-1, 1]])
    error = np.abs(mean.transpose("direction", "species").values - expected).max()
    figure("P12b", f"max error of the mean q {error:.1e} (tol 1e-6)")
    assert error < 1e-6


def test_run_with_everything_on_closes_its_ledger(figure):
    """Two flavors, antineutrinos, vacuum and matter, on the axis: K + U + E_vac + E_mat."""
    settings = {
        "terms__vacuum__mass_splittings": (2.0,),
        "terms__vacuum__theta": 0.3,
        "terms__matter__profile": "cosine",
        "terms__matter__amplitude": 0.4,
        "terms__matter__wave_number": 2,
        "flavors__antineutrinos": True,
        "initial__polarization_bar": (0.2, -0.3),
        "initial__P0_bar": (0.4, 0.4),
        "grid__z__cells": 64,
        "time__end": 4.0,
        "output__series_every": 1.0,
        "output__fields_every": 4.0,
    }
    series = finished("gradient", **settings).series
    drift = float(abs(series.energy_total - series.energy_total[0]).max())
    change = float(abs(series.energy_refractive - series.energy_refractive[0]).max())
    figure("ledger with everything", f"{drift / change:.1e} of max |Delta U| (tol 1e-12)")
    assert drift < 1e-12 * change
