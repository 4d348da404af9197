"""Against values computed with Chronostar-TNG, and against astropy and scipy on random input."""

import os
import subprocess
import sys

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from scipy.stats import multivariate_normal

from chronostar import maths, transforms
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import StarData
from chronostar.traceorbit import trace_epicyclic_orbit


@pytest.fixture
def reference(shared):
    return np.load(shared("reference/tng_reference.npz"))


def in_sigma(cov, expected):
    "The difference of two covariances in units of the standard deviations."
    sigma = np.sqrt(np.einsum("nii->ni", expected))
    return (cov - expected) / sigma[:, :, None] / sigma[:, None, :]


def test_orbits(reference):
    end = trace_epicyclic_orbit(reference["orbit_start"], reference["orbit_time"])
    np.testing.assert_allclose(end, reference["orbit_end"], rtol=1e-9)
    back = trace_epicyclic_orbit(end, -reference["orbit_time"])
    np.testing.assert_allclose(back, reference["orbit_start"], rtol=1e-7, atol=1e-7)


def test_cartesian(reference):
    "TNG rounds its constants, which costs up to 1e-3 pc and 3e-3 km/s."
    difference = transforms.astrometry_to_cartesian(reference["astrometry"]) - reference["cartesian"]
    assert np.abs(difference[:, :3]).max() < 1e-3
    assert np.abs(difference[:, 3:]).max() < 3e-3
    back = transforms.cartesian_to_astrometry(transforms.astrometry_to_cartesian(reference["astrometry"]))
    np.testing.assert_allclose(back, reference["astrometry"], rtol=1e-9)


def test_cartesian_covariances(reference):
    "The reference has ra in degrees, not multiplied by cos dec, and derivatives by differences, good to 1e-4."
    astrometry = reference["astrometry"]
    to_gaia = np.ones((len(astrometry), 6))
    to_gaia[:, 0] = 3.6e6 * np.cos(np.radians(astrometry[:, 1]))
    to_gaia[:, 1] = 3.6e6
    covs = reference["astrometry_cov"] * to_gaia[:, :, None] * to_gaia[:, None, :]
    ours = transforms.covariance_to_cartesian(astrometry, covs)
    assert np.abs(in_sigma(ours, reference["cartesian_cov"])).max() < 3e-4


def test_overlap(reference):
    args = [reference[f"overlap_{name}"] for name in ("X", "mean", "cov")]
    np.testing.assert_allclose(maths.estimate_log_gaussian_ol_prob(*args), reference["overlap_ln"], rtol=1e-9)
    np.testing.assert_allclose(maths.estimate_log_gaussian_ol_prob_py(*args), reference["overlap_ln"], rtol=1e-9)


def test_association_today(reference):
    for params, mean, cov in zip(*(reference[f"sphere_{n}"] for n in ("params", "mean_now", "cov_now")), strict=True):
        component = SphereSpaceTimeComponent(params)
        np.testing.assert_allclose(component.mean, mean, rtol=1e-9)
        assert np.abs(in_sigma(component.covariance[None], cov[None])).max() < 1e-6  # differences again


def test_astropy():
    rng = np.random.default_rng(0)
    n = 1000
    sky = np.column_stack([rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n))), rng.uniform(0.5, 200, n),
                           rng.normal(0, 100, (n, 2)), rng.normal(0, 50, n)])
    coord = SkyCoord(ra=sky[:, 0] * u.deg, dec=sky[:, 1] * u.deg, distance=1000 / sky[:, 2] * u.pc,
                     pm_ra_cosdec=sky[:, 3] * u.mas / u.yr, pm_dec=sky[:, 4] * u.mas / u.yr,
                     radial_velocity=sky[:, 5] * u.km / u.s).galactic
    helio = np.vstack([coord.cartesian.xyz.to_value(u.pc), coord.velocity.d_xyz.to_value(u.km / u.s)]).T
    ours = transforms.astrometry_to_cartesian(sky)
    np.testing.assert_allclose(ours - transforms.SUN, helio, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(transforms.cartesian_to_astrometry(ours), sky, rtol=1e-9, atol=1e-9)


def random_stars(n, rng):
    A = rng.normal(size=(n, 6, 6)) * np.exp(rng.normal(size=(n, 1, 1)))
    return np.hstack([rng.normal(0, 30, (n, 6)), (A @ A.swapaxes(1, 2) + 0.1 * np.eye(6)).reshape(n, 36)])


@pytest.mark.parametrize("n", [1, 63, 64, 65, 1000])
def test_overlap_against_scipy_and_twin(n):
    rng = np.random.default_rng(n)
    X, mean, cov = random_stars(n, rng), rng.normal(0, 10, 6), 20 * np.cov(rng.normal(size=(6, 12)))
    fast = maths.estimate_log_gaussian_ol_prob(X, mean, cov)
    np.testing.assert_allclose(fast, maths.estimate_log_gaussian_ol_prob_py(X, mean, cov), rtol=1e-10)
    scipy = [multivariate_normal(mean, cov + x[6:].reshape(6, 6)).logpdf(x[:6]) for x in X]
    np.testing.assert_allclose(fast, scipy, rtol=1e-10)


def test_sums_are_derivatives():
    "s1 and S2/2 against finite differences of S0, in every direction."
    rng = np.random.default_rng(5)
    stars, weights = StarData(random_stars(300, rng)), rng.random(300)
    mean, cov = rng.normal(0, 10, 6), 50 * np.cov(rng.normal(size=(6, 12)))
    sums = maths.overlap_sums(stars.blocks, weights, mean, cov)

    def slope(dmean, dcov, h=1e-4):
        up, down = (maths.overlap_sums(stars.blocks, weights, mean + s * h * dmean, cov + s * h * dcov).log_prob
                    for s in (1, -1))
        return (up - down) / (2 * h)

    by_mean = [slope(e, np.zeros((6, 6))) for e in np.eye(6)]
    np.testing.assert_allclose(by_mean, sums.by_mean, rtol=1e-6, atol=1e-6 * np.abs(sums.by_mean).max())
    for i in range(6):
        for j in range(i, 6):
            e = np.zeros((6, 6))
            e[i, j] = e[j, i] = 1
            np.testing.assert_allclose(slope(np.zeros(6), e), 0.5 * np.sum(sums.by_cov * e), rtol=1e-5,
                                       atol=1e-6 * np.abs(sums.by_cov).max())


def test_unknown_radial_velocity_is_marginalised():
    "An uncertainty of 10 000 km/s is the integral over all velocities, up to a constant of the star."
    astrometry = np.array([[80.0, -50.0, 20.0, 10.0, 40.0, 0.0]])
    errors = np.array([0.05, 0.05, 0.05, 0.05, 0.05, 0.3])
    mean = transforms.astrometry_to_cartesian(astrometry)[0] + [1, -2, 0.5, 3, -2, 1]
    components = [(mean, sphere_cov) for sphere_cov in (np.diag([100.0] * 3 + [4.0] * 3), np.diag([9.0] * 3 + [400.0] * 3))]

    def log_prob(rv, sigma, comp):
        a = astrometry.copy()
        a[0, 5] = rv
        cov = transforms.covariance_to_cartesian(a, np.diag([*errors[:5], sigma])[None] ** 2)
        X = np.hstack([transforms.astrometry_to_cartesian(a), cov.reshape(1, 36)])
        return maths.estimate_log_gaussian_ol_prob(X, *comp)[0]

    wide = [log_prob(0.0, 1e4, c) for c in components]
    grid = np.linspace(-300, 300, 60_001)
    integrals = []
    for c in components:
        values = np.array([log_prob(rv, 1e-3, c) for rv in grid[::20]])
        integrals.append(np.log(np.sum(np.exp(values)) * (grid[20] - grid[0])))
    np.testing.assert_allclose(wide[0] - wide[1], integrals[0] - integrals[1], atol=1e-4)


def test_the_same_bits_from_a_cold_and_a_warm_cache(tmp_path):
    "A kernel compiled in this process and one read from numba's cache must agree to the last bit: searches hang on it."
    code = ("import hashlib, numpy as np; from chronostar import maths; rng = np.random.default_rng(0);"
            "B = maths.pack(rng.normal(size=(300, 6)), np.tile(np.diag(rng.random(6)), (300, 1, 1)));"
            "s = maths.overlap_sums(B, rng.random(300), np.zeros(6), np.eye(6));"
            "print(hashlib.md5(b''.join(np.asarray(x).tobytes() for x in s)).hexdigest())")
    run = [subprocess.run([sys.executable, "-c", code], env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
                          capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert run[0] == run[1]
