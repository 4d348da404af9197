"""Against values computed with Chronostar-TNG."""

import os
import subprocess
import sys

import numpy as np
import pytest

from chronostar import maths, transforms
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.conventions import MAS_PER_DEG
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


def test_cartesian_covariances(reference):
    "The reference has ra in degrees, not multiplied by cos dec, and derivatives by differences, good to 1e-4."
    astrometry = reference["astrometry"]
    to_gaia = np.ones((len(astrometry), 6))
    to_gaia[:, 0] = MAS_PER_DEG * np.cos(np.radians(astrometry[:, 1]))
    to_gaia[:, 1] = MAS_PER_DEG
    covs = reference["astrometry_cov"] * to_gaia[:, :, None] * to_gaia[:, None, :]
    ours = transforms.covariance_to_cartesian(astrometry, covs)
    assert np.abs(in_sigma(ours, reference["cartesian_cov"])).max() < 3e-4


def test_overlap(reference):
    args = [reference[f"overlap_{name}"] for name in ("X", "mean", "cov")]
    np.testing.assert_allclose(maths.estimate_log_gaussian_ol_prob(*args), reference["overlap_ln"], rtol=1e-9)
    np.testing.assert_allclose(maths.estimate_log_gaussian_ol_prob_py(*args), reference["overlap_ln"], rtol=1e-9)


def test_association_today(reference):
    for params, mean, cov in zip(*(reference[f"sphere_{n}"] for n in ("params", "mean_now", "cov_now")), strict=True):
        component = SphereSpaceTimeComponent(params, trace_orbit_func=trace_epicyclic_orbit)
        np.testing.assert_allclose(component.mean, mean, rtol=1e-9)
        assert np.abs(in_sigma(component.covariance[None], cov[None])).max() < 1e-6  # differences again


def test_the_same_bits_from_a_cold_and_a_warm_cache(tmp_path):
    "A kernel compiled in this process and one read from numba's cache must agree to the last bit: searches hang on it."
    code = ("import hashlib, numpy as np; from chronostar import maths; rng = np.random.default_rng(0);"
            "B = maths.pack(rng.normal(size=(300, 6)), np.tile(np.diag(rng.random(6)), (300, 1, 1)));"
            "s = maths.overlap_sums(B, rng.random(300), np.zeros(6), np.eye(6));"
            "print(hashlib.md5(b''.join(np.asarray(x).tobytes() for x in s)).hexdigest())")
    run = [subprocess.run([sys.executable, "-c", code], env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
                          capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert run[0] == run[1]
