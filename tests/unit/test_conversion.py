"""Probabilities, lepton number, spectra and lengths of coherence, on fields with closed forms."""

import numpy as np
import pytest
import xarray as xr

from hpcqke import state
from hpcqke.analysis import coherence, growth, maps, monitors
from hpcqke.analysis import lepton_number as ln
from hpcqke.analysis.convention import to_physical_antinu
from hpcqke.analysis.probability import average_over, pair_survival, transition
from hpcqke.analysis.survival_picture import survivals
from hpcqke.errors import CaseError

L, NZ = 12.0, 96
Z = L * (np.arange(NZ) / NZ - 0.5)
TIME = np.array([0.0, 1.0, 2.0, 3.0])


def fields_of(rho, v, weight=None, species=("nu", "nubar"), momentum=(1.0,)):
    """Fields from rho of shape (time, z, momentum, direction, species, component)."""
    weight = np.ones((len(momentum), len(v))) if weight is None else weight
    names = state.COMPONENTS[state.number_of_flavors(rho.shape[-1])]
    return xr.Dataset(
        {
            "rho": (("time", "z", "momentum", "direction", "species", "component"), rho),
            "weight": (("momentum", "direction"), weight),
        },
        coords={
            "time": TIME[: rho.shape[0]], "z": Z[: rho.shape[1]], "momentum": list(momentum),
            "direction": v, "species": list(species[: rho.shape[4]]), "component": list(names),
        },
    )  # fmt: skip


def turned(angles, length=1.0):
    """Components of a pure state turned by the angles from nu_e: P = length (sin, 0, cos)."""
    angles = np.asarray(angles, float)
    nothing = np.zeros_like(angles)
    parts = [nothing + 1, np.sin(angles), nothing, np.cos(angles)]
    return length * np.stack(np.broadcast_arrays(*parts), axis=-1)


def gas():
    """Three directions of nu_e and nu_x with weights; turned by t * v and by a wave in z."""
    v, weight = np.array([-0.5, 0.25, 1.0]), np.array([[0.5, 1.0, 2.0]])
    n = np.array([1.0, 2.0, 3.0])
    angle = (
        TIME[:, None, None] * v
        + 0.1 * np.sin(2 * np.pi * Z / L)[:, None] * (TIME > 0)[:, None, None]
    )
    rho = turned(angle)[:, :, None, :, None, :] * n[:, None, None]
    return fields_of(rho, v, weight), angle, n * weight[0]


def test_transition_of_pure_modes():
    """P(e -> e) = cos^2(angle/2), P(e -> x) = sin^2; averages have w n, the spread is over z."""
    fields, angle, content = gas()
    found = transition(fields)
    local = np.cos(angle / 2) ** 2
    assert found["probability"].dims == ("time", "flavor", "momentum", "direction")
    P = found["probability"].sel(flavor="e").isel(momentum=0)
    assert P.values == pytest.approx(local.mean(axis=1), abs=1e-14)
    assert found["spread"].sel(flavor="x").isel(momentum=0).values == pytest.approx(
        local.std(axis=1), abs=1e-14
    )
    sums = local @ content / content.sum()
    assert found["average"].sel(flavor="e").values == pytest.approx(sums.mean(axis=1), abs=1e-14)
    assert found["average_spread"].sel(flavor="e").values == pytest.approx(
        sums.std(axis=1), abs=1e-14
    )
    assert found["average"].sum("flavor").values == pytest.approx(1, abs=1e-14)
    assert average_over(found, "momentum", "direction").values == pytest.approx(
        found["average"].values, abs=1e-14
    )
    assert average_over(found, "momentum").sel(flavor="e").values == pytest.approx(P.values)
    with pytest.raises(CaseError, match="no mode of nu began mainly as nu_x"):
        transition(fields, "x")
    with pytest.raises(CaseError, match='start = "tau": one of e, x'):
        transition(fields, "tau")
    with pytest.raises(CaseError, match='species = "nubar": one of nu'):
        transition(fields, "e", "nubar")


def test_three_flavors_and_energies():
    """rho turned by a unitary U: P(mu -> b) = |U_b,mu|^2 of each |p|."""
    rng = np.random.default_rng(4)
    U = [np.linalg.qr(rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)))[0] for _ in "12"]
    start = np.diag([0, 1.0, 0]).astype(complex)
    frames = [[start, start], [u @ start @ u.conj().T for u in U]]
    rho = state.from_matrix(np.array(frames))[:, None, :, None, None, :] * np.ones((NZ, 1, 1, 1, 1))
    fields = fields_of(rho, [0.0], np.array([[1.0], [3.0]]), momentum=(1.0, 2.0))
    found = transition(fields, "mu")
    exact = np.abs([u[:, 1] for u in U]) ** 2
    by_energy = average_over(found, "direction").isel(time=1).transpose("momentum", "flavor")
    assert by_energy.values == pytest.approx(exact, abs=1e-14)
    assert found["average"].values[1] == pytest.approx((exact[0] + 3 * exact[1]) / 4, abs=1e-14)


def test_modes_of_net_lepton_number():
    """rho = rho_nu - rho_nubar < 0 of a direction counts with |Tr rho|."""
    P, n = np.array([1.0, 0.75, 0.5, 0.2]), np.array([1.0, -3.0])
    rho = np.zeros((4, NZ, 1, 2, 1, 4))
    rho[..., 0] = n[:, None]
    rho[..., 0, 0, 3] = n[0]
    rho[..., 1, 0, 3] = n[1] * (2 * P - 1)[:, None, None]
    found = transition(fields_of(rho, [-1.0, 1.0]))
    assert found["average"].sel(flavor="e").values == pytest.approx((1 + 3 * P) / 4, abs=1e-14)
    assert found["content"].values[0] == pytest.approx([1, 3])


def test_spectra_of_open_boxes_are_refused():
    fields = wave({1: 0.1})
    with pytest.raises(CaseError, match="periodic"):
        coherence.power_spectrum(fields.assign_coords(z=fields["z"] + L / NZ / 2))


def test_survival_of_a_pair():
    """Mixed modes: rho_ee = P n_e + (1 - P) n_x also for those with more nu_x."""
    n_e, n_x, P = np.array([1.0, 0.3]), np.array([0.4, 0.9]), np.array([1.0, 0.8, 0.3, 0.1])
    rho = np.zeros((4, NZ, 1, 2, 1, 4))
    rho[..., 0] = (n_e + n_x)[:, None]
    rho[..., 3] = ((2 * P - 1)[:, None] * (n_e - n_x))[:, None, None, :, None]
    fields = fields_of(rho, [-1.0, 1.0], np.array([[2.0, 5.0]]))
    found = pair_survival(fields)
    assert found["probability"].values[:, 0] == pytest.approx(np.stack([P, P], 1), abs=1e-14)
    assert found["content"].values[0] == pytest.approx([1.2, 3.0])
    ee = state.occupations(rho)[:, 0, 0, :, 0, 0]
    assert ee == pytest.approx(P[:, None] * n_e + (1 - P)[:, None] * n_x, abs=1e-14)


def lepton_gas(azimuths=1):
    """nu_e and nubar_e of Gauss-Legendre directions, L_e = v - 0.3 at first, then half of it."""
    v, w = np.polynomial.legendre.leggauss(8)
    rho = np.zeros((2, NZ, 1, 8, 2, 4))
    for i, left in enumerate((1.0, 0.5)):
        wave = 1 + 0.1 * np.sin(2 * np.pi * Z / L)[:, None]
        e, bar = 2 + left * (v - 0.3) * wave, 2.0 + 0 * wave
        for s, n in enumerate((e, bar)):
            rho[i, :, 0, :, s, 0] = n + 0.25
            rho[i, :, 0, :, s, 3] = n - 0.25  # rho_xx = 0.25 of both
    rho = np.tile(rho, (1, 1, 1, azimuths, 1, 1))
    weight = np.tile(w / azimuths, azimuths)
    return fields_of(rho, np.tile(v, azimuths), weight[None]), v, w


@pytest.mark.parametrize("azimuths", [1, 3])
def test_lepton_number_and_its_crossing(azimuths):
    """ELN is per dv over all azimuths; G crosses at 0.3; I+ - I- = int G dv."""
    fields, v, w = lepton_gas(azimuths)
    found = ln.lepton_number(fields)
    assert found["direction"].values == pytest.approx(v)
    assert found["weight"].values == pytest.approx(w)
    assert found["lepton_number"].sel(flavor="e").values == pytest.approx(
        np.outer([1, 0.5], v - 0.3), abs=1e-14
    )
    assert found["lepton_number"].sel(flavor="x").values == pytest.approx(0, abs=1e-14)
    at = ln.lepton_number(fields, z=L / 4)["lepton_number"].sel(flavor="e")
    assert at.values == pytest.approx(np.outer([1, 0.5], v - 0.3) * 1.1, abs=1e-14)
    everywhere = ln.net_distribution(ln.lepton_number(fields, "all"))
    assert everywhere.mean("z").values == pytest.approx(np.outer([1, 0.5], v - 0.3), abs=1e-14)
    signs = ln.crossings(found)
    assert signs["eln_crossing"].values[:, 0] == pytest.approx(0.3, abs=1e-12)
    assert (signs["plus"] - signs["minus"]).values == pytest.approx([-0.6, -0.3], abs=1e-14)
    assert (signs["minus"] > signs["plus"]).all()
    ends = ln.end_states(found)
    right = v > 0.3  # G > 0 there, and less of it
    assert ends["survival"].sel(model="box").values[right] == pytest.approx(0.5)
    G = found["lepton_number"].sel(flavor="e").values[0]
    for P in ends["survival"].values:
        assert np.sum(w * G * (1 - P)) == pytest.approx(0, abs=1e-10)


def test_several_momenta_need_the_weights_of_directions():
    fields = fields_of(np.ones((1, NZ, 2, 3, 1, 4)), [-1.0, 0.0, 1.0], np.full((2, 3), 0.5),
                       momentum=(1.0, 2.0))  # fmt: skip
    with pytest.raises(CaseError, match="v_weight must be given"):
        ln.lepton_number(fields)
    found = ln.lepton_number(fields, v_weight=np.ones(3))
    assert found["lepton_number"].sel(flavor="e").values == pytest.approx(1.0)  # 2 x 0.5 x (1+1)/2


def wave(amplitudes, v=(0.0,), weight=None):
    """Fields with rho_ex = sum_n a_n(direction) e^{-2 pi i n z/L}: psi has wave numbers +n."""
    v = np.asarray(v, float)
    off = sum(
        np.exp(-2j * np.pi * n * Z / L)[:, None] * np.broadcast_to(a, v.shape)
        for n, a in amplitudes.items()
    )
    matrix = np.zeros((1, NZ, 1, v.size, 1, 2, 2), complex)
    matrix[0, :, 0, :, 0, 0, 1], matrix[0, :, 0, :, 0, 1, 0] = off, off.conj()
    matrix[..., 0, 0] = 1.0
    return fields_of(state.from_matrix(matrix), v, weight)


def test_spectrum_of_waves():
    """|rho_ex,k|^2 with weights, at the sign of k that psi = 2 rho_ex* has; Parseval."""
    weight = np.array([[0.5, 2.0]])
    fields = wave({3: [0.1, 0.2], -5: [0.3, 0.0]}, [-0.5, 0.5], weight)
    S = coherence.power_spectrum(fields)
    k = 2 * np.pi / L
    assert float(S.sel(k=3 * k, method="nearest")[0]) == pytest.approx(0.5 * 0.01 + 2 * 0.04)
    assert float(S.sel(k=-5 * k, method="nearest")[0]) == pytest.approx(0.5 * 0.09)
    assert float(S.sel(k=-3 * k, method="nearest")[0]) == pytest.approx(0, abs=1e-25)
    psi = state.off_diagonals(fields["rho"].values)[0, :, 0, :, 0, 0]
    assert float(S.sum()) == pytest.approx(np.sum(weight * np.mean(np.abs(psi) ** 2 / 4, axis=0)))
    each = coherence.power_spectrum(fields, by_direction=True)
    assert each.sum("direction").values == pytest.approx(S.values, abs=1e-18)
    assert float(each.sel(direction=0.5, k=3 * k, method="nearest")[0]) == pytest.approx(0.08)


def test_correlation_of_a_single_wave():
    """C = e^{ikr}: its real part has fallen to 1/2 at pi/3k, its modulus nowhere."""
    power = coherence.power_spectrum(wave({2: 0.1}))
    C = coherence.correlation(power)
    k = 4 * np.pi / L
    assert C.values[0] == pytest.approx(np.exp(1j * k * C["r"].values), abs=1e-12)
    assert C["r"].values[-1] == pytest.approx(L / 2)
    found = coherence.coherence_lengths(power)
    assert float(found["correlation_length"][0]) == pytest.approx(np.pi / (3 * k), rel=3e-3)
    assert np.isinf(float(found["coherence_length"][0]))
    assert np.isnan(float(coherence.coherence_lengths(
        coherence.power_spectrum(wave({2: 0.0})))["coherence_length"][0]))  # fmt: skip


@pytest.mark.parametrize("cells", [7, 8])
def test_correlation_on_odd_and_even_cells(cells):
    k = np.sort(2 * np.pi / L * np.fft.fftfreq(cells, 1 / cells))
    power = xr.DataArray(np.isclose(k, 4 * np.pi / L) * 3.0, {"k": k}, ("k",), attrs={"length": L})
    C = coherence.correlation(power)
    r = L / cells * np.arange(cells // 2 + 1)
    assert C["r"].values == pytest.approx(r)
    assert C.values == pytest.approx(np.exp(4j * np.pi / L * r), abs=1e-14)


def test_coherence_length_of_a_gaussian_spectrum():
    """S ~ exp(-(k - k0)^2/2 s^2): |C| = exp(-s^2 r^2/2), half at sqrt(2 ln 2)/s, whatever k0 is."""
    n, k0, s = np.arange(-30, 31), 8, 4.0
    fields = wave({int(i): np.exp(-((i - k0) ** 2) / (4 * s**2)) for i in n})
    found = coherence.coherence_lengths(coherence.power_spectrum(fields))
    exact = np.sqrt(2 * np.log(2)) / (s * 2 * np.pi / L)
    assert float(found["coherence_length"][0]) == pytest.approx(exact, rel=5e-3)
    assert float(found["correlation_length"][0]) < 0.5 * exact


def test_angular_spectrum():
    """rho_ex = a P_2(v) has A_2 = (5/2)(2/5)^2 a^2 = (2/5) a^2 = int rho_ex^2 dv, and no other."""
    v, w = np.polynomial.legendre.leggauss(6)
    fields = wave({1: 0.1 * (1.5 * v**2 - 0.5)}, v, w[None])
    A = coherence.angular_spectrum(fields).values[0]
    assert A[2] == pytest.approx(0.4 * 0.01)
    assert np.delete(A, 2) == pytest.approx(0, abs=1e-20)
    assert A.size == 6
    with pytest.raises(CaseError, match="lmax = 6: must be from 0 to 5"):
        coherence.angular_spectrum(fields, lmax=6)


def test_growth_of_any_amplitude():
    t = np.linspace(0, 4, 9)
    y = xr.DataArray(np.exp(np.outer(t, [0.5, -0.2])) * [1, 3], {"time": t}, ("time", "k"))
    found = growth.fit_rate(y, (1.0, 3.0))
    assert found["gamma"].values == pytest.approx([0.5, -0.2])
    assert found["residual"].values == pytest.approx(0, abs=1e-14)
    with pytest.raises(CaseError, match="must hold 3 rows"):
        growth.fit_rate(y, (1.0, 1.4))


def test_maps_of_space_and_time():
    """Phase of rho_ex itself: a wave of psi with +n has the phase -2 pi n z/L."""
    fields = wave({1: [0.1, 0.4j]}, [-0.5, 0.5], np.array([[1.0, 2.0]]))
    one = maps.space_time(fields, v=-0.4)
    assert one.attrs["v"] == -0.5
    assert one["coherence"].values == pytest.approx(0.1)
    assert np.exp(1j * one["phase"].values[0]) == pytest.approx(np.exp(-2j * np.pi * Z / L))
    assert one["polarization"].values == pytest.approx(1.0)  # rho_ee = 1, rho_xx = 0
    total = maps.space_time(fields)
    assert total["coherence"].values == pytest.approx(abs(0.1 + 0.8j))
    at = maps.angular_distribution(fields, 0.0)
    assert at["coherence"].sel(species="nu", pair="ex").values == pytest.approx([0.1, 0.4])
    assert at["occupation"].sel(species="nu", flavor="e").values == pytest.approx([1.0, 1.0])
    here = maps.angular_distribution(fields, 0.0, z=1.0)
    assert float(here["z"]) == pytest.approx(1.0)
    assert here["coherence"].sel(species="nu", pair="ex").values == pytest.approx([0.1, 0.4])


def test_antineutrinos_of_the_other_convention():
    """Complex conjugate: matrices and components agree, twice is nothing."""
    fields, *_ = gas()
    both = xr.concat([fields["rho"], fields["rho"]], "species").assign_coords(
        species=["nu", "nubar"]
    )
    bar = both.sel(species="nubar") + xr.DataArray([0, 0, 0.3, 0], dims="component")
    turned_bar = to_physical_antinu(bar)
    assert state.to_matrix(turned_bar.transpose(..., "component").values) == pytest.approx(
        to_physical_antinu(state.to_matrix(bar.transpose(..., "component").values))
    )
    assert float(turned_bar.sel(component="Py").max()) == pytest.approx(-0.3)
    assert to_physical_antinu(turned_bar).equals(bar)
    assert turned_bar.dims == bar.dims
    with pytest.raises(CaseError, match='select species = "nubar"'):
        to_physical_antinu(both)
    three = xr.DataArray(np.arange(9.0), {"component": list(state.COMPONENTS[3])}, ("component",))
    assert state.to_matrix(to_physical_antinu(three).values) == pytest.approx(
        state.to_matrix(three.values).conj()
    )


def test_transverse_energy_of_two_beams():
    """U_osc of the off-diagonals of v = +-1: mu int Re(psi_+* psi_-) dz."""
    fields = wave({1: [0.1, 0.2j + 0.05], 2: [0.0, 0.3]}, [1.0, -1.0])
    psi = state.off_diagonals(fields["rho"].values)[0, :, 0, :, 0, 0]
    exact = 2.5 * np.mean((psi[:, 0].conj() * psi[:, 1]).real) * L
    assert monitors.transverse_energy(fields, mu=2.5).values[0] == pytest.approx(exact)


def test_monitors():
    matrix = np.zeros((3, 2, 4))
    matrix[:, 0], matrix[:, 1] = [10, 0, 0, 4], [8, 0, 0, 2]
    matrix[1, 0, 3] += 0.6  # rho_ee + 0.3, rho_xx - 0.3 of neutrinos
    series = xr.Dataset(
        {
            "number": (("time", "species"), [[10.0, 8], [10, 8], [10, 8.18]]),
            "flavor_matrix": (("time", "species", "component"), matrix),
            "polarization_norm_error": ("time", [0.0, -3e-9, 1e-9]),
            "eigenvalue_min": ("time", [0.0, -1e-3, 0.1]),
            "eigenvalue_max": ("time", [2.0, 2.1, 1.0]),
            "entropy": ("time", [1.0, 0.9, 2.0]),
            "energy_refractive_osc": ("time", [1.0, 2.0, 3.0]),
        },
        {"time": [0.0, 1, 2], "species": ["nu", "nubar"]},
    )
    totals = monitors.lepton_totals(series)
    assert totals["e"] == pytest.approx([2.0, 2.3, 2.0])
    assert totals["x"] == pytest.approx([0.0, -0.3, 0.0])
    assert monitors.worst(monitors.monitors(series)) == pytest.approx({
        "trace": 0.01, "length": 3e-9, "lepton_e": 0.3 / 18, "lepton_x": 0.3 / 18,
        "eigenvalue_min": -1e-3, "eigenvalue_growth": 1.05, "entropy_change": -0.1,
    })  # fmt: skip


def test_survivals_of_the_picture():
    """Mixed modes of two flavors: P of the pair; with collisions what is left of rho_ee."""
    n_e, n_x, P = np.array([1.0, 0.9]), np.array([0.4, 0.3]), np.array([1.0, 0.8, 0.3, 0.1])
    rho = np.zeros((4, NZ, 1, 2, 1, 4))
    rho[..., 0] = (n_e + n_x)[:, None]
    rho[..., 3] = ((2 * P - 1)[:, None] * (n_e - n_x))[:, None, None, :, None]
    fields = fields_of(rho, [-1.0, 1.0], np.array([[2.0, 5.0]]))
    (one,) = survivals(fields)
    assert one.average == pytest.approx(P, abs=1e-14)
    assert one.column is None
    (one,) = survivals(fields, collisions=True)
    left = (P * (2 * 1.0 + 5 * 0.9) + (1 - P) * (2 * 0.4 + 5 * 0.3)) / 6.5
    assert one.average == pytest.approx(left, abs=1e-14)
    assert one.column == ("nu", "e")
    (pure,) = survivals(gas()[0])
    assert pure.average == pytest.approx(transition(gas()[0])["average"].sel(flavor="e").values)
    assert pure.spread == pytest.approx(
        transition(gas()[0])["average_spread"].sel(flavor="e").values
    )
    (made,) = survivals(gas()[0], collisions=True)
    assert (pure.name, made.name) == (" P_{ee}", r"\rho_{ee}/\rho_{ee}(0)")
