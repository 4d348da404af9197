"""Kinds of synthetic sky on which the search is judged, each with its truth."""

import numpy as np

from chronostar.datatools import StarData, prepare
from chronostar.synthdata import SynthData, generate_association, sphere


def scattered(rng, position=60.0, velocity=8.0):
    "A mean somewhere in a field."
    return np.hstack([rng.normal(0, position, 3), rng.normal(0, velocity, 3)])


def tilted_field():
    "A velocity ellipsoid of disc stars with its vertex turned by 15 degrees, in a flattened neighbourhood."
    turn = np.radians(15)
    rotate = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    velocity = rotate @ np.diag([30.0**2, 18.0**2, 14.0**2]) @ rotate.T
    return np.block([[np.diag([90.0**2, 90.0**2, 60.0**2]), np.zeros((3, 3))], [np.zeros((3, 3)), velocity]])


def _groups(kind, rng):
    "The components of a kind: mean today, covariance at birth, age, number of stars; and the factor on the errors."
    at, origin = scattered, np.zeros(6)
    if kind == "worked example":
        return [(np.ones(6), sphere(50, 1.5), 30, 200), (origin, sphere(500, 30), 0, 1000)], 0.3
    if kind == "two overlapping":
        mean = at(rng)
        return [(mean, sphere(8, 1), 10, 80), (mean + [10, -15, 5, 3, 2, -1], sphere(10, 1.2), 25, 100),
                (origin, sphere(120, 15), 0, 600)], 1.0
    if kind == "20 in 1200":
        return [(at(rng), sphere(6, 0.8), 15, 20), (origin, sphere(120, 15), 0, 1180)], 1.0
    if kind == "40 in 800":
        return [(at(rng), sphere(6, 0.8), 15, 40), (origin, sphere(120, 15), 0, 760)], 1.0
    if kind == "15 in 3000":
        return [(at(rng), sphere(6, 0.8), 15, 15), (origin, sphere(120, 15), 0, 2985)], 1.0
    if kind == "old":
        return [(at(rng), sphere(10, 1), 100, 150), (origin, sphere(200, 20), 0, 800)], 1.0
    if kind == "no field":
        return [(at(rng), sphere(6, 0.8), 5, 60), (at(rng), sphere(8, 1), 15, 80), (at(rng), sphere(10, 1.2), 60, 100)], 1.0
    if kind == "twins":
        mean = at(rng)
        return [(mean, sphere(6, 0.7), 20, 60), (mean + [30, 20, -10, 2, -2, 1.5], sphere(7, 0.8), 20, 60),
                (origin, sphere(120, 15), 0, 600)], 1.0
    if kind == "tilted field":
        return [(at(rng), sphere(6, 1), 15, 50), (origin, tilted_field(), 0, 800)], 1.0
    if kind == "field alone":
        return [(origin, sphere(120, 15), 0, 1000)], 1.0
    if kind == "five groups, few velocities":
        sizes, ages = (15, 25, 40, 60, 100), (8, 20, 12, 40, 25)
        return [(at(rng), sphere(6, 0.8), age, n) for n, age in zip(sizes, ages, strict=True)] + \
            [(origin, sphere(120, 15), 0, 2000 - sum(sizes))], 1.0
    raise ValueError(kind)


KINDS = ("worked example", "two overlapping", "20 in 1200", "40 in 800", "15 in 3000", "old", "no field", "twins",
         "tilted field", "field alone", "five groups, few velocities")


def make(kind, seed):
    "Stars, true memberships and true ages of a sky."
    rng = np.random.default_rng([KINDS.index(kind), seed])
    groups, m_err = _groups(kind, rng)
    stars = np.vstack([generate_association(mean, cov, age, n, rng) for mean, cov, age, n in groups])
    truth = np.repeat(np.eye(len(groups)), [n for *_, n in groups], axis=0)
    table = SynthData.measure_astrometry(stars, rng, m_err)
    table["row"] = np.arange(len(table))
    if kind == "five groups, few velocities":
        for name in ("radial_velocity", "radial_velocity_error"):
            table[name][rng.random(len(table)) < 0.7] = np.nan
    if kind == "worked example":
        table = table[table["parallax"] > 1]
    prepared = prepare(table, fake_rvs=True)
    keep = np.asarray(table["row"])[prepared.reason == ""]
    return StarData(prepared.X), truth[keep], [float(age) for *_, age, _ in groups]
