"""The simulator of groups that the study of ages uses (tests/benchmarks/groups.py): it must itself be right."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("galpy", reason="galpy is not installed: pip install 'chronostar[galpy]'")
sys.path.append(str(Path(__file__).parent / "benchmarks"))

import groups

SQUARE = np.repeat([groups.SIZE, groups.SPREAD], 3) ** 2


def states(group):
    return np.column_stack([group.truth[c] for c in "XYZUVW"])


def birth(kind, seed=1, n=3000):
    "Stars of a group where each was born, in their own centre's frame."
    group = groups.draw(kind, seed, n)
    then = groups.each_orbit(states(group), -np.array(group.truth["age"]))
    return then - then.mean(axis=0)


def test_the_simulator_knows_nothing_of_the_package():
    for name in ("groups.py", "skyfields.py"):
        assert "chronostar" not in (Path(__file__).parent / "benchmarks" / name).read_text()


def test_a_plain_group_was_a_sphere_and_is_one_no_more():
    assert np.allclose(np.cov(birth("none").T) / np.sqrt(np.outer(SQUARE, SQUARE)), np.eye(6), atol=0.08)
    now = states(groups.draw("none", 1, 4000))
    assert (np.corrcoef(now.T)[[0, 1, 2], [3, 4, 5]] > 0.5)[:2].all() and (now.std(axis=0)[:2] > 12).all()


@pytest.mark.parametrize("kind", ["filament", "long_z"])
def test_long_births_are_three_times_as_long_as_wide(kind):
    cov = np.cov(birth(kind).T)
    size, axes = np.linalg.eigh(cov[:3, :3])
    assert np.allclose(np.sqrt(size), groups.SIZE * groups.LONG, rtol=0.06)
    assert (abs(axes[2, 2]) > 0.99) == (kind == "long_z")
    assert np.allclose(cov[3:, 3:], groups.SPREAD**2 * np.eye(3), atol=0.05)


@pytest.mark.parametrize("kind, trace", [("expansion", 3 * groups.GRADIENT), ("shear", 0.0)])
def test_gradients_at_birth(kind, trace):
    x = birth(kind)
    gradient = np.linalg.lstsq(x[:, :3], x[:, 3:], rcond=None)[0]
    assert np.trace(gradient) == pytest.approx(trace, abs=0.006)
    assert np.linalg.svd(gradient)[1][0] == pytest.approx(groups.GRADIENT, abs=0.006)


def test_two_births_apart():
    x = birth("two_subgroups")
    apart = x[::2].mean(axis=0) - x[1::2].mean(axis=0)
    assert np.linalg.norm(apart[:3]) == pytest.approx(20, abs=1) and np.linalg.norm(apart[3:]) == pytest.approx(1, abs=0.1)


def test_births_over_a_time():
    ages = groups.draw("age_spread", 1, 800).truth["age"]
    assert ages.std() == pytest.approx(4, abs=0.4) and ages.mean() == pytest.approx(20, abs=0.6)


@pytest.mark.parametrize("kind, astrometry, rv", [("none", 1, 1), ("errors_x1.3", 1.3, 1.3), ("rv_plus_1", 1, None)])
def test_errors_are_as_quoted_or_as_the_kind_says(kind, astrometry, rv):
    group = groups.draw(kind, 2, 4000)
    off = groups.residuals(group.table, states(group))
    assert np.allclose(off[:, :5].std(axis=0), astrometry, rtol=0.05)
    error = np.array(group.table["radial_velocity_error"])
    more = (off[:, 5] * error).std() if rv is None else off[:, 5].std()
    assert more == pytest.approx(np.sqrt((error**2).mean() + 1) if rv is None else rv, rel=0.05)
    assert 0.3 < np.median(error) < 0.9 and abs(off.mean(axis=0)).max() < 0.1


def test_heavy_tails_are_t_of_three_degrees():
    group = groups.draw("heavy_tails", 2, 4000)
    off = groups.residuals(group.table, states(group))
    assert np.allclose((np.abs(off) > 3.182).mean(axis=0), 0.05, atol=0.015)  # the 97.5 % point of t with 3 degrees
    assert (np.abs(off) > 3).any(axis=1).sum() == (group.truth["role"] == "outlier").sum()


def test_a_zero_point_and_missing_velocities_change_nothing_else():
    plain, shifted, missing = (groups.draw(kind, 3).table for kind in ("none", "zero_point", "missing_rv"))
    assert np.allclose(shifted["radial_velocity"] - plain["radial_velocity"], 0.6)
    known = np.isfinite(missing["radial_velocity"])
    assert known.sum() == 50 and (missing["radial_velocity"] == plain["radial_velocity"])[known].all()
    assert all((t["pmra"] == plain["pmra"]).all() for t in (shifted, missing))


def test_binaries_move_about_the_velocity_of_their_pair():
    rng = np.random.default_rng(1)
    rv, pm = groups.companions(rng.normal(10.8, 2.2, 20_000), np.full(20_000, 20.0), rng)
    speed = np.hypot(*pm.T) * 4.74047 / 20
    assert abs(np.median(rv)) < 0.05 and 1 < np.median(np.abs(rv)) < 3  # most pairs within 35 au take decades
    assert speed.max() < 6 and 0.05 < np.median(speed) < 0.4  # close pairs blur, wide ones are slow
    group, plain = groups.draw("binaries", 1, 1000), groups.draw("none", 1, 1000)
    changed = group.table["radial_velocity"] != plain.table["radial_velocity"]
    assert (changed == (group.truth["role"] == "binary")).all() and changed.mean() == pytest.approx(0.3, abs=0.05)


def test_a_plummer_sphere_is_in_equilibrium():
    x = groups.plummer(50_000, 2.0, 300.0, 1e6, np.random.default_rng(1))
    assert (x[:, 3:] ** 2).sum(axis=1).mean() == pytest.approx(3 * np.pi * groups.G * 300 / 64, rel=0.02)  # virial theorem
    assert np.median(np.linalg.norm(x[:, :3], axis=1)) == pytest.approx(2 / np.sqrt(2 ** (2 / 3) - 1), rel=0.02)
    assert np.linalg.norm(groups.plummer(1000, 2.0, 300.0, 9.0, np.random.default_rng(1))[:, :3], axis=1).max() < 9


def test_a_cluster_has_a_core_and_longer_tails():
    group = groups.draw("bound_core", 1)
    x, tail = states(group), group.truth["role"] == "tail"
    mass, outside = groups.cluster_of(1)
    assert (~tail).sum() == pytest.approx(mass / 0.6, abs=1) and tail.mean() == pytest.approx(outside, abs=0.01)
    core = x[~tail] - x[~tail].mean(axis=0)
    assert np.linalg.norm(core[:, :3], axis=1).max() < 11 and core[:, 3:].std() < 0.5
    assert (x[tail].std(axis=0)[:2] > 5 * core.std(axis=0)[:2]).all()


def test_strangers_are_near():
    group = groups.draw("interlopers", 1)
    x, strange = states(group), group.truth["role"] == "interloper"
    assert strange.sum() == 5
    assert np.linalg.norm(x[strange, 3:] - x[~strange, 3:].mean(axis=0), axis=1).max() < 5.5


def test_an_edge_keeps_seven_of_ten():
    group = groups.draw("edge", 1)
    limit = 1000 / float(group.selection.removeprefix("parallax > "))
    all_of_it = states(groups.draw("none", 1, 4000))
    assert len(group.table) == 100 and (group.table["parallax"] > 1000 / limit).all()
    assert (np.linalg.norm(all_of_it[:, :3] - groups.SUN[:3], axis=1) < limit).mean() == pytest.approx(0.7, abs=0.06)


def test_a_group_in_a_field():
    group = groups.draw("none", 1)
    table, mine, selection = groups.in_field(group, 300)
    assert len(table) == 400 and mine.sum() == 100 and set(table["source_id"][mine]) == set(group.table["source_id"])
    assert (table["parallax"] > float(selection.removeprefix("parallax > "))).all()
    assert len(set(table["source_id"])) == 400


def test_kinds_and_seeds():
    one, same, other = groups.draw("none", 1), groups.draw("none", 1), groups.draw("none", 2)
    assert (one.table["ra"] == same.table["ra"]).all() and (one.table["ra"] != other.table["ra"]).any()
    with pytest.raises(ValueError, match="no kind 'cube'"): groups.draw("cube", 1)
