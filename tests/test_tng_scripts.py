"""Scripts written for Chronostar-TNG, by its published API pages: what they do there, they do here, or are told why not."""

import logging
from abc import ABC, abstractmethod

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from chronostar import cli
from chronostar.base import BaseComponent, BaseICPool, BaseMixture
from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.component.uniformcomponent import UniformComponent
from chronostar.config import check_config
from chronostar.conventions import InputError
from chronostar.driver import Driver
from chronostar.files import write_files
from chronostar.icpool.greedycycleicp import GreedyCycleICP
from chronostar.icpool.simpleicpool import SimpleICPool, split_component
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.plotting import plot_plane
from chronostar.recipes import component_from_parameters
from chronostar.report import report_html
from chronostar.results import components_table, mixture_files, read_result
from chronostar.traceorbit import trace_epicyclic_orbit
from chronostar.utils import coordinate, transform

GROUP, FIELD = [0, 0, 0, 0, 0, 0, 6.0, 1.5, 15.0], [0, 0, 0, 0, 0, 0, 60.0, 10.0, 0.0]


@pytest.fixture(scope="module")
def sky():
    "An array (400, 42): a group of 100 stars, then 300 of a field; and the true memberships."
    rng = np.random.default_rng(0)
    means = np.vstack([SphereSpaceTimeComponent(p).sample(n, rng) for p, n in ((GROUP, 100), (FIELD, 300))])
    covs = np.tile(np.diag([1.0] * 3 + [0.3] * 3) ** 2, (400, 1, 1))
    return np.hstack([means, covs.reshape(400, 36)]), np.eye(2)[np.repeat([0, 1], [100, 300])]


def pair():
    return [SphereSpaceTimeComponent(GROUP), SphereSpaceTimeComponent(FIELD)]


def in_tng(component):
    "The same parameters, for the orbits of Chronostar-TNG and of the original."
    return component.set_params(trace_orbit_func="trace_epicyclic_orbit")


# Mixtures


def test_memberships_in_the_place_of_weights(sky):
    X, Z = sky
    ours = ComponentMixture(init_components=[SphereSpaceTimeComponent() for _ in range(2)]).fit(X, init_resp=Z)
    theirs = ComponentMixture(Z, [SphereSpaceTimeComponent() for _ in range(2)]).fit(X)
    np.testing.assert_array_equal(theirs.predict_proba(X), ours.predict_proba(X))
    assert abs(theirs.components_[0].age - 15) < 1
    configured = ComponentMixture(Z, [SphereSpaceTimeComponent() for _ in range(2)], init_params="init_resp", n_init=3).fit(X)
    np.testing.assert_array_equal(configured.predict_proba(X), ours.predict_proba(X))
    assert len(ComponentMixture(Z).fit(X).components_) == 2  # as many as it has columns
    with pytest.raises(InputError, match="shape \\(400, 3\\)"):
        ComponentMixture(Z, [SphereSpaceTimeComponent() for _ in range(3)]).fit(X)
    with pytest.raises(InputError, match="row 0 sums to 2"):
        ComponentMixture(2 * Z).fit(X)
    np.testing.assert_array_equal(clone(ComponentMixture(Z)).init_weights, Z)


def test_memberships_win_over_parameters(sky):
    "With memberships given, components are fitted to them first, whatever parameters they have."
    X, Z = sky
    swapped = ComponentMixture(Z, pair()[::-1]).fit(X)
    assert swapped.components_[0].dxyz < 10 < swapped.components_[1].dxyz


def test_parameters_go_in_and_out_as_a_pair(sky):
    X, _ = sky
    mixture = ComponentMixture([0.25, 0.75], pair()).fit(X)
    weights, components = mixture.get_parameters()
    assert components == mixture.get_components() and all(isinstance(c, BaseComponent) for c in components)
    for parameters in ([(weights, components)], [weights, components]):
        again = ComponentMixture().set_parameters(*parameters)
        np.testing.assert_array_equal(again.estimate_membership_prob(X), mixture.estimate_membership_prob(X))
        assert again.bic(X) == mixture.bic(X)
    with pytest.raises(InputError, match="do not go with 2 components"):
        ComponentMixture().set_parameters([1.0], components)


def test_weights_and_components_need_no_fit(sky, tmp_path):
    X, _ = sky
    given = pair()
    mixture = ComponentMixture(np.array([0.25, 0.75]), given)
    fitted = ComponentMixture().set_parameters([0.25, 0.75], pair())
    assert mixture.bic(X) == fitted.bic(X)
    for method in ("estimate_membership_prob", "predict_proba", "predict", "score_samples", "estimate_weighted_log_prob"):
        unused = ComponentMixture([0.25, 0.75], pair())
        np.testing.assert_array_equal(getattr(unused, method)(X), getattr(fitted, method)(X))
    assert ComponentMixture([0.25, 0.75], pair()).n_params == 19
    assert ComponentMixture([0.25, 0.75], pair()).sample(10)[0].shape == (10, 6)
    assert ComponentMixture([0.25, 0.75], pair()).uncertainties(X)[0, "age"][1] > 0
    assert "age=15.00" in repr(ComponentMixture([0.25, 0.75], pair()))
    assert len(components_table(ComponentMixture([0.25, 0.75], pair()))) == 2
    assert "Myr" in report_html(ComponentMixture([0.25, 0.75], pair()), X)
    assert plot_plane(X, 0, 1, components=ComponentMixture([0.25, 0.75], pair()).get_components())
    write_files(tmp_path, mixture_files(ComponentMixture([0.25, 0.75], pair()), mixture.predict_proba(X)))
    assert read_result(tmp_path).bic(X) == fitted.bic(X)
    mixture.polish(X)
    assert given[0].params == GROUP and mixture.components_[0].age != 15  # the given ones are as they were


def test_without_parameters_or_weights_it_is_not_fitted(sky):
    X, Z = sky
    for start in ([], [[0.5, 0.5], [SphereSpaceTimeComponent()] * 2], [None, pair()], [[0.5, 0.5]], [Z, pair()]):
        with pytest.raises(NotFittedError):
            ComponentMixture(*start).predict_proba(X)
        assert not hasattr(ComponentMixture(*start), "components_")
    with pytest.raises(InputError, match="sum to 1"):
        ComponentMixture([0.5, 0.6], pair()).bic(X)
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        print(ComponentMixture([0.5, 0.5], pair()).colour)


def test_a_start_is_a_start(sky):
    "To have looked at it does not change what a fit does, nor is a clone of it fitted."
    X, _ = sky
    fresh, looked_at = ComponentMixture([0.5, 0.5], pair()), ComponentMixture([0.5, 0.5], pair())
    looked_at.bic(X)
    np.testing.assert_array_equal(looked_at.fit(X).predict_proba(X), fresh.fit(X).predict_proba(X))
    assert "components_" not in vars(clone(looked_at))


# Settings


@pytest.fixture
def restored():
    "Classes whose defaults may be changed in a test, and are as before after it."
    classes = [SphereSpaceTimeComponent, SpaceComponent, ComponentMixture, SimpleICPool, GreedyCycleICP, Driver]
    before = [(cls, cls.__init__, dict(cls.__init__.__kwdefaults__ or {})) for cls in classes]
    yield
    for cls, init, defaults in before:
        if cls.__init__ is not init:
            del cls.__init__  # its own copy of an inherited one
        else:
            init.__kwdefaults__ = defaults or None


def test_a_setting_on_the_class(restored, sky):
    X, Z = sky
    SphereSpaceTimeComponent.max_age = 7.0
    assert SphereSpaceTimeComponent.max_age == 7 and SphereSpaceTimeComponent().max_age == 7
    assert SphereSpaceTimeComponent().get_params()["max_age"] == 7 and SphereSpaceTimeComponent(max_age=30.0).max_age == 30
    assert SphereSpaceTimeComponent().maximize(X, Z[:, 0]).age <= 7
    ComponentMixture.tol = 1e-3
    SimpleICPool.max_components = 1
    best = Driver().run(X)
    assert [c.max_age for c in best.components_] == [7] and len(best.components_) == 1 and best.tol == 1e-3


def test_a_setting_on_the_class_is_no_other_classes(restored):
    class Mine(SphereSpaceTimeComponent):
        max_age = 50.0

    assert Mine().max_age == 50 and SphereSpaceTimeComponent().max_age == 200
    SphereSpaceTimeComponent.max_age = 7.0
    assert Mine().max_age == 50 and SpaceComponent().reg_covar == 1e-6


def test_a_setting_on_the_class_reaches_workers_and_files(restored, sky, tmp_path):
    X, _ = sky
    alone = Driver({"component": {"max_age": 7.0}}).run(X)
    SphereSpaceTimeComponent.max_age = 7.0
    driver = Driver(savedir=tmp_path)
    best = driver.run(X, workers=2)
    assert {c.max_age for c in best.components_} == {7.0} and best.bic(X) == alone.bic(X)
    assert driver.manifest_["component.max_age"] == 7.0
    SphereSpaceTimeComponent.max_age = 200.0
    assert {c.max_age for c in read_result(tmp_path / driver.record_.best_label).components_} == {7.0}
    with pytest.raises(InputError, match="component.max_age 7.0 where now it is not set"):
        Driver(savedir=tmp_path).run(X, resume=True)


def test_a_near_miss_on_the_class_is_noticed(caplog):
    class Mine(SphereSpaceTimeComponent): ...

    Mine.max_ages = 7.0
    assert "Mine has no setting 'max_ages'; did you mean 'max_age'?" in caplog.text
    with pytest.raises(InputError, match="belongs to the data"):
        Mine.nthreads = 2

    class Fixed(SphereSpaceTimeComponent):
        max_age = 7.0

        def __init__(self, params=None):
            super().__init__(params)

    assert "setting 'max_age' is not used by Fixed" in caplog.text


def test_abstract_methods_and_plain_attributes():
    class Abstract(BaseComponent, ABC):
        floor = 0.1

        @abstractmethod
        def shape(self): ...

    class Concrete(Abstract):
        max_age = 30.0  # its own: no setting of its constructor

        def shape(self): ...

    Concrete.floor, Concrete.max_age = 0.2, 40.0
    assert (Concrete().floor, Concrete.max_age, Concrete().max_age) == (0.2, 40.0, 40.0)
    with pytest.raises(TypeError, match="abstract"):
        Abstract()


class MyComponent(BaseComponent):
    n_params = 1


class MyMixture(BaseMixture): ...


class MyPool(BaseICPool): ...


UNUSED = {  # class -> a setting of TNG that it has no use for
    SphereSpaceTimeComponent: "minimize_method", SpaceComponent: "minimize_method", UniformComponent: "age_offset_interval",
    MyComponent: "max_age", ComponentMixture: "reg_covar", MyMixture: "tol", SimpleICPool: "max_iter", MyPool: "max_components",
}


@pytest.mark.parametrize("cls", UNUSED)
def test_what_has_no_job_is_said_to_be_unused(cls, caplog):
    name = UNUSED[cls]
    with caplog.at_level(logging.WARNING, "chronostar"):
        cls.configure(**{name: 1})
        setattr(cls, name, 1)
    assert [r.getMessage() for r in caplog.records] == [f"setting {name!r} is not used by {cls.__name__}"] * 2
    assert not hasattr(cls, name)
    with pytest.raises(InputError, match="has no setting 'colour'"):
        cls.configure(colour="red")


@pytest.mark.parametrize("component", ["SphereSpaceTimeComponent", "SpaceComponent", "UniformComponent"])
def test_config_files_of_tng(component, caplog):
    config = {
        "modules": {"component": component, "introducer": "SimpleIntroducer", "driver": "Driver"}, "introducer": {},
        "component": {"minimize_method": "Nelder-Mead", "age_offset_interval": 20, "nthreads": 2},
        "mixture": {"reg_covar": 1e-6}, "icpool": {"max_components": 9},
    }
    with caplog.at_level(logging.WARNING, "chronostar"):
        checked = check_config(config)
    said = [r.getMessage() for r in caplog.records]
    for what in ("section introducer", "modules.introducer", "modules.driver", "component.minimize_method",
                 "component.age_offset_interval", "mixture.reg_covar"):
        assert sum(what in message and "is not used" in message for message in said) == 1, what
    assert len(said) == 6 and checked["component"] == {"nthreads": 2} and "introducer" not in checked
    with pytest.raises(InputError, match="no section 'introducers'"):
        check_config({"introducers": {}, "modules": {"component": component}})


# Components


def test_parameters_of_a_component():
    group = SphereSpaceTimeComponent(GROUP)
    np.testing.assert_array_equal(group.parameters, GROUP)
    assert SphereSpaceTimeComponent().parameters is None
    group.parameters = [1.0] * 9
    assert group.age == 1


def test_a_given_density(sky, tmp_path):
    X, _ = sky
    density = UniformComponent([1e-9])
    assert density.n_params == 1 and density.maximize(X, np.ones(400)).params == [1e-9]
    np.testing.assert_allclose(density.estimate_log_prob(X), np.log(1e-9))
    mixture = ComponentMixture([0.3, 0.7], [SphereSpaceTimeComponent(GROUP), density]).fit(X)
    assert mixture.components_[1].params == [1e-9] and mixture.n_params == 11
    np.testing.assert_allclose(np.exp(mixture.estimate_weighted_log_prob(X)[:, 1]), 1e-9 * mixture.weights_[1])
    for refused in ([-1.0], [0.0], [np.inf], [1.0, 2.0]):
        with pytest.raises(InputError, match="12 parameters"):
            UniformComponent().set_parameters(refused)
    with pytest.raises(InputError, match="no bounds to draw stars from"):
        mixture.sample(10)
    assert np.isnan(components_table(mixture)["X"][1])
    write_files(tmp_path, mixture_files(mixture, mixture.predict_proba(X)))
    np.testing.assert_array_equal(read_result(tmp_path).predict_proba(X), mixture.predict_proba(X))
    assert "Myr" in report_html(mixture, X) and plot_plane(X, 0, 1, components=mixture.components_)
    assert component_from_parameters([1e-9]).n_params == 1
    assert mixture.uncertainties(X)[0, "age"][1] > 0


class Round(BaseComponent):
    "A component as one writes it for TNG: columns of an array, nothing returned."

    def __init__(self, params=None):
        super().__init__(params)
        self.parameters_set = params is not None

    def estimate_log_prob(self, X):
        off = X[:, :6] - self.parameters[:6]
        sigma = np.repeat(self.parameters[6:8], 3)
        return -0.5 * ((off / sigma) ** 2).sum(axis=1) - np.log(sigma).sum() - 3 * np.log(2 * np.pi)

    def maximize(self, X, resp):
        n_samples, n_features = X.shape
        data = np.array(X)[:, :6]
        mean = np.average(data, axis=0, weights=resp)
        var = np.average((data - mean) ** 2, axis=0, weights=resp)
        self.set_parameters(np.hstack([mean, np.sqrt([var[:3].mean(), var[3:].mean()])]))
        self.parameters_set = True

    def set_parameters(self, params):
        self.parameters = params

    def get_parameters(self):
        return self.parameters

    def split(self):
        raise UserWarning("a Round is not split")

    @property
    def n_params(self):
        return 8

    @property
    def mean(self):
        return self.parameters[:6]

    @property
    def covariance(self):
        return np.diag(np.repeat(self.parameters[6:8], 3) ** 2)


def test_a_component_written_for_tng(sky, tmp_path):
    X, Z = sky
    assert not Round().parameters_set and Round(np.ones(8)).parameters_set
    mixture = ComponentMixture(Z, [Round(), Round()]).fit(X)
    assert mixture.components_[0].parameters[6] < 30 < mixture.components_[1].parameters[6]
    assert split_component(mixture, 0) == (None, None)
    start = ComponentMixture(mixture.weights_, [Round(c.parameters) for c in mixture.components_])
    np.testing.assert_allclose(start.predict_proba(X), mixture.predict_proba(X))
    driver = Driver(component_class=Round, savedir=tmp_path)
    best = driver.run(X)
    assert type(best.components_[0]) is Round and len(best.components_) > 1
    assert read_result(tmp_path / driver.record_.best_label).bic(X) == best.bic(X)


def test_a_component_of_tng_as_background(sky):
    "Half-way: its stars are those of a field in which groups of ours are looked for."
    X, _ = sky
    best = Driver({"modules": {"background": "test_tng_scripts.Round"}}).run(X)
    assert {type(c) for c in best.components_} == {Round, SphereSpaceTimeComponent}


# Pools


def pool(propose):
    "A pool of TNG that tries one and two components, as `propose` puts them."
    class Pool(BaseICPool):
        def __init__(self, component_class, start_init_comps=None):
            super().__init__(component_class, start_init_comps)
            self.scores, self.fits = [], {}

        def has_next(self): return len(self.fits) < 2

        def get_next(self):
            k = len(self.fits) + 1
            return propose(f"candidate-{k}", tuple(self.component_class() for _ in range(k)))

        def register_result(self, label, mixture, score):
            self.scores.append(score)
            self.fits[label] = (score, mixture)

        @property
        def best_mixture(self): return max(self.fits.values(), key=lambda fit: fit[0])[1]

    return Pool


class Plain:
    def __init__(self, label, components): self.label, self.components = label, components


@pytest.mark.parametrize("propose", [lambda *pair: pair, Plain], ids=["tuple", "object"])
def test_pools_of_tng(sky, tmp_path, propose):
    X, _ = sky
    driver = Driver({"mixture": {"random_state": 0}}, icpool_class=pool(propose), savedir=tmp_path)
    best = driver.run(X)
    assert len(best.components_) == 2 and best is driver.icpool.best_mixture
    np.testing.assert_allclose(driver.icpool.scores[1], -best.bic(X))
    driver.save_best(tmp_path / "best", X)
    assert read_result(tmp_path / "best").bic(X) == best.bic(X)
    again = Driver({"mixture": {"random_state": 0}}, icpool_class=pool(propose), savedir=tmp_path)
    assert again.run(X, resume=True).bic(X) == best.bic(X)


def test_what_is_no_candidate_is_refused(sky):
    with pytest.raises(InputError, match="must propose an InitialCondition, or a label and a list of components"):
        Driver(icpool_class=pool(lambda label, comps: comps)).run(sky[0])


def test_a_candidate_unpacks_as_in_tng():
    label, components = SimpleICPool(SphereSpaceTimeComponent).get_next()
    assert label == "AAA-XXX-0000-0001-auto" and [type(c) for c in components] == [SphereSpaceTimeComponent]


# Results of the original Chronostar


@pytest.fixture
def original(tmp_path):
    "A folder that it left, and the rows of its array."
    rows = np.array([GROUP, FIELD])
    np.save(tmp_path / "final_comps.npy", rows)
    np.save(tmp_path / "final_membership.npy", np.repeat([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]], [100, 300, 100], axis=0))
    (tmp_path / "run.pars").write_text(f"# a run\nresults_dir = {tmp_path}  # here\n\nmax_comp_count = 9\n")
    np.savetxt(tmp_path / "comps.pars", rows)
    return tmp_path, rows


@pytest.mark.parametrize("name", [".", "final_comps.npy", "run.pars", "comps.pars"])
def test_results_of_the_original(original, sky, name, caplog):
    folder, rows = original
    mixture = read_result(folder / name, max_age=90.0)
    np.testing.assert_array_equal([c.params for c in mixture.components_], rows)
    np.testing.assert_allclose(mixture.weights_, [0.25, 0.75])
    assert mixture.components_[0].max_age == 90 and "the background, 20 % of the stars, is left out" in caplog.text
    assert mixture.bic(sky[0]) == ComponentMixture([0.25, 0.75], [in_tng(c) for c in pair()]).bic(sky[0])


def test_what_the_original_left_is_not_misread(original, caplog):
    folder, rows = original
    (folder / "final_membership.npy").unlink()
    np.testing.assert_array_equal(read_result(folder).weights_, [0.5, 0.5])
    assert "no weights are known for the 2 components" in caplog.text
    np.save(folder / "final_comps.npy", np.hstack([rows[:, :6], np.log(rows[:, 6:8] / 10), rows[:, 8:]]))
    with pytest.raises(InputError, match="if they are logarithms, take np.exp of columns 6 and 7"):
        read_result(folder)
    np.save(folder / "final_comps.npy", rows[:, :8])
    with pytest.raises(InputError, match="\\(k, 9\\) is needed"):
        read_result(folder)
    np.save(folder / "final_comps.npy", np.array([object()]))
    with pytest.raises(InputError, match="not a .npy array of numbers"):
        read_result(folder)
    (folder / "run.pars").write_text("input_file = a.fits\n")
    with pytest.raises(InputError, match="names no results_dir"):
        read_result(folder / "run.pars")


@pytest.mark.parametrize("name", [".", "final_comps.npy", "run.pars"])
def test_the_original_as_a_start(original, sky, name, monkeypatch, capsys):
    folder, _ = original
    monkeypatch.chdir(folder)
    np.save("stars.npy", sky[0])
    (folder / "config.yml").write_text("component:\n  max_age: 60\nicpool:\n  max_components: 2\nrun:\n  savedir: found\n")
    cli.fit_chronostar(["-q", "-c", "config.yml", "stars.npy", "-i", name])
    best = read_result("found")
    start = [in_tng(SphereSpaceTimeComponent(p, max_age=60.0)).on_orbit(None) for p in (GROUP, FIELD)]
    assert best.bic(sky[0]) <= Driver({"icpool": {"max_components": 2}}).run(sky[0], start_init_comps=start).bic(sky[0]) + 1e-6
    assert {c.max_age for c in best.components_} == {60.0} and (folder / "found/AAA-XXX-0000-0002-input.txt").exists()


# Conversions


def test_conversions_agree_with_astropy():
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    rng = np.random.default_rng(1)
    sky = np.column_stack([rng.uniform(0, 360, 50), np.degrees(np.arcsin(rng.uniform(-1, 1, 50))), rng.uniform(1, 50, 50),
                           *rng.normal(0, 50, (2, 50)), rng.normal(0, 30, 50)])
    c = SkyCoord(ra=sky[:, 0] * u.deg, dec=sky[:, 1] * u.deg, distance=1000 / sky[:, 2] * u.pc,
                 pm_ra_cosdec=sky[:, 3] * u.mas / u.yr, pm_dec=sky[:, 4] * u.mas / u.yr,
                 radial_velocity=sky[:, 5] * u.km / u.s).galactic
    helio = np.vstack([c.cartesian.xyz.to_value(u.pc), c.velocity.d_xyz.to_value(u.km / u.s)]).T
    seconds = sky * [1, 1, 1e-3, 1e-3, 1e-3, 1]
    for row, as_row, expected in zip(sky, seconds, helio, strict=True):
        np.testing.assert_allclose(coordinate.convert_astrometry2helioxyzuvw(*as_row), expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(coordinate.convert_pm2heliospacevelocity(*as_row), expected[3:], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(coordinate.convert_helioxyzuvw2astrometry(expected), as_row, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(coordinate.convert_heliospacevelocity2pm(*as_row[:3], *expected[3:]), as_row[3:], rtol=1e-8)
        lsr = coordinate.convert_astrometry2lsrxyzuvw(row)
        np.testing.assert_allclose(coordinate.convert_lsr2helio(lsr), expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(coordinate.convert_lsrxyzuvw2astrometry(lsr), row, rtol=1e-9, atol=1e-9)
    l_b = np.transpose(coordinate.convert_equatorial2galactic(sky[:, 0], sky[:, 1]))
    np.testing.assert_allclose(l_b, np.transpose([c.l.deg, c.b.deg]), rtol=1e-9, atol=1e-9)


def test_a_covariance_along_an_orbit():
    group = SphereSpaceTimeComponent(GROUP, trace_orbit_func=trace_epicyclic_orbit)
    cov, mean = transform.transform_covmatrix(group.covariance_birth, trace_epicyclic_orbit, group.mean_birth, args=(15.0,))
    np.testing.assert_allclose(cov, group.covariance, rtol=1e-6, atol=1e-6)
    back, _ = transform.transform_covmatrix(cov, trace_epicyclic_orbit, mean, args=(-15.0,))
    np.testing.assert_allclose(back, group.covariance_birth, rtol=1e-6, atol=1e-6)


# The driver


def test_without_a_folder_nothing_is_written_and_that_is_said(sky, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.INFO, "chronostar"):
        Driver({"icpool": {"max_components": 1}}).run(sky[0])
    assert sum("no driver.savedir is set" in r.getMessage() for r in caplog.records) == 1
    assert not list(tmp_path.iterdir())
