"""Uncertainties that are too small, and stars that do not belong: from the command line, in a search, in files."""

import numpy as np
import pytest
from astropy.table import Table

from chronostar import ComponentMixture, Driver, prepare, read_result
from chronostar.ages import age_profile
from chronostar.cli import fit_component, fit_mixture
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.conventions import InputError
from chronostar.noise import KINDS, maximize_with_noise
from chronostar.synthdata import SynthData
from chronostar.uncertainties import component_uncertainties

GROUP, FIELD = [20, -10, 5, 0, -5, 0, 7.0, 0.7, 20.0], [0, 0, 0, 0, 0, 0, 60.0, 15.0, 0.0]


def sky(seed, n=(60, 200)):
    "A table in which three stars of ten have a radial velocity that is off."
    synth = SynthData([GROUP, FIELD][: len(n)], list(n), rng=seed, m_err=0.3)
    table, rng = synth.generate(), np.random.default_rng(seed)
    off = (rng.random(len(table)) < 0.3) * rng.choice([-1, 1], len(table)) * 10 ** rng.uniform(0, 1.5, len(table))
    table["radial_velocity"] += off
    return synth, table, off


@pytest.fixture(scope="module")
def mixed():
    synth, table, off = sky(3)
    stars = prepare(table).stars
    made = ComponentMixture(noise=True).fit(stars, init_resp=synth.memberships)
    return synth, stars, off, made


def test_a_mixture_keeps_the_members_whose_velocity_is_off(mixed):
    synth, stars, off, fitted = mixed
    trusting = ComponentMixture().fit(stars, init_resp=synth.memberships)
    age, error = fitted.uncertainties(stars)[0, "age"]
    assert abs(age - 20) < 3 * error < 6
    assert trusting.weights_[0] * len(stars) < 50 < 57 < fitted.weights_[0] * len(stars) < 63
    assert fitted.bic(stars) < trusting.bic(stars) - 50
    doubts = fitted.doubts(stars)
    members = fitted.predict_proba(stars)[:, 0] > 0.9
    assert (doubts["velocity_doubtful"][members & (np.abs(off) > 10)] > 0.8).all()


def test_uncertainties_profile_and_memberships_know_of_the_noise(mixed):
    _, stars, _, fitted = mixed
    age, error = fitted.polish(stars).uncertainties(stars)[0, "age"]
    lower, upper = age_profile(fitted, stars).intervals[68]
    np.testing.assert_allclose([lower, upper], [age - error, age + error], atol=0.35 * error)
    n = len(stars)
    np.testing.assert_allclose(fitted.score_samples(stars)[: n // 2], fitted.score_samples(stars[: n // 2]), rtol=1e-12)


def test_every_star_alone_is_scored_as_among_others(mixed):
    _, stars, _, fitted = mixed
    np.testing.assert_allclose(fitted.score_samples(stars[7:8]), fitted.score_samples(stars)[7:8], rtol=1e-12)
    np.testing.assert_allclose(fitted.predict_proba(np.asarray(stars)), fitted.predict_proba(stars), atol=1e-12)


def test_commands_write_what_they_found_about_the_noise(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    synth, table, off = sky(5)
    prepare(table).stars.write("sample")
    np.save("members.npy", synth.memberships)
    (tmp_path / "noise.yml").write_text("noise: true\nrun:\n  savedir: mixture\n")
    fit_mixture(["-c", "noise.yml", "2", "sample", "members.npy"])
    assert "noise: as quoted" in capsys.readouterr().out
    stars, result = prepare(table).stars, read_result("mixture")
    assert result.noise
    np.testing.assert_allclose(result.predict_proba(stars), np.load("mixture/memberships.npy"), atol=1e-9)
    members = Table.read("mixture/members.fits")
    assert members["source_id"].dtype.kind == "i" and members["source_id"].dtype.itemsize == 8
    assert (members["velocity_doubtful"][np.abs(off) > 100] > 0.5).all()
    (tmp_path / "noise.yml").write_text("noise: true\nrun:\n  savedir: alone\n")
    fit_component(["-c", "noise.yml", "sample", "members.npy"])
    assert "stranger" in Table.read("alone/members.fits").colnames
    assert abs(read_result("alone").components_[0].age - 20) < 4
    assert len(read_result("alone").noise_shares_) == len(KINDS)


def test_a_search_gives_the_same_with_workers_and_when_it_goes_on(tmp_path):
    _, table, _ = sky(7, (50, 120))
    stars, settings = prepare(table).stars, {"noise": True, "mixture": {"random_state": 1}, "driver": {"savedir": str(tmp_path)}}
    first = Driver(settings).run(stars)
    again = Driver(settings).run(stars, resume=True)
    beside = Driver({**settings, "driver": {}}).run(stars, workers=2)
    for other in (again, beside):
        np.testing.assert_array_equal(other.noise_shares_, first.noise_shares_)
        assert other.bic(stars) == pytest.approx(first.bic(stars), abs=1e-6)


def test_a_search_doubts_the_uncertainties_of_its_best_mixture(tmp_path):
    _, table, _ = sky(9, (60, 150))
    stars = prepare(table).stars
    search, settings = Driver({"driver": {"savedir": str(tmp_path)}}), {"noise": False}
    best = search.run(stars)
    assert search.record_.best_label.endswith("-noise") and best.noise
    assert best.bic(stars) < Driver(settings).run(stars).bic(stars)
    again = Driver({"driver": {"savedir": str(tmp_path)}})
    assert again.run(stars, resume=True).bic(stars) == pytest.approx(best.bic(stars), abs=1e-6)
    assert again.record_.best_label == search.record_.best_label


def test_a_search_of_stars_that_are_as_quoted_is_left_as_it_is():
    stars = prepare(SynthData([GROUP, FIELD], [60, 150], rng=2, m_err=0.3).generate()).stars
    trusting, expecting = Driver({"noise": False}).run(stars), Driver({}).run(stars)
    np.testing.assert_array_equal(expecting.weights_, trusting.weights_)
    assert not expecting.noise


def test_a_member_list_with_strangers_and_binaries():
    _, table, _ = sky(11, (80,))
    table["pmra"][:4] += [80, -70, 90, -60]
    stars = prepare(table).stars
    group = SphereSpaceTimeComponent()
    noisy = maximize_with_noise(group, stars)
    error = component_uncertainties(group, noisy)[0, "age"][1]
    assert abs(group.age - 20) < 3 * error
    strangers = noisy.doubts(group.estimate_log_prob)["stranger"]
    assert (strangers[:4] > 0.9).all() and (strangers[4:] > 0.5).sum() <= 1


def test_what_has_no_uncertainties_has_no_noise():
    means = np.random.default_rng(0).normal(size=(30, 6))
    with pytest.raises(InputError, match="noise: stars without uncertainties"):
        ComponentMixture(noise=True).fit(means)


def test_raw_velocities_of_a_cluster_do_not_stop_a_profile(shared):
    table = Table.read(shared("real/ic_2602.ecsv"))
    members = table[np.asarray(table["hdbscan_member"]).astype(bool)] if "hdbscan_member" in table.colnames else table
    stars = prepare(members, fake_rvs=True).stars
    fitted = ComponentMixture(init_components=[SphereSpaceTimeComponent()], noise=True).fit(stars)
    assert np.isfinite(age_profile(fitted, stars).intervals[95]).all()
