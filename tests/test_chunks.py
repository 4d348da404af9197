"""Stars in chunks give what stars in memory give: whatever the chunks, in other processes, and when one of these dies."""

import os
import pickle
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from copy import copy
from pathlib import Path

import numpy as np
import pytest

from chronostar import chunks
from chronostar.chunks import ChunkedStars, pack_stars, write_parquet
from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.component.uniformcomponent import UniformComponent
from chronostar.datatools import InputError, StarData, prepare
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.synthdata import SynthData

GROUPS = [[0, 0, 0, 0, 0, 0, 6.0, 1.5, 15.0], [80, -60, 20, 5, -5, 2, 10.0, 1.0, 30.0], [0, 0, 0, 0, 0, 0, 90.0, 12.0, 0.0]]


@pytest.fixture(scope="module")
def stars():
    "Two groups in a field, 9000 stars, a third of them without a radial velocity."
    table = SynthData(GROUPS, [800, 400, 7800], rng=3, m_err=0.5).generate()
    rng = np.random.default_rng(4)
    table = table[rng.permutation(len(table))]
    hidden = rng.random(len(table)) < 0.3
    for name in ("radial_velocity", "radial_velocity_error"):
        table[name][hidden] = np.nan
    return prepare(table, fake_rvs=True).stars


def start(component_class=SpaceComponent):
    "A mixture to start from: two associations, a free Gaussian and a box."
    shifted = np.array(GROUPS[:2]) + [3, 3, 3, 1, 1, 1, 3, 0.5, 4]
    field = np.hstack([np.zeros(6), np.diag([100.0**2] * 3 + [14.0**2] * 3).ravel()])
    box = [-1000.0] * 3 + [-1e5] * 3 + [1000.0] * 3 + [1e5] * 3
    components = [*map(SphereSpaceTimeComponent, shifted), component_class(field), UniformComponent(box)]
    return ComponentMixture([0.1, 0.1, 0.79, 0.01], components, tol=1e-6)


def iterate(stars, n=2, component_class=SpaceComponent):
    "Some iterations of EM."
    mixture = start(component_class)
    mixture.weights_, mixture.components_ = np.array(mixture.init_weights), [copy(c) for c in mixture.init_components]
    for _ in range(n):
        mixture._m_step(stars, stars.e_step(mixture)[1])
    return mixture


def assert_same(found, expected, rtol=1e-10):
    np.testing.assert_allclose(found.weights_, expected.weights_, rtol=rtol, atol=1e-14, strict=True)
    for a, b in zip(found.components_, expected.components_, strict=True):
        a, b = a.get_parameters(), b.get_parameters()
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max(), strict=True)


@pytest.mark.parametrize("chunk", [200, 1000, 4096, 10**6])
def test_iterations_whatever_the_chunks(stars, tmp_path, chunk):
    stars.write(tmp_path / "sample")
    packed = pack_stars(tmp_path / "sample", tmp_path / "packed", chunk=chunk)
    np.testing.assert_array_equal(packed.ids, stars.ids)
    np.testing.assert_array_equal(packed[:].fake_rvs, stars.fake_rvs)
    assert_same(iterate(packed), iterate(stars))


def test_a_whole_fit(stars, tmp_path):
    "With exploring, of which the many small steps make more of the last digits: so they do if stars in memory are reordered."
    stars.write(tmp_path / "sample")
    found = start().fit(pack_stars(tmp_path / "sample", tmp_path / "packed", chunk=2000))
    shuffled = start().fit(stars[np.random.default_rng(0).permutation(len(stars))])
    expected = start().fit(stars)
    assert found.n_iter_ == expected.n_iter_ > 3
    np.testing.assert_allclose(found.lower_bounds_, expected.lower_bounds_, rtol=1e-12)
    assert_same(found, expected, 1e-8)
    assert_same(shuffled, expected, 1e-8)


def test_associations_that_are_too_many_for_memory(stars, tmp_path, monkeypatch):
    write_parquet(stars, tmp_path / "stars.parquet")
    packed, taken = pack_stars(tmp_path / "stars.parquet", tmp_path / "packed"), []
    monkeypatch.setattr(chunks, "_take_above", lambda *args: taken.append(args))
    monkeypatch.setattr(chunks, "GATHER", 10)
    found = iterate(packed)
    assert not taken
    assert_same(found, iterate(stars))


def test_field_of_associations_looks_at_all_ages_in_chunks(stars, tmp_path):
    "A broad association whose stars all matter looks at all ages without bringing them into memory."
    stars.write(tmp_path / "sample")
    packed = pack_stars(tmp_path / "sample", tmp_path / "packed", chunk=2000)
    broad = ComponentMixture().set_parameters([0.9, 0.1], [SphereSpaceTimeComponent(p) for p in (GROUPS[2], GROUPS[1])])

    def at_best_age(stars):
        "The component at the best of all ages, and how much better it is."
        was, resp = copy(broad.components_[0]), stars.e_step(broad)[1].T[0]
        [(found, _)] = was.alternatives(stars, resp)
        return found, resp @ (found.estimate_log_prob(stars) - was.estimate_log_prob(stars))

    (found, gain), (expected, gain_) = map(at_best_age, (packed, stars))
    assert gain_ > 0 and found.age == pytest.approx(expected.age, abs=1e-6)
    np.testing.assert_allclose(gain, gain_, rtol=1e-6)


def test_the_stars_stay_where_they_are(stars, tmp_path):
    "What an executor is handed is small, whatever the number of stars."

    class Scale:
        sizes = []

        def map(self, function, calls):
            self.sizes += [len(pickle.dumps((function, call))) for call in calls]
            return map(function, calls)

    stars.write(tmp_path / "sample")
    packed = pack_stars(tmp_path / "sample", tmp_path / "packed", Scale(), chunk=4000)
    assert_same(iterate(packed), iterate(stars))
    assert len(Scale.sizes) > 3 * 10 and max(Scale.sizes) < 5000


class Mortal(SpaceComponent):
    "Kills the process that asks for its densities, once, if there is a file of this name."

    def estimate_log_prob(self, X):
        "As that of a SpaceComponent."
        try:
            Path(os.environ["MORTAL"]).unlink()
        except FileNotFoundError:
            return super().estimate_log_prob(X)
        os.kill(os.getpid(), signal.SIGKILL)


def test_dask_of_which_a_worker_is_killed(stars, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    pytest.importorskip("pyarrow")
    knife = tmp_path / "knife"
    monkeypatch.setenv("MORTAL", str(knife))
    for i in range(6):
        write_parquet(stars[1500 * i : 1500 * (i + 1)], tmp_path / "parquet" / f"Norder=2/Npix={i}.parquet")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=tmp_path) as cluster,
        distributed.Client(cluster) as client,
    ):
        before = set(client.run(os.getpid).values())
        assert len(before) == 2 and os.getpid() not in before
        packed = pack_stars(tmp_path / "parquet", tmp_path / "packed", client)
        knife.touch()
        found = iterate(packed, 3, Mortal)
        assert not knife.exists()  # somebody has been killed ...
        client.wait_for_workers(2, timeout=60)
        after = set(client.run(os.getpid).values())
        assert len(before & after) == 1 and len(after) == 2  # ... and somebody else came
        memberships = packed.memberships(found, tmp_path / "memberships.npy")
        best = packed.top(found.components_[0], 500)
    expected = iterate(stars, 3, Mortal)
    assert_same(found, expected)
    np.testing.assert_allclose(memberships, found.predict_proba(stars), rtol=0, atol=1e-10, strict=True)
    np.testing.assert_array_equal(best.ids, stars.top(expected.components_[0], 500).ids)


def test_a_pool_of_processes_that_breaks_says_so(stars, tmp_path, monkeypatch):
    "Python's own pool does not start another process in place of a dead one; nothing is left behind."
    knife = tmp_path / "knife"
    monkeypatch.setenv("MORTAL", str(knife))
    stars.write(tmp_path / "sample")
    pack_stars(tmp_path / "sample", tmp_path / "packed", chunk=2000)
    knife.touch()
    with ProcessPoolExecutor(2) as pool, pytest.raises(BrokenProcessPool):
        start(Mortal).fit(ChunkedStars(tmp_path / "packed", pool))
    assert not list((tmp_path / "packed").glob(".memberships*"))


def test_bad_stars_are_named_with_their_place(stars, tmp_path):
    X = np.hstack([stars.means, stars.covs.reshape(-1, 36)])
    X[700, 2] = np.nan
    np.save(tmp_path / "stars.npy", X)
    with pytest.raises(InputError, match=r"stars.npy, from row 512 on: 1 of 512 stars .* row 188"):
        pack_stars(tmp_path / "stars.npy", tmp_path / "packed", chunk=512)
    with pytest.raises(InputError, match="not complete"):
        ChunkedStars(tmp_path / "packed")


def test_stars_without_probability_are_named_with_their_place(stars, tmp_path):
    stars.write(tmp_path / "sample")
    packed = pack_stars(tmp_path / "sample", tmp_path / "packed", chunk=3000)
    nowhere = ComponentMixture().set_parameters([1.0], [UniformComponent([5e5] * 6 + [6e5] * 6)])
    with pytest.raises(InputError, match="chunk that starts at row 0, 3000 stars"):
        packed.memberships(nowhere, tmp_path / "memberships.npy")
    assert not list(tmp_path.glob("*memberships*"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"chunks": 3}'])
def test_a_list_of_chunks_that_is_none(tmp_path, text):
    (tmp_path / "chunks.json").write_text(text)
    with pytest.raises(InputError, match="chunks.json"):
        ChunkedStars(tmp_path)


def test_parquet_that_is_none(tmp_path):
    (tmp_path / "stars.parquet").write_text("no stars")
    with pytest.raises(InputError, match="stars.parquet: it cannot be read"):
        pack_stars(tmp_path / "stars.parquet", tmp_path / "packed")


def test_empty_parts_are_left_out(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    pairs = StarData(np.random.default_rng(0).normal(size=(10, 6)), np.tile(np.eye(6), (10, 1, 1)), np.arange(10) + 2**60)
    write_parquet(pairs, tmp_path / "in" / "b.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "in" / "b.parquet")
    pyarrow.parquet.write_table(table[:0], tmp_path / "in" / "a.parquet")
    packed = pack_stars(tmp_path / "in", tmp_path / "packed")
    assert arrow and len(packed) == 10 and len(packed.chunks) == 1
    np.testing.assert_array_equal(packed.ids, pairs.ids)
    np.testing.assert_array_equal(packed[:].cartesian.blocks, pairs.cartesian.blocks)
