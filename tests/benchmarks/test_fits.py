"""What a fit costs, counted in passes over the stars and in copies of the data."""

import tracemalloc
import warnings
from copy import copy

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from chronostar import maths
from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import StarData, prepare
from chronostar.driver import Driver
from chronostar.maths import log_overlap, overlap_sums
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.synthdata import SynthData

from .bench import seconds, sky

PACKED = 28 * 8  # bytes a star


@pytest.fixture
def passes(monkeypatch):
    "A list that grows with each pass over stars: how many stars it saw."
    seen = []
    for loop in (overlap_sums, log_overlap):

        def counted(blocks, *args, loop=loop, **how):
            seen.append(64 * len(blocks))
            return loop(blocks, *args, **how)

        monkeypatch.setattr(maths, loop.__name__, counted)  # where `Packed` finds them
    return seen


def test_component_fit(benchmark, record, passes):
    means, covs, truth = sky(2000, 2)
    stars = StarData(means, covs)[np.flatnonzero(truth == 1)[:1000]]
    benchmark.pedantic(lambda: SphereSpaceTimeComponent().maximize(stars), rounds=3, warmup_rounds=1)
    record("a component fit, 1000 stars, 0 to 200 Myr", 1e3 * benchmark.stats.stats.min, unit="ms")
    passes.clear()
    component = SphereSpaceTimeComponent().maximize(stars)
    record("its passes over the stars", len(passes), 600)
    passes.clear()
    component.m_step(stars, np.random.default_rng(0).uniform(0.2, 1, len(stars)))  # other memberships than those it fits
    record("passes of a warm M-step", len(passes), 6)


@pytest.mark.parametrize("kind", [SphereSpaceTimeComponent, SpaceComponent])
def test_em_iterations(benchmark, record, passes, million, kind):
    stars, truth = million[0].with_threads(1), million[1]
    unsure = np.full((20_000, 5), 0.1)
    unsure[np.arange(20_000), truth[:20_000]] = 0.6
    rough = [kind().maximize(stars[:20_000], resp) for resp in unsure.T]

    def two_iterations():
        start = [copy(component) for component in rough]
        mixture = ComponentMixture(None, start, max_iter=2, tol=-np.inf)  # never so flat that it would explore
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
            mixture.fit(stars)

    weights = np.ones(len(stars))
    two_iterations()
    passes.clear()
    benchmark.pedantic(two_iterations, rounds=3)
    one_pass = min(seconds(lambda: overlap_sums(stars.cartesian.blocks, weights, np.zeros(6), np.eye(6), 1)) for _ in range(3))
    name = f"EM iteration, 1 000 000 stars, 5 {kind.__name__}s"
    record(name, benchmark.stats.stats.min / 2, unit="s")
    record("· passes for each component", sum(passes) / len(stars) / 3 / 2 / 5, 6)
    record("· time in passes for each component", benchmark.stats.stats.min / 2 / one_pass / 5, 6)
    held = stars.cartesian.blocks.nbytes + stars.curvilinear.blocks.nbytes + stars.curvilinear.log_jacobian.nbytes
    tracemalloc.start()
    two_iterations()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    record("· memory / packed data", (held + peak) / (PACKED * len(stars)), 2.5)


def test_search_side_by_side(record, race):
    "Thirteen groups, of which five are told: generations of six candidates and more."
    rng = np.random.default_rng(1)
    ages = (8, 10, 12, 14, 17, 20, 22, 24, 28, 32, 37, 41, 45)
    groups = [[*rng.normal(0, 60, 3), *rng.normal(0, 5, 3), rng.uniform(5, 12), rng.uniform(0.6, 1.2), age] for age in ages]
    sky = SynthData([*groups, [0] * 6 + [120.0, 15.0, 0.0]], [60] * 13 + [3000], rng=2, m_err=0.3)
    stars = prepare(sky.generate()).stars
    told = np.column_stack([sky.memberships[:, :5], sky.memberships[:, 5:].sum(axis=1)])


    def search(n):
        return Driver().run(stars, init_resp=told, workers=n)

    alone, both = race(lambda: search(1), lambda: search(2), rounds=1)
    record("a search of 91 fits, 3780 stars, one process", alone, unit="s")
    record("· times as fast with two, their start included", alone / both, 1.6, at_least=True)
