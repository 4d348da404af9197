"""What the tests share: the worked example, and data that may not be there."""

from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared():
    "Path of a file of reference or real data; the test is skipped where there is none."

    def path(name):
        if not (SHARED / name).exists():
            pytest.skip(f"{name} is not here: it is no part of the project")
        return SHARED / name

    return path


def sphere(dxyz, duvw):
    "Covariance of a sphere at birth."
    return np.diag([dxyz**2] * 3 + [duvw**2] * 3)


def worked_example(seed):
    "Table and true memberships of the synthetic worked example."
    from chronostar import synthdata

    rng = np.random.default_rng(seed)
    field = synthdata.generate_association(np.zeros(6), sphere(500.0, 30.0), 0.0, 1000, rng=rng)
    association = synthdata.generate_association(np.ones(6), sphere(50.0, 1.5), 30.0, 200, rng=rng)

    class Measured(synthdata.SynthData):
        m_err = 0.3

    table = Measured.measure_astrometry(np.vstack([association, field]), rng=rng)
    near = table["parallax"] > 1.0
    return table[near], np.repeat(np.eye(2), [200, 1000], axis=0)[near]
