"""Tables as they come from archives, papers and spreadsheets: read as they are meant, and never changed but in empty cells."""

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chronostar import cli
from chronostar.datatools import FAKE_RV_ERROR, InputError, StarData, prepare, read_table
from chronostar.synthdata import generate_gaia_sky, worked_example

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"
in_cases = pytest.mark.skipif(not CASES.exists(), reason="the tables of ../shared/cases are not here")


@pytest.fixture
def case(tmp_path, monkeypatch):
    "A copy of a file of ../shared/cases in an empty folder."
    monkeypatch.chdir(tmp_path)

    def copy(name, new=None):
        shutil.copyfile(CASES / name, tmp_path / (new or name))
        return new or name

    return copy


def run(*argv):
    cli.prepare_data(["-o", "s", *argv])
    return StarData.read("s")


def refused(capsys, *argv):
    with pytest.raises(SystemExit) as stop:
        cli.prepare_data([*argv, "-o", "s"])
    assert stop.value.code == 2
    return capsys.readouterr().err


READ = ["07_gaia_votable_1.3.vot", "08_missing_as_null.csv", "09_bulk_download.csv.gz", "10_bom_id_first.csv",
        "10_bom_ra_first.csv", "11_hash_before_header.csv", "15_no_ra_error.csv", "16_csv_named.dat", "16_semicolons.csv",
        "16_comment_lines.csv",
        "17_units_in_words.fits"]


@in_cases
@pytest.mark.parametrize("name", READ)
def test_tables_that_are_read(case, name):
    "All hold the same 30 stars, 18 of them with a radial velocity; so does case 02, but for six uncertainties."
    expected = prepare(read_table(CASES / READ[1]), fake_rvs=True)
    case(name)
    with_rv, all_of_them = run(name), run("-f", name)
    assert len(with_rv) == 18 and len(all_of_them) == 30 and all_of_them.fake_rvs.sum() == 12
    np.testing.assert_array_equal(all_of_them.ids, expected.ids)
    digits = 2e-4 if name == "17_units_in_words.fits" else 1e-9  # the others are rounded to 1e-5 mas and 1e-4 km/s
    np.testing.assert_allclose(all_of_them.means, expected.means, atol=digits, rtol=0)
    tolerance = {"15_no_ra_error.csv": dict(atol=1e-3), "17_units_in_words.fits": dict(rtol=5e-3, atol=1e-6)}  # as above
    covs, there = all_of_them[~all_of_them.fake_rvs].covs, ~expected.fake_rvs
    np.testing.assert_allclose(covs, expected.covs[there], **tolerance.get(name, dict(rtol=1e-9)))


@in_cases
def test_velocities_whose_errors_have_another_name(case, capsys):
    name = case("01_rv_error_under_another_name.csv")
    before = Path(name).read_bytes()
    for argv in (["-f"], ["-f", "-w"], []):
        message = refused(capsys, *argv, name)
        assert "radial_velocity_error=rv_error" in message and "Traceback" not in message
    assert Path(name).read_bytes() == before
    stars = run("-f", "--columns", "radial_velocity_error=rv_error", name)
    assert (~stars.fake_rvs).sum() == 18


@in_cases
def test_velocities_without_errors(case, capsys):
    name = case("02_rv_without_error_in_six_rows.csv")
    before = Table.read(name)
    run("-f", "-w", name)
    said = capsys.readouterr().err
    assert "12 of them have no radial velocity, and 6 one that is no measurement" in said
    assert "6 radial velocities are not used" in said and "no value for radial_velocity_error" in said
    after = read_table(name)
    given = ~before["radial_velocity"].mask
    assert given.sum() == 18
    np.testing.assert_array_equal(after["radial_velocity"][given], before["radial_velocity"][given])
    assert (after["radial_velocity_error"] == FAKE_RV_ERROR).sum() == 12 and after["radial_velocity_error"].mask.sum() == 6
    assert run("-f", name).fake_rvs.sum() == 18  # the second time as the first
    assert run("-f", "--rv-error", "2.5", name).fake_rvs.sum() == 12


@in_cases
def test_velocities_of_another_release(case, capsys):
    name = case("03_edr3_dr2_radial_velocity.csv")
    assert run("-f", name).fake_rvs.all()
    assert "if dr2_radial_velocity, dr2_radial_velocity_error are measurements" in capsys.readouterr().err
    which = "radial_velocity=dr2_radial_velocity,radial_velocity_error=dr2_radial_velocity_error"
    assert (~run("-f", "--columns", which, name).fake_rvs).sum() == 18
    assert which in refused(capsys, name)


@in_cases
@pytest.mark.parametrize(("name", "why"), [("04_missing_rv_as_zero_zero.csv", "radial_velocity_error is 0"),
                                           ("05_missing_rv_as_-9999_pm_1.csv", "radial_velocity is a placeholder")])
def test_numbers_that_stand_for_none(case, capsys, name, why):
    "The fit sees what it sees where these cells are empty, and the user's numbers stay in the file."
    before = Path(case(name)).read_bytes()
    expected = run("-f", case("reference.csv"))
    stars = run("-f", "-w", name)
    assert f"73 radial velocities are not used, for they are no measurements: {why}" in capsys.readouterr().err
    np.testing.assert_array_equal(stars.fake_rvs, expected.fake_rvs)
    assert stars.fingerprint == expected.fingerprint and Path(name).read_bytes() == before


@in_cases
def test_rows_without_an_id(case, capsys):
    stars = run(case("12_three_rows_without_gaia_match.csv"))
    said = capsys.readouterr().err
    assert "3 left out: no source_id" in said and "11 left out: no value for radial_velocity" in said and len(stars) == 16


@in_cases
def test_parallaxes_within_their_errors(case, capsys):
    run(case("14_parallaxes_within_their_errors.csv"))
    said = capsys.readouterr().err
    assert "55 stars have a parallax below 5 times its error" in said and "6 left out: parallax not positive" in said
    assert "19 left out: parallax below its error" in said


@in_cases
def test_no_value_under_a_mask_is_taken_for_data(case):
    done = subprocess.run([sys.executable, case("18_masked_array.py")], capture_output=True, text=True)
    assert "1 of 30 stars have masked values, the first in row 3" in done.stderr and not done.stdout


@in_cases
def test_other_kinds_of_tables(case):
    table = read_table(CASES / "reference.csv")
    expected = prepare(table, fake_rvs=True)
    objects = Table(table, copy=True)
    values = table["radial_velocity"].tolist()
    objects["radial_velocity"] = np.array(values, dtype=object)
    path = CASES / "reference.csv"
    for what in (table.as_array(), {c: table[c] for c in table.colnames}, path, str(path), objects):
        prepared = prepare(what, fake_rvs=True)
        np.testing.assert_array_equal(prepared.ids, expected.ids)
        np.testing.assert_allclose(prepared.X, expected.X, rtol=1e-12)
    objects["radial_velocity"][3] = "unknown"
    with pytest.raises(InputError, match="'unknown' in row 3"):
        prepare(objects, fake_rvs=True)
    for what in ([1, 2], 7, None, np.zeros((3, 6))):
        with pytest.raises(InputError, match="a table is an astropy Table"):
            prepare(what)


def test_data_frames():
    pandas = pytest.importorskip("pandas")
    table, _ = generate_gaia_sky(50, [], rng=3)
    expected = prepare(table, fake_rvs=True)
    frame = table[[c for c in table.colnames if table[c].ndim == 1]].to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    for what in (frame, frame.astype({"radial_velocity": object}).replace({float("nan"): None})):
        prepared = prepare(what, fake_rvs=True)
        np.testing.assert_array_equal(prepared.ids, expected.ids)
        np.testing.assert_allclose(prepared.X, expected.X, rtol=1e-9, atol=1e-9)


VIZIER = """#
#   VizieR Astronomical Server
#Coosys\tG:\tICRS
#Table\tI_355_gaiadr3:
#
Source\tRA_ICRS\te_RA_ICRS\tDE_ICRS\te_DE_ICRS\tPlx\te_Plx\tpmRA\te_pmRA\tpmDE\te_pmDE\tRADEcor\tRV\te_RV
\tdeg\tmas\tdeg\tmas\tmas\tmas\tmas/yr\tmas/yr\tmas/yr\tmas/yr\t \tkm/s\tkm/s
-------------------\t--------\t----\t--------\t----\t-----\t----\t-----\t----\t-----\t----\t----\t-----\t----
4792774797545105664\t 86.82\t0.10\t-51.07\t0.12\t51.40\t0.09\t  4.65\t0.11\t 83.10\t0.10\t0.3000\t 20.00\t0.70
4792774797545105665\t 87.82\t0.10\t-51.07\t0.12\t51.40\t0.09\t  4.65\t0.11\t 83.10\t0.10\t0.3000\t      \t
"""


def test_tables_from_vizier(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    Path("v.tsv").write_text(VIZIER)
    caplog.set_level("INFO")
    prepared = prepare("v.tsv", fake_rvs=True)
    assert "parallax is Plx" in caplog.text and "ra_dec_corr is RADEcor" in caplog.text
    assert prepared.ids.tolist() == [4792774797545105664, 4792774797545105665] and prepared.fake_rvs.tolist() == [False, True]
    gaia = Table(dict(source_id=[1], ra=[86.82], ra_error=[0.1], dec=[-51.07], dec_error=[0.12], parallax=[51.4],
                      parallax_error=[0.09], pmra=[4.65], pmra_error=[0.11], pmdec=[83.1], pmdec_error=[0.1], ra_dec_corr=[0.3],
                      radial_velocity=[20.0], radial_velocity_error=[0.7]))
    np.testing.assert_allclose(prepared.X[:1], prepare(gaia).X, rtol=1e-12)
    cli.prepare_data(["-q", "-f", "-w", "v.tsv"])
    lines = VIZIER.splitlines()
    assert Path("v.tsv").read_text().splitlines()[:-1] == lines[:-1]  # only the star without a velocity has changed
    assert Path("v.tsv").read_text().splitlines()[-1].split("\t")[-2:] == ["20.0", "10000.0"]


def test_machine_readable_and_ipac_tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table, _ = worked_example(5)
    table = table[table["parallax"] > 1][:20]
    expected = prepare(table)
    table.write("m.mrt", format="ascii.mrt")
    table.write("i.tbl", format="ascii.ipac")
    for old, new in (("m.mrt", "m.txt"), ("i.tbl", "i.txt")):
        shutil.copyfile(old, new)  # told by the content alone
        prepared = prepare(new)
        np.testing.assert_array_equal(prepared.ids, expected.ids)
        np.testing.assert_allclose(prepared.X, expected.X, rtol=1e-6, atol=1e-6)
    cli.prepare_data(["-q", "-f", "i.txt"])  # a fixed layout: the copy is ECSV
    np.testing.assert_array_equal(read_table("modified-i.txt.ecsv")["source_id"], table["source_id"])
    with pytest.raises(SystemExit):
        cli.prepare_data(["-q", "-f", "-w", "i.txt"])


def test_tables_of_text_that_are_none(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for content, says in (("86.8 -51.1\n86.9 -51.2\n", "names of no columns"), ("one\ntwo\n", "neither its name"),
                          ("ra,dec\n1,2\n1,2,3\n", "cannot be read as a table"), ("\0\1\2", "neither its name")):
        Path("t.txt").write_text(content)
        message = refused(capsys, "t.txt")
        assert says in message and "t.txt" in message
    Path("sheet.xlsx").write_bytes(b"PK\x03\x04 a spreadsheet")
    assert "save it as CSV" in refused(capsys, "sheet.xlsx")


# ---- no silent change of a user's file, ever

cells = st.one_of(st.none(), st.sampled_from([0.0, -9999.0, 1e20, 99.9, 10_000.0]), st.floats(-300, 300), st.floats(0, 5))
ENDINGS = ["fits", "fits.gz", "csv", "csv.gz", "dat", "ecsv", "vot", "parquet"]


@st.composite
def tables(draw):
    "Tables with velocities in any state of repair, beside columns of a user's own."
    n = draw(st.integers(3, 6))
    table = worked_example(1)[0][:n]
    table.remove_columns(["radial_velocity", "radial_velocity_error"])
    for name in draw(st.sampled_from([["radial_velocity", "radial_velocity_error"], ["RV", "e_RV"], []])):
        values = draw(st.lists(cells, min_size=n, max_size=n))
        missing = [v is None for v in values]
        table[name] = MaskedColumn([np.nan if v is None else v for v in values], mask=missing, dtype=draw(st.sampled_from("df")))
    table["mine"] = draw(st.lists(st.integers(-2**62, 2**62), min_size=n, max_size=n))
    table["note"] = [draw(st.sampled_from(["a, b", 'said "so"', "x; y", "ü", "7"])) for _ in range(n)]
    return table


def finite_cells(table):
    for name in table.colnames:
        for row, value in enumerate(table[name]):
            if np.ma.is_masked(value) or (isinstance(value, (float, np.floating)) and not np.isfinite(value)):
                continue
            yield (name, row), value.item() if hasattr(value, "item") else value


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.reuse])
@given(table=tables(), ending=st.sampled_from(ENDINGS))
def test_no_number_of_a_user_is_changed(table, ending, tmp_path_factory):
    folder = tmp_path_factory.mktemp("user")
    path = folder / f"stars.{ending}"
    if ending.startswith("fits"):
        table["note"] = [note.replace("ü", "u") for note in table["note"]]  # FITS has no such letter
    if ending in ("csv.gz", "dat"):
        table.write(folder / "stars.csv")
        content = b"# my own remark\n" + (folder / "stars.csv").read_bytes()
        path.write_bytes(gzip.compress(content) if ending == "csv.gz" else content)
    elif ending == "vot":
        table.write(path, format="votable")
    else:
        table.write(path)
    before, content = read_table(path), path.read_bytes()
    try:
        cli.prepare_data(["-q", "-f", "-w", str(path), "-o", str(folder)])
    except SystemExit:
        assert path.read_bytes() == content
        return
    after = read_table(path)
    assert after.colnames[:len(before.colnames)] == before.colnames and len(after) == len(before)
    there = dict(finite_cells(after))
    for cell, value in finite_cells(before):
        assert there[cell] == value
    stars, again = StarData.read(folder), prepare(path, fake_rvs=True)
    assert stars.ids.tolist() == again.ids.tolist(), (stars.provenance["left out"], before[before.colnames[-4:]].pformat())
    np.testing.assert_array_equal(again.fake_rvs, stars.fake_rvs)  # a second reading tells the same measurements from none


# ---- what an attack found


def base(n=6, missing=2):
    table = worked_example(1)[0][:n]
    for name in ("radial_velocity", "radial_velocity_error"):
        table[name] = MaskedColumn(table[name], mask=np.arange(n) < missing)
    return table


def same_numbers(before, after, but=()):
    for name in before.colnames:
        if name not in but:
            np.testing.assert_array_equal(np.asarray(before[name]), np.asarray(after[name]), err_msg=name)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


RV = ("radial_velocity", "radial_velocity_error")


def test_a_copy_is_as_true_as_the_file(folder):
    "Text with blanks in front and in quotes; unsigned integers in FITS; cells of several lines: in the same format, or as ECSV."
    table = base()
    lines = [" ".join(table.colnames)]
    for row in table:
        lines.append("  " + " ".join("null" if np.ma.is_masked(v) else str(v) for v in row).replace(" ", "   ", 1))
    Path("fortran.txt").write_text("\n".join(lines) + "\n")
    quoted = [f'"Gaia DR3 {line.split()[0]}" ' + " ".join(line.split()[1:]) for line in lines[1:]]
    Path("quoted.txt").write_text("\n".join([lines[0], *quoted]) + "\n")
    noted = Table(table, copy=True)
    noted["note"] = ["one\ntwo"] * len(table)
    noted.write("lines.csv")
    unsigned = Table(table, copy=True)
    unsigned["source_id"] = np.uint64(2**62) + np.arange(len(table), dtype="u8")
    unsigned.remove_columns(list(RV))
    unsigned.write("unsigned.fits")
    for name in ("fortran.txt", "quoted.txt", "lines.csv", "unsigned.fits"):
        before = read_table(name)
        cli.prepare_data(["-q", "-f", name, "-o", "out"])
        copies = list(Path("out").glob(f"modified-{name}*"))
        assert len(copies) == 1
        same_numbers(before, read_table(copies[0]), RV)
        filled = read_table(copies[0])["radial_velocity_error"]
        assert (np.ma.filled(filled, 0) == FAKE_RV_ERROR).sum() == (2 if "radial_velocity" in before.colnames else 6)
        shutil.rmtree("out")


def test_compressed_ecsv_stays_what_it_is(folder):
    base().write("t.ecsv")
    content = Path("t.ecsv").read_text().replace('"" ""', "null null") + "# my own last remark\n"
    Path("t.ecsv.gz").write_bytes(gzip.compress(content.encode()))
    cli.prepare_data(["-q", "-f", "-w", "t.ecsv.gz"])
    after = gzip.decompress(Path("t.ecsv.gz").read_bytes()).decode()
    assert [a == b for a, b in zip(content.splitlines(), after.splitlines(), strict=True)].count(False) == 2


def test_cards_of_a_column_stay_with_it(folder):
    from astropy.io import fits

    table = base(missing=0)
    table["radial_velocity"] = np.arange(6)
    table["radial_velocity"][0] = -99
    hdu = fits.table_to_hdu(Table([table[c] for c in ("source_id", "radial_velocity", "ra")]))
    for c in table.colnames:
        if c not in ("source_id", "radial_velocity", "ra"):
            table[c] = table[c].filled(np.nan) if hasattr(table[c], "filled") else table[c]
    columns = [*hdu.columns, *fits.table_to_hdu(table[[c for c in table.colnames if c not in hdu.columns.names]]).columns]
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.columns["radial_velocity"].null = -99
    hdu.data["radial_velocity_error"][0] = np.nan
    hdu.header["TUCD2"], hdu.header["TUCD3"] = "rv", "pos.eq.ra"
    hdu.writeto("t.fits")
    cli.prepare_data(["-q", "-f", "-w", "t.fits"])
    with fits.open("t.fits") as after:
        names = after[1].columns.names
        assert names.index("ra") == 2 and after[1].header["TUCD3"] == "pos.eq.ra"
        np.testing.assert_array_equal(after[1].data["radial_velocity"][1:], np.arange(1, 6))


def test_ids_and_velocities_that_only_seem_to_be(folder, caplog):
    table = base()
    table.rename_column("source_id", "GaiaDR3")
    table["Source"] = 3
    assert prepare(table, fake_rvs=True).ids.tolist() == table["GaiaDR3"].tolist()
    table.remove_column("GaiaDR3")
    assert prepare(table, fake_rvs=True).ids.tolist() == list(range(6)) and "row number" in caplog.text
    table["Source"] = [f"Gagne 2018, {k}" for k in range(6)]
    assert prepare(table, fake_rvs=True).ids.tolist() == list(range(6))
    table = base()
    table.rename_columns(RV, ("HRV", "e_HRV"))
    table["RV"] = 5.0
    assert prepare(table, fake_rvs=True).columns["radial_velocity"] == "HRV"
    table = base()
    for name in RV:
        table[name] = 1000 * table[name]
        table[name].unit = "m/s"
        table[name][3] = -9999
    assert prepare(table, fake_rvs=True).no_rv[3] == "radial_velocity is a placeholder"


def test_cartesian_tables_beside_others(folder, capsys):
    table = base()
    table.rename_columns(("ra", "dec"), ("my_ra", "my_dec"))
    for axis in "XYZUVW":
        table[axis] = 1.0
    prepared = prepare(table, columns={"ra": "my_ra", "dec": "my_dec"})
    assert not np.allclose(prepared.means, 1)
    cartesian = Table({axis: [1.0, 2, 3, 4] for axis in "XYZUVW"})
    cartesian["U"] = [1.0, 9999, 3, 1500]
    cartesian["fake_rv"] = ["true", "FALSE", "False", "0"]
    prepared = prepare(cartesian)
    assert prepared.left_out == {"U is a placeholder": 1, "faster than 1000 km/s": 1}
    assert prepared.fake_rvs.tolist() == [True, False]
    with pytest.raises(InputError, match="Cartesian"):
        prepare(cartesian, rv_shift=-0.6)
    cartesian.write("c.csv")
    cli.prepare_data(["-f", "c.csv"])
    assert "2 of 4 stars" in capsys.readouterr().err


@pytest.mark.parametrize(("columns", "says"), [
    ("ra=ra,ra=dec", "the same name twice"), ("radial_velocity=rv,radial_velocity_error=rv", "'rv' is to be two things"),
    ("ra", "--columns is a list such as"), ("parallax=nothing", "no column 'nothing'"),
    ("rightascension=ra", "is none of Gaia's")])
def test_columns_that_cannot_be(folder, capsys, columns, says):
    table = base()
    table["rv"] = 1.0
    table.write("t.csv")
    assert says in refused(capsys, "-f", "--columns", columns, "t.csv")


def test_notes_before_a_commented_header_and_letters_of_latin_1(folder):
    table = base()
    table.write("t.csv")
    header, *rows = Path("t.csv").read_text().splitlines()
    for comments in (["# my notes", f"# {header}"], [f"# {header}", "# deg, mas"], ["#", f"#{header}"]):
        Path("c.csv").write_text("\n".join([*comments, *rows]) + "\n")
        same_numbers(table[["ra", "parallax"]], read_table("c.csv"))
    header, name = f"{header},name", "Bételgeuse"
    long = [f"{row},{'x' * 20000}" for row in rows[:5]] + [f"{rows[5]},{name}"]
    Path("l.csv").write_bytes("\n".join([header, *long]).encode("latin-1"))
    assert read_table("l.csv")["name"][5] == name


def test_votables_of_several_tables(folder, caplog):
    from astropy.io.votable import from_table

    table, other = base(), from_table(Table({"a": [1]}))
    both = from_table(table)
    both.resources.append(other.resources[0])
    both.to_xml("two.vot")
    same_numbers(table[["ra", "parallax"]], read_table("two.vot"))
    assert "holds 2 tables" in caplog.text


def test_other_containers(folder):
    from astropy.table import QTable

    table = base()
    expected = prepare(table, fake_rvs=True)
    quantities = QTable(table)
    np.testing.assert_allclose(prepare(quantities, fake_rvs=True).X, expected.X)
    for number in (np.float32(1), np.int64(1), 1):
        prepare(table, fake_rvs=True, rv_shift=number, rv_error=number)
    with pytest.raises(InputError, match="rv_error must be a number"):
        prepare(table, fake_rvs=True, rv_error=True)
    pandas = pytest.importorskip("pandas")
    frame = table.to_pandas().set_index("source_id")
    assert isinstance(frame, pandas.DataFrame)
    np.testing.assert_array_equal(prepare(frame, fake_rvs=True).ids, expected.ids)
    frame[0] = 1
    np.testing.assert_array_equal(prepare(frame, fake_rvs=True).ids, expected.ids)
