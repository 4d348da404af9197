"""The search on synthetic skies of many kinds; the full benchmark is in tests/benchmarks/search.py."""

import numpy as np
import pytest
import skies

from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import StarData, prepare
from chronostar.driver import Driver
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.synthdata import SynthData


def check(kind, seed):
    "The search ends at the BIC of the fit that was told the memberships, with as many components."
    stars, truth, _ = skies.make(kind, seed)
    best = Driver().run(stars)
    informed = ComponentMixture().fit(stars, init_resp=truth)
    assert best.bic(stars) < informed.bic(stars) + 1
    if kind != "tilted field":  # there the truth is no sphere, and more spheres describe it better
        assert len(best.components_) == truth.shape[1]


@pytest.mark.parametrize("kind", [kind for kind in skies.KINDS if kind != "worked example"])  # see test_synthetic_example.py
def test_the_search_finds_the_truth(kind):
    check(kind, 0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", skies.KINDS)
@pytest.mark.parametrize("seed", range(1, 6))
def test_the_search_finds_the_truth_in_other_skies(kind, seed):
    check(kind, seed)


def test_a_tilted_field_is_one_free_gaussian():
    for seed in range(3):
        stars, truth, _ = skies.make("tilted field", seed)
        best = Driver({"modules": {"background": "SpaceComponent"}}).run(stars)
        assert [type(c).__name__ for c in best.components_] == ["SpaceComponent", "SphereSpaceTimeComponent"]
        assert abs(best.components_[1].age - 15) < 3
        members = best.predict_proba(stars)[:, 1] > 0.5
        assert (members & (truth[:, 0] == 1)).sum() >= 48 and members.sum() <= 52


@pytest.mark.parametrize("seed", range(2))
def test_a_group_is_not_left_to_a_background(seed):
    "Halves of a free Gaussian are free Gaussians; one that comes to describe a group is exchanged for one with an age."
    groups = [[-60, 20, 0, 5, 0, 2, 8.0, 1.0, 18.0], [60, -40, 20, -6, 3, 0, 15.0, 1.5, 40.0], [0] * 6 + [90.0, 15.0, 0.0]]
    sky = SynthData(groups, [60, 60, 500], rng=seed, m_err=0.3)
    stars = prepare(sky.generate()).stars
    best = Driver({"modules": {"background": "SpaceComponent"}}).run(stars)
    truth = [SphereSpaceTimeComponent(), SphereSpaceTimeComponent(), SpaceComponent()]
    informed = ComponentMixture(init_components=truth).fit(stars, init_resp=sky.memberships)
    assert best.bic(stars) < informed.bic(stars) + 0.1
    np.testing.assert_allclose(sorted(c.age for c in best.components_ if c.age is not None), [18, 40], atol=3)


def random_problem(seed):
    "Stars of a few random groups, some with uncertainties, and a random start for a mixture."
    rng = np.random.default_rng(seed)
    k = rng.integers(1, 4)
    groups = [SphereSpaceTimeComponent([*rng.normal(0, 50, 3), *rng.normal(0, 5, 3), rng.uniform(2, 60), rng.uniform(0.5, 10),
                                        rng.uniform(0, 80)]).sample(rng.integers(20, 150), rng) for _ in range(k)]
    X = np.vstack(groups)
    if seed % 2:
        sigma = np.exp(rng.normal(0, 1, (len(X), 1))) * [1, 1, 1, 0.3, 0.3, 0.3]
        X = np.hstack([X + sigma * rng.normal(size=X.shape), (sigma[:, :, None] ** 2 * np.eye(6)).reshape(-1, 36)])
    parts = [SphereSpaceTimeComponent() for _ in range(rng.integers(1, 4))] + ([SpaceComponent()] if seed % 3 == 0 else [])
    return StarData(X), parts


@pytest.mark.parametrize("seed", range(20))
def test_the_likelihood_never_falls(seed):
    stars, parts = random_problem(seed)
    fits = [ComponentMixture(init_components=parts, random_state=seed).fit(stars) for _ in range(2)]
    bounds = np.array(fits[0].lower_bounds_)
    assert np.all(np.diff(bounds) > -1e-10 * np.abs(bounds[1:]))
    np.testing.assert_array_equal(fits[0].weights_, fits[1].weights_)  # the same seed, the same answer to the last bit
    for one, two in zip(fits[0].components_, fits[1].components_, strict=True):
        np.testing.assert_array_equal(one.get_parameters(), two.get_parameters())
    before = fits[0].lower_bound_
    assert fits[0].escape(stars).lower_bound_ >= before


def test_max_iter_is_said():
    stars, parts = random_problem(4)
    with pytest.warns(UserWarning, match="raise max_iter"):
        ComponentMixture(init_components=[*parts, SphereSpaceTimeComponent()], max_iter=2, random_state=0).fit(stars)


def test_a_component_that_empties_does_no_harm():
    stars, _ = random_problem(2)
    near = SphereSpaceTimeComponent([0] * 6 + [50.0, 5.0, 10.0])
    far = SphereSpaceTimeComponent([5000.0, 0, 0, 90.0, 0, 0, 1.0, 0.1, 10.0])
    alone, both = ComponentMixture(init_components=[near]).fit(stars), ComponentMixture([0.5, 0.5], [near, far]).fit(stars)
    assert both.converged_ and both.weights_[1] < 1e-6
    np.testing.assert_allclose(both.score(stars), alone.score(stars), atol=1e-6)
    assert np.isfinite(both.components_[1].get_parameters()).all() and np.isfinite(both.bic(stars))


def test_stars_that_are_measured_twice_do_not_break_the_fit():
    "Copies of one star are the most crowded place there is; a component may close in on them, no further than its bound."
    rng = np.random.default_rng(3)
    field = SphereSpaceTimeComponent([0] * 6 + [50.0, 8.0, 0.0]).sample(300, rng)
    best = Driver().run(np.vstack([field, np.tile(field[:1], (12, 1))]))
    for component in best.components_:
        assert np.isfinite(component.get_parameters()).all() and component.dxyz >= 0.99e-3
