"""A chance alignment or a wide binary is never reported as a group, whatever its BIC; a real group is not lost for it."""

import json
import logging

import numpy as np
import pytest
import skies

from chronostar import cli
from chronostar.base import InitialCondition
from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import StarData, prepare
from chronostar.driver import Driver, fit_candidate
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.results import read_result
from chronostar.synthdata import SynthData, generate_association, sphere


def prepared(shared, tmp_path, monkeypatch, name, *options):
    monkeypatch.chdir(tmp_path)
    cli.prepare_data([*options, "-o", "s", str(shared(f"../cases/{name}"))])


def test_wide_binaries_are_no_group(shared, tmp_path, monkeypatch, capsys):
    prepared(shared, tmp_path, monkeypatch, "13_wide_binaries_no_rv.csv", "-f")
    cli.fit_chronostar(["s"])
    assert "a component of 4.0 members for 9 parameters is no more than a chance alignment" in capsys.readouterr().err
    assert len(read_result("result/final").components_) == 1


def test_parallaxes_within_their_errors_make_no_groups(shared, tmp_path, monkeypatch):
    prepared(shared, tmp_path, monkeypatch, "14_parallaxes_within_their_errors.csv")
    cli.fit_chronostar(["s"])
    best, stars = read_result("result/final"), StarData.read("s")
    members = best.predict_proba(stars).sum(axis=0)
    aged = [k for k, c in enumerate(best.components_) if c.age is not None]
    cold = [k for k in aged if best.components_[k].duvw < 5]  # as groups are; the field has 15 km/s
    assert len(cold) == 1 and abs(best.components_[cold[0]].age - 19) < 2 and 38 < members[cold[0]] < 42
    assert all(members > [c.n_params for c in best.components_])


def test_the_real_group_is_found(shared, tmp_path, monkeypatch):
    prepared(shared, tmp_path, monkeypatch, "reference.csv", "-f")
    cli.fit_chronostar(["s"])
    best = read_result("result/final")
    group = int(np.argmin([c.dxyz for c in best.components_]))
    assert len(best.components_) == 2 and abs(best.components_[group].age - 19) < 1.8
    assert 38 < best.weights_[group] * 150 < 42


def binaries(seed, n=250, companions=40, group=0):
    "A field with companions of some of its stars, few radial velocities, and perhaps a group; which stars are its members."
    rng = np.random.default_rng([2024, seed])
    field = generate_association(np.zeros(6), sphere(rng.uniform(50, 90), rng.uniform(12, 20)), 0.0, n, rng)
    distance = 10 ** rng.uniform(-2.6, -1.1, (companions, 1))  # pc
    offsets = rng.normal(size=(2, companions, 3)) / np.sqrt(3)
    speed = 0.0657 / np.sqrt(distance)  # km/s, of an orbit around a solar mass
    stars = [field, field[rng.choice(n, companions, replace=False)] + np.hstack([offsets[0] * distance, offsets[1] * speed])]
    if group: stars.append(generate_association(skies.scattered(rng, 50.0), sphere(5, 0.8), rng.uniform(8, 30), group, rng))
    table = SynthData.measure_astrometry(np.vstack(stars), rng)
    for name in ("radial_velocity", "radial_velocity_error"): table[name][rng.random(len(table)) < 0.6] = np.nan
    return StarData(prepare(table, fake_rvs=True).X), np.arange(len(table)) >= n + companions


def is_sound(mixture, n):
    return all(not c.no_group(w * n) for c, w in zip(mixture.components_, mixture.weights_, strict=True))


@pytest.mark.parametrize("seed", [0, 2, 7, 8])  # by BIC alone, of 3, 2, 4 and 3 components
def test_fields_of_binaries_have_no_groups(seed, caplog):
    stars, _ = binaries(seed)
    with caplog.at_level(logging.INFO, "chronostar"): best = Driver().run(stars)
    assert len(best.components_) == 1 and "no more than a chance alignment" in caplog.text


@pytest.mark.parametrize("group", [12, 20, 40])
def test_no_group_is_lost_among_binaries(group):
    stars, members = binaries(group, group=group)
    best = Driver().run(stars)
    resp = best.predict_proba(stars)
    k = resp[members].sum(axis=0).argmax()
    assert len(best.components_) == 2 and is_sound(best, len(stars))
    assert resp[members, k].sum() > 0.85 * group and resp[~members, k].sum() < 0.15 * group + 1


def repeated(stars, rng, times=6):
    "A table that holds one star of the field several times more."
    X = np.hstack([stars.means, stars.covs.reshape(-1, 36)])
    again = np.repeat(X[:1], times, axis=0)
    again[:, :6] += rng.normal(0, 0.01, (times, 6))
    return StarData(np.vstack([X, again]))


@pytest.mark.parametrize("seed", range(2))
def test_a_group_is_not_hidden_by_a_star_that_is_there_seven_times(seed):
    stars, members = binaries(50 + seed, group=15)
    stars, members = repeated(stars, np.random.default_rng(seed)), np.append(members, [False] * 6)
    best = Driver().run(stars)
    resp = best.predict_proba(stars)
    assert len(best.components_) == 2 and resp[members, resp[members].sum(axis=0).argmax()].sum() > 13


def test_what_is_no_group():
    at_bound = SphereSpaceTimeComponent([0] * 6 + [5.0, 1e-3, 10.0])
    fine = SphereSpaceTimeComponent([0] * 6 + [5.0, 1.0, 0.0])  # an age may be at its bound
    assert fine.no_group(9.01) == "" and fine.no_group(9.0) == "9.0 members for 9 parameters"
    assert at_bound.no_group(50) == "50.0 members with ln duvw at the lower bound"
    assert SphereSpaceTimeComponent(at_bound.params, reg_covar=1e-8).no_group(50) == ""
    assert SpaceComponent([0] * 6 + [*np.eye(6).ravel()]).no_group(3) == ""  # a field need not be one


def blob_and_pair(n=200, close=4):
    rng = np.random.default_rng(0)
    X = rng.normal(0, [60, 60, 60, 10, 10, 10], (n, 6))
    return np.vstack([X, X[:1] + rng.normal(0, 0.01, (close, 6))]), np.repeat(np.eye(2), [n, close], axis=0)


def test_memberships_given_to_a_search_do_not_make_a_group(caplog):
    X, resp = blob_and_pair()
    with caplog.at_level(logging.INFO, "chronostar"): best = Driver().run(X, init_resp=resp)
    assert len(best.components_) == 1 and "taken out: a component of" in caplog.text


def test_the_largest_component_stays():
    "Of a few stars there is one component, though it is no group either."
    X = np.random.default_rng(0).normal(0, [60, 60, 60, 10, 10, 10], (8, 6))
    assert len(Driver().run(X).components_) == 1


def test_a_candidate_that_is_reduced_must_beat_its_parent_by_more_than_the_last_digits():
    X, resp = blob_and_pair()
    stars = StarData(X)
    alone, score = fit_candidate(stars, InitialCondition("a", [SphereSpaceTimeComponent()]), ComponentMixture)
    pair = InitialCondition("b", [SphereSpaceTimeComponent()] * 2, memberships=resp)
    tempting = ComponentMixture(init_components=pair.components).fit(stars, init_resp=resp)
    assert tempting.bic(stars) < score - 20
    assert fit_candidate(stars, pair, ComponentMixture, score) == (None, np.inf)
    assert fit_candidate(stars, pair, ComponentMixture, score + 1) == (None, np.inf)  # the same field again
    reduced, better = fit_candidate(stars, pair, ComponentMixture, score + 10)  # a parent that was clearly worse
    assert len(reduced.components_) == 1 and abs(better - score) < 0.1


def test_a_fit_with_a_given_number_of_components_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, resp = blob_and_pair()
    np.save("stars.npy", X)
    np.save("resp.npy", resp)
    cli.fit_mixture(["2", "stars.npy", "resp.npy"])
    said = json.loads((tmp_path / "result/uncertainties.json").read_text())["flags"]
    assert "component 1 has 5.0 members for 9 parameters: a chance alignment or a binary, not a group" in said
    assert len(read_result("result").components_) == 2  # but it is what was asked for
