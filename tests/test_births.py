"""Births that are no spheres: shapes and ages are found together, BIC knows which, and what was cut in two is put together."""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from chronostar.ages import age_profile
from chronostar.base import BaseComponent
from chronostar.births import BIRTHS, compare_births, fit_birth, merge_siblings, settle_births, siblings
from chronostar.cli import fit_chronostar
from chronostar.component.agespreadcomponent import AgeSpreadComponent
from chronostar.component.association import Association
from chronostar.component.ellipsoidcomponent import (
    EllipsoidComponent,
    PositionEllipsoidComponent,
    ShearedComponent,
    VelocityEllipsoidComponent,
)
from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import InputError, StarData
from chronostar.driver import Driver
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.report import report_html
from chronostar.results import read_result
from chronostar.synthdata import generate_association
from chronostar.uncertainties import component_uncertainties

SIGMA = np.array([1, 1, 1, 0.3, 0.3, 0.3])
NOW, AGE = np.array([10.0, -30, 10, 1, -5, -2]), 20.0
CLASSES = (*BIRTHS[1:], AgeSpreadComponent)


def measured(states, rng):
    "Stars with uncertainties of 1 pc and 0.3 km/s."
    return StarData(states + SIGMA * rng.normal(size=states.shape), np.tile(np.diag(SIGMA**2), (len(states), 1, 1)), nthreads=1)


def group(birth, n, seed):
    "Stars of an age of 20 Myr, born with a covariance."
    rng = np.random.default_rng(seed)
    return measured(generate_association(NOW, birth, AGE, n, rng), rng)


def filament(seed):
    "A covariance at birth, three times as long in one direction as in the others."
    turn, cov = Rotation.random(rng=np.random.default_rng(seed)).as_matrix(), np.diag([0.0] * 3 + [0.64] * 3)
    cov[:3, :3] = turn @ np.diag([15.0, 5, 5]) ** 2 @ turn.T
    return cov


@pytest.fixture(scope="module")
def sky():
    "150 stars of a long group and 400 of a field."
    rng = np.random.default_rng(3)
    birth = np.diag(np.square([4.5, 4.5, 18, 0.8, 0.8, 0.8]))
    field = np.hstack([rng.normal(0, 80.0, (400, 3)), rng.normal(0, 15.0, (400, 3))])
    return measured(np.vstack([generate_association(NOW, birth, AGE, 150, rng), field]), rng)


@pytest.fixture(scope="module")
def found(sky, tmp_path_factory):
    "A search with `component: auto`, by the command; the folder it wrote to."
    folder = tmp_path_factory.mktemp("births")
    np.save(folder / "stars.npy", np.asarray(sky))
    (folder / "config.yml").write_text(
        "modules: {component: auto, background: SpaceComponent}\ncomponent: {max_age: 60, nthreads: 1}\n"
        f"run: {{savedir: '{folder / 'final'}'}}\ndriver: {{savedir: '{folder / 'fits'}'}}\n")
    fit_chronostar(["-q", "-c", str(folder / "config.yml"), str(folder / "stars.npy")])
    return folder


# ---- the components


def test_a_sphere_is_what_it_was():
    "To the last bit: parameters and derivatives of a fit of 300 stars, from before there were slopes."
    stars = group(np.diag(np.repeat([64.0, 1.0], 3)), 300, 5)
    plain = SphereSpaceTimeComponent().maximize(stars)

    class Unsloped(Association):
        spreads = {"dxyz": "XYZ", "duvw": "UVW"}

    assert SphereSpaceTimeComponent.n_params == 9 and len(SphereSpaceTimeComponent._shears) == 0
    np.testing.assert_array_equal(Unsloped().maximize(stars).params, plain.params)


@pytest.mark.parametrize("cls", CLASSES)
def test_derivatives(cls):
    "Gradient and density agree with differences, and those for uncertainties with what the base makes of the density alone."
    stars, ones = group(filament(1), 80, 2), np.ones(80)
    fit = cls(max_age=60.0).maximize(stars)
    theta = fit.theta + 0.02
    point = fit.evaluate(theta, stars, ones)
    h = 1e-4 * np.eye(len(theta))
    by_difference = [np.subtract(*(fit.log_prob_at(theta + s * e, stars).sum() for s in (1, -1))) / 2e-4 for e in h]
    scale = np.sqrt(np.diag(point.information))
    np.testing.assert_allclose(point.gradient / scale, by_difference / scale, atol=2e-3)
    np.testing.assert_allclose(fit.at(theta).estimate_log_prob(stars), fit.log_prob_at(theta, stars), rtol=1e-7)
    ours, base = fit.derivatives(stars, ones), BaseComponent.derivatives(fit, stars, ones)
    scale = np.sqrt(np.maximum(np.abs(np.diag(ours.hessian)), 1))
    np.testing.assert_allclose(ours.scores / scale, base.scores / scale, atol=5e-3)


@pytest.mark.parametrize("cls", CLASSES)
def test_it_is_a_density_and_draws_from_itself(cls):
    "The mean log density of its own stars is as high as that of any other component of the class."
    stars = group(filament(3), 150, 4)
    fit = cls(max_age=60.0).maximize(stars)
    drawn = StarData(fit.sample(4000, np.random.default_rng(0)), nthreads=1)
    np.testing.assert_allclose(drawn.means.mean(axis=0), fit.mean, atol=6 * np.sqrt(np.diag(fit.covariance)).max() / 60)
    height = fit.estimate_log_prob(drawn).mean()
    steps = np.diag(np.hstack([[2.0] * 3, [0.1] * (len(fit.theta) - 3)]))
    for step in np.vstack([steps, -steps]):
        assert fit.log_prob_at(fit.theta + step, drawn).mean() < height + 0.02


@pytest.mark.parametrize("cls", [PositionEllipsoidComponent, EllipsoidComponent])
def test_filaments_in_any_direction_are_recovered(cls):
    pulls = []
    for seed in range(8):
        stars = group(filament(seed), 150, 100 + seed)
        errors = component_uncertainties(cls(max_age=60.0).maximize(stars), stars)
        pulls.append([(errors[0, name][0] - true) / errors[0, name][1] for name, true in (("age", AGE), ("dxyz_1", 15.0))])
    pulls = np.array(pulls)
    assert np.abs(pulls).max() < 4 and (np.abs(pulls).mean(axis=0) < 1.6).all()  # 0.8 is to be expected


def test_the_climb_does_not_depend_on_the_frame():
    "A group and its mirror image, fitted with spreads and slopes in another order, are the same group."
    class Backwards(Association):
        spreads = {"dz": "Z", "dy": "Y", "dx": "X", "duvw": "UVW"}
        slopes = {"y_z": "YZ", "x_z": "XZ", "x_y": "XY"}
        simpler = SphereSpaceTimeComponent

    for seed in range(3):
        stars = group(filament(seed), 120, seed)
        one, other = PositionEllipsoidComponent(max_age=60.0).maximize(stars), Backwards(max_age=60.0).maximize(stars)
        np.testing.assert_allclose(one.age, other.age, atol=0.02)
        np.testing.assert_allclose(one.estimate_log_prob(stars).sum(), other.estimate_log_prob(stars).sum(), atol=1e-3)


def test_bad_parameters():
    good = EllipsoidComponent.like(SphereSpaceTimeComponent([0] * 6 + [5.0, 1, 20])).params
    for at, value in ((6, -1.0), (18, -1.0), (12, np.nan)):
        bad = np.where(np.arange(19) == at, value, good)
        with pytest.raises(InputError, match="positive"): EllipsoidComponent().set_parameters(bad)
    with pytest.raises(InputError, match="14 parameters"): PositionEllipsoidComponent(good).set_parameters(good)
    with pytest.raises(InputError, match="cannot be fitted to 1 stars"): EllipsoidComponent().maximize(np.ones((1, 6)))
    with pytest.raises(InputError, match="same place"): EllipsoidComponent().maximize(np.ones((30, 6)))


def test_a_thin_group_is_a_group():
    "One spread at its bound is said of the uncertainties, and is no reason to throw a group out; all of a kind are."
    sheet = EllipsoidComponent.like(SphereSpaceTimeComponent([0] * 6 + [5.0, 1, 20]))
    thin = sheet.at(np.where(np.arange(19) == 8, -99, sheet.theta))
    assert thin.no_group(60) == "" and "19 parameters" in thin.no_group(19)
    still = sheet.at(np.where((np.arange(19) > 8) & (np.arange(19) < 12), -99, sheet.theta))
    assert "at the lower bound" in still.no_group(60)


# ---- the comparison


def test_bic_knows_the_births():
    "Each of five groups is of the kind that it was made as, and its age is right."
    velocity = np.diag([36.0] * 3 + [1.5**2, 0.5**2, 0.5**2])
    sheared = ShearedComponent([0.0] * 6 + [6, 0.7, 0, 0, 0, 0.15, 0, 0, 0, 0, 20]).covariance_birth
    both = filament(5) + np.diag([0] * 3 + [1.6, 0, 0])
    births = dict(zip(BIRTHS, (np.diag(np.repeat([36.0, 0.64], 3)), filament(4), velocity, sheared, both), strict=True))
    for seed, (cls, birth) in enumerate(births.items()):
        stars = group(birth, 200, seed)
        alone = ComponentMixture([1.0], [SphereSpaceTimeComponent(max_age=60.0).maximize(stars)])
        table = compare_births(alone, stars)
        best = table[table["preferred"]]
        assert best["birth"].tolist() == [cls.__name__]
        assert abs(best["age"][0] - AGE) < 3 * best["age_error"][0] < 3
        assert table["delta_BIC"].min() == 0 and (table["delta_BIC"][~table["preferred"]] > 0).all()


def test_the_table_counts_as_bic_does():
    stars = group(filament(6), 100, 6)
    alone = ComponentMixture([1.0], [SphereSpaceTimeComponent(max_age=60.0).maximize(stars)]).polish(stars)
    birth = fit_birth(alone, stars, [0], EllipsoidComponent)
    other = ComponentMixture().set_parameters([1.0], [birth.component])
    np.testing.assert_allclose(birth.worth, alone.bic(stars) - other.bic(stars), atol=1e-6)
    errors = other.uncertainties(stars)
    np.testing.assert_allclose(birth.age_error, errors[0, "age"][1], rtol=1e-3)
    assert not [flag for flag in errors.flags if "stopped short" in flag]


def test_names_of_classes_and_what_is_wrong():
    stars = group(filament(6), 60, 7)
    alone = ComponentMixture([1.0], [SphereSpaceTimeComponent(max_age=60.0).maximize(stars)])
    table = compare_births(alone, stars, 0, ["SphereSpaceTimeComponent", "AgeSpreadComponent"])
    assert table["birth"].tolist() == ["SphereSpaceTimeComponent", "AgeSpreadComponent"]
    with pytest.raises(InputError, match="no component 2"): compare_births(alone, stars, 2)
    with pytest.raises(InputError, match="there is no class"): compare_births(alone, stars, 0, ["Cube"])


def test_two_that_are_two_stay_two(sky):
    "Groups that are near each other, and are two, are not put together."
    rng = np.random.default_rng(8)
    round_birth = np.diag(np.repeat([25.0, 0.49], 3))
    near = generate_association(NOW + [30, 20, 0, 3, -2, 2], round_birth, 12.0, 100, rng)
    stars = measured(np.vstack([generate_association(NOW, round_birth, AGE, 100, rng), near, sky.means[150:]]), rng)
    parts = np.eye(3)[np.repeat([1, 2, 0], [100, 100, 400])]
    of = [SpaceComponent(), *(SphereSpaceTimeComponent(max_age=60.0) for _ in range(2))]
    mixture = ComponentMixture(None, of).fit(stars, init_resp=parts)
    assert merge_siblings(mixture, stars) is mixture
    settled, changed = settle_births(mixture, stars)
    assert not changed and [rows[0]["preferred"] for rows in settled.births_.values()] == [True, True]


def test_halves_are_put_together(sky):
    upper = np.median(sky.means[:150, 2]) < sky.means[:, 2]
    parts = np.eye(3)[np.where(np.arange(550) < 150, np.where(upper, 1, 2), 0)]
    of = [SpaceComponent(), *(SphereSpaceTimeComponent(max_age=60.0) for _ in range(2))]
    cut = ComponentMixture(None, of).fit(sky, init_resp=parts)
    assert siblings(cut) == [(1, 2)]
    whole = merge_siblings(cut, sky)
    assert len(whole.components_) == 2 and whole.bic(sky) < cut.bic(sky) - 20
    assert (whole.predict(sky)[:150] == 1).mean() > 0.98


# ---- the search


def test_auto_says_which_birth_and_which_age(found, sky):
    best = read_result(found / "final")
    k = next(k for k, c in enumerate(best.components_) if c.age is not None)
    assert len(best.components_) == 2 and type(best.components_[k]) is PositionEllipsoidComponent
    errors = best.uncertainties(sky)
    assert abs(best.components_[k].age - AGE) < 3 * errors[k, "age"][1] < 3
    from astropy.table import Table
    births = Table.read(found / "final" / "components.ecsv").meta["births"][str(k)]
    assert [row["birth"] for row in births] == [cls.__name__ for cls in BIRTHS]
    preferred = next(row for row in births if row["preferred"])
    assert preferred["birth"] == "PositionEllipsoidComponent" and abs(preferred["age"] - best.components_[k].age) < 0.1
    text = next((found / "final").glob("*-births.txt")).read_text()
    assert "PositionEllipsoidComponent (preferred)" in text and "SphereSpaceTimeComponent (BIC" in text


def test_auto_is_better_than_spheres(found):
    from astropy.table import Table
    table = Table.read(found / "final" / "search.ecsv")
    assert str(table["label"][table["BIC"].argmin()]).endswith("-births")


def test_an_auto_search_goes_on(found, sky, capsys):
    "Resumed after its end, it has the same result, and what was compared; also if the last folder has to be made again."
    def final(): return {path.name: path.read_bytes() for path in (found / "final").iterdir() if path.suffix in (".npy", ".txt")}
    before, again = final(), ["-q", "--resume", "-c", str(found / "config.yml"), str(found / "stars.npy")]
    fit_chronostar(again)
    assert final() == before
    last, = (found / "fits").glob("*-births")
    for path in last.iterdir(): path.unlink()
    last.rmdir()
    fit_chronostar(again)
    assert final().keys() == before.keys() and "births" in json.loads((found / "final" / "fit.json").read_text())
    assert "PositionEllipsoidComponent (preferred)" in capsys.readouterr().out


def test_everything_works_for_an_ellipsoid(found, sky):
    "Profile, posterior, report, table, split and a start from a few stars."
    best = read_result(found / "final")
    k = next(k for k, c in enumerate(best.components_) if c.age is not None)
    group, sigma = best.components_[k], best.uncertainties(sky)[k, "age"][1]
    profile = age_profile(best, sky, k)
    np.testing.assert_allclose(profile.intervals[68], [profile.age - sigma, profile.age + sigma], atol=0.4 * sigma)
    assert "dxyz_1 [pc]" in report_html(best, sky, uncertainties=best.uncertainties(sky))
    left, right = group.split()
    np.testing.assert_allclose((left.mean + right.mean) / 2, group.mean, atol=1e-6)
    assert type(group.from_stars(sky[:12])) is type(group)
    pytest.importorskip("emcee")
    from chronostar.posterior import sample_posterior
    posterior = sample_posterior(best, sky, component=k, n_steps=300, rng=0)
    np.testing.assert_allclose(np.std(posterior[k, "age"]), sigma, rtol=0.5)
    assert posterior.units[posterior.names.index((k, "dxyz_1"))] == "pc"


def test_settings_that_are_not_known():
    with pytest.raises(InputError, match="modules.births"): Driver({"modules": {"births": "yes"}})._configure()
    config = Driver({"modules": {"component": "auto"}})._configure()
    assert config["modules"]["component"] is SphereSpaceTimeComponent and config["modules"]["births"] == "auto"
    assert "births" not in Driver({})._configure()["modules"]
    assert VelocityEllipsoidComponent.n_params == 14
