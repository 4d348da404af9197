"""A fit that ignores the stars' uncertainties goes on ignoring them: in memory, and when it is read back."""

import numpy as np
import pytest

from chronostar import cli
from chronostar.ages import age_profile
from chronostar.datatools import prepare
from chronostar.driver import Driver
from chronostar.results import read_result
from chronostar.synthdata import SynthData

IGNORE = {"component": {"stellar_uncertainties": False}}


@pytest.fixture(scope="module")
def stars():
    return prepare(SynthData([[0] * 6 + [6.0, 1.5, 15.0], [0] * 6 + [60.0, 10.0, 0.0]], [60, 200], rng=4).generate()).stars


def test_a_search(stars, tmp_path):
    driver = Driver(IGNORE)
    best = driver.run(stars)
    assert best.bic(stars) == driver.icpool.best_score
    assert best.bic(stars) == best.bic(stars.without_covs())
    errors = best.uncertainties(stars)
    assert errors.gain < 0.05
    k = int(np.argmin([c.dxyz for c in best.components_]))
    assert not [flag for flag in age_profile(best, stars, k).flags if "where the fit was" in flag]
    driver.save_best(tmp_path / "best", stars)
    back = read_result(tmp_path / "best")
    np.testing.assert_array_equal(back.predict_proba(stars), np.load(tmp_path / "best" / "memberships.npy"))


def test_the_commands(stars, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stars.write("sample")
    settings = "component:\n  stellar_uncertainties: false\nmixture:\n  random_state: 1\nrun:\n  savedir: fm\n"
    (tmp_path / "c.yml").write_text(settings)
    cli.fit_mixture(["-q", "-c", "c.yml", "2", "sample"])
    cli.calc_memberships(["-q", "sample", "-r", "fm"])
    np.testing.assert_array_equal(np.load("calced_membership.npy"), np.load("fm/memberships.npy"))
    np.testing.assert_array_equal(read_result("fm").predict_proba(stars), np.load("fm/memberships.npy"))
