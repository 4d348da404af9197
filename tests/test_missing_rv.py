"""A star without a radial velocity counts as one whose radial velocity is integrated over."""

import sys
from copy import copy
from pathlib import Path

import numpy as np
import pytest
from astropy.table import vstack
from scipy.stats import norm

from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import FAKE_RV_ERROR, fill_missing_rvs, prepare
from chronostar.driver import Driver
from chronostar.maths import estimate_log_gaussian_ol_prob, estimate_log_gaussian_ol_prob_py
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.results import whereabouts
from chronostar.synthdata import SynthData, generate_gaia_sky, sphere
from chronostar.transforms import sky_triad
from chronostar.uncertainties import component_uncertainties

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import missing_rv  # noqa: E402

ASSOCIATION = SphereSpaceTimeComponent([20.0, -90, 5, 0.5, -1, -2, 6, 0.8, 18.0])


def gaia_stars():
    "Six stars of the association without radial velocity, as tables before and after filling."
    group = dict(mean_now=ASSOCIATION.mean, covariance_birth=sphere(6.0, 0.8), age=18.0, nstars=200)
    table, truth = generate_gaia_sky(200, [group], rng=4)
    filled, fake = fill_missing_rvs(table)
    return filled[fake & (truth["component"] == 1)][:6]


GAUSSIAN = SpaceComponent(np.hstack([ASSOCIATION.mean, ASSOCIATION.covariance.ravel()]))


@pytest.mark.parametrize("component, tolerance", [(GAUSSIAN, 1e-6), (ASSOCIATION, 5e-5)])
def test_equals_the_integral_over_radial_velocity(component, tolerance):
    """Exact in Cartesian space, where velocity is linear in radial velocity. An association is compared in curvilinear
    coordinates, in which an uncertain distance turns the velocity a little, by an amount that depends on it: the map at
    one velocity stands for all, which is good to 1e-6 of the log density (itself about -24)."""
    filled = gaia_stars()[:3]
    got = component.estimate_log_prob(prepare(filled).stars)
    mean = filled["radial_velocity"][0]
    for row in range(len(filled)):
        _, _, radial = sky_triad(filled["ra"][row:row + 1], filled["dec"][row:row + 1])
        rv = radial[0] @ (component.mean[3:] - [11.1, 12.24, 7.25]) + np.linspace(-15, 15, 2001)
        known = vstack([filled[row:row + 1]] * len(rv))  # as if measured to have each of these, without error
        known["source_id"], known["radial_velocity"], known["radial_velocity_error"] = np.arange(len(rv)), rv, 0.0
        density = component.estimate_log_prob(prepare(known).stars) + norm.logpdf(rv, mean, FAKE_RV_ERROR)
        assert density.max() - density[[0, -1]].max() > 25  # nothing is left outside
        integral = density.max() + np.log(np.trapezoid(np.exp(density - density.max()), rv))  # converges exponentially
        np.testing.assert_allclose(got[row], integral, atol=tolerance, rtol=0)


def test_no_loss_of_precision():
    "Against the same overlap with the radial velocity integrated out by hand, which has no large numbers in it."
    stars = prepare(gaia_stars()).stars
    mean, cov = ASSOCIATION.mean, ASSOCIATION.covariance
    radial = (stars.means[:, :3] - [0, 0, 25.0]) / np.linalg.norm(stars.means[:, :3] - [0, 0, 25.0], axis=1, keepdims=True)
    for n, line in enumerate(radial):
        e = np.hstack([np.zeros(3), line])  # the direction that is not measured
        rest = np.linalg.svd(e[None])[2][1:]  # an orthonormal basis of the other five
        S = stars.covs[n] - FAKE_RV_ERROR**2 * np.outer(e, e)
        S = rest @ S @ rest.T  # what the large number has left of the astrometric covariance, none of it along e
        d = stars.means[n] - mean
        T5, d5, cross = S + rest @ cov @ rest.T, rest @ d, rest @ cov @ e
        five = -0.5 * (d5 @ np.linalg.solve(T5, d5) + np.linalg.slogdet(T5)[1] + 5 * np.log(2 * np.pi))
        variance = FAKE_RV_ERROR**2 + e @ cov @ e - cross @ np.linalg.solve(T5, cross)
        sixth = norm.logpdf(e @ d - cross @ np.linalg.solve(T5, d5), scale=np.sqrt(variance))
        for function in (estimate_log_gaussian_ol_prob, estimate_log_gaussian_ol_prob_py):
            np.testing.assert_allclose(function(stars[n:n + 1], mean, cov)[0], five + sixth, rtol=1e-7)


@pytest.mark.parametrize("component", [GAUSSIAN, ASSOCIATION])
def test_the_invented_value_does_not_matter(component):
    filled = gaia_stars()
    other = filled.copy()
    other["radial_velocity"] += 40.0
    a, b = (component.estimate_log_prob(prepare(table).stars) for table in (filled, other))
    np.testing.assert_allclose(a, b, atol=2e-5, rtol=0)  # (40 / 10 000)^2 / 2


@pytest.mark.parametrize("missing", [0.0, 0.7, 1.0])
def test_ages(missing):
    result = missing_rv.study(missing, range(4))
    assert abs(result["bias in standard errors"]) < 4
    assert abs(result["age"] - missing_rv.AGE) < 1.5 and result["members found"] > 0.9 and result["of those found, members"] > 0.9


@pytest.mark.parametrize("orbit", [None, "trace_epicyclic_orbit"])
def test_an_age_that_is_better_with_the_memberships_it_would_have(orbit):
    """In this sky the likelihood has two maxima, at 9 and 20.6 Myr, about as high; with the memberships of either, this one seems
    the higher. The search ends in the one that is, which depends on the orbit."""
    stars, members = missing_rv.sky(46, 1.0), np.arange(missing_rv.MEMBERS + missing_rv.FIELD) < missing_rv.MEMBERS
    found, tops = Driver({"component": {"trace_orbit_func": orbit}}).run(stars), []
    field = SphereSpaceTimeComponent(trace_orbit_func=orbit).maximize(stars, (~members).astype(float))
    for age, dxyz, duvw in ((9.0, 13.5, 0.27), (20.0, 6.0, 0.7)):
        group = SphereSpaceTimeComponent(trace_orbit_func=orbit).set_from_now([25.0, -5, 10, 0.5, -3.8, -2], dxyz, duvw, age)
        tops.append(ComponentMixture([0.2, 0.8], [group, copy(field)]).fit(stars).bic(stars))
    assert found.bic(stars) < min(tops) + 0.01


def test_what_is_expected_is_as_uncertain_as_the_group_itself():
    """Of 40 members four have radial velocities, so that the group's own is known no better than they tell. What is
    expected of the others must be off by what is said: squares of pulls of 1, which are 1.3 with the spread alone."""
    pulls = {name: [] for name in ("spread alone", "all")}
    for seed in range(60):
        full = SynthData([[100, 50, 0, 3.0, -5.0, 2.0, 6.0, 1.0, 15.0]], [40], rng=seed).generate()
        table = full.copy()
        for name in ("radial_velocity", "radial_velocity_error"):
            table[name][4:] = np.nan
        stars = prepare(table, fake_rvs=True).stars
        group = SphereSpaceTimeComponent()
        group.maximize(stars)
        uncertainties = component_uncertainties(group, stars)
        for name, known in zip(pulls, (None, uncertainties), strict=True):
            where = whereabouts([group], stars, np.zeros(40, dtype=int), known)
            sigma = np.hypot(where["radial_velocity_error"], full["radial_velocity_error"])
            pulls[name].append(((full["radial_velocity"] - where["radial_velocity"]) / sigma)[4:])
    squares = {name: np.mean(np.square(all_of_them)) for name, all_of_them in pulls.items()}
    assert 0.8 < squares["all"] < 1.1 and squares["spread alone"] > 1.15
