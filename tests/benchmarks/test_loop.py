"""The hot loop: the three sums over stars, and the log overlap of each star."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from chronostar.maths import log_overlap, overlap_sums, pack, velocity_sums

from .bench import burners, seconds

MEAN, COV = np.arange(6.0), 100 * np.eye(6) + 3


def test_three_sums(race, record, hundred_thousand):
    means, covs = hundred_thousand
    blocks, weights = pack(means, covs), np.random.default_rng(0).random(len(means))

    def numpy():
        np.linalg.inv(covs + COV), np.linalg.slogdet(covs + COV)

    with threadpool_limits(1):
        ours, theirs = race(lambda: overlap_sums(blocks, weights, MEAN, COV, nthreads=1), numpy)
    record("three sums, 100 000 stars", ours / len(means) * 1e9, unit="ns/star")
    record("three sums / numpy's inv and slogdet", ours / theirs, 0.08)


def test_log_overlap(race, record, hundred_thousand):
    means, covs = hundred_thousand
    blocks, weights = pack(means, covs), np.ones(len(means))
    ours, sums = race(
        lambda: log_overlap(blocks, len(means), MEAN, COV, nthreads=1),
        lambda: overlap_sums(blocks, weights, MEAN, COV, nthreads=1),
    )
    record("log overlap of each star", ours / len(means) * 1e9, unit="ns/star")
    record("log overlap / three sums", ours / sums, 1.0)


def test_velocity_sums(race, record, hundred_thousand):
    "A component that fills the sample needs the velocities alone."
    means, covs = hundred_thousand
    blocks, weights = pack(means, covs), np.random.default_rng(0).random(len(means))
    velocities, sums = race(
        lambda: velocity_sums(blocks, len(means), MEAN[3:], COV[3:, 3:], weights, nthreads=1),
        lambda: overlap_sums(blocks, weights, MEAN, COV, nthreads=1),
    )
    record("sums of velocities alone / three sums", velocities / sums, 0.6)


def test_bandwidth(race, record, million):
    blocks = million[0].cartesian.blocks
    weights, flat = np.ones(len(million[0])), blocks.ravel()
    with threadpool_limits(1):
        ours, reading = race(lambda: overlap_sums(blocks, weights, MEAN, COV, nthreads=1), lambda: flat @ flat)
    record("reading the packed stars once, 1 000 000 stars", reading / len(weights) * 1e9, unit="ns/star")
    record("share of the reading in the three sums", reading / ours)


def test_two_threads(race, record, million):
    blocks, weights = million[0].cartesian.blocks, np.ones(len(million[0]))

    def alone():
        return overlap_sums(blocks, weights, MEAN, COV, nthreads=1)

    def side_by_side():
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: alone(), range(2)))

    two, one = race(lambda: overlap_sums(blocks, weights, MEAN, COV, nthreads=2), alone, rounds=40)
    best = min(seconds(side_by_side) for _ in range(20))
    record("two runs side by side against one after the other", 2 * one / best, unit="times")
    record("two threads against one, 1 000 000 stars", one / two, 1.7, "times", at_least=True)


def _default_against_one(race, means, covs):
    blocks, weights = pack(means[:1000], covs[:1000]), np.ones(1000)
    default, one = race(
        lambda: [overlap_sums(blocks, weights, MEAN, COV) for _ in range(100)],
        lambda: [overlap_sums(blocks, weights, MEAN, COV, nthreads=1) for _ in range(100)],
        rounds=50,
    )
    return default / one


def test_default_threads_idle(race, record, hundred_thousand):
    record("default threads / one, 1000 stars, idle machine", _default_against_one(race, *hundred_thousand), 1.05)


def test_default_threads_loaded(race, record, hundred_thousand):
    with burners():
        ratio = _default_against_one(race, *hundred_thousand)
    record("default threads / one, 1000 stars, loaded machine", ratio, 1.05)
