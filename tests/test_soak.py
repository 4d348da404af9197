"""A long run of random small searches: none fails or warns, and the memory does not grow."""

import numpy as np
import pytest
from test_search import random_problem

from chronostar.driver import Driver


def resident():
    "Memory of this process, bytes."
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096


@pytest.mark.slow
def test_two_hundred_searches(tmp_path):
    "Warnings are errors in these tests."
    memory = []
    for seed in range(200):
        stars, parts = random_problem(1000 + seed)
        settings = {"icpool": {"max_components": 4}, "modules": {"background": "SpaceComponent" if seed % 4 == 0 else None}}
        driver = Driver(settings, savedir=tmp_path / str(seed))
        best = driver.run(stars)
        driver.save_best(tmp_path / str(seed) / "final", stars, best.polish(stars).uncertainties(stars))
        assert np.isfinite(best.bic(stars)) and np.isfinite(best.predict_proba(stars)).all()
        memory.append(resident())
    early, late = np.median(memory[40:60]), np.median(memory[180:])
    assert late < 1.05 * early, f"{early / 1e6:.0f} MB after 50 searches, {late / 1e6:.0f} MB after 190"
