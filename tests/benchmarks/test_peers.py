"""What users would otherwise pick, on the same stars in the same run, from the same start, for the same number of iterations."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from chronostar.component.spacecomponent import SpaceComponent
from chronostar.datatools import StarData
from chronostar.mixture.componentmixture import ComponentMixture

from .bench import sky

ITERATIONS = 5


def moments(means, truth, k):
    "Weights, means and covariances of the true components, the start of all."
    groups = [means[truth == i] for i in range(k)]
    return np.array([len(g) for g in groups]) / len(means), np.array([g.mean(0) for g in groups]), [np.cov(g.T) for g in groups]


def ours(stars, start, tol=-np.inf, max_iter=ITERATIONS):
    "A mixture of free Gaussians after some iterations."
    weights, centres, covs = start
    components = [SpaceComponent(np.hstack([m, c.ravel()])) for m, c in zip(centres, covs, strict=True)]
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        return ComponentMixture(weights, components, tol=tol, max_iter=max_iter).fit(stars)


@pytest.mark.parametrize("uncertainties", [True, False])
def test_scikit_learn(race, record, uncertainties):
    means, covs, truth = sky(100_000, 5)
    start = moments(means, truth, 5)
    stars = StarData(means, covs if uncertainties else None, nthreads=1)
    how = {"weights_init": start[0], "means_init": start[1], "precisions_init": np.linalg.inv(start[2])}

    def theirs():
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
            return GaussianMixture(5, max_iter=ITERATIONS, tol=0, **how).fit(means)

    with threadpool_limits(1):
        mine, peer = race(lambda: ours(stars, start), theirs, rounds=3)
    if uncertainties:
        record(f"{ITERATIONS} EM iterations, 100 000 stars with uncertainties, 5 Gaussians", mine, unit="s")
        record("· scikit-learn's GaussianMixture, which knows none", peer, unit="s")
        record("· ours / scikit-learn's", mine / peer)
    else:
        record("· ours / scikit-learn's, both without uncertainties", mine / peer)
        gap = abs(ours(stars, start).score(stars) - theirs().score(means))
        record("· difference of their log likelihoods of a star, then", gap, 1e-3)


def test_astroml(race, record):
    xd = pytest.importorskip("astroML.density_estimation", reason="pip install -e '.[bench]' brings astroML")
    means, covs, truth = sky(10_000, 2)
    start = moments(means, truth, 2)
    stars = StarData(np.hstack([means, covs.reshape(-1, 36)]), nthreads=1)

    def theirs():
        peer = xd.XDGMM(2)
        peer.alpha, peer.mu, peer.V = start[0], start[1], np.array(start[2])
        for _ in range(ITERATIONS):
            peer._EMstep(means, covs)
        return peer

    with threadpool_limits(1):
        mine, peer = race(lambda: ours(stars, start), theirs, rounds=2)
    record(f"{ITERATIONS} EM iterations, 10 000 stars with uncertainties, 2 Gaussians", mine, unit="s")
    record("· astroML's XDGMM / ours", peer / mine, 1, "times", at_least=True)
    better = ours(stars, start).score(stars) - theirs().logL(means, covs) / len(stars)
    record("· log likelihood of a star, ours - XDGMM's, after as many", better, -1e-6, at_least=True)
