"""The commands on real Gaia data, where it is at hand."""

import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from chronostar import cli
from chronostar.ages import age_profile
from chronostar.datatools import StarData, prepare
from chronostar.driver import Driver
from chronostar.results import read_result
from chronostar.transforms import SUN

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import betapic  # noqa: E402


def test_beta_pictoris_neighbourhood(shared, tmp_path, monkeypatch, capsys):
    table = shared("real/bpmg_neighbourhood_gaia_dr2.fits")
    monkeypatch.chdir(tmp_path)
    cli.prepare_data([str(table)])
    assert "831 of 831 stars" in capsys.readouterr().err
    assert np.load("data_all.npy").shape == (831, 42)
    cli.fit_component(["data_all.npy"])
    (tmp_path / "six.yml").write_text("run:\n  savedir: six\nmixture:\n  random_state: 1\n")
    cli.fit_mixture(["-c", "six.yml", "6", "data_all.npy"])
    assert len(read_result("six").components_) == 6
    cli.fit_chronostar(["data_all.npy"])
    best = read_result("result/final")
    stars = np.load("data_all.npy")
    one = read_result("result")
    assert best.bic(stars) < one.bic(stars) - 1000  # the field is no single group


def test_the_interval_of_the_age_of_beta_pictoris(shared):
    "The moving group stands out of a free field, with an interval that holds the published ages of 18 to 24 Myr."
    stars = StarData(prepare(Table.read(shared("real/bpmg_neighbourhood_gaia_dr2.fits"))).X)
    best = Driver({"modules": {"background": "SpaceComponent"}}).run(stars).polish(stars)
    velocity = SUN[3:] + [-9.4, -15.6, -9.1]  # of the group, heliocentric as published, in the frame of the LSR
    group = int(np.argmin([np.linalg.norm(c.mean[3:] - velocity) + (c.age is None) * 99 for c in best.components_]))
    profile = age_profile(best, stars, group)
    assert np.linalg.norm(best.components_[group].mean[3:] - velocity) < 1.5
    assert 1 < best.uncertainties(stars)[group, "age"][1] < 3
    lower, upper = profile.intervals[95]
    assert 15 < lower < 19 and 22 < upper < 28


def test_missing_radial_velocities(shared, tmp_path, monkeypatch, capsys):
    table = shared("real/gaia_dr3_20pc.fits")
    monkeypatch.chdir(tmp_path)
    cli.prepare_data([str(table)])
    said = capsys.readouterr().err
    assert "1387 of 1941 stars" in said and "554 left out: no value for radial_velocity" in said
    cli.prepare_data(["-f", str(table)])
    mask, ids = np.load("fake_rvs_mask.npy"), np.load("ids.npy")
    assert mask.dtype == bool and mask.sum() == 554 and len(mask) == 1941
    for name in ("fake_rvs_ids.npy", "fake_rvs_id.npy"):
        np.testing.assert_array_equal(np.load(name), ids[mask])
    assert (tmp_path / "modified-gaia_dr3_20pc.fits").exists()
    cli.prepare_data([str(table)])  # without -f again: nothing of the earlier call is left to mislead
    assert not list(tmp_path.glob("fake_rvs*"))


@pytest.mark.parametrize("components", [2, pytest.param(100, marks=pytest.mark.slow)])
def test_a_search_among_stars_without_radial_velocity(components, shared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cli.prepare_data(["-f", "-o", "sample", str(shared("real/gaia_dr3_20pc.fits"))])
    (tmp_path / "config.yml").write_text(f"icpool: {{max_components: {components}}}\n")
    cli.fit_chronostar(["-q", "-c", "config.yml", "sample"])
    stars, best = StarData.read("sample"), read_result("result/final")
    assert stars.fake_rvs.sum() == 554 and len(stars) == 1941
    members = Table.read("result/final/members.fits")
    np.testing.assert_array_equal(members["source_id"], stars.ids)
    total = sum(members[f"probability_{k}"] for k in range(len(best.components_)))
    np.testing.assert_allclose(total, 1, rtol=1e-9)


def test_the_ages_of_beta_pictoris_and_tucana_horologium(shared):
    """Nobody tells the search of a group or a selection: in a field that has the shape of the sample, both are within the range
    of what is published (17.8 +- 1.2, 18.5 +2.0 -2.4, 20.4 +- 2.5 Myr; 38.5 +1.6 -8.0), and the other is in one piece."""
    stars, best, k = betapic.fit(Table.read(shared("real/bpmg_neighbourhood_gaia_dr2.fits")))
    other, members = betapic.tucana_horologium(best), best.predict_proba(stars).sum(axis=0)
    assert 15 < best.components_[k].age < 23 and 30 < members[k] < 60
    assert 30.5 < best.components_[other].age < 40.1 and 42 < members[other] < 60
    assert {type(c).__name__ for c in best.components_ if c.age is None} == {"SmoothFieldComponent"}
    assert best.bic(stars) < 37030  # with a free Gaussian 37810
