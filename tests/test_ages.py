"""Uncertainties of ages hold what they promise; the long study is in tests/benchmarks/age_coverage.py."""

import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

sys.path.append(str(Path(__file__).parent / "benchmarks"))

import age_coverage  # noqa: E402


def study(seeds, ages, sizes):
    return Table(age_coverage.run(seeds, {kind: (ages, sizes) for kind in ("alone", "field")}))


def test_intervals_hold_the_truth():
    rows = study([1000], (6, 50), (50, 200))
    pulls = (rows["fitted"] - rows["age"]) / rows["sigma"]
    assert np.abs(pulls).max() < 3.5 and 0.4 < np.sqrt(np.mean(pulls**2)) < 1.6
    assert rows["covers_95"].sum() >= 6  # of 8: fewer in one of 1700 tries
    np.testing.assert_allclose(rows["sigma"], rows["cramer_rao"], rtol=0.4)
    drop = 0.5 * pulls**2  # the hill is nearly a parabola
    np.testing.assert_allclose(rows["drop"], drop, rtol=0.2, atol=0.05)


@pytest.mark.slow
def test_coverage():
    rows = study(range(1001, 1004), (3, 12, 25, 100), (25, 200))
    n = len(rows)
    for level, share in ((68, 0.683), (95, 0.95)):
        assert abs(rows[f"covers_{level}"].mean() - share) < 2.6 * np.sqrt(share * (1 - share) / n)
    pulls = (rows["fitted"] - rows["age"]) / rows["sigma"]
    assert abs(pulls.mean()) < 2.6 / np.sqrt(n) and abs(pulls.std() - 1) < 2.6 / np.sqrt(2 * n)
    assert np.sqrt(np.mean(((rows["found"] - rows["age"]) / rows["cramer_rao"]) ** 2)) < 1.15 + 2.6 / np.sqrt(2 * n)
