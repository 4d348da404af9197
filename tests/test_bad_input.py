"""What is wrong with the input is said in one line that names it, with exit status 2, and nothing is half-written."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import worked_example

from chronostar import cli
from chronostar.datatools import StarData


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
    assert "bad.npy" in message and ("(n, 6) or (n, 42)" in message or "no stars" in message)


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


def test_stars_that_are_all_the_same(refuses):
    assert "at the same place" in refuses("fit_component", save("same.npy", np.ones((30, 6))))


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
    assert "1 left out: too far, too fast or too uncertain for an orbit" in said
    assert "1 left out: pmra_error beyond all reason" in said
    assert np.isfinite(np.load("data_all.npy")).all()


def test_ids_that_are_none(refuses):
    table, _ = worked_example(3)
    for ids in (np.arange(len(table)) + 0.5, np.arange(len(table)) + 2.0**60, np.zeros((len(table), 2), dtype=int)):
        table["source_id"] = ids
        table.write("ids.fits", overwrite=True)
        assert "source_id" in refuses("prepare_data", "ids.fits")


def test_several_columns_in_one(refuses):
    table, _ = worked_example(3)
    table["parallax"] = np.ones((len(table), 3))
    table.write("wide.fits")
    assert "'parallax'" in refuses("prepare_data", "wide.fits")


def test_overwriting_keeps_what_else_the_file_holds(refuses):
    from astropy.io import fits
    from astropy.table import Table

    table, _ = worked_example(3)
    notes = Table({"note": ["mine"]})
    fits.HDUList([fits.PrimaryHDU(), fits.table_to_hdu(table), fits.table_to_hdu(notes)]).writeto("two.fits")
    before = Path("two.fits").read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy says that it reads the first table
        assert "holds 2 tables" in refuses("prepare_data", "-f", "-w", "two.fits")
    assert Path("two.fits").read_bytes() == before
    assert "needs -f" in refuses("prepare_data", "-w", "stars.fits")


def test_invented_velocities_are_known_again(here):
    table, _ = worked_example(3)
    table["radial_velocity"][:50] = np.nan
    table.write("few.fits")
    for _ in range(2):
        cli.prepare_data(["-q", "-f", "-w", "few.fits"])
        assert np.load("fake_rvs_mask.npy").sum() == 50


@pytest.mark.parametrize("ending", ["fits", "ecsv", "vot", "csv", "fits.gz"])
def test_formats_that_come_back(here, ending):
    from astropy.table import Table

    table, _ = worked_example(3)
    table["radial_velocity"][:5] = np.nan
    table.write(f"stars.{ending}" if ending != "fits" else "again.fits", **({"format": "votable"} if ending == "vot" else {}))
    name = f"stars.{ending}" if ending != "fits" else "again.fits"
    cli.prepare_data(["-q", "-f", "-w", name])
    assert np.isfinite(Table.read(name)["radial_velocity"]).all()
    cli.prepare_data(["-q", "-f", name, "-o", "other"])
    assert Table.read(f"other/modified-{name}")["radial_velocity"].shape == (len(table),)


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
    ("mixture:\n  init_parmas: random\n", "did you mean 'init_params'?"),
    ("mixtures:\n  tol: 1\n", "did you mean 'mixture'?"),
    ("- mixture:\n    tol: 1\n", "not a list"),
    ("mixture: [", "is not a YAML file"),
    ("mixture:\n  tol: small\n", "mixture.tol must be a number"),
    ("modules:\n  component: SpaceComponant\n", "did you mean 'SpaceComponent'?"),
    ("component:\n  stellar_uncertainties: true\n", "42 columns"),
    ("component:\n  stellar_uncertainties: 0\n", "must be true or false"),
    ("component:\n  max_age: -5\n", "between 0 and 1000"),
    ("component:\n  nthreads: four\n", "must be a whole number"),
    ("component:\n  trace_orbit_func: nonsense\n", "no orbit model 'nonsense'"),
    ("mixture:\n  max_iter: 0\n", "max_iter must be between 1"),
    ("mixture:\n  tol: .nan\n", "mixture.tol must be between"),
    ("mixture:\n  random_state: abc\n", "random_state must be a whole number"),
    ("modules:\n  mixture: SpaceComponent\n", "is no mixture"),
    ("modules:\n  component: numpy.array\n", "is no component"),
    ("run:\n  savedir: 3\n", "savedir must be a text"),
    ("[" * 5000, "is not a YAML file"),
])
def test_config(refuses, here, text, culprit):
    (here / "config.yml").write_text(text)
    assert culprit in refuses("fit_component", "-c", "config.yml", "data_means.npy")


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


def test_results_that_are_none(refuses, here):
    assert "no such result folder" in refuses("calc_memberships", "data_all.npy", "-r", "nowhere")
    (here / "empty").mkdir()
    assert "holds no result" in refuses("calc_memberships", "data_all.npy", "-r", "empty")


def test_plot_features(refuses):
    assert "nothing to plot" in refuses("plot_features", "-f", "0,1")
    assert "-d FITS" in refuses("plot_features", "-m", "data_means.npy", "-p")
    assert "0,9" in refuses("plot_features", "-m", "data_means.npy", "-f", "0,9")


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


@pytest.mark.parametrize("orbit", ["galpy:vcirc", "galpy:Foo", "'epicyclic:'", "numpy.sin", "nowhere.orbit", "kepler", "..",
                                   "5", "[1, 2]", "collections.OrderedDict", "numpy.ones"])
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
    (here / "result/components.ecsv").write_text("\n".join(table.splitlines()[:-1]) + "\n")
    assert "is not one result" in refuses("calc_memberships", "data.npy", "-r", "result")


@pytest.mark.parametrize("argv", [["."], ["stars"], ["a.fits", "--parallax", "0"], ["a.fits", "--release", "a b"],
                                  ["none/a.fits"]])
def test_queries_that_make_no_sense(refuses, argv):
    refuses("query_gaia", *argv)


def test_radial_velocities_shifted_by_nothing_one_can_add(refuses):
    assert "rv_shift must be a number" in refuses("prepare_data", "stars.fits", "--rv-shift", "nan")
