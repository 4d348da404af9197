"""How a sample was cut: said by a table, by a command, by the settings."""

import numpy as np
import pytest

from chronostar import cli
from chronostar.datatools import StarData, prepare, read_table
from chronostar.driver import Driver
from chronostar.selection import Selection
from chronostar.synthdata import generate_gaia_sky


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
    assert "the table says how it was selected: parallax > 10" in said
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
    assert "is not understood" in caplog.text


def test_the_settings_have_the_last_word(sky, tmp_path, caplog):
    stars = prepare(sky, fake_rvs=True).stars
    (tmp_path / "config.yml").write_text("selection: parallax > 10\nmodules:\n  background: FieldComponent\n"
                                         "icpool:\n  max_components: 1\n")
    search = Driver(str(tmp_path / "config.yml"))
    search.run(np.hstack([stars.means, stars.covs.reshape(-1, 36)]))
    assert search.config_["component"]["selection"] == "parallax > 10" and "settings count" not in caplog.text
    search.run(prepare(sky, fake_rvs=True, selection="distance < 100").stars)
    assert "selected by 'distance < 100'; the settings count, 'parallax > 10'" in caplog.text
