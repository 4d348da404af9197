"""Do the uncertainties of ages cover? `python tests/benchmarks/age_coverage.py` writes the table that the page on ages shows.

Synthetic associations of all ages and sizes, alone and in a field, measured as Gaia does; and some that are hard on purpose.
An association alone is fitted from nothing, at the best of all ages. In a field the fit starts from the truth, for it is the
intervals that are studied here, not the search (tests/benchmarks/search.py does that); all ages are explored there too.
It takes a quarter of an hour; results go to nbs/tutorials/ages_coverage.ecsv, a row for each association. With the word
`posterior` before the number of seeds, the posterior is tried on the groups of eight stars, for ages_posterior.ecsv."""

import sys
import time
import warnings
from datetime import date
from pathlib import Path

import numpy as np
from astropy.table import Table

from chronostar import __version__
from chronostar.ages import DROPS, _InMixture, age_profile
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import StarData, prepare
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.posterior import sample_posterior
from chronostar.synthdata import SynthData

ROOT = Path(__file__).resolve().parents[2]
AGES, SIZES = (3, 6, 12, 25, 50, 100), (25, 50, 100, 250, 500)
KINDS = {  # ages, sizes: those of the study proper, then the hard ones
    "alone": (AGES, SIZES),
    "field": (AGES, SIZES),  # 500 stars, 120 pc and 15 km/s
    "few": (AGES, (8, 12)),  # alone
    "few velocities": (AGES, (25, 100)),  # in the field, seven of ten stars without a radial velocity
    "crowded": (AGES, (100, 250)),  # 500 stars of 40 pc and 4 km/s: many memberships are in doubt
    "newborn": ((0, 1), (25, 100, 250)),  # in the field
}
FIELDS = {"alone": None, "few": None, "crowded": [0, 0, 0, 0, 0, 0, 40.0, 4.0, 0]}
FIELD, N_FIELD = [0, 0, 0, 0, 0, 0, 120.0, 15.0, 0], 500


def measured(kind, parameters, counts, rng):
    "Stars of a sky as Gaia sees them."
    table = SynthData(parameters, counts, rng).generate()
    if kind == "few velocities":
        for name in ("radial_velocity", "radial_velocity_error"):
            table[name][rng.random(len(table)) < 0.7] = np.nan
    return StarData(prepare(table, fake_rvs=kind == "few velocities").X)


def sky(kind, age, size, rng):
    "Stars of an association somewhere near the Sun, the mixture that is the truth, and the Cramér–Rao bound of its age."
    field = FIELDS.get(kind, FIELD)
    scale = 1.0 if kind != "crowded" else 0.3
    now = np.hstack([rng.normal(0, 60 * scale, 3), rng.normal(0, 6 * scale, 3)])
    association = SphereSpaceTimeComponent().set_from_now(now, rng.uniform(5, 12), rng.uniform(0.6, 1.5), age)
    parameters, counts = [association.get_parameters()], [size]
    if field is not None:
        parameters.append(field)
        counts.append(N_FIELD)
    counts = np.array(counts)
    truth = ComponentMixture().set_parameters(counts / counts.sum(), [SphereSpaceTimeComponent(p) for p in parameters])
    many = measured(kind, parameters, np.round(counts * 10_000 / counts.sum()).astype(int), rng)  # for the mean information
    bound = truth.uncertainties(many)[0, "age"][1] * np.sqrt(len(many) / counts.sum()) if age > 0 else np.nan
    return measured(kind, parameters, counts, rng), truth, bound


def fit(kind, truth, stars):
    "The mixture fitted to the stars."
    if FIELDS.get(kind, FIELD) is None:
        return ComponentMixture([1.0], [SphereSpaceTimeComponent().maximize(stars)], tol=1e-7).fit(stars).polish(stars)
    return ComponentMixture(truth.weights_, truth.components_, tol=1e-7).fit(stars).polish(stars)


def case(kind, age, size, seed):
    "One row: an association, its age and intervals."
    rng = np.random.default_rng([list(KINDS).index(kind), int(age), size, seed])
    stars, truth, bound = sky(kind, age, size, rng)
    mixture = fit(kind, truth, stars)
    start = time.perf_counter()
    uncertainties = mixture.uncertainties(stars)
    one = time.perf_counter()
    profile = age_profile(mixture, stars)
    two = time.perf_counter()
    drop = profile.log_prob.max() - _InMixture(profile.fit, stars, 0).fit(profile.fit, float(age), close=1e-4)[0]
    row = {"kind": kind, "age": age, "size": size, "seed": seed, "found": profile.age, "cramer_rao": bound,
           "drop": drop}  # of ln L, from the maximum to the true age
    row["fitted"], row["sigma"] = uncertainties[0, "age"]
    row |= {"hills": len(profile.other_maxima), "seconds_sigma": one - start, "seconds_profile": two - one}
    for name in ("dxyz", "duvw"):
        row[f"{name}_true"], (row[name], row[f"{name}_sigma"]) = getattr(truth.components_[0], name), uncertainties[0, name]
    for level in DROPS:
        row[f"lower_{level}"], row[f"upper_{level}"] = profile.intervals[level]
        row[f"covers_{level}"] = any(a <= age <= b for a, b in profile.ranges[level])
        row[f"parts_{level}"] = len(profile.ranges[level])
    return row


def posterior_case(age, size, seed):
    "One row: where in the posterior of a small group's age the truth is. The group is the one that `case` has for this seed."
    rng = np.random.default_rng([list(KINDS).index("few"), int(age), size, seed])
    stars, truth, _ = sky("few", age, size, rng)
    posterior = sample_posterior(fit("few", truth, stars), stars, n_steps=1200, rng=0)
    lower, median, upper = posterior.interval(0, "age")
    return {"kind": "few", "age": age, "size": size, "seed": seed, "lower_68": lower, "median": median, "upper_68": upper,
            "share_below_truth": np.mean(posterior[0, "age"] < age), "draws": posterior.n_effective}


def run(seeds, kinds=KINDS):
    "Rows of the study, by its seeds."
    return [case(kind, age, size, seed) for seed in seeds for kind, (ages, sizes) in kinds.items()
            for age in ages for size in sizes]


def write(rows, n_seeds, what, name):
    "Write a table with its origin."
    table = Table(rows)
    for column in table.itercols():
        if column.dtype.kind == "f":
            table[column.name] = column.round(4)
    table.meta = {"date": date.today().isoformat(), "chronostar": __version__, "seeds": f"0 to {n_seeds - 1}",
                  "command": f"python tests/benchmarks/age_coverage.py {what}{n_seeds}"}
    table.write(ROOT / "nbs" / "tutorials" / name, overwrite=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    *what, number = sys.argv[1:] or ["15"]
    n_seeds, rows = int(number), []
    if what == ["posterior"]:
        for s in range(n_seeds):
            rows += [posterior_case(age, 8, s) for age in AGES]
            print(s, len(rows), *(np.mean([abs(r["share_below_truth"] - 0.5) < level / 200 for r in rows]) for level in (68, 95)))
        write(rows, n_seeds, "posterior ", "ages_posterior.ecsv")
    else:
        for s in range(n_seeds):
            rows += run([s])
            print(s, len(rows), *(f"{level}: {np.mean([r[f'covers_{level}'] for r in rows]):.3f}" for level in DROPS), flush=True)
        write(rows, n_seeds, "", "ages_coverage.ecsv")
