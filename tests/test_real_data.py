"""The commands on real Gaia data, where it is at hand."""

import numpy as np

from chronostar import cli
from chronostar.results import read_result


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
