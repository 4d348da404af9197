"""A field that fills the sample: velocities recovered, groups found beside it, and all that a component goes through."""

import numpy as np
import pytest
import yaml

from chronostar import cli
from chronostar.chunks import ChunkedStars, pack_stars
from chronostar.component.fieldcomponent import FieldComponent
from chronostar.component.smoothfieldcomponent import SmoothFieldComponent
from chronostar.component.spacecomponent import SpaceComponent
from chronostar.config import check_config
from chronostar.datatools import InputError, StarData, prepare
from chronostar.driver import Driver, choose_background
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.results import read_result
from chronostar.synthdata import generate_gaia_sky, sphere

GROUP = dict(mean_now=np.array([20.0, -30, 10, -2, -8, -5]), covariance_birth=sphere(6, 0.8), age=18.0, nstars=80)


def sky(seed, nfield=1500, groups=(GROUP,)):
    table, truth = generate_gaia_sky(nfield, groups, rng=seed)
    prepared = prepare(table, fake_rvs=True, selection="parallax > 10")
    return table, prepared.stars, np.asarray(truth["component"])[prepared.reason == ""]


@pytest.fixture(scope="module")
def searched():
    _, stars, truth = sky(11)
    driver = Driver({"modules": {"background": "FieldComponent"}})
    return stars, truth, driver.run(stars)


def test_the_group_is_found_in_the_field(searched):
    stars, truth, mixture = searched
    groups = [k for k, c in enumerate(mixture.components_) if c.age is not None]
    assert len(groups) == 1 and all(isinstance(c, FieldComponent) for k, c in enumerate(mixture.components_) if k != groups[0])
    assert abs(mixture.components_[groups[0]].age - 18) < 3
    members = mixture.predict_proba(stars)[:, groups[0]]
    assert members[truth == 1].mean() > 0.9 and members[truth == 0].sum() < 0.1 * (truth == 1).sum()


def test_the_field_is_better_than_a_gaussian(searched):
    stars, _, mixture = searched
    free = Driver({"modules": {"background": "SpaceComponent"}}).run(stars)
    assert mixture.bic(stars) < free.bic(stars) - 100


def test_the_kind_of_field_is_chosen_by_bic():
    "With `background: auto`; as the search with a class that is named, in memory and by the command."
    _, stars, _ = sky(12, nfield=600)
    auto, named = (Driver({"modules": {"background": name}}) for name in ("auto", "FieldComponent"))
    assert auto.run(stars).bic(stars) == named.run(stars).bic(stars)
    assert auto.config_["modules"]["background"] is FieldComponent


def test_a_sample_that_does_not_say_how_it_was_selected():
    "Two groups among 900 stars within 100 pc, found as if the selection were known; and where stars thin out it is a Gaussian."
    other = dict(mean_now=np.array([-35.0, 20, 0, 5, -2, 3]), covariance_birth=sphere(5, 0.7), age=30.0, nstars=70)
    _, stars, _ = sky(13, nfield=900, groups=(GROUP, other))
    unsaid = StarData(np.array(stars))
    assert "selection" not in unsaid.provenance
    driver = Driver()
    mixture, known = driver.run(unsaid), Driver().run(stars)
    assert driver.config_["modules"]["background"] is SmoothFieldComponent
    ages, as_known = (sorted(c.age for c in m.components_ if c.age is not None) for m in (mixture, known))
    np.testing.assert_allclose(ages, as_known, atol=1.5)
    assert len(ages) == 2 and abs(ages[0] - 18) < 3 and abs(ages[1] - 30) < 5
    rng = np.random.default_rng(1)
    thin = StarData(rng.normal(0, [60.0, 60, 60, 30, 20, 15], (1000, 6)))
    assert choose_background(check_config({}), thin) is SpaceComponent


def test_a_search_without_a_selection_is_written_read_and_resumed(tmp_path, monkeypatch):
    _, stars, _ = sky(14, nfield=500)
    monkeypatch.chdir(tmp_path)
    np.save("data.npy", np.array(stars))
    (tmp_path / "c.yml").write_text(yaml.safe_dump({"run": {"savedir": "result"}, "driver": {"savedir": "result/fits"}}))
    assert cli.fit_chronostar(["-c", "c.yml", "data.npy"]) in (None, 0)
    first = read_result("result")
    assert any(isinstance(c, SmoothFieldComponent) for c in first.components_)
    again = StarData(np.load("data.npy"))
    written = np.load("result/memberships.npy")
    np.testing.assert_allclose(first.predict_proba(again), written, atol=1e-12)
    assert cli.fit_chronostar(["-c", "c.yml", "data.npy", "--resume"]) in (None, 0)
    np.testing.assert_array_equal(np.load("result/memberships.npy"), written)


def test_velocities_are_recovered_within_their_uncertainties():
    "Over skies whose field is one ellipsoid; 30 with 9 values each."
    true, cov = np.array([-10.0, -15, -7]), np.array([[900.0, 80, 0], [80, 400, 10], [0, 10, 250]])
    truth, pulls = FieldComponent(np.hstack([true, cov.ravel()]), selection="parallax > 10"), []
    for seed in range(30):
        rng = np.random.default_rng([7, seed])
        states = truth.sample(800, rng)
        line = states[:, :3] - [0, 0, 25]
        line /= np.linalg.norm(line, axis=1, keepdims=True)
        covs = np.zeros((800, 6, 6))
        covs[:, range(6), range(6)] = 1.0
        covs[rng.random(800) < 0.6, 3:, 3:] = np.nan
        without = np.isnan(covs[:, 3, 3])
        covs[without, 3:, 3:] = np.eye(3) + 1e8 * line[without, :, None] * line[without, None, :]
        states[:, 3:] += rng.normal(size=(800, 3))
        stars = StarData(states, covs, provenance={"selection": "parallax > 10"})
        d = FieldComponent().maximize(stars).derivatives(stars, np.ones(800))
        sigma = np.sqrt(np.diag(d.jacobian @ np.linalg.inv(-d.hessian) @ d.jacobian.T))
        pulls.append((d.values - [*true, *cov[np.tril_indices(3)]]) / sigma)
    pulls = np.array(pulls)
    assert 0.6 < (np.abs(pulls) < 1).mean() < 0.76 and np.abs(pulls).max() < 5
    assert np.abs(pulls.mean(axis=0)).max() < 0.8


def test_uncertainties_and_report(searched, tmp_path):
    stars, _, mixture = searched
    mixture = ComponentMixture(mixture.weights_, mixture.components_).polish(stars)
    uncertainties = mixture.uncertainties(stars)
    assert not uncertainties.flags
    k = next(k for k, c in enumerate(mixture.components_) if c.age is None)
    assert "U " in uncertainties.describe(k, ("U", "V", "W"))
    assert (tmp_path / "report.html").write_text(mixture_report(mixture, stars)) > 1000


def mixture_report(mixture, stars):
    from chronostar.report import report_html

    return report_html(mixture, stars)


def test_commands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table, stars, _ = sky(12, 600)
    table.write("sky.fits")
    cli.prepare_data(["-f", "--selection", "parallax > 12.5", "sky.fits", "-o", "s"])
    assert "left out: outside the selection" in capsys.readouterr().err
    assert StarData.read("s").provenance["selection"] == "parallax > 12.5"
    settings = {"modules": {"background": "FieldComponent"}, "icpool": {"max_components": 2}}
    (tmp_path / "c.yml").write_text(yaml.safe_dump(settings))
    cli.fit_chronostar(["-q", "-c", "c.yml", "s"])
    result, inside = read_result("result/final"), StarData.read("s")
    assert any(isinstance(c, FieldComponent) and c.selection == "parallax > 12.5" for c in result.components_)
    np.testing.assert_allclose(result.predict_proba(inside), np.load("result/final/memberships.npy"), atol=1e-9)
    beyond = stars[np.linalg.norm(stars.means[:, :3] - [0, 0, 25], axis=1) > 85]
    k = next(k for k, c in enumerate(result.components_) if isinstance(c, FieldComponent))
    assert np.isneginf(result.components_[k].estimate_log_prob(beyond)).all()  # the sample does not reach so far


def test_the_sample_does_not_know():
    _, stars, _ = sky(13, 200)
    unknown = StarData(stars.means, stars.covs)
    with pytest.raises(InputError, match="--selection 'parallax > 10'"):
        Driver({"modules": {"background": "FieldComponent"}}).run(unknown)
    mixture = Driver({"modules": {"background": "FieldComponent"}, "component": {"selection": "parallax > 10"}}).run(unknown)
    again = Driver({"modules": {"background": "FieldComponent"}}).run(stars)
    assert mixture.bic(unknown) == again.bic(stars)


def test_side_by_side_and_in_chunks(searched, tmp_path):
    stars, _, mixture = searched
    settings = {"modules": {"background": "FieldComponent"}, "icpool": {"max_components": 2}}
    alone, together = Driver(settings).run(stars), Driver(settings).run(stars, workers=2)
    assert alone.bic(stars) == together.bic(stars)
    np.save(tmp_path / "X.npy", np.hstack([stars.means, stars.covs.reshape(-1, 36)]))
    pack_stars(tmp_path / "X.npy", tmp_path / "packed", chunk=512)
    chunked = ChunkedStars(tmp_path / "packed")
    start = ComponentMixture(mixture.weights_, mixture.components_)
    np.testing.assert_allclose(start.fit(chunked).bic(chunked), start.fit(stars).bic(stars), rtol=1e-9)


def test_a_pass_takes_three_by_three_algebra():
    "The sums agree with those of a Gaussian that is as good as flat in position."
    _, stars, _ = sky(14, 300)
    flat = SpaceComponent(np.hstack([np.zeros(6), (np.eye(6) * ([1e12] * 3 + [400.0] * 3)).ravel()]))
    weights = np.random.default_rng(0).random(len(stars))
    ours = stars.cartesian.velocity_sums(weights, np.zeros(3), 400 * np.eye(3))
    theirs = stars.cartesian.overlap_sums(weights, flat.mean, flat.covariance)
    np.testing.assert_allclose(ours.by_mean, theirs.by_mean[3:], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.by_cov, theirs.by_cov[3:, 3:], rtol=1e-6, atol=1e-8)
