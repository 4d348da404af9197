"""Associations along orbits in galpy's potentials."""

import sys

import numpy as np
import pytest

pytest.importorskip("galpy", reason="galpy is not installed: pip install 'chronostar[galpy]'")

from chronostar import cli
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import StarData
from chronostar.results import read_result
from chronostar.synthdata import generate_association, sphere
from chronostar.traceorbit import GalpyOrbit, NumericalOrbit

NOW = [20.0, -10, 10, -2, -6, -4]


def stars(orbit, age, seed=1):
    return StarData(generate_association(NOW, sphere(8.0, 0.8), age, 300, rng=seed, orbit=orbit))


def test_the_orbit_that_the_stars_took_is_the_likeliest():
    age = 100.0
    data = stars("galpy", age)
    along = SphereSpaceTimeComponent(trace_orbit_func="galpy").maximize(data)
    epicyclic = SphereSpaceTimeComponent().maximize(data)
    assert abs(along.age - age) < 0.03 * age
    assert along.estimate_log_prob(data).sum() > epicyclic.estimate_log_prob(data).sum()


def test_the_table_leads_to_the_optimum_of_the_orbits_themselves():
    data, orbit = stars("galpy", 40.0), GalpyOrbit()
    fast = SphereSpaceTimeComponent(trace_orbit_func=orbit).maximize(data)
    slow = SphereSpaceTimeComponent(fast.params, trace_orbit_func=NumericalOrbit(lambda s, t: orbit.trace(s, t)[0]))
    for _ in range(3):
        slow.m_step(data, np.ones(len(data)))
    assert slow.estimate_log_prob(data).sum() - fast.estimate_log_prob(data).sum() < 1e-3
    assert abs(slow.age - fast.age) < 0.01


def test_an_orbit_of_ones_own_by_dotted_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "straightorbit.py").write_text(
        "import numpy as np\ndef trace(state, time): return state + np.hstack([1.0227*time*state[3:], np.zeros(3)])\n")
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])  # as in a command, which is not at home where it is called

    def straight(state, time):
        return state + np.hstack([1.0227 * time * state[3:], np.zeros(3)])

    np.save("data.npy", stars(straight, 5.0).means)
    (tmp_path / "config.yml").write_text("component: {trace_orbit_func: straightorbit.trace, max_age: 20}\n")
    cli.fit_component(["-c", "config.yml", "data.npy"])
    assert abs(read_result("result").components_[0].age - 5) < 1
