"""A start that cannot be fitted costs the others nothing: in a mixture with several starts, and in a search."""

import logging

import numpy as np
import pytest

from chronostar import cli
from chronostar.base import BaseComponent, InitialCondition
from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.component.uniformcomponent import UniformComponent
from chronostar.conventions import InputError
from chronostar.driver import Driver, fit_candidate
from chronostar.icpool.overdensity import overdensity_start
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.results import read_result


def test_a_cluster_of_one_star_among_ten_starts(shared, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cli.prepare_data(["-f", "-o", "s", str(shared("../cases/reference.csv"))])
    cli.fit_mixture(["4", "s", "-c", str(shared("../cases/19_kmeans_ten_starts.yml"))])
    assert "starts left out: component 2 has fewer than two members" in capsys.readouterr().err
    fit = read_result("result")
    group = min(fit.components_, key=lambda c: c.dxyz if c.dxyz > 2 else np.inf)
    assert len(fit.components_) == 4 and abs(group.age - 19) < 3


def two_clouds(rng, n=60):
    return np.vstack([rng.normal(0, 1, (n, 6)), rng.normal(20, 1, (n, 6))])


class Moody(SpaceComponent):
    "Raises an error of a given kind in some of its calls."
    kind, turns = None, ()

    def maximize(self, X, resp=None):
        if type(self).turns.pop(0): raise type(self).kind("not in the mood")
        return super().maximize(X, resp)


@pytest.mark.parametrize("kind", [InputError, ValueError, np.linalg.LinAlgError, ZeroDivisionError, FloatingPointError])
def test_starts_that_fail_are_left_out(kind, caplog):
    X = two_clouds(np.random.default_rng(0))
    Moody.kind, Moody.turns = kind, [True, False, True, False, False]  # three starts: fails, fails at its second component, fits
    mixture = ComponentMixture(n_components=2, component_class=Moody, n_init=3, init_params="kmeans", random_state=0)
    with caplog.at_level(logging.INFO, "chronostar"): mixture.fit(X)
    assert "2 of 3 starts left out: not in the mood" in caplog.text
    np.testing.assert_allclose(sorted(c.mean[0] for c in mixture.components_), [0, 20], atol=0.5)
    before = mixture.get_params(), mixture.components_, mixture.lower_bound_
    Moody.turns = [True] * 3
    with pytest.raises(kind, match="not in the mood"): mixture.fit(X)  # if all fail, it is the caller's
    assert (mixture.get_params(), mixture.components_, mixture.lower_bound_) == before


def test_a_mistake_in_a_class_is_no_bad_start():
    Moody.kind, Moody.turns = TypeError, [True] * 9
    with pytest.raises(TypeError):
        ComponentMixture(component_class=Moody, n_init=3).fit(two_clouds(np.random.default_rng(0)))


class Lost(SphereSpaceTimeComponent):
    "Has no finite density once it has iterated, in its first start."
    starts, bad = 0, False

    def maximize(self, X, resp=None):
        Lost.starts += 1
        self.bad = Lost.starts == 1
        return super().maximize(X, resp)

    def estimate_log_prob(self, X):
        return super().estimate_log_prob(X) * (np.nan if self.bad else 1)


def test_a_start_that_ends_in_nan_is_left_out():
    X = two_clouds(np.random.default_rng(1))
    fit = ComponentMixture(n_components=2, component_class=Lost, n_init=2, random_state=0).fit(X)
    assert Lost.starts == 4 and np.isfinite(fit.lower_bound_)
    expected = ComponentMixture(n_components=2, n_init=2, random_state=0).fit(X)  # the better of both
    assert fit.lower_bound_ <= expected.lower_bound_


def test_other_starts_are_what_they_were():
    "The guesses do not depend on which of them fail: the same random numbers, the same fit to the last bit."
    X = two_clouds(np.random.default_rng(2))
    Moody.kind, Moody.turns = ValueError, [True, False, False]
    settings = {"n_components": 2, "init_params": "random_from_data", "n_init": 2, "random_state": 5}
    one = ComponentMixture(component_class=Moody, **settings).fit(X)
    both = [ComponentMixture(component_class=SpaceComponent, **settings | {"n_init": n}).fit(X) for n in (1, 2)]
    best = both[1] if both[1].lower_bound_ > both[0].lower_bound_ else None
    if best is None: assert one.lower_bound_ <= both[0].lower_bound_
    else: np.testing.assert_array_equal(one.weights_, best.weights_)


def three_clouds(seed):
    rng = np.random.default_rng(seed)
    X = np.vstack([rng.normal(0, 100, (600, 6)), rng.normal(80, 4, (300, 6)), rng.normal(-60, 5, (200, 6))])
    return X, np.repeat(np.eye(3), [600, 300, 200], axis=0)


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_a_search_among_free_gaussians(seed):
    X, truth = three_clouds(seed)
    best = Driver(component_class=SpaceComponent).run(X)
    informed = ComponentMixture(init_components=[SpaceComponent() for _ in range(3)]).fit(X, init_resp=truth)
    assert len(best.components_) == 3 and abs(best.bic(X) - informed.bic(X)) < 0.1


class Demanding(SpaceComponent):
    "Wants many stars, and says so in its own words."
    least = 30

    def maximize(self, X, resp=None):
        if (len(X) if resp is None else np.sum(resp)) < self.least: raise ValueError(f"{self.least} stars, please")
        return super().maximize(X, resp)


def test_a_component_that_needs_many_stars():
    X, _ = three_clouds(24)
    best = Driver(component_class=Demanding).run(X)
    assert len(best.components_) == 3
    field = ComponentMixture(init_components=[Demanding()]).fit(X)
    Demanding.least = 40
    try: assert overdensity_start(field, 0, field.as_fitted(X)) is None  # more than are tried
    finally: Demanding.least = 30


def test_a_search_among_boxes_comes_to_an_end():
    X = np.random.default_rng(0).uniform(-1, 1, (60, 6))
    driver = Driver({"icpool": {"max_components": 3}}, component_class=UniformComponent)
    assert np.isfinite(driver.run(X).bic(X)) and len(driver.icpool.scores) >= 2


class Stubborn(BaseComponent):
    "Cannot be fitted."
    n_params = 1

    def maximize(self, X, resp=None): raise ValueError("never")


def test_each_start_of_a_candidate_may_fail():
    X = ComponentMixture().as_fitted(two_clouds(np.random.default_rng(3)))
    parts = [SpaceComponent(), SpaceComponent()]
    resp = np.repeat(np.eye(2), 60, axis=0)

    def fails(*args): raise np.linalg.LinAlgError("singular")
    def works(*args): return None, parts
    for given, others, variants in ((parts, [fails], [fails]), ([Stubborn()] * 2, [works], [fails]), (None, [fails, works], [])):
        candidate = InitialCondition("a", given, memberships=resp, others=others, variants=variants)
        fit, score = fit_candidate(X, candidate, ComponentMixture)
        assert len(fit.components_) == 2 and score == fit.bic(X)
    hopeless = InitialCondition("a", [Stubborn()] * 2, memberships=resp, others=[fails])
    with pytest.raises(InputError, match="^never$"): fit_candidate(X, hopeless, ComponentMixture)


def test_an_escape_that_fails_leaves_the_fit():
    class Trapped(ComponentMixture):
        def escape(self, X):
            self.weights_ = None
            raise ZeroDivisionError

    X = ComponentMixture().as_fitted(two_clouds(np.random.default_rng(4)))
    fit, score = fit_candidate(X, InitialCondition("a", [SpaceComponent()]), Trapped)
    assert score == fit.bic(X)
