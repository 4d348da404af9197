"""The sample is part of the model: shares of Gaussians within a selection, and groups that the edge of a sample cuts."""

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.table import Table
from scipy.stats import chi, norm

from chronostar import cli
from chronostar.chunks import pack_stars
from chronostar.component.fieldcomponent import FieldComponent
from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import InputError, StarData
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.results import describe, read_result
from chronostar.selection import LEAST, WHOLE, Selection
from chronostar.traceorbit import from_curvilinear
from chronostar.transforms import SUN

sys.path.append(str(Path(__file__).parent / "benchmarks"))
from ages_edge import AGE, fit, group  # noqa: E402

RNG = np.random.default_rng(0)
SLANT = RNG.normal(0, 8, (3, 3))
COV = SLANT @ SLANT.T + 20 * np.eye(3)
CASES = [  # words, mean: inside, near an edge, outside
    ("distance < 60", [40.0, 20, 30]),
    ("distance < 60", [58.0, 5, 30]),
    ("distance < 60", [66.0, 0, 25]),
    ("40 < distance < 60", [50.0, 0, 25]),
    ("40 < distance < 60", [35.0, 0, 25]),
    ("-10 < X < 12 and -5 < Y < 20 and Z > 0", [3.0, 18, 10]),
    ("X > 4 and Y > 2", [0.0, 0, 0]),
    ("cone(40, 10) < 12 and distance < 120", [-52.0, 30, -33]),
    ("cone(40, 10) < 130 and distance < 30", [3.0, -8, 15]),
    ("parallax > 10 and cone(0, -60) < 100 and -30 < X < 40", [20.0, -20, -30]),
]


@pytest.mark.parametrize("words,mean", CASES)
def test_the_share_is_what_counting_says(words, mean):
    region, n = Selection(words), 2_000_000
    counted = region.contains(np.random.default_rng(1).multivariate_normal(mean, COV, n)).mean()
    assert LEAST < counted < 1
    error = 4 * np.sqrt(counted * (1 - counted) / n)
    np.testing.assert_allclose(region.share(mean, COV).value, counted, atol=error + 1e-3 * counted, rtol=0)


@pytest.mark.parametrize("words,mean", CASES)
def test_derivatives_are_those_of_what_counting_says(words, mean):
    "The means of the score of the draws that are inside, in units of the Gaussian's size."
    region, L = Selection(words), np.linalg.cholesky(COV)
    z = np.random.default_rng(2).normal(size=(2_000_000, 3))
    z = z[region.contains(mean + z @ L.T)]
    share, n = region.share(mean, COV), len(z)
    error = 5 / np.sqrt(n)
    np.testing.assert_allclose(L.T @ share.by_mean / share.value, z.mean(axis=0), atol=error + 3e-3)
    of_cov = (z.T @ z / n - np.eye(3)) / 2
    np.testing.assert_allclose(L.T @ share.by_cov @ L / share.value, of_cov, atol=error + 3e-3)


@pytest.mark.parametrize("words,mean", CASES)
def test_derivatives_are_those_of_the_share(words, mean):
    region, mean, L = Selection(words), np.array(mean), np.linalg.cholesky(COV)
    share = region.share(mean, COV)
    for i, h in enumerate(0.1 * np.eye(3)):
        up, down = (region.share(mean + sign * L @ h, COV).value for sign in (1, -1))
        assert abs((up - down) / 0.2 - L.T[i] @ share.by_mean) < 1e-2 * share.value
        stretch = 0.5 * L @ np.outer(h, h) @ L.T
        up, down = (region.share(mean, COV + sign * 10 * stretch).value for sign in (1, -1))
        assert abs((up - down) / 0.1 - L.T[i] @ share.by_cov @ L[:, i]) < 1e-2 * share.value


def test_shares_that_are_known():
    for sigma in (2.0, 10, 50):
        ball = Selection("distance < 20").share(SUN, sigma**2 * np.eye(3))
        np.testing.assert_allclose(ball.value, max(chi(3).cdf(20 / sigma), LEAST), rtol=1e-9)
        np.testing.assert_allclose(ball.by_mean, 0, atol=1e-12)
    for t in (-2.0, -0.7, 0, 0.01, 1.5):
        sigma = np.sqrt(COV[1, 1])
        wall = Selection(f"Y < {5 + t * sigma}").share([300.0, 5, 0], COV)
        np.testing.assert_allclose(wall.value, norm.cdf(t), atol=1e-4)
        np.testing.assert_allclose(wall.by_mean[1], -norm.pdf(t) / sigma, atol=5e-4 / sigma)


def test_far_from_the_edge_and_far_outside():
    region = Selection("distance < 100 and Z > -60")
    assert region.share([0.0, 0, 20], 81 * np.eye(3)) is WHOLE
    assert 0.9999 < region.share([0.0, 0, 20], 400 * np.eye(3)).value < 1
    for mean, cov in (([900.0, 0, 0], COV), ([1e5, 0, 0], COV), ([0.0, 0, 0], 1e8 * np.eye(3))):
        share, length = region.share(mean, cov), np.sqrt(np.trace(cov))
        np.testing.assert_allclose(share.value, LEAST, rtol=1e-6)
        assert np.abs(share.by_mean).max() * length < 1e-6 * LEAST and np.abs(share.by_cov).max() * length**2 < 1e-6 * LEAST


FAR = [(60.0, 10, 3, 20), (250.0, 20, 3, 60), (600.0, 20, 4, 100), (1500.0, 20, 8, 165)]


@pytest.mark.parametrize("where, dxyz, duvw, age", FAR)
def test_shares_of_what_reaches_far_beyond_the_sample(where, dxyz, duvw, age):
    "Sheets that have spread along their orbits are bent; stars drawn from them are counted."
    component = SphereSpaceTimeComponent(selection="parallax > 10")
    now = from_curvilinear(np.array([[0.0, where, 25, 0, -5, 0]]))[0][0]
    mean, cov = component.set_from_now(now, dxyz, duvw, age)._curvilinear_moments()
    drawn = np.random.default_rng(1).multivariate_normal(mean, cov, 1_000_000)
    counted = Selection("parallax > 10").contains(from_curvilinear(drawn)[0]).mean()
    assert counted > 2 * LEAST
    np.testing.assert_allclose(component.share, counted, rtol=0.05)


def test_the_smallest_shares_have_no_kink():
    region, sigmas = Selection("distance < 100"), np.geomspace(100, 2000, 300)
    shares = [region.share(SUN, sigma**2 * np.eye(3)) for sigma in sigmas]
    value, slope = np.array([s.value for s in shares]), 2 * sigmas**2 * [np.trace(s.by_cov) for s in shares]
    inside = chi(3).cdf(100 / sigmas)
    np.testing.assert_allclose(value[inside > 2 * LEAST], inside[inside > 2 * LEAST], rtol=1e-9)
    assert (np.diff(value) < 0).all() and value.min() > LEAST and (value < 2 * LEAST).any()
    by_differences = np.gradient(value, np.log(sigmas))
    np.testing.assert_allclose(slope[1:-1], by_differences[1:-1], rtol=0.02, atol=1e-2 * LEAST)


def test_gradients_agree_with_differences():
    stars = group([99, 1], 0.6, "distance")
    words, n = stars.provenance["selection"], len(stars)
    found = SphereSpaceTimeComponent(selection=words).maximize(stars)
    away, resp = found.theta + np.array([2, -1, 1, 0.2, 0, -0.1, 0.2, -0.1, 1.5]), RNG.random(n)
    point = found.evaluate(away, stars, resp)
    sigma = 1 / np.sqrt(np.diag(point.information))
    whole = SphereSpaceTimeComponent(found.params).evaluate(away, stars, resp)
    cut = np.abs((point.gradient - whole.gradient) * sigma)
    assert cut.max() > 1  # the edge matters
    for a, h in enumerate(np.diag(0.1 * sigma)):
        up, down = (found.evaluate(away + sign * h, stars, resp).log_prob for sign in (1, -1))
        assert abs((up - down) / 0.2 - point.gradient[a] * sigma[a]) < 0.03 * (1 + abs(point.gradient[a] * sigma[a]))
    there = found.at(away)
    np.testing.assert_allclose(there.estimate_log_prob(stars), found.log_prob_at(away, stars), rtol=1e-6)


def test_a_free_gaussian_behind_a_wall():
    rng = np.random.default_rng(5)
    A = rng.normal(0, 6, (6, 6))
    mean, cov = rng.normal(0, 10, 6), A @ A.T + 4 * np.eye(6)
    states = rng.multivariate_normal(mean, cov, 6000) + rng.normal(size=(6000, 6))
    words = f"X < {mean[0]:.3f}"
    stars = StarData(states, np.tile(np.eye(6), (6000, 1, 1))).within(words)
    naive, aware = SpaceComponent().maximize(stars), SpaceComponent(selection=words).maximize(stars)
    assert abs(aware.share - 0.5) < 0.06
    d, sigma = aware.derivatives(stars, np.ones(len(stars))), None
    sigma = np.sqrt(np.diag(d.jacobian @ np.linalg.inv(-d.hessian) @ d.jacobian.T))
    true = np.hstack([mean, cov[np.tril_indices(6)]])
    pulls = (d.values - true) / sigma
    assert 0.45 < (np.abs(pulls) < 1).mean() < 0.9 and np.abs(pulls).max() < 4
    assert abs(naive.mean[0] - mean[0]) > 20 * abs(sigma[0]) / 10
    start = SpaceComponent(np.hstack([naive.mean, naive.covariance.ravel()]), selection=words)
    history = [start.estimate_log_prob(stars).sum()]
    for _ in range(20):
        history.append(start.m_step(stars, np.ones(len(stars))).estimate_log_prob(stars).sum())
    assert (np.diff(history) >= 0).all() and history[-1] <= aware.estimate_log_prob(stars).sum() + 1e-3
    exact = StarData(states).within(words)  # without uncertainties, too
    assert abs(SpaceComponent(selection=words).maximize(exact).share - 0.5) < 0.06


def test_samples_and_stars_outside():
    words = "distance < 100 and Y > 0"
    for component in (SphereSpaceTimeComponent([0.0, 5, 0, 0, 0, 0, 20, 1, 10], selection=words),
                      SpaceComponent(np.hstack([np.zeros(6), 400 * np.eye(6).ravel()]), selection=words)):
        drawn = component.sample(2000, np.random.default_rng(0))
        assert drawn.shape == (2000, 6) and Selection(words).contains(drawn).all()
        outside = drawn[:3] * [1, -1, 1, 1, 1, 1]
        assert np.isneginf(component.estimate_log_prob(outside)).all()
        inside = component.estimate_log_prob(drawn)
        whole = type(component)(component.params).estimate_log_prob(drawn)
        np.testing.assert_allclose(inside - whole, -np.log(component.share), rtol=1e-9)
    mixture = ComponentMixture([0.5, 0.5], [component, component])
    assert Selection(words).contains(mixture.sample(100)[0]).all()
    far = SpaceComponent(np.hstack([[900.0], np.zeros(5), np.eye(6).ravel()]), selection=words)
    with pytest.raises(InputError, match="hardly anything"):
        far.sample(5, np.random.default_rng(0))


@pytest.mark.parametrize("kept,edge", [(0.7, "wall"), (0.5, "distance")])
def test_ages_of_cut_groups(kept, edge):
    "Over 32 groups; the study of 120 of each kind is in tests/benchmarks/ages_edge.py."
    found = []
    for seed in range(32):
        stars = group([77, seed], kept, edge)
        mixture = fit(stars, stars.provenance["selection"])
        found.append([*mixture.uncertainties(stars)[0, "age"], mixture.components_[0].share, fit(stars, None).components_[0].age])
    age, sigma, share, ignored = np.array(found).T
    error = age.std(ddof=1) / np.sqrt(len(age))
    assert abs(age.mean() - AGE) < 3 * error
    covered, counting = np.mean(np.abs(age - AGE) < sigma), np.sqrt(0.68 * 0.32 / len(age))
    assert 0.63 - 2 * counting < covered < 0.73 + 2 * counting
    assert abs(np.median(share) - kept) < 0.08
    if edge == "distance":  # half of it: without the selection it comes out too young
        assert ignored.mean() - AGE < -3 * ignored.std(ddof=1) / np.sqrt(len(age))
        assert abs(age.mean() - AGE) < 0.4 * abs(ignored.mean() - AGE)


@pytest.fixture(scope="module")
def in_field():
    "A group at the edge of a sample, and a field that fills it."
    words, rng = "distance < 90 and X > 0", np.random.default_rng(8)
    field = FieldComponent(np.hstack([[-10.0, -15, -7], np.diag([400.0, 200, 100]).ravel()]), selection=words)
    truth = SphereSpaceTimeComponent(selection=words).set_from_now([2.0, 30, 20, -2, -8, -5], dxyz=6.0, duvw=0.8, age=20.0)
    states = np.vstack([truth.sample(90, rng), field.sample(400, rng)])
    sigma = np.array([0.5, 0.5, 0.5, 0.3, 0.3, 0.3])
    stars = StarData(states + sigma * rng.normal(size=states.shape), np.tile(np.diag(sigma**2), (490, 1, 1)),
                     ids=np.arange(490)).within(words)
    return stars, truth, field


def test_in_a_field_in_files_and_in_chunks(in_field, tmp_path):
    stars, truth, field = in_field
    start = ComponentMixture([0.2, 0.8], [truth, field], tol=1e-7)
    mixture = start.fit(stars)
    assert abs(mixture.components_[0].age - 20) < 4 and mixture.components_[0].share < 0.9
    stars.write(tmp_path / "sample")
    chunked = pack_stars(tmp_path / "sample", tmp_path / "packed", chunk=128)
    assert chunked.provenance["selection"] == stars.provenance["selection"] == chunked[:200].provenance["selection"]
    assert chunked.chunks[0].load().provenance["selection"] == stars.provenance["selection"]
    again = ComponentMixture([0.2, 0.8], [truth, field], tol=1e-7).fit(chunked)
    np.testing.assert_allclose(again.components_[0].params, mixture.components_[0].params, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(again.bic(chunked), mixture.bic(stars), rtol=1e-9)


def test_commands_tell_the_components(in_field, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    stars, truth, _ = in_field
    words = stars.provenance["selection"]
    stars.write("s")
    (tmp_path / "c.yml").write_text(yaml.safe_dump({"modules": {"background": "FieldComponent"}, "run": {"savedir": "two"}}))
    resp = np.zeros((len(stars), 2))
    resp[:90, 0] = resp[90:, 1] = 1
    np.save("z.npy", resp)
    cli.fit_mixture(["-q", "-c", "c.yml", "2", "s", "z.npy"])
    cli.fit_component(["-q", "s", "z.npy"])
    assert "most of it is outside" not in capsys.readouterr().out
    for folder in ("two", "result"):
        result = read_result(folder)
        component = result.components_[0]
        assert component.selection == words and component.share < 0.9
        row = Table.read(f"{folder}/components.ecsv")[0]
        np.testing.assert_allclose([row["share"], row["members_in_all"]], [component.share, row["members"] / component.share])
    np.testing.assert_allclose(read_result("two").predict_proba(stars), np.load("two/memberships.npy"), atol=1e-9)


def test_said_in_words(in_field):
    stars, truth, field = in_field
    mostly_out = SphereSpaceTimeComponent(selection=truth.selection).set_from_now([-14.0, 30, 20, -2, -8, -5], 6.0, 0.8, 20.0)
    assert LEAST < mostly_out.share < 0.3
    mixture = ComponentMixture([0.2, 0.8], [mostly_out, field])
    assert any("most of it is outside of the sample" in flag for flag in mixture.uncertainties(stars).flags)
    said = yaml.safe_load(describe("x", mixture, stars, mixture.predict_proba(stars), {}))
    np.testing.assert_allclose(said["share in the sample"], [mostly_out.share, 1], atol=1e-4)
    np.testing.assert_allclose(said["members in all"][0], said["members"][0] / mostly_out.share, rtol=1e-2)
    whole = ComponentMixture([0.2, 0.8], [SphereSpaceTimeComponent(truth.params), field])
    assert "members in all" not in describe("x", whole, stars, whole.predict_proba(stars), {})
