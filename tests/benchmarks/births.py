"""Births that are no spheres: what is their age worth? `python tests/benchmarks/births.py alone 100` and `... field 100`.

Groups of 100 stars and 20 Myr from a simulator that shares nothing with the fit: orbits star by star in galpy's potential,
measured as Gaia does, with a radial velocity for the bright third (skyfields.py). Alone, each is fitted as a sphere and with
the birth that BIC prefers. In a field of 500 stars it is found by a blind search, once with spheres and once with
`component: auto`. Each row goes to a file as it is ready; `... table` makes nbs/tutorials/births.ecsv of them."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation
from skyfields import galactic_orbit, measure, sphere

from chronostar.births import BIRTHS, fit_births
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import prepare
from chronostar.driver import Driver
from chronostar.mixture.componentmixture import ComponentMixture

KINDS = ("sphere", "long", "filament", "velocity", "shear", "two")
AGE, STARS, FIELD = 20.0, 100, 500
SETTINGS = {"trace_orbit_func": "epicyclic:MWPotential2014", "max_age": 100.0}  # the potential that the stars follow
FIRST = 1000  # of the seeds that judge; smaller ones are for looking


def born(kind, n, rng):
    "Displacements from the centre at birth, pc and km/s, shape (n, 6)."
    e, turn = rng.normal(size=(n, 6)), Rotation.random(2, rng=rng).as_matrix()
    if kind == "sphere": return e * np.repeat([6, 0.8], 3)
    if kind == "long": return e * [4.5, 4.5, 13.5, 0.8, 0.8, 0.8]  # in Z
    if kind == "filament": return np.hstack([e[:, :3] * [16, 4, 4] @ turn[0], e[:, 3:] * 0.8])
    if kind == "velocity": return np.hstack([e[:, :3] * 6, e[:, 3:] * [1.5, 0.5, 0.5] @ turn[0]])
    if kind == "shear":  # 0.15 km/s per pc, of a velocity in one direction along another, at right angles
        return np.hstack([e[:, :3] * 6, e[:, 3:] * 0.8 + 0.15 * 6 * np.outer(e[:, :3] @ turn[0, 0], turn[0, 1])])
    which = np.where(np.arange(n) < 0.6 * n, 0.4, -0.6)[:, None]  # two, 20 pc and 1 km/s from each other
    return np.hstack([e[:, :3] * 4 + which * 20 * turn[0, 0], e[:, 3:] * 0.6 + which * turn[1, 0]])


def sky(kind, seed, n_field=0):
    "Stars as a fit wants them: first those of the group, then the field."
    rng = np.random.default_rng([16, KINDS.index(kind), seed])
    now = np.hstack([sphere(1, 60.0, rng)[0], rng.normal([0, -5, -1], [7, 5, 3])])
    birth = galactic_orbit(now[None], -AGE)[0]
    states = galactic_orbit(birth + born(kind, STARS, rng), AGE)
    field = np.hstack([rng.normal([0, 0, 25], 70.0, (n_field, 3)), rng.normal(0, 15.0, (n_field, 3))])
    table = measure(np.vstack([states, field]), rng)
    table["source_id"] = np.arange(1, len(table) + 1)
    return prepare(table, fake_rvs=True).stars.with_threads(1)


def alone(kind, seed):
    "One row: the age under each kind of birth."
    stars = sky(kind, seed)
    mixture = ComponentMixture([1.0], [SphereSpaceTimeComponent(**SETTINGS).maximize(stars)]).polish(stars)
    births = fit_births(mixture, stars, 0, BIRTHS)
    return {"kind": kind, "seed": seed, "births": [
        {"birth": type(b.component).__name__, "n_params": b.component.n_params, "gain": b.gain, "worth": b.worth,
         "age": b.component.age, "age_error": b.age_error} for b in births]}


class Watched(Driver):
    "A search that remembers what it had before it looked at births."

    def _do_births(self, stars):
        self.before = self.record_.best_mixture
        super()._do_births(stars)


def pieces(mixture, stars):
    "The groups of a mixture that hold stars of the true one: how many of them, of others, class, age and its error."
    found, errors = mixture.predict(stars), mixture.uncertainties(stars)
    mine = np.bincount(found[:STARS], minlength=len(mixture.components_))
    all_of = np.bincount(found, minlength=len(mixture.components_))
    return [{"mine": int(mine[k]), "others": int(all_of[k] - mine[k]), "class": type(c).__name__, "age": c.age,
             "age_error": errors[k, "age"][1] if c.age is not None else None}
            for k, c in enumerate(mixture.components_) if mine[k] >= 10 and k != (all_of - mine).argmax()]


def in_field(kind, seed):
    "One row: what blind searches find of the group."
    stars = sky(kind, seed, FIELD)
    search = Watched({"modules": {"component": "auto", "background": "SpaceComponent"}, "component": SETTINGS})
    best = search.run(stars)
    births = {k: births_table_of(rows) for k, rows in getattr(best, "births_", {}).items()}
    return {"kind": kind, "seed": seed, "BIC_sphere": search.before.bic(stars), "BIC_auto": best.bic(stars), "births": births,
            "sphere": pieces(search.before.polish(stars), stars), "auto": pieces(best.polish(stars), stars),
            "components": [len(search.before.components_), len(best.components_)]}


def births_table_of(rows):
    return [[row["birth"], row["delta_BIC"], row["age"], row["age_error"]] for row in rows]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    what, start, stop, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    kinds = sys.argv[5].split(",") if len(sys.argv) > 5 else KINDS
    with path.open("a") as out:
        for seed in range(start, stop):
            for kind in kinds:
                out.write(json.dumps((alone if what == "alone" else in_field)(kind, seed)) + "\n")
                out.flush()
