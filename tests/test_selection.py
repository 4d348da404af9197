"""How a sample was cut: said by a table, by a command, by the settings; seen where nobody says it."""

import logging
from functools import partial

import numpy as np
import pytest

from chronostar import cli
from chronostar.conventions import AXES
from chronostar.datatools import StarData, prepare, read_table
from chronostar.driver import Driver
from chronostar.selection import Selection, sharp_edges
from chronostar.synthdata import generate_gaia_sky
from chronostar.transforms import SUN

CUBE = "-50 < X < 50 and -50 < Y < 50 and -50 < Z < 50"


@pytest.fixture
def sky():
    table = generate_gaia_sky(nfield=400, rng=1)[0]
    table.meta["comments"] = ["selection: parallax > 10"]
    return table


@pytest.mark.parametrize("name", ["sky.fits", "sky.ecsv", "sky.parquet", "sky.csv"])
def test_prepare_data_finds_the_selection_in_the_table(sky, name, tmp_path, capsys):
    if name.endswith(".csv"):
        text = "\n".join(sky.pformat(max_lines=-1, max_width=-1, show_unit=False)[2:])
        lines = [",".join(line.split()) for line in text.split("\n")]
        (tmp_path / name).write_text("\n".join(["# selection: parallax > 10", ",".join(sky.colnames), *lines]))
    else:
        sky.write(tmp_path / name)
    cli.prepare_data(["-f", str(tmp_path / name), "-o", str(tmp_path)])
    said = capsys.readouterr().err
    assert "the table says how it was selected: parallax > 10" in said and "end sharply" not in said
    assert StarData.read(tmp_path).provenance["selection"] == "parallax > 10"
    kept = [path for path in tmp_path.glob(f"modified-{name}*")]
    assert len(kept) == 1 and prepare(read_table(kept[0]), fake_rvs=True).selection == "parallax > 10"


def test_what_is_given_counts(sky, tmp_path, capsys):
    sky.write(tmp_path / "sky.fits")
    cli.prepare_data(["-f", "--selection", "parallax > 12.5", str(tmp_path / "sky.fits"), "-o", str(tmp_path)])
    assert "selected by 'parallax > 10'; what is given counts, 'parallax > 12.5'" in capsys.readouterr().err
    stars = StarData.read(tmp_path)
    assert stars.provenance["selection"] == "parallax > 12.5" and Selection("parallax > 12.5").contains(stars.means).all()


def test_a_remark_of_somebody_else_is_no_selection(sky, caplog):
    sky.meta["comments"] = ["selection: members with a probability above 0.5"]
    assert prepare(sky, fake_rvs=True).selection is None
    assert "is not understood" in caplog.text and "say --selection 'parallax > 10'" in caplog.text


def test_the_settings_have_the_last_word(sky, tmp_path, caplog):
    stars = prepare(sky, fake_rvs=True).stars
    (tmp_path / "config.yml").write_text("selection: parallax > 10\nmodules:\n  background: FieldComponent\n"
                                         "icpool:\n  max_components: 1\n")
    search = Driver(str(tmp_path / "config.yml"))
    search.run(np.hstack([stars.means, stars.covs.reshape(-1, 36)]))
    assert search.config_["component"]["selection"] == "parallax > 10" and "settings count" not in caplog.text
    search.run(prepare(sky, fake_rvs=True, selection="distance < 100").stars)
    assert "selected by 'distance < 100'; the settings count, 'parallax > 10'" in caplog.text


def ball(rng, n):
    return Selection("distance < 80").fill()[0][rng.choice(60_000, n, replace=False)]


def gaussian(rng, n, shifts=(0, 20, 100, 300)):
    centre = rng.normal(size=3) * rng.choice(shifts)
    return centre + rng.normal(size=(n, 3)) @ rng.normal(size=(3, 3)) * 10


def disc(rng, n):
    return SUN[:3] + np.column_stack([*rng.normal(scale=100, size=(2, n)), rng.laplace(scale=50, size=n)])


def heavy(rng, n):
    return rng.normal(size=3) * 50 + 20 * rng.standard_t(3, size=(n, 3))


@pytest.mark.parametrize("kind", [gaussian, partial(gaussian, shifts=(0,)), disc, heavy])
@pytest.mark.parametrize("n, draws", [(200, 75), (400, 75), (3000, 75), (30_000, 15)])
def test_a_cloud_has_no_edge(kind, n, draws):
    rng = np.random.default_rng(1234)
    assert sum(sharp_edges(kind(rng, n)) != "" for _ in range(draws)) == 0


@pytest.mark.parametrize("n", [300, 1000, 30_000])
def test_a_full_sphere_has_one(n):
    rng = np.random.default_rng(99)
    seen = [sharp_edges(ball(rng, n)) for _ in range(40)]
    assert sum(words in ("parallax > 12.5", "distance < 80") for words in seen) >= 36


@pytest.mark.parametrize("n", [300, 1000, 30_000])
def test_a_full_box_has_faces(n):
    rng = np.random.default_rng(77)
    seen = [Selection(sharp_edges(rng.uniform(-50, 50, (n, 3)))) for _ in range(40)]
    assert sum(set(region.box) == set("XYZ") and np.isinf(region.far) for region in seen) >= 36
    places = np.array([region.box[axis] for region in seen for axis in region.box])
    np.testing.assert_allclose(places[np.isfinite(places)], np.sign(places[np.isfinite(places)]) * 50, atol=500 / n)


def test_a_million_stars_are_no_trouble():
    rng = np.random.default_rng(5)
    assert sharp_edges(rng.uniform(-50, 50, (1_000_000, 3))) == CUBE
    assert sharp_edges(rng.normal(scale=30, size=(1_000_000, 3))) == ""


@pytest.mark.parametrize("name, words", [("gaia_dr3_20pc.fits", "parallax > 50"), ("rho_oph_field.ecsv", "parallax > 5"),
                                         ("ic_2602.ecsv", ""), ("collinder_135.ecsv", ""), ("psc_eri.ecsv", "")])
def test_real_tables(name, words, shared, caplog):
    with caplog.at_level(logging.WARNING):
        prepared = prepare(read_table(shared(f"real/{name}")), fake_rvs=True)
    assert sharp_edges(prepared.means) == words
    assert (f"--selection '{words}'" in caplog.text) == bool(words)


def test_the_neighbourhood_of_beta_pictoris_is_a_box(shared):
    prepared = prepare(read_table(shared("real/bpmg_neighbourhood_gaia_dr2.fits")), fake_rvs=True)
    region = Selection(sharp_edges(prepared.means))
    assert region.contains(prepared.means).all() and np.isfinite([region.box[axis] for axis in AXES[:3]]).all()
