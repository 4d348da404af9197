"""Groups and chance: what a scrambled sky keeps, what it destroys, and who is found significant."""

import numpy as np
import pytest
from astropy.table import Table

from chronostar import cli
from chronostar.component.fieldcomponent import FieldComponent
from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import InputError, StarData, prepare
from chronostar.files import write_files
from chronostar.icpool.scan import crowded_places, measured
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.results import check_savedir, mixture_files
from chronostar.significance import detection, expected_number, group_significance, scrambled, strongest
from chronostar.synthdata import generate_gaia_sky, sphere

GROUP = dict(mean_now=np.array([20.0, -30, 10, -2, -8, -5]), covariance_birth=sphere(6, 0.8), age=18.0, nstars=60)
FIELDS = {"field": FieldComponent, "gaussian": SpaceComponent, "sphere": SphereSpaceTimeComponent}


@pytest.fixture(scope="module")
def sky():
    table, truth = generate_gaia_sky(900, [GROUP], rng=23)
    prepared = prepare(table, fake_rvs=True, selection="parallax > 10")
    return prepared.stars, np.asarray(truth["component"])[prepared.reason == ""]


@pytest.fixture(scope="module", params=FIELDS)
def mixture(request, sky):
    stars, origin = sky
    components = [FIELDS[request.param](), SphereSpaceTimeComponent()]
    return ComponentMixture(init_components=components).fit(stars, init_resp=np.eye(2)[origin])


@pytest.fixture(scope="module")
def in_field(sky):
    stars, origin = sky
    components = [FieldComponent(), SphereSpaceTimeComponent()]
    return ComponentMixture(init_components=components).fit(stars, init_resp=np.eye(2)[origin])


def dense(seed):
    "A sky without groups in which places have many stars, so that Poisson's numbers are no steps, and its field."
    rng = np.random.default_rng([17, seed])
    covs = np.tile(np.diag([0.5] * 3 + [0.3] * 3), (3000, 1, 1))
    stars = StarData(rng.normal(size=(3000, 6)) * np.repeat([60.0, 4.0], 3), covs)
    return stars, ComponentMixture(init_components=[SpaceComponent()]).fit(stars)


def test_a_scrambled_sky_keeps_all_but_the_groups(sky, mixture):
    stars, _ = sky
    field = mixture.predict_proba(stars)[:, 0]
    fields = stars[field > 0.5]
    for seed in range(3):
        new = scrambled(stars, mixture, np.random.default_rng([1, seed]))
        row = {place: i for i, place in enumerate(map(tuple, stars.means[:, :3]))}
        kept = stars[[row[tuple(place)] for place in new.means[:, :3]]]  # each star is where one was
        assert abs(len(new) - field.sum()) < 10 and len(np.unique(kept.means[:, 0])) == len(new)
        np.testing.assert_array_equal(new.fake_rvs, kept.fake_rvs)
        np.testing.assert_allclose(new.covs[:, :3, :3], kept.covs[:, :3, :3])
        known = [s.means[measured(s), 3:] for s in (fields, new)]
        np.testing.assert_allclose(known[0].std(axis=0), known[1].std(axis=0), rtol=0.03)
        np.testing.assert_allclose(known[0].mean(axis=0), known[1].mean(axis=0), atol=1)
        assert (np.abs(new.means[:, 3:] - kept.means[:, 3:]).max(axis=1) < 1e-3).mean() < 0.05  # all others' velocities


def test_what_stars_without_a_radial_velocity_get_is_like_what_they_had(sky, in_field):
    "Their motion across the line of sight, over ten skies."
    stars, _ = sky
    spreads = []
    for which in (stars[in_field.predict_proba(stars)[:, 0] > 0.5],
                  *(scrambled(stars, in_field, np.random.default_rng([2, seed])) for seed in range(10))):
        new = which[which.fake_rvs]
        line = new.means[:, :3] - [0, 0, 25]
        line /= np.linalg.norm(line, axis=1, keepdims=True)
        v = new.means[:, 3:]
        spreads.append((v - (v * line).sum(axis=1, keepdims=True) * line).std(axis=0))
    np.testing.assert_allclose(spreads[0], np.mean(spreads[1:], axis=0), rtol=0.12)


def test_the_errors_are_those_of_such_a_motion(sky, in_field):
    "No covariance is broken, and the density of a star under the field is finite."
    stars, _ = sky
    new = scrambled(stars, in_field, np.random.default_rng(3))
    assert np.linalg.eigvalsh(new.covs)[:, 0].min() > -1e-4 and np.isfinite(in_field.score_samples(new)).all()
    StarData(new.means, new.covs)  # passes all checks


def test_chance_crowds_no_place_more_often_than_poisson_allows():
    "Expected numbers below 0.1 in 10 % of the skies at the most: the places overlap, so it is less."
    stars, mixture = dense(0)
    best = []
    for seed in range(20):
        new = scrambled(stars, mixture, np.random.default_rng([4, seed]))
        places = crowded_places(mixture, new, chance=100.0)
        best.append(places[0].log_chance if places else np.log(100))
    best = np.array(best)
    assert (best < np.log(0.1)).sum() <= 5  # of 20; more is less probable than 1 in 90
    assert (best < np.log(10)).sum() >= 4  # but it is not that nothing is ever counted


def test_a_pair_of_stars_is_parted(sky, in_field):
    stars, _ = sky
    means, covs = stars.means[measured(stars)], stars.covs[measured(stars)]
    means[1::2, :3] = means[: 2 * (len(means) // 2) : 2, :3] + [0.1, 0.01, 0.01]
    means[1::2, 3:] = means[: 2 * (len(means) // 2) : 2, 3:] + 0.5
    pairs = StarData(means, covs, provenance=stars.provenance)
    new = scrambled(pairs, in_field, np.random.default_rng(5)).means
    near = np.linalg.norm(np.diff(new[:, :3], axis=0), axis=1) < 0.2
    assert near.sum() > 30 and (np.linalg.norm(np.diff(new[:, 3:], axis=0), axis=1)[near] < 2).mean() < 0.1


def test_a_group_is_significant_in_every_kind_of_field(sky, mixture):
    stars, _ = sky
    table = group_significance(mixture, stars, n_skies=4)
    row = table[table["component"] == 1][0]
    assert row["chance"] < 1e-3 and row["delta_bic"] > 100 and row["log_crowded"] < -10 and row["note"] == ""
    assert 10 < row["measured"] < row["members"] < 70 and abs(row["age"] - 18) < 4
    assert all(row["note"] == "the field" and np.isnan(row["chance"]) for row in table if row["component"] == 0)


def test_what_chance_made_is_not_significant(sky, in_field):
    "The strongest of a sky of its own, judged by that sky scrambled: the numbers are those of chance."
    stars, _ = sky
    alone, numbers = ComponentMixture([1.0], in_field.components_[:1]), []
    for seed in range(3):
        new = scrambled(stars, in_field, np.random.default_rng([6, seed]))
        _, false = strongest(alone, new, in_field.components_[1:])
        reported = ComponentMixture([1 - 15 / len(new), 15 / len(new)], [alone.components_[0], false]).fit(new)
        row = group_significance(reported, new, n_skies=4, random_state=seed)[0]
        numbers.append(np.inf if row["note"] else row["chance"])
    assert min(numbers) > 0.05 / 3  # of three


def test_the_same_seed_the_same_numbers(sky, in_field):
    stars, _ = sky
    one, same, other = (group_significance(in_field, stars, 2, seed) for seed in (0, 0, 1))
    assert list(one["chance"]) == list(same["chance"]) and one.meta == same.meta
    assert one.meta["strongest by chance"] != other.meta["strongest by chance"]


def test_a_chance_alignment_of_few_stars_is_no_group(sky, in_field):
    stars, origin = sky
    few = ComponentMixture([0.999, 0.001], in_field.components_)
    row = group_significance(few, stars[origin == 0])[0]
    assert "members for 9 parameters" in row["note"] and np.isnan(row["chance"])


def test_without_velocities_nothing_is_said(sky, in_field):
    stars, _ = sky
    with pytest.raises(InputError, match="no star has a measured velocity"):
        group_significance(in_field, stars[stars.fake_rvs])
    some = np.append(np.flatnonzero(stars.fake_rvs), np.flatnonzero(~stars.fake_rvs)[:5])
    with pytest.raises(InputError, match="5 of .* stars have a measured velocity"):
        group_significance(in_field, stars[some])
    with pytest.raises(InputError, match="1 scrambled skies"):
        group_significance(in_field, stars, n_skies=1)


def test_the_tail_is_that_of_gumbel():
    found = np.random.default_rng(8).gumbel(-50, 3, 20)
    expected = expected_number([found.max(), -20, 100], found)
    assert 0.01 < expected[0] < 0.3 and (np.diff(expected) < 0).all() and expected[2] > 0
    assert abs(np.log(expected[1]) + 10) < 5


def test_a_rich_group_is_found_again(sky, in_field):
    stars, _ = sky
    found = detection(in_field, stars, 1, [6, 60], n_skies=3)["found"]
    assert found[0] < 0.5 and found[1] == 1


def test_the_command(sky, in_field, tmp_path, capsys):
    stars, _ = sky
    result = tmp_path / "result"
    write_files(result, mixture_files(in_field, in_field.predict_proba(stars)))
    stars.write(tmp_path / "sample")
    argv = [str(result), str(tmp_path / "sample"), "-n", "2"]
    cli.significance(argv)
    table = Table.read(result / "significance.ecsv")
    assert table["chance"][0] < 1e-3 and table["age"].unit == "Myr" and table.meta["skies"] == 2
    assert "delta_bic" in capsys.readouterr().out
    assert any(path.name == "significance.ecsv" for path in check_savedir(result, overwrite=True))
    with pytest.raises(SystemExit, match="2"):
        cli.significance(argv)
    assert "give --overwrite to replace it" in capsys.readouterr().err
    stars[stars.fake_rvs].write(tmp_path / "without")
    with pytest.raises(SystemExit, match="2"):
        cli.significance([str(result), str(tmp_path / "without"), "--overwrite"])
    assert "no star has a measured velocity" in capsys.readouterr().err
