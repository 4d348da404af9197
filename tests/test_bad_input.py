"""What is wrong with the input is said in one line that names it, with exit status 2, and nothing is half-written."""

import gzip
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from chronostar import cli
from chronostar.config import read_config
from chronostar.datatools import CORRELATIONS, ERRORS, OBSERVABLES, InputError, StarData, load_array, prepare, read_table
from chronostar.synthdata import worked_example
from chronostar.transforms import cartesian_to_astrometry


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    table, truth = worked_example(1)
    table.write(folder / "stars.fits")
    np.save(folder / "truth.npy", truth)
    cli.prepare_data(["-q", str(folder / "stars.fits"), "-o", str(folder)])
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch, prepared):
    "An empty folder to work in, with links to prepared data."
    for name in ("stars.fits", "truth.npy", "data_all.npy", "data_means.npy", "data_covs.npy"):
        (tmp_path / name).symlink_to(prepared / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def refuses(here, capsys):
    "Run a command that must refuse: its one line, after a check that it left nothing behind."

    def run(command, *argv):
        before = files(here)
        with pytest.raises(SystemExit) as stop:
            getattr(cli, command)([str(a) for a in argv])
        assert stop.value.code == 2
        assert files(here) == before
        *_, message = lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1 or message.startswith(lines[-1][:3]), lines
        assert message.startswith(command.replace("_", "-")) and "Traceback" not in message
        return message

    return run


def save(name, array):
    np.save(name, array)
    return name


def stars(**changes):
    "Good data with some values replaced: stars(row=..., column=..., value=...)."
    X = np.hstack([np.random.default_rng(0).normal(0, 10, (20, 6)), np.tile(np.eye(6).ravel(), (20, 1))])
    if changes:
        X[changes["row"], changes["column"]] = changes["value"]
    return X


def test_missing_file(refuses):
    assert "nothing.fits: no such file" in refuses("prepare_data", "nothing.fits")
    assert "nothing.npy: no such file" in refuses("fit_component", "nothing.npy")


def test_not_a_table(refuses, here):
    (here / "text.fits").write_text("hello")
    assert "text.fits cannot be read as a table" in refuses("prepare_data", "text.fits")


def test_missing_column(refuses, here):
    table, _ = worked_example(2)
    table.remove_column("parallax_error")
    table.write("short.fits")
    message = refuses("prepare_data", "short.fits")
    assert "short.fits" in message and "'parallax_error'" in message


def test_no_usable_row(refuses):
    table, _ = worked_example(2)
    table["parallax"] *= -1
    table.write("negative.fits")
    assert "parallax not positive" in refuses("prepare_data", "negative.fits")


@pytest.mark.parametrize("shape", [(20,), (20, 5), (20, 43), (20, 6, 6), (0, 42)])
def test_wrong_shape(refuses, shape):
    message = refuses("fit_component", save("bad.npy", np.zeros(shape)))
    assert "bad.npy" in message and any(what in message for what in ("(n, 6) or (n, 42)", "no stars", "one dimension"))


def test_nan(refuses):
    message = refuses("fit_component", save("bad.npy", stars(row=3, column=2, value=np.nan)))
    assert "bad.npy" in message and "row 3" in message
    assert "row 4" in refuses("fit_mixture", "2", save("worse.npy", stars(row=4, column=9, value=np.inf)))


def test_not_positive_definite(refuses):
    message = refuses("fit_chronostar", save("bad.npy", stars(row=7, column=6, value=-1.0)))
    assert "bad.npy" in message and "row 7 is not positive definite" in message


@pytest.mark.parametrize(("column", "value", "says"), [
    (0, 1e9, "are the units pc and km/s?"), (3, 1e9, "are the units pc and km/s?"), (0, 1e300, "are the units"),
    (0, 8000.0, "at the Galactic centre"), (6, 1e60, "absurdly large")])
def test_beyond_reason(refuses, column, value, says):
    X = stars()
    X[:, 1] = 0
    X[3, column] = value
    message = refuses("fit_component", save("bad.npy", X))
    assert "row 3" in message and says in message


def test_single_precision_and_double_covariances(refuses):
    assert "float64" in refuses("fit_component", save("f4.npy", stars().astype(np.float32)))
    message = refuses("fit_chronostar", save("X.npy", stars()), "--covs", save("covs.npy", np.zeros((20, 6, 6))))
    assert "covariances included" in message
    save("means.npy", stars()[:, :6])
    assert "bool" in refuses("fit_chronostar", "means.npy", "--covs", save("covs.npy", np.zeros((20, 6, 6), dtype=bool)))


def test_too_many_components(refuses):
    assert "NCOMPS must be between" in refuses("fit_mixture", "1000000000", "data_all.npy")


def test_few_stars_still_get_an_answer(here):
    "A candidate that has too few stars is no improvement, and no failure of the search."
    save("few.npy", np.load("data_means.npy")[:7])
    cli.fit_chronostar(["-q", "few.npy"])
    assert (here / "result/final/weights.npy").exists()


def test_rows_that_cannot_be_followed_are_left_out(here, capsys):
    table, _ = worked_example(3)
    table["parallax"][0] = 1e-8
    table["pmra_error"][1] = 1e200
    table.write("far.fits")
    cli.prepare_data(["far.fits"])
    said = capsys.readouterr().err
    assert "1 left out: parallax below its error" in said
    assert "1 left out: pmra_error beyond all reason" in said
    assert np.isfinite(np.load("data_all.npy")).all()


def test_several_columns_in_one(refuses):
    table, _ = worked_example(3)
    table["parallax"] = np.ones((len(table), 3))
    table.write("wide.fits")
    assert "'parallax'" in refuses("prepare_data", "wide.fits")


def test_overwriting_needs_invented_velocities(refuses):
    assert "needs -f" in refuses("prepare_data", "-w", "stars.fits")


@pytest.mark.parametrize("ending", ["fits", "fits.gz"])
def test_overwriting_keeps_what_else_the_file_holds(here, ending):
    table, _ = worked_example(3)
    table["radial_velocity"][:5] = table["radial_velocity_error"][:5] = np.nan
    hdu = fits.table_to_hdu(table)
    hdu.header["OBSERVER"], hdu.header.comments["TTYPE2"] = "me", "a comment of mine"
    primary = fits.PrimaryHDU(np.arange(6))
    primary.header["SURVEY"] = "a card of mine"
    others = [fits.table_to_hdu(Table({"note": ["mine"]})), fits.ImageHDU(np.eye(3), name="MAP")]
    fits.HDUList([primary, hdu, *others]).writeto(name := f"four.{ending}", checksum=True)
    Path(name).chmod(0o640)
    Path("link.fits").symlink_to(name)
    with fits.open(name) as before:
        cli.prepare_data(["-q", "-f", "-w", "link.fits" if ending == "fits" else name])
        with fits.open(name, checksum=True) as after:
            assert [type(h) for h in before] == [type(h) for h in after]
            for old, new in zip(before, after, strict=True):
                np.testing.assert_array_equal(old.data, new.data) if old.is_image else None
                old.header.strip, keys = None, [k for k in old.header if k not in ("CHECKSUM", "DATASUM")]
                assert [old.header[k] for k in keys] == [new.header[k] for k in keys]
                assert [old.header.comments[k] for k in keys] == [new.header.comments[k] for k in keys]
            for column in table.colnames:
                rows = slice(5 if column.startswith("radial") else 0, None)
                np.testing.assert_array_equal(before[1].data[column][rows], after[1].data[column][rows])
            assert (after[1].data["radial_velocity_error"][:5] == 10_000).all()
    assert Path(name).stat().st_mode & 0o777 == 0o640 and Path("link.fits").is_symlink()


def test_overwriting_a_table_without_velocities(here):
    table, _ = worked_example(3)
    table.remove_columns(["radial_velocity", "radial_velocity_error"])
    table.write("none.fits")
    cli.prepare_data(["-q", "-f", "-w", "none.fits"])
    after = Table.read("none.fits")
    assert after.colnames[:-2] == table.colnames and str(after["radial_velocity"].unit) == "km / s"
    assert (after["radial_velocity_error"] == 10_000).all() and (after["radial_velocity"] == 0).all()
    assert np.load("fake_rvs_mask.npy").all()


def test_overwriting_in_the_units_of_the_file(here):
    table, _ = worked_example(3)
    for name in ("radial_velocity", "radial_velocity_error"):
        table[name] = (1000 * table[name]).astype(np.float32)
        table[name].unit = "m/s"
        table[name][:5] = np.nan
    table.write("metres.fits")
    cli.prepare_data(["-q", "-f", "-w", "metres.fits"])
    after = Table.read("metres.fits")
    for name, filled in {"radial_velocity": table["radial_velocity"][5:].mean(), "radial_velocity_error": 1e7}.items():
        assert after[name].dtype == ">f4" and str(after[name].unit) == "m / s"
        np.testing.assert_array_equal(after[name][5:], table[name][5:])
        np.testing.assert_allclose(after[name][:5], filled, rtol=1e-5)


@pytest.mark.parametrize("ending", ["fits", "ecsv", "vot", "csv", "fits.gz", "parquet"])
def test_formats_that_come_back(here, ending):
    table, _ = worked_example(3)
    table["radial_velocity"][:5] = table["radial_velocity_error"][:5] = np.nan
    table.write(f"stars.{ending}" if ending != "fits" else "again.fits", **({"format": "votable"} if ending == "vot" else {}))
    name = f"stars.{ending}" if ending != "fits" else "again.fits"
    cli.prepare_data(["-q", "-f", "-w", name])
    assert np.isfinite(read_table(name)["radial_velocity"]).all()
    cli.prepare_data(["-q", "-f", name, "-o", "other"])
    assert read_table(f"other/modified-{name}")["radial_velocity"].shape == (len(table),)


def test_a_folder_in_the_way(refuses, here):
    (here / "ids.npy").mkdir()
    assert "ids.npy is a folder" in refuses("prepare_data", "stars.fits")


def test_pickles_are_refused(refuses, here):
    np.save("objects.npy", np.array([{}, {}]), allow_pickle=True)
    assert "objects.npy is not a .npy array of numbers" in refuses("fit_component", "objects.npy")


def test_memberships_that_do_not_fit(refuses):
    truth = np.load("truth.npy")
    cases = {"rows": truth[:-1], "columns": truth[:, :1], "sums": 2 * truth, "negative": truth - 0.5,
             "empty": np.eye(2)[np.zeros(len(truth), dtype=int)], "nan": truth * np.nan}
    for name, memberships in cases.items():
        message = refuses("fit_mixture", "2", "data_all.npy", save(f"{name}.npy", memberships))
        assert f"{name}.npy: " in message or (name == "empty" and "component 1 has no members" in message)
    assert "rows.npy" in refuses("fit_component", "data_all.npy", "rows.npy")


@pytest.mark.parametrize(("text", "culprit"), [
    ("mixture:\n  tol: 1\n  max_iter: 5\n  tol: 2\n", "'tol' is there twice in line 4"),
    ("mixture: {tol: 1}\nmixture: {tol: 2}\n", "'mixture' is there twice in line 2"),
    ("run: &a [x, x]\ndriver: [*a, *a, *a]\n", "write the value out for *a"),
    ("mixture: &a\n  tol: *a\n", "write the value out for *a"),
    ("mixture:\n\ttol: 1\n", "is not a YAML file"),
    ("mixture:\n  tol: 2001-99-99\n", "is not a YAML file"),
    ("mixture:\n  max_iter: " + "9" * 5000, "is not a YAML file"),
    ("mixture:\n  max_iter: '" + "9" * 5000 + "'", "must be a whole number, not '999"),
    ("mixture: 1\n---\nmixture: 2\n", "single document"),
    ("mixture:\n  tol: [1, 2]\n", "must be a number, not a list"),
    ("mixture:\n  n_components: 0\n", "n_components must be between 1"),
    ("mixture:\n  component_class: Nothing\n", "no class 'Nothing'"),
    ("modules:\n  component: [1]\n", "must be the name of a class"),
    ("modules:\n  component: ..\n", "cannot import '..'"),
    ("hello", "not 'hello'"),
    ("3: 4", "there is no section 3"),
    ("mixture: [", "is not a YAML file"),
    ("modules:\n  component: SpaceComponant\n", "did you mean 'SpaceComponent'?"),
    ("component:\n  stellar_uncertainties: true\n", "42 columns"),
    ("component:\n  stellar_uncertainties: 0\n", "must be true or false"),
    ("component:\n  nthreads: four\n", "must be a whole number"),
    ("component:\n  trace_orbit_func: nonsense\n", "no orbit model 'nonsense'"),
    ("mixture:\n  max_iter: 0\n", "max_iter must be between 1"),
    ("mixture:\n  tol: .nan\n", "mixture.tol must be between"),
    ("mixture:\n  random_state: abc\n", "random_state must be a whole number"),
    ("modules:\n  component: numpy.array\n", "is no component"),
    ("run:\n  savedir: 3\n", "savedir must be a text"),
    ("[" * 5000, "is not a YAML file"),
])
def test_config(refuses, here, text, culprit):
    (here / "config.yml").write_text(text)
    assert culprit in refuses("fit_component", "-c", "config.yml", "data_means.npy")


@pytest.mark.parametrize("content", [b"\xff\xfem\x00", b"mixture:\n  \xe9: 1\n", b"\x1f\x8b\x08\x00"])
def test_settings_in_other_codes(refuses, here, content):
    (here / "config.yml").write_bytes(content)
    assert "is not a YAML file" in refuses("fit_component", "-c", "config.yml", "data_means.npy")
    assert ". is not a YAML file" in refuses("fit_component", "-c", ".", "data_means.npy")


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "mixture:\n", "\ufeffmixture:\n  tol: 1e-4\n",
                                     "mixture:\r\n  tol: 0.1\r\n"])
def test_settings_that_are_few_or_marked(here, content):
    "An empty file asks for the defaults; the marks and line ends of other editors do not matter; nor is 1e-5 a text here."
    (here / "config.yml").write_bytes(content.encode())
    config = read_config("config.yml")
    assert config["mixture"] == ({} if "tol" not in content else {"tol": 1e-4 if "1e-4" in content else 0.1})


def test_a_class_that_cannot_be_imported(refuses, here):
    (here / "broken_module_of_mine.py").write_text("this is no Python")
    (here / "config.yml").write_text("modules:\n  component: broken_module_of_mine.Mine\n")
    assert "cannot import 'broken_module_of_mine.Mine'" in refuses("fit_component", "-c", "config.yml", "data_means.npy")


def test_existing_results_are_kept(refuses, here):
    cli.fit_component(["-q", "data_all.npy"])
    first = (here / "result/params.npy").read_bytes()
    assert "--overwrite" in refuses("fit_component", "data_means.npy")
    assert (here / "result/params.npy").read_bytes() == first
    cli.fit_component(["-q", "--overwrite", "data_means.npy"])
    assert (here / "result/params.npy").read_bytes() != first


def test_memberships_contradict_settings(refuses, here):
    (here / "config.yml").write_text("mixture:\n  init_params: kmeans\n")
    assert "init_params is 'kmeans'" in refuses("fit_mixture", "-c", "config.yml", "2", "data_all.npy", "truth.npy")
    (here / "resp.yml").write_text("mixture:\n  init_params: init_resp\n")
    assert "no memberships were given" in refuses("fit_mixture", "-c", "resp.yml", "2", "data_all.npy")


@pytest.mark.parametrize(("name", "content", "says"), [
    ("ids.npy", np.arange(20.0), "ids must be whole numbers"),
    ("ids.npy", np.arange(19), "19 ids for 20 stars"),
    ("fake_rvs_mask.npy", np.ones(20, dtype=int), "must be true or false"),
    ("data_covs.npy", np.zeros((20, 6, 5)), "must be numbers of shape (20, 6, 6)"),
    ("data_covs.npy", np.full((20, 6, 6), np.nan), "NaN"),
    ("data_means.npy", np.zeros((20, 7)), "(n, 6) or (n, 42)")])
def test_a_folder_that_is_out_of_step(refuses, here, name, content, says):
    StarData(stars(), ids=np.arange(20)).write("sample")
    np.save(here / "sample" / name, content)
    message = refuses("fit_chronostar", "sample")
    assert "sample" in message and says in message


def test_a_folder_that_is_no_sample(refuses, here):
    (here / "empty").mkdir()
    assert "holds no sample" in refuses("fit_mixture", "2", "empty")
    assert "which has its own covariances" in refuses("calc_memberships", "empty", "-c", "data_covs.npy", "-r", "empty")


@pytest.mark.parametrize("garbage", ["- a\n- list\n", "a: [unclosed", "\x00", "text"])
def test_a_provenance_that_is_none(here, garbage):
    StarData(stars()).write("sample")
    (here / "sample/provenance.yml").write_text(garbage)
    read = StarData.read("sample")
    assert read.provenance == {}
    read.table()
    read.write("again")


@pytest.mark.parametrize("orbit", ["'epicyclic:'", "..", "5", "[1, 2]", "collections.OrderedDict", "numpy.ones"])
def test_orbits_that_are_none(refuses, here, orbit):
    (here / "config.yml").write_text(f"component:\n  trace_orbit_func: {orbit}\n")
    assert "component.trace_orbit_func" in refuses("fit_component", "-c", "config.yml", "data_all.npy")


def test_a_result_whose_orbit_is_lost(refuses, here):
    (here / "config.yml").write_text("component:\n  trace_orbit_func: epicyclic\n")
    cli.fit_component(["-q", "-c", "config.yml", save("data.npy", stars())])
    table = (here / "result/components.ecsv").read_text()
    for orbit, says in (("galpy:Foo", "no potential"), ("gone.orbit", "cannot import")):
        (here / "result/components.ecsv").write_text(table.replace("trace_orbit_func: epicyclic", f"trace_orbit_func: {orbit}"))
        assert says in refuses("calc_memberships", "data.npy", "-r", "result")
    (here / "result/components.ecsv").write_text(table.replace("class: SphereSpaceTimeComponent", "class: os.getcwd"))
    assert "is no component" in refuses("calc_memberships", "data.npy", "-r", "result")
    for old, new in (("class: SphereSpaceTimeComponent", "kind: 3"), ("trace_orbit_func: epicyclic", "trace_orbit_func: [[]]")):
        assert old in table
        (here / "result/components.ecsv").write_text(table.replace(old, new))
        assert "was it edited?" in refuses("calc_memberships", "data.npy", "-r", "result")
    (here / "result/components.ecsv").write_text("\n".join(table.splitlines()[:-1]) + "\n")
    assert "is not one result" in refuses("calc_memberships", "data.npy", "-r", "result")


def test_a_query_that_makes_no_sense(refuses):
    assert "must be positive" in refuses("query_gaia", "a.fits", "--parallax", "0")


# Tables


def table_with(n=30, **columns):
    "A good table with other columns."
    table = worked_example(3)[0][:n]
    for name, values in columns.items():
        table[name] = values
    return table


@pytest.mark.parametrize("name", ["empty.fits", "empty.ecsv", "empty.csv", "empty.vot", "empty.parquet", "empty"])
def test_empty_file(refuses, here, name):
    (here / name).touch()
    assert name in refuses("prepare_data", name)


@pytest.mark.parametrize("ending", ["fits", "fits.gz", "ecsv", "vot", "parquet"])
def test_truncated_file(refuses, here, ending):
    table_with(300).write(f"whole.{ending}", **({"format": "votable"} if ending == "vot" else {}))
    content = (here / f"whole.{ending}").read_bytes()
    for part in (0.1, 0.5, 0.9):
        (here / f"half.{ending}").write_bytes(content[: int(part * len(content)) - 7])
        assert "cannot be read as a table" in refuses("prepare_data", f"half.{ending}")


def test_files_of_another_kind(refuses, here):
    (here / "folder.fits").mkdir()
    assert "folder.fits is a folder" in refuses("prepare_data", "folder.fits")
    (here / "noise.fits").write_bytes(np.random.default_rng(0).bytes(9000))
    assert "noise.fits cannot be read as a table" in refuses("prepare_data", "noise.fits")
    (here / "image.fits").symlink_to("loop.fits")
    (here / "loop.fits").symlink_to("image.fits")
    assert "loop.fits" in refuses("prepare_data", "loop.fits")
    fits.PrimaryHDU(np.eye(3)).writeto("picture.fits")
    assert "picture.fits cannot be read as a table" in refuses("prepare_data", "picture.fits")
    assert "data_all.npy cannot be read as a table" in refuses("prepare_data", "data_all.npy")
    os.mkfifo(here / "pipe.fits")
    assert "pipe.fits is no ordinary file" in refuses("prepare_data", "pipe.fits")  # and does not wait for ever
    assert "a name too long" in refuses("prepare_data", "a" * 5000).replace("File name", "a name")


def test_zero_rows_and_one(refuses, here):
    table_with(0).write("none.fits")
    assert "none.fits: the table has no rows" in refuses("prepare_data", "none.fits")
    table_with(1).write("one.fits")
    cli.prepare_data(["-q", "one.fits", "-o", "one"])
    assert np.load("one/data_all.npy").shape == (1, 42)
    assert "cannot be fitted to 1 stars" in refuses("fit_component", "one")
    assert "1 stars are too few" in refuses("fit_chronostar", "-q", "one")
    assert "NCOMPS must be between" in refuses("fit_mixture", "1", "one")


def test_units(refuses, here):
    table = table_with()
    expected = prepare(table).means
    table["parallax"], table["parallax_error"] = table["parallax"].to("arcsec"), table["parallax_error"].to("arcsec")
    np.testing.assert_allclose(prepare(table).means, expected)
    for name in table.colnames:
        table[name].unit = None
    table["parallax"], table["parallax_error"] = 1000 * table["parallax"], 1000 * table["parallax_error"]
    np.testing.assert_allclose(prepare(table).means, expected)  # without units, they are taken to be Gaia's
    table["pmra"].unit = "km"
    table.write("km.fits")
    assert "column 'pmra' has unit km, which cannot be converted to mas/yr" in refuses("prepare_data", "km.fits")
    table["pmra"].unit = "furlong"
    table.write("odd.ecsv")
    assert "column 'pmra' has unit furlong" in refuses("prepare_data", "odd.ecsv")


@pytest.mark.parametrize("name", OBSERVABLES + ERRORS)
@pytest.mark.parametrize("values", ["matrix", "true", "complex"])
def test_columns_of_another_type(name, values):
    n = 30
    column = {"matrix": np.ones((n, 2)), "true": np.ones(n, dtype=bool), "complex": np.ones(n, dtype=complex)}[values]
    with pytest.raises(InputError, match=f"column '{name}' holds .*, not one number in each row"):
        prepare(table_with(n, **{name: column}))


@pytest.mark.parametrize("name", OBSERVABLES + ERRORS + CORRELATIONS[:1])
@pytest.mark.parametrize("value", ["masked", np.nan, np.inf, -np.inf])
def test_values_that_are_none(name, value):
    values = np.full(30, 0.1) if name in CORRELATIONS else np.array(table_with()[name])
    if value == "masked":
        column = MaskedColumn(values, mask=np.arange(30) == 4)
    else:
        column, values[4] = values, value
    prepared = prepare(table_with(**{name: column}))
    assert prepared.left_out == {f"no value for {name}": 1} and prepared.reason[4] and np.isfinite(prepared.X).all()
    assert prepared.ids.tolist() == [i for i in table_with()["source_id"] if i != table_with()["source_id"][4]]


@pytest.mark.parametrize(("name", "value", "reason"), [
    ("parallax", 0.0, "parallax not positive"), ("parallax", -2.0, "parallax not positive"), ("dec", 91.0, "dec beyond 90 deg"),
    ("parallax", 1e9, "parallax beyond all reason"), ("ra", 1e9, "ra beyond 360 deg"),
    *((f"{name}_error", -1.0, f"{name}_error negative") for name in OBSERVABLES),
    ("pmra", 1e300, "faster than 1000 km/s across the sky"), ("radial_velocity", 1e6, "radial_velocity beyond 1000 km/s"),
    ("radial_velocity", -999.9, "radial_velocity is a placeholder"), ("pmra", 9999.0, "pmra is a placeholder"),
    *((f"{name}_error", 0.0, f"{name}_error is 0") for name in OBSERVABLES[2:]),
    ("parallax", 1e-300, "parallax below its error"), ("parallax_error", 9e8, "parallax below its error")])
def test_values_that_cannot_be(name, value, reason):
    table = table_with()
    table[name][7] = value
    prepared = prepare(table)
    assert prepared.reason[7].startswith(reason) and len(prepared.ids) == 29 and np.isfinite(prepared.X).all()


def test_beyond_the_galaxy():
    table = table_with()
    table["parallax"][7], table["pmra"][7], table["pmdec"][7] = 1e-4, 0, 0  # 10 Mpc
    table["parallax_error"][7] = 1e-5
    assert prepare(table).reason[7].startswith("too far, too fast or too uncertain")


def test_a_sentinel_does_not_spoil_invented_velocities():
    table = table_with()
    table["radial_velocity"][3], table["radial_velocity"][4] = 1e20, np.nan
    prepared = prepare(table, fake_rvs=True)
    expected = np.delete(table["radial_velocity"], [3, 4]).mean()
    np.testing.assert_allclose(cartesian_to_astrometry(prepared.means[3:5])[:, 5], expected)
    assert prepared.no_rv[3:5].tolist() == ["radial_velocity beyond 1000 km/s", "no value for radial_velocity"]
    assert prepared.table["radial_velocity"][3] == 1e20  # a number in the table stays what it is


def test_errors_of_zero(here):
    "Stars known exactly are as good as stars without uncertainties."
    table = table_with(200, **{name: np.zeros(200) for name in ERRORS})
    table.write("exact.fits")
    cli.prepare_data(["-q", "exact.fits", "-o", "exact"])
    cli.fit_component(["-q", "exact"])
    assert np.isfinite(np.load("result/params.npy")).all()


def test_correlations(refuses, here):
    table_with(ra_dec_corr=np.full(30, 1.5)).write("beyond.fits")
    assert "the first: ra_dec_corr beyond 1" in refuses("prepare_data", "beyond.fits")
    table = table_with(ra_dec_corr=np.full(30, 0.9), ra_parallax_corr=np.full(30, 0.9), dec_parallax_corr=np.full(30, -0.9))
    table.write("indefinite.fits")
    assert "the first: correlations contradict each other" in refuses("prepare_data", "indefinite.fits")
    prepared = prepare(table_with(ra_dec_corr=np.ones(30)))  # just possible
    assert len(prepared.ids) == 30 and len(prepared.stars) == 30


def test_ids(here, caplog):
    big = np.arange(30) + 2**62
    assert prepare(table_with(source_id=big)).ids.tolist() == big.tolist()
    assert prepare(table_with(source_id=big.astype(">i8"))).ids.dtype == np.int64
    assert prepare(table_with(source_id=np.arange(30.0))).ids.tolist() == list(range(30))
    prepare(table_with(source_id=np.full(30, 7)))
    assert "'source_id' repeats itself in 29 rows" in caplog.text
    for ids in ([f"Gaia DR3 {i}" for i in big], [str(i) for i in big], [int(i) for i in big]):
        assert prepare(table_with(source_id=ids)).ids.tolist() == big.tolist()
    without = prepare(table_with(source_id=MaskedColumn(big, mask=big == big[3])))
    assert without.left_out == {"no source_id": 1} and without.ids.tolist() == [i for i in big if i != big[3]]
    for ids, says in ((np.full(30, np.nan), "the first: no source_id"), (["HIP 7"]*30, "'HIP 7' in row 0"),
                      (np.uint64(2**63) + big.astype("u8"), "lost digits"),
                      (np.arange(30, dtype="f2") + 2048, "lost digits"),
                      (np.zeros((30, 2), dtype=int), "not integers")):
        with pytest.raises(InputError, match=says):
            prepare(table_with(source_id=ids))


def test_big_endian_and_single_precision():
    table = table_with()
    expected = prepare(table).X
    for name in table.colnames:
        table[name] = table[name].astype(table[name].dtype.newbyteorder(">"))
    np.testing.assert_array_equal(prepare(table).X, expected)
    for kind in ("f4", "g"):
        table["radial_velocity"] = table_with()["radial_velocity"].astype(kind)
        np.testing.assert_allclose(prepare(table).X, expected, rtol=1e-5, atol=1e-5)


def test_two_columns_of_one_name(refuses):
    table = table_with()
    table.rename_column("ra", "RA")
    table["Ra"] = table["RA"]
    table.write("two.ecsv")
    assert "'RA' and 'Ra': which is ra?" in refuses("prepare_data", "two.ecsv")


def test_parquet_from_elsewhere(here):
    "Integers with gaps stay integers, and what is null is masked."
    import pyarrow
    from pyarrow import parquet

    table = table_with()
    columns = {name: np.array(table[name]) for name in table.colnames}
    columns["radial_velocity"] = pyarrow.array([None, *columns["radial_velocity"][1:]])
    columns["phot_g_n_obs"] = pyarrow.array([None, *range(29)])
    columns["name"] = pyarrow.array([None, *(["x"] * 29)])
    columns["source_id"] = np.arange(30) + 2**62 + 1
    parquet.write_table(pyarrow.table(columns), "gaia.parquet")
    read = read_table("gaia.parquet")
    assert read["source_id"].dtype == read["phot_g_n_obs"].dtype == np.int64
    assert read["radial_velocity"].mask.sum() == read["phot_g_n_obs"].mask.sum() == read["name"].mask.sum() == 1
    cli.prepare_data(["-q", "gaia.parquet"])
    assert np.load("ids.npy").tolist() == list(range(2**62 + 2, 2**62 + 31))


def test_names_with_everything_in_them(here):
    table_with().write(name := "a b\nc é '\".fits")
    cli.prepare_data(["-q", "-f", name, "-o", "f\ng ü"])
    assert Path(f"f\ng ü/modified-{name}").exists() and len(StarData.read("f\ng ü")) == 30


# Arrays


@pytest.mark.parametrize(("content", "says"), [
    (b"", "no .npy file"), (b"1.0,2.0\n3.0,4.0\n", "no .npy file"), (b"\x93NUM", "no .npy file"),
    (b"PK\x03\x04rest", ".npz archive"),
    (b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535, "is not a .npy array"),
    (b"\x93NUMPY\x02\x00\xff\xff\xff\xff(", "is not a .npy array"),
    (b"\x93NUMPY\x09\x00", "is not a .npy array")])
def test_files_that_are_no_array(refuses, here, content, says):
    (here / "bad.npy").write_bytes(content)
    for argv in (("fit_component", "bad.npy"), ("fit_mixture", "2", "data_all.npy", "bad.npy"),
                 ("fit_chronostar", "data_means.npy", "--covs", "bad.npy"), ("calc_memberships", "bad.npy", "-r", ".")):
        message = refuses(*argv)
        assert "bad.npy" in message and says in message


@pytest.mark.parametrize("shape", ["(1000000000000, 42)", "(2000000000, 6)", "(99999999999999999999, 42)", "(-5, 42)", "()",
                                   "(60, 42)"])
@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_headers_that_lie(here, shape, mmap_mode):
    "A header may claim more than there is; that is no reason to ask for the memory, or to wait."
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    (here / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(80))
    if shape == "()":
        assert load_array("bad.npy", mmap_mode=mmap_mode).shape == ()
        with pytest.raises(InputError):
            StarData.read("bad.npy")
        return
    with pytest.raises(InputError, match="bad.npy is not a .npy array of numbers"):
        load_array("bad.npy", mmap_mode=mmap_mode)


@pytest.mark.parametrize("kind", ["?", "c16", "U5", "S5", "M8[s]", "V8"])
def test_arrays_of_other_types(refuses, kind):
    message = refuses("fit_component", save("bad.npy", np.zeros((20, 42), dtype=kind)))
    assert "bad.npy" in message and "numbers" in message


@pytest.mark.parametrize("change", [np.asfortranarray, lambda X: X.astype(">f8"), lambda X: X.astype("g"),
                                    lambda X: X[::-1][::-1]])
def test_arrays_in_other_layouts(here, change):
    X, other = stars(), change(stars())
    other.flags.writeable = False
    expected = StarData(X).cartesian.blocks
    for same in (other, np.load(save("X.npy", other), mmap_mode="r")):
        np.testing.assert_array_equal(StarData(same).cartesian.blocks, expected)


def test_whole_numbers_and_half_precision_for_means(here):
    X = stars()[:, :6].round()
    for kind in ("f2", "f4", "i2", "i8"):
        np.testing.assert_array_equal(StarData(X.astype(kind)).means, X)


def test_archives_and_tables_in_place_of_arrays(refuses, here):
    np.savez("data.npz", np.load("data_all.npy"))
    assert "a .npz archive" in refuses("fit_component", "data.npz")
    np.savetxt("members.csv", np.load("truth.npy"), delimiter=",")
    assert "members.csv is not a .npy array of numbers" in refuses("fit_mixture", "2", "data_all.npy", "members.csv")
    said = refuses("fit_component", "stars.fits")
    assert "stars.fits is not a .npy array of numbers" in said and "prepare-data stars.fits -o sample" in said
    (here / "folder").mkdir()
    assert "folder is a folder" in refuses("fit_component", "data_all.npy", "folder")
    os.mkfifo(here / "pipe.npy")
    assert "pipe.npy is no ordinary file" in refuses("fit_component", "pipe.npy")


def test_stars_on_a_sheet(refuses):
    "Without uncertainties, ever more components would describe them ever better."
    X = np.random.default_rng(0).normal(0, 10, (300, 6))
    X[:, 5] = X[:, 1] + X[:, 3]
    assert "lie on a sheet" in refuses("fit_chronostar", "-q", save("sheet.npy", X))


def test_too_many_columns_of_memberships(refuses):
    assert "20 stars are too few for 20 components" in refuses("fit_chronostar", "-q", save("X.npy", stars()), "-z",
                                                               save("eye.npy", np.eye(20)))


# Places


def python(code, *argv, **kwargs):
    "Code in a process of its own."
    return subprocess.Popen([sys.executable, "-c", code, *map(str, argv)], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **kwargs)


def command(name, *argv, **kwargs):
    "A command in a process of its own, as a shell would start it."
    return python(f"from chronostar.cli import {name}; {name}()", *argv, **kwargs)


def one_line(process, status):
    "The one line that a process must end with, and its status."
    _, said = process.communicate(timeout=300)
    assert process.returncode == status, said
    assert len(said.strip().splitlines()) == 1 and "Traceback" not in said
    return said.strip()


@pytest.mark.parametrize("limit", [100, 20_000, 300_000])
def test_a_disk_that_is_full(here, limit):
    "No file may become longer than a limit, as on a disk that fills up: what was there stays, and nothing else."
    (here / "out").mkdir()
    np.save("out/ids.npy", np.arange(3))
    before = files(here)

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    said = one_line(command("prepare_data", "-q", "-f", "stars.fits", "-o", "out", preexec_fn=full), 2)
    assert said.startswith("prepare-data: ")
    assert files(here) == before and np.load("out/ids.npy").tolist() == [0, 1, 2]


def test_devices_and_files_in_place_of_folders(refuses, here):
    (here / "file").write_text("mine")
    assert "/dev/full" in refuses("prepare_data", "stars.fits", "-o", "/dev/full")
    assert "file" in refuses("prepare_data", "stars.fits", "-o", "file")
    assert "file" in refuses("calc_memberships", "data_all.npy", "-r", "file")
    (here / "config.yml").write_text("run:\n  savedir: file\n")
    assert "file is a file, not a folder" in refuses("fit_component", "-c", "config.yml", "data_means.npy")
    assert (here / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_closed(refuses, here):
    (here / "closed").mkdir(mode=0o500)
    assert "closed" in refuses("prepare_data", "stars.fits", "-o", "closed")
    (here / "config.yml").write_text("run:\n  savedir: closed\n")
    assert "cannot write to closed" in refuses("fit_component", "-c", "config.yml", "data_means.npy")


def test_a_folder_that_cannot_be_written(refuses, here):
    "Not even root writes there."
    (here / "config.yml").write_text("run:\n  savedir: /proc/nothing/here\n")
    assert "cannot write to /proc/nothing/here" in refuses("fit_component", "-c", "config.yml", "data_means.npy")
    assert "/proc" in refuses("prepare_data", "stars.fits", "-o", "/proc/nothing")


def test_a_working_folder_that_is_gone(here):
    (here / "gone").mkdir()
    code = "import os; os.rmdir(os.getcwd()); from chronostar.cli import prepare_data; prepare_data()"
    process = python(code, "../stars.fits", cwd=here / "gone")
    assert one_line(process, 2).startswith("prepare-data: ")


ASCII = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("settings", [{"LC_ALL": "C"}, ASCII, {"PYTHONIOENCODING": "ascii"}])
def test_terminals_that_lack_characters(here, settings):
    (here / "config.yml").write_text(f"run:\n  savedir: {'out' if settings == ASCII else 'ü/é'}\n", encoding="utf-8")
    process = command("fit_component", "-q", "-c", "config.yml", save("few.npy", stars()), env={**os.environ, **settings})
    said, wrong = process.communicate(timeout=300)
    assert process.returncode == 0 and "RESULTS" in said and not wrong


def test_a_name_that_cannot_be_coded(here):
    (here / "config.yml").write_text("run:\n  savedir: é\n", encoding="utf-8")
    said = one_line(command("fit_component", "-q", "-c", "config.yml", save("few.npy", stars()), env={**os.environ, **ASCII}), 2)
    assert "cannot be written in ascii" in said and "set LC_ALL=C.UTF-8" in said


SLOW_DISK = """
import sys, time
import numpy as np
from chronostar import cli, files
def write(path, content):
    path.write_bytes(b'half of it')
    print('writing', flush=True)
    time.sleep(60)
files._write = write
cli.prepare_data()
"""


@pytest.mark.parametrize(("signum", "status", "says"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")])
def test_stopped_while_writing(here, signum, status, says):
    before = files(here)
    process = python(SLOW_DISK, "-q", "stars.fits", "-o", "new")
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signum)
    assert one_line(process, status) == f"prepare-data: {says}; what it has written is whole"
    assert files(here) == before


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.5, 1.0, 2.0, 2.5, 3.0, 4.0, 4.5, 6.0, 9.0, 12.0])
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_stopped_while_numba_compiles(here, delay, signum):
    "At whatever moment: LLVM calls back into Python, where an interrupt would be lost."
    process = command("fit_chronostar", "-q", save("few.npy", stars()), env={**os.environ, "NUMBA_CACHE_DIR": str(here / "cold")})
    time.sleep(delay)
    process.send_signal(signum)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said.count("\n")) in ((0, 0), (128 + signum, 1)), said
    assert not [name for name in files(here / "result") if Path(name).name.startswith(".")]


def test_a_compressed_table_cut_off(refuses, here):
    table_with(300).write("stars.ecsv")
    whole = gzip.compress((here / "stars.ecsv").read_bytes())
    Path("stars.csv.gz").write_bytes(whole)
    assert len(prepare("stars.csv.gz").ids) == 300
    Path("stars.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert "stars.csv.gz" in refuses("prepare_data", "stars.csv.gz")
