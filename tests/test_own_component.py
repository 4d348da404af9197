"""A component written by a user, in three lines, gets everything that Chronostar's own get."""

import sys
from unittest import mock

import numpy as np
import pytest
from astropy.units import Unit

from chronostar.ages import age_profile
from chronostar.component.association import Association
from chronostar.datatools import prepare
from chronostar.driver import Driver
from chronostar.plotting import plot_birth, plot_plane
from chronostar.report import report_html
from chronostar.results import components_table, read_result
from chronostar.synthdata import SynthData, generate_association

FLAT = '''
from chronostar.component.association import Association

class FlatComponent(Association):
    "An association that was born flat: a round layer in the Galactic plane."
    spreads = {'dxy': 'XY', 'dz': 'Z', 'duvw': 'UVW'}
'''
SETTINGS = {"modules": {"component": "flat_of_test.FlatComponent", "background": "SpaceComponent"},
            "component": {"max_age": 40}}
TRUTH = {"age": 15.0, "dxy": 40.0, "dz": 6.0, "duvw": 1.0}


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    "The class, in a file; and stars: a layer of 150, and 400 of a field."
    folder = tmp_path_factory.mktemp("own")
    (folder / "flat_of_test.py").write_text(FLAT)
    sys.path.insert(0, str(folder))
    from flat_of_test import FlatComponent

    rng = np.random.default_rng(3)
    layer = FlatComponent([10, -90, 0, 2, -4, -2, 40, 6, 1, 15]).sample(150, rng)
    field = generate_association(np.zeros(6), np.diag([150.0**2] * 3 + [20.0**2] * 3), 0.0, 400, rng)
    stars = prepare(SynthData.measure_astrometry(np.vstack([layer, field]), rng=rng, m_err=0.5)).stars
    yield FlatComponent, stars, folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def found(sky):
    "The driver and the best mixture of a search for layers in a free Gaussian, named by dotted path."
    _, stars, folder = sky
    driver = Driver(SETTINGS, savedir=folder / "fits")
    return driver, driver.run(stars)


def group_of(mixture):
    return next(k for k, c in enumerate(mixture.components_) if isinstance(c, Association))


def test_the_contract_follows_from_the_spreads(sky):
    FlatComponent, stars, _ = sky
    assert FlatComponent.n_params == 10
    assert FlatComponent.quantities == {"age": "Myr", "dxy": "pc", "dz": "pc", "duvw": "km/s"}
    assert repr(FlatComponent([0] * 6 + [3, 2, 1, 9])) == "FlatComponent(age=9.00 Myr, dxy=3.00 pc, dz=2.00 pc, duvw=1.000 km/s)"


def test_search_and_uncertainties(sky, found):
    _, stars, _ = sky
    best = found[1]
    k = group_of(best)
    assert len(best.components_) == 2 and best.components_[k].max_age == 40
    errors = best.uncertainties(stars)
    for name, true in TRUTH.items():
        value, sigma = errors[k, name]
        assert abs(value - true) < 3.5 * sigma < true


def test_profile_and_posterior(sky, found):
    pytest.importorskip("emcee")
    from chronostar.posterior import sample_posterior

    _, stars, _ = sky
    best = found[1]
    k = group_of(best)
    sigma = best.uncertainties(stars)[k, "age"][1]
    profile = age_profile(best, stars, k)
    np.testing.assert_allclose(profile.intervals[68], [profile.age - sigma, profile.age + sigma], atol=0.3 * sigma)
    assert profile.ages.max() == 40
    posterior = sample_posterior(best, stars, component=k, n_steps=400, rng=0)
    assert abs(np.median(posterior[k, "age"]) - profile.age) < sigma
    np.testing.assert_allclose(np.std(posterior[k, "age"]), sigma, rtol=0.4)
    assert posterior.units[posterior.names.index((k, "dz"))] == "pc"


def test_results_tables_report_and_plots(sky, found):
    _, stars, folder = sky
    driver, best = found
    k = group_of(best)
    driver.save_best(folder / "best", stars, best.uncertainties(stars))
    back = read_result(folder / "best")
    assert type(back.components_[k]) is type(best.components_[k])
    np.testing.assert_array_equal(back.predict_proba(stars), best.predict_proba(stars))
    table = components_table(best, uncertainties=best.uncertainties(stars))
    for name, unit in {"dxy": "pc", "dz": "pc", "duvw": "km/s"}.items():
        assert table[name].unit == Unit(unit) and np.isfinite(table[name][k]) and table[f"{name}_error"][k] > 0
    page = report_html(best, stars, uncertainties=best.uncertainties(stars))
    assert "dxy [pc]" in page and "dz [pc]" in page and "Not drawn" not in page
    assert len(plot_plane(stars, 2, 5, components=best.components_).lines) >= 6
    assert plot_birth(best.components_[k], stars, best.predict_proba(stars)[:, k])


def test_an_interrupted_search_goes_on(sky, found):
    _, stars, folder = sky
    import chronostar.driver as module

    whole, turns = module.fit_candidate, iter(range(2))

    def impatient(*args):
        if next(turns, None) is None: raise KeyboardInterrupt
        return whole(*args)

    with mock.patch.object(module, "fit_candidate", impatient), pytest.raises(KeyboardInterrupt):
        Driver(SETTINGS, savedir=folder / "again").run(stars)
    again = Driver(SETTINGS, savedir=folder / "again")
    assert repr(again.run(stars, resume=True)) == repr(found[1])
    assert again.icpool.scores == found[0].icpool.scores
