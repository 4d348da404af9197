"""Are verdicts right? `python tests/benchmarks/verdicts.py [number of seeds [the first]]` writes the table of their chapter.

Plain groups, on which a flag is false; bound clusters, on which it must be raised; and groups that are not what the fit believes.
Each group is fitted and judged; the table says how often each flag was raised, how well the age is covered, and how long it took.
It takes ten minutes for 100 seeds of each kind; results go to nbs/tutorials/verdict_flags.ecsv. Thresholds were chosen on seeds
below 100, and are judged on those from 1000 on."""

import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
from astropy.table import Table

from chronostar import __version__
from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import prepare, read_table
from chronostar.driver import Driver
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.noise import maximize_with_noise
from chronostar.synthdata import draw_masses, gaia_errors, generate_association, photometry, sphere
from chronostar.transforms import SUN, cartesian_to_astrometry
from chronostar.uncertainties import component_uncertainties
from chronostar.verdict import members_of, outwardness, refit, slopes_of_component, slopes_of_mixture, verdict, verdicts

ROOT = Path(__file__).resolve().parents[2]
G = 4.30091e-3  # pc (km/s)² per solar mass
FLAGS = ("bound", "no expansion", "no sphere", "two groups", "one star", "zero point", "scatter", "outer stars")


def directions(n, rng):
    u = rng.normal(size=(n, 3))
    return u / np.linalg.norm(u, axis=1, keepdims=True)


def place(rng, near, far):
    "A mean somewhere in this range of distances, rather in the plane."
    u = directions(1, rng)[0] * [1, 1, 0.5]
    return np.hstack([SUN[:3] + rng.uniform(near, far) * u / np.linalg.norm(u), rng.normal([0, -5, 0], 3)])


def measured(states, rng, age, all_velocities=True, jitter=0.0):
    "Stars as Gaia measures them, by their masses; radial velocities off by `jitter` (n,) km/s more than is said."
    true = cartesian_to_astrometry(states)
    magnitude = photometry(draw_masses(len(states), rng), age, rng)[0] + 10 - 5 * np.log10(true[:, 2])
    errors = gaia_errors(magnitude, rng)
    if all_velocities:
        from_the_ground = np.clip(0.11 + 10 ** (0.33 * (magnitude - 13.5)), 0.1, 3)
        errors[:, 5] = np.where(np.isnan(errors[:, 5]), from_the_ground, errors[:, 5])
    seen = true + np.nan_to_num(errors) * rng.standard_normal(errors.shape) / [3.6e6, 3.6e6, 1, 1, 1, 1] + 0.0
    seen[:, 5] += jitter * rng.standard_normal(len(seen))
    columns = ("ra", "dec", "parallax", "pmra", "pmdec", "radial_velocity")
    table = Table({"source_id": np.arange(len(seen)), **dict(zip(columns, seen.T, strict=True)),
                   **{f"{c}_error": e for c, e in zip(columns, errors.T, strict=True)}})
    without = np.isnan(errors[:, 5])
    table["radial_velocity"][without] = np.nan
    return prepare(table[errors[:, 2] < 0.1 * seen[:, 2]], fake_rvs=True).stars


def drawn(rng):
    "Number of stars, age, size and velocity of a group."
    size, velocity = np.exp(rng.uniform(np.log([2, 0.5]), np.log([10, 1.5])))
    return int(rng.integers(30, 151)), rng.uniform(10, 40), size, velocity


def group(rng, birth=sphere, where=(30, 100)):
    "States of a group, and its age."
    n, age, size, velocity = drawn(rng)
    return generate_association(place(rng, *where), birth(size, velocity), age, n, rng), age


def long_birth(size, velocity):
    "One part in three as long in Z as in the plane."
    return sphere(size, velocity) * np.diag([1, 1, 9.0, 1, 1, 1])


def plummer(n, scale, mass, rng):
    "Stars of a Plummer sphere in equilibrium (Aarseth, Hénon and Wielen 1974)."
    r = scale / np.sqrt(rng.uniform(0, 0.999, n) ** (-2 / 3) - 1)
    x, y = rng.uniform(size=(2, 20 * n)) * [[1], [0.1]]
    v = x[y < x**2 * (1 - x**2) ** 3.5][:n] * np.sqrt(2 * G * mass / np.hypot(r, scale))
    return np.hstack([r[:, None] * directions(n, rng), v[:, None] * directions(n, rng)])


def cluster(rng, where=(80, 180)):
    "States of a bound cluster of 50 Myr, which has half as much mass again as is seen."
    n, scale = int(rng.integers(60, 401)), np.exp(rng.uniform(0, np.log(3)))
    return place(rng, *where) + plummer(n, scale, 0.75 * n, rng), 50.0


def plain(rng, **how):
    states, age = group(rng)
    return measured(states, rng, age, **how), age


def few_velocities(rng):
    return plain(rng, all_velocities=False)


def small(rng):
    "From 12 to 29 stars."
    states, age = group(rng)
    return measured(states[: rng.integers(12, 30)], rng, age), age


def bound(rng):
    states, age = cluster(rng)
    return measured(states, rng, age, all_velocities=False), age


def bound_with_binaries(rng):
    states, age = cluster(rng)
    return measured(states, rng, age, False, np.where(rng.uniform(size=len(states)) < 0.3, 5.0, 0.0)), age


def binaries(rng):
    states, age = group(rng)
    return measured(states, rng, age, True, np.where(rng.uniform(size=len(states)) < 0.3, 3.0, 0.0)), age


def too_small_errors(rng):
    "Radial velocities off by 1 km/s more than is said."
    return plain(rng, jitter=1.0)


def interlopers(rng):
    "One star in 20 is a stranger, within 40 pc and 5 km/s."
    states, age = group(rng)
    strangers = states.mean(axis=0) + rng.normal(size=(max(len(states) // 20, 1), 6)) * ([40] * 3 + [5] * 3)
    return measured(np.vstack([states, strangers]), rng, age), age


def zero_point(rng):
    "All radial velocities are 0.5 km/s too large."
    states, age = group(rng)
    line = states[:, :3] - SUN[:3]
    states[:, 3:] += 0.5 * line / np.linalg.norm(line, axis=1, keepdims=True)
    return measured(states, rng, age), age


def long_in_z(rng):
    states, age = group(rng, long_birth)
    return measured(states, rng, age), age


def in_a_field(rng):
    "The plain group among 500 stars of a field."
    states, age = group(rng)
    n = len(states)
    others = generate_association(states.mean(axis=0) * [1, 1, 1, 0, 0, 0], sphere(50, 8), 0.0, 500, rng)
    stars = measured(np.vstack([states, others]), rng, age)
    mixture = ComponentMixture([n / (n + 500), 500 / (n + 500)],
                               [SphereSpaceTimeComponent(max_age=100).maximize(stars[:n]), SpaceComponent().maximize(stars[n:])])
    mixture.fit(stars).polish(stars)
    return (mixture, stars), age


KINDS = (plain, few_velocities, small, in_a_field, bound, bound_with_binaries, binaries, too_small_errors, interlopers,
         zero_point, long_in_z)


def judge(kind, seed):
    "A verdict, the true age, and the seconds of a processor that it took."
    stars, age = kind(np.random.default_rng(seed))
    fit = stars[0] if isinstance(stars, tuple) else SphereSpaceTimeComponent(max_age=100).maximize(stars)
    begun = time.process_time()
    found = verdicts(*stars)[0] if isinstance(stars, tuple) else verdict(fit, stars)
    return found, age, time.process_time() - begun


def fitted(component, stars):
    "A component and the stars that it was fitted to, as `fit-component` does it: with noise and strangers."
    noisy = maximize_with_noise(component, stars)
    component_uncertainties(component, noisy)  # the component remembers the error of its age
    return component, noisy


def run(seeds, kinds=KINDS):
    "A row for each kind."
    rows = []
    for kind in kinds:
        judged = [judge(kind, seed) for seed in seeds]
        n, ages = len(judged), np.array([age for _, age, _ in judged])
        found = [v for v, *_ in judged]
        off, sigma = np.array([v.age for v in found]) - ages, np.array([v.age_error for v in found])
        total = np.array([v.age_error_total for v in found])
        off_total = np.array([v.age_total for v in found]) - ages
        unzeroed = np.array([v._replace(zero_point=0.0).age_error_total for v in found])
        row = {"kind": kind.__name__.replace("_", " "), "groups": n, "off": np.median(off), "sigma": np.nanmedian(sigma),
               "total": np.nanmedian(total),
               "covered": np.mean(np.abs(off) < sigma), "covered_total": np.mean(np.abs(off_total) < total),
               "covered_without_zero_point": np.mean(np.abs(off) < unzeroed), "any_flag": np.mean([bool(v.flags) for v in found])}
        row |= {flag: np.mean([flag in v.doubts for v in found]) for flag in FLAGS}
        row |= {"determined_by": np.median([v.determined_by for v in found]),
                "median_scatter": np.nanmedian([v.scatter for v in found]),
                "shift": np.nanstd([(v.inner_age - v.age) / v.age_error for v in found]),
                "virial_low": min(v.virial_ratio for v in found), "virial_high": max(v.virial_ratio for v in found),
                "seconds": np.median([s for *_, s in judged])}
        rows.append(row)
        print({k: round(float(x), 2) if not isinstance(x, str) else x for k, x in row.items()}, flush=True)
        yield row


REAL = {  # name: the table, the column that chooses members, published age [Myr] and where from
    "IC 2602": ("ic_2602.ecsv", "cg2020_prob", "46 (lithium, Dobbie et al. 2010)"),
    "Collinder 135": ("collinder_135.ecsv", "cg2020_prob", "26 to 40"),
    "Psc-Eri": ("psc_eri.ecsv", None, "120 (rotation, Curtis et al. 2019)"),
    "TW Hydrae": ("twa_pregaia.ecsv", None, "10"),
    "β Pictoris": ("beta_pic_hipparcos.ecsv", None, "18.5 (Miret-Roig et al. 2020)"),
    "ρ Ophiuchi": ("rho_oph_field.ecsv", "canovas19_member", "2 to 6"),
}


FOUND = {  # name: heliocentric velocity [km/s], and published age: found by a search among the 831 stars around β Pictoris
    "β Pictoris, 831 stars": ((-10.9, -16.0, -9.0), "18.5 (Miret-Roig et al. 2020)"),
    "Tucana-Horologium": ((-9.5, -20.9, -1.0), "38.5 (Galli et al. 2023)"),
}


def lists_of_members(folder):
    "Names, published ages and verdicts, of lists fitted as `fit-component` does."
    for name, (file, chosen, published) in REAL.items():
        table = read_table(Path(folder) / file)
        if chosen is not None:
            table = table[np.ma.filled(np.ma.asarray(table[chosen]).astype(float), 0) > 0.5]
        stars = prepare(table, fake_rvs=True).stars
        component, noisy = fitted(SphereSpaceTimeComponent(), stars)
        yield name, published, verdict(component, noisy), members_of(slopes_of_component(component, noisy), 0)


def found_in_a_field(folder):
    "The same, of groups found by a search, which takes a field as dense as the sample; others are in the budget."
    stars = prepare(read_table(Path(folder) / "bpmg_neighbourhood_gaia_dr2.fits")).stars
    best = Driver({}).run(stars)
    slopes = slopes_of_mixture(best, stars)
    for name, (velocity, published) in FOUND.items():
        off = [np.linalg.norm(c.mean[3:] - SUN[3:] - velocity) if (c.age or 0) > 1 else np.inf for c in best.components_]
        k = int(np.argmin(off))
        yield name, published, verdict(best, stars, k), members_of(slopes, k)


def without_worst(members, share=0.05):
    "The age if the members are left out that fit worst, weights of the others held, Myr."
    outward = outwardness(members.component, members.as_fitted(members.stars))[0]
    order = np.argsort(outward)
    keep = np.sort(order[np.cumsum(members.resp[order]) <= (1 - share) * members.resp.sum()])
    return refit(members.component, members.as_fitted(members.stars[keep]), members.resp[keep])[0].age


def real(folder):
    "Verdicts on real groups."
    rows = []
    for name, published, v, members in [*lists_of_members(folder), *found_in_a_field(folder)]:
        row = {"group": name, "members": round(v.members, 1), "with_velocity": round(v.with_velocity, 1), "published": published}
        numbers = ("age", "age_error", "age_total", "age_error_total", "virial_ratio", "expansion_dbic",
                   "determined_by", "scatter", "inner_age")
        row |= {key: round(getattr(v, key), 3) for key in numbers}
        row["without_worst"] = round(without_worst(members), 3)
        rows.append(row | {"flags": ", ".join(v.doubts) or "none", "verdict": v.summary})
    return Table(rows)


if __name__ == "__main__" and sys.argv[1:2] == ["real"]:
    table = real(sys.argv[2])
    table.meta = {"date": date.today().isoformat(), "chronostar": __version__}
    table.pprint(max_width=-1)
    table.write(ROOT / "nbs/tutorials/verdict_real.ecsv", overwrite=True)
elif __name__ == "__main__":
    n, first = int(sys.argv[1]) if sys.argv[1:] else 100, int(sys.argv[2]) if sys.argv[2:] else 1000
    table = Table(list(run(range(first, first + n))))
    for name in table.colnames[2:]:
        table[name] = np.round(table[name].astype(float), 3)
    table.meta = {"date": date.today().isoformat(), "chronostar": __version__, "seeds": f"{first} to {first + n - 1}"}
    if first >= 1000:
        table.write(ROOT / "nbs/tutorials/verdict_flags.ecsv", overwrite=True)
