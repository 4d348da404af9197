"""What stars add to their own radial velocities: known stars, any stars, tables, and real ones."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from chronostar import cli
from chronostar.datatools import InputError, StarData, prepare, read_table
from chronostar.lineshifts import DWARFS, SCALES, gravitational_redshift, line_shift
from chronostar.synthdata import SynthData
from chronostar.transforms import line_of_sight

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "real"


@pytest.fixture
def table():
    "Twenty stars with colours and magnitudes, two without a colour, two without a radial velocity."
    synth = SynthData([[60, -40, 0, 2, -8, 1, 6.0, 0.8, 20.0]], [20], rng=1)
    table = Table(synth.generate(), masked=True)
    table["bp_rp"] = np.linspace(0.5, 3.0, 20)
    table["phot_g_mean_mag"] = np.interp(table["bp_rp"], *DWARFS.T[:2]) - 5 * np.log10(table["parallax"] / 100)
    table["bp_rp"][3], table["bp_rp"][4] = np.nan, 999
    table["radial_velocity"].mask[5:7] = table["radial_velocity_error"].mask[5:7] = True
    return table


def along(stars, before):
    "By how much the velocities have changed along the line of sight, and across (n,)."
    change, sight = stars.means[:, 3:] - before.means[:, 3:], line_of_sight(before.means)
    radial = np.einsum("ni,ni->n", change, sight)
    return radial, np.linalg.norm(change - radial[:, None] * sight, axis=1)


@pytest.mark.parametrize(("mass", "radius", "measured", "error"), [
    (1, 1, 0.6365, 0.001),  # the Sun (Lindegren and Dravins 2003)
    (1.018, 0.0081, 80.4, 4.8),  # Sirius B: mass and radius of Bond et al. 2017, redshift of Barstow et al. 2005
])
def test_redshifts_that_are_known(mass, radius, measured, error):
    assert abs(gravitational_redshift(mass, radius) - measured) < error


def test_giants_in_wide_binaries_seem_slower_than_the_dwarfs_beside_them():
    "By 0.49 ± 0.02 km/s in Gaia DR3, in 500 pairs of a solar-type star and a giant (El-Badry 2022, arXiv:2206.11092)."
    dwarfs, giants = line_shift(np.linspace(0.75, 0.95, 9)), line_shift(np.linspace(1.1, 1.3, 9), 0.6)
    assert abs(dwarfs.mean() - giants.mean() - 0.49) < 0.06


def test_dwarfs_and_giants_of_the_hyades_differ_as_observed():
    "Spectroscopic less astrometric velocities differ by 0.63 ± 0.13 km/s for each solar mass per radius (Leão et al. 2019)."
    dwarfs, giants = line_shift(np.linspace(0.8, 1.6, 9)), line_shift(1.15, 0.4)
    assert 0.3 < dwarfs.mean() - giants < 0.75


@given(st.floats(-1, 8), st.floats(-10, 25), st.floats(0, 5))
def test_a_brighter_star_is_larger_and_its_shift_smaller(bp_rp, M_G, brighter):
    shift, of_brighter, of_dwarf = line_shift(bp_rp, M_G), line_shift(bp_rp, M_G - brighter), line_shift(bp_rp)
    assert -0.3 <= of_brighter <= shift <= of_dwarf <= 0.65


@given(st.floats(-1, 8), st.floats(0, 10))
def test_redshift_falls_as_the_square_root_of_the_luminosity(bp_rp, above):
    of_dwarf, temperature, mass, radius = (np.interp(bp_rp, DWARFS[:, 0], column) for column in DWARFS.T[1:])
    gained = line_shift(bp_rp) - line_shift(bp_rp, of_dwarf - above)
    np.testing.assert_allclose(gained, gravitational_redshift(mass, radius) * (1 - 10 ** (-above / 5)), atol=1e-12)


@pytest.mark.parametrize("scale", SCALES)
def test_only_measured_velocities_change_and_only_along_the_line_of_sight(table, scale, caplog):
    before = table.copy()
    with caplog.at_level("INFO"):
        plain, by_colour = prepare(table, fake_rvs=True), prepare(table, fake_rvs=True, rv_shift=scale)
    radial, across = along(by_colour, plain)
    colour = np.asarray(table["bp_rp"].filled(np.nan))
    expected = SCALES[scale] - line_shift(colour)
    np.testing.assert_allclose(across, 0, atol=1e-9)
    with_colour = [0, 1, 2, *range(7, 20)]
    np.testing.assert_allclose(radial[with_colour], expected[with_colour], atol=1e-9)
    np.testing.assert_allclose(radial[3:7], [np.median(expected[with_colour])] * 2 + [0, 0], atol=1e-3)
    done = by_colour.stars.provenance["rv_shift"]
    assert done["by"] == scale and done["without colour"] == 2 and done["lowest"] < done["median"] < done["highest"]
    assert "without a colour, and shifted by the median: 2 (" in caplog.text and f"by colour ({scale})" in caplog.text
    assert all((table[name].filled(-1) == before[name].filled(-1)).all() for name in ("radial_velocity", "radial_velocity_error"))


def test_without_magnitudes_all_are_dwarfs(table, caplog):
    table["phot_g_mean_mag"] -= 3.0
    bright = prepare(table, fake_rvs=True, rv_shift="colour")
    table.remove_column("phot_g_mean_mag")
    with caplog.at_level("INFO"):
        dwarfs = prepare(table, fake_rvs=True, rv_shift="colour")
    assert "no column 'phot_g_mean_mag'" in caplog.text
    assert dwarfs.shifts["median"] < bright.shifts["median"] - 0.2


def test_a_colour_by_another_name(table):
    reference = prepare(table, fake_rvs=True, rv_shift="colour")
    for name, columns in (("BP-RP", None), ("mine", {"bp_rp": "mine"})):
        other = table.copy()
        other.rename_column("bp_rp", name)
        np.testing.assert_array_equal(prepare(other, True, "colour", columns).means, reference.means)
    other.rename_column("mine", "BP_RP")
    other["bp_rp2"] = 1.0
    np.testing.assert_array_equal(prepare(other, True, "colour").means, reference.means)


def test_what_cannot_be_done(table):
    for scale in ("color", "sun", "0.5", None, "COLOUR"):
        with pytest.raises(InputError, match="km/s, or colour or colour-solar"):
            prepare(table, True, scale)
    cartesian = prepare(table, True).stars.table()
    with pytest.raises(InputError, match="Cartesian"):
        prepare(cartesian, True, "colour")
    table.remove_column("bp_rp")
    with pytest.raises(InputError, match="no column 'bp_rp'"):
        prepare(table, True, "colour")


def test_the_command_leaves_the_table_as_it_is(table, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table.write("stars.fits")
    cli.prepare_data(["stars.fits", "-f", "-w", "-o", "plain"])
    written = Path("stars.fits").read_bytes()
    cli.prepare_data(["stars.fits", "-f", "-w", "-o", "shifted", "--rv-shift", "colour-solar"])
    assert Path("stars.fits").read_bytes() == written
    said = capsys.readouterr().err
    assert "by colour (colour-solar)" in said and "without a colour" in said
    shifted = StarData.read("shifted")
    assert shifted.provenance["rv_shift"]["by"] == "colour-solar"
    assert np.abs(along(shifted, StarData.read("plain"))[0]).max() > 0.05
    for wrong in ("color", "nan"):
        with pytest.raises(SystemExit) as stop:
            cli.prepare_data(["stars.fits", "-f", "--rv-shift", wrong])
        assert stop.value.code == 2 and "colour or colour-solar" in capsys.readouterr().err


@pytest.mark.skipif(not REAL.exists(), reason="the tables of ../shared/data are not here")
@pytest.mark.parametrize(("name", "low", "high"), [("bpmg_neighbourhood_gaia_dr2.fits", 0.4, 0.6), ("psc_eri.ecsv", 0.45, 0.6),
                                                   ("ic_2602.ecsv", 0.3, 0.5), ("rho_oph_field.ecsv", 0.05, 0.4)])
def test_real_stars_have_between_a_tenth_and_six_tenths(name, low, high):
    "Field stars of the main sequence have the whole shift; reddened pre-main-sequence stars and giants less."
    table = read_table(REAL / name)
    done = prepare(table, fake_rvs=True, rv_shift="colour").shifts
    assert low < -done["median"] < high and done["lowest"] > -0.66 and done["highest"] < 0.3
