"""Groups for judging an age, one at a time, as a Gaia table with the truth beside it: spheres at birth, and births, measurements
and lists of members that are none of what a fit supposes.

This simulator shares nothing with the package: stars go one by one along orbits in galpy's MWPotential2014, the sky is astropy's
(skyfields.py has both). `draw(kind, seed)` makes one; a seed has its group at the same place, and as far as can be with the same
birth and the same errors, whatever the kind. States are X, Y, Z (pc) and U, V, W (km/s) with respect to the local standard of
rest. `python -m tests.benchmarks.groups FILE` draws what the kinds look like."""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.table import Table
from scipy.spatial.transform import Rotation
from scipy.stats import truncnorm

sys.path.insert(0, str(Path(__file__).resolve().parent))

from skyfields import R0, SUN, V0, astrometry, ellipsoids, galactic_orbit, measure, sphere  # noqa: E402

KINDS = {
    "none": "a sphere at birth, errors as quoted",
    "filament": "1:1:3 at birth, pointing anywhere",
    "long_z": "1:1:3 at birth, along Z",
    "shear": "a gradient of 0.05 km/s/pc across the birth place",
    "expansion": "expanding by 0.05 km/s/pc at birth already",
    "age_spread": "born over a time, 4 Myr (Gaussian)",
    "two_subgroups": "two spheres of one age, 20 pc and 1 km/s apart at birth",
    "binaries": "30 % unresolved binaries",
    "zero_point": "radial velocities 0.6 km/s too large",
    "errors_x1.3": "all errors 1.3 times the quoted",
    "rv_plus_1": "radial velocities with 1 km/s of noise that is not quoted",
    "interlopers": "5 % of the list are field stars",
    "heavy_tails": "errors with Student's t of 3 degrees of freedom",
    "bound_core": "a bound cluster of 200 to 400 solar masses, and up to 40 % that left it",
    "edge": "70 % are nearer than a limit, and in the sample",
    "missing_rv": "half of the radial velocities are missing",
}
STARS, AGE, SIZE, SPREAD = 100, 20.0, 7.0, 0.7  # Myr; pc and km/s at birth
GRADIENT, AGE_SPREAD, APART, LONG = 0.05, 4.0, (20.0, 1.0), np.array([1, 1, 3]) / np.cbrt(3)  # km/s/pc; Myr; pc, km/s
BINARIES, ZERO_POINT, TOO_LARGE, RV_NOISE, INTERLOPERS, KEPT = 0.3, 0.6, 1.3, 1.0, 0.05, 0.7  # shares, km/s
G, TIDE, STAR = 0.0043009, 4 * 0.0153 * 0.0272, 0.6  # pc km²/s²/solar mass; 4A(A-B), km²/s²/pc²; solar masses of a system
ASTROMETRY = ("ra", "dec", "parallax", "pmra", "pmdec")


class Draw(NamedTuple):
    "A group as a catalogue has it, and the truth that is not in it."

    table: Table  # Gaia's columns
    truth: Table  # a row for a row: X to W today, age (Myr), role
    kind: str
    seed: int
    age: float  # Myr
    selection: str | None  # which stars the sample could hold


def stream(seed, *purpose):
    "Random numbers for one purpose, so that kinds of the same seed have in common what they can."
    return np.random.default_rng([16, seed, *purpose])


def towards(n, rng):
    "Directions, shape (n, 3)."
    x = rng.normal(size=(n, 3))
    return x / np.linalg.norm(x, axis=1)[:, None]


# ---- births


def place(seed, distance):
    "Where a group is now, as the nearby young ones: on a sphere around the Sun, moving as young stars do."
    rng = stream(seed, 0)
    return np.hstack([SUN[:3] + distance * towards(1, rng)[0], rng.normal([0.0, -6.0, -2.0], [8.0, 5.0, 4.0])])


def offsets(kind, n, rng, other):
    "Places and velocities at birth from the group's centre, shape (n, 6); `other` is what makes the kind."
    x = rng.normal(size=(n, 6)) * np.repeat([SIZE, SPREAD], 3)
    if kind in ("filament", "long_z"): x[:, :3] *= LONG
    if kind == "filament": x[:, :3] = Rotation.random(rng=other).apply(x[:, :3])
    if kind == "expansion": x[:, 3:] += GRADIENT * x[:, :3]
    if kind == "shear":
        across, along, _ = Rotation.random(rng=other).as_matrix()
        x[:, 3:] += GRADIENT * np.outer(x[:, :3] @ across, along)
    if kind == "two_subgroups":
        apart = np.hstack([APART[0] * towards(1, other), APART[1] * towards(1, other)])
        x += np.where(np.arange(n) % 2, 0.5, -0.5)[:, None] * apart
    return x


def each_orbit(states, times):
    "Where stars are after times of their own, shape (n, 6)."
    ends = np.empty_like(states)
    for time in np.unique(times): ends[times == time] = galactic_orbit(states[times == time], time)
    return ends


def born(kind, n, now, age, seed):
    "Stars today of a group whose centre is at `now`, and their ages."
    other = stream(seed, 2)
    ages = np.full(n, age)
    if kind == "age_spread": ages = np.maximum(age + AGE_SPREAD * other.normal(size=n), 0.1)
    centre = each_orbit(np.tile(now, (n, 1)), -ages)
    return each_orbit(centre + offsets(kind, n, stream(seed, 1), other), ages), ages


# ---- a bound cluster


def plummer(n, scale, mass, edge, rng):
    "Places and velocities in a Plummer sphere in equilibrium, inside of an edge (Aarseth, Hénon & Wielen 1974), shape (n, 6)."
    inside = (1 + (scale / edge) ** 2) ** -1.5  # of the mass
    r = 1 / np.sqrt((inside * rng.random(n)) ** (-2 / 3) - 1)
    q = np.zeros(n)  # the speed in units of that of escape
    while (todo := q == 0).any():
        tried, height = rng.random(n), 0.1 * rng.random(n)
        q[todo & (height < tried**2 * (1 - tried**2) ** 3.5)] = tried[todo & (height < tried**2 * (1 - tried**2) ** 3.5)]
    speed = q * np.sqrt(2 * G * mass / scale) * (1 + r**2) ** -0.25
    return np.hstack([towards(n, rng) * (r * scale)[:, None], towards(n, rng) * speed[:, None]])


def cluster(n, now, age, seed):
    """A bound core, and what of the list left it at all times of its life: to both sides of the line to the Galactic centre, as
    Fardal, Huang & Weinberg (2015) found in N-body runs, and since then in the Galaxy alone."""
    rng, (mass, outside) = stream(seed, 2), cluster_of(seed)
    scale, tidal = rng.uniform(1.5, 3.0), np.cbrt(G * mass / TIDE)  # pc; King 1962
    n_core = round((1 - outside) * n)
    core = now + plummer(n_core, scale, mass, tidal, rng)
    left = rng.uniform(0, age, n - n_core)  # Myr ago
    where, above, turns, rises = (tidal * rng.normal(k, 0.5, len(left)) for k in (2.0, 0.0, 0.3, 0.0))
    away = np.zeros((len(left), 6))
    away[:, 0], away[:, 2], away[:, 5] = rng.choice([-1, 1], len(left)) * where, above, V0 / R0 * rises
    away[:, 4] = -V0 / R0 * turns / tidal * away[:, 0]
    tail = each_orbit(each_orbit(np.tile(now, (len(left), 1)), -left) + away, left)
    return np.vstack([core, tail]), np.repeat(["member", "tail"], [n_core, len(left)])


def cluster_of(seed):
    "Solar masses of a bound core, and the share of a list of its stars that has left it: lists hold more or less of the tails."
    rng = stream(seed, 3)
    return rng.uniform(200, 400), rng.uniform(0, 0.4)


# ---- what is measured


def rv_errors(g, rng):
    """Quoted errors of radial velocities, km/s. Gaia's are as those in DR3 within 20 pc, medians of 0.12, 0.2, 0.3, 0.5 and 1.2
    km/s at G = 8.5, 10.5, 11.5, 12.5 and 13.5 (gaia_dr3_20pc.fits). Where they would be above 0.7 km/s, the velocity is from the
    ground. None is below 0.3 km/s; the 831 stars around beta Pictoris of Crundall et al. (2019) have a median of 0.67 km/s."""
    gaia = 0.12 + 1.5 * np.exp(0.85 * (g - 14))
    return np.hypot(0.3, np.minimum(gaia, 0.7)) * np.exp(rng.normal(0, 0.2, len(g)))


def measured(states, rng, times=1.0, rv_times=1.0):
    "A table with Gaia's columns, all with a radial velocity; true errors are some times the quoted."
    true = astrometry(states)
    table = measure(states, rng)
    for name, exact in zip(ASTROMETRY, true.T, strict=False): table[name] = exact + times * (table[name] - exact)
    error = rv_errors(np.array(table["phot_g_mean_mag"]), rng)
    table["radial_velocity"], table["radial_velocity_error"] = true[:, 5] + rv_times * error * rng.normal(size=len(error)), error
    table.add_column(np.sort(rng.choice(2**40, len(table), replace=False)) * 2**21 + 4 * 10**15, name="source_id", index=0)
    return table


def companions(absolute, parallax, rng):
    """What unseen companions do to a primary's radial velocity (n,), km/s, and to the photocentre's proper motion (n, 2), mas/yr.

    After Raghavan et al. (2010): periods log-normal about 10**5.03 days with 2.28 dex, of at least a day, of pairs closer than
    the 0.7 arcsec that Gaia resolves; mass ratios even from 0.2 to 0.95, one in eight a twin above that (their figure 16);
    eccentricities even up to 0.6, circles below 12 days. Masses are roughly of the main sequence (Pecaut & Mamajek 2013), light
    goes as their fourth power. The radial velocity is of one night, the proper motion a line through the 34 months of DR3. Pairs
    point anywhere."""
    n = len(absolute)
    mass = np.interp(absolute, [1.5, 4.6, 8.0, 10.0, 12.0, 14.5], [2.0, 1.0, 0.65, 0.45, 0.2, 0.1])
    ratio = np.where(rng.random(n) < 1 / 8, rng.uniform(0.95, 1, n), rng.uniform(0.2, 0.95, n))
    total = mass * (1 + ratio)
    longest = np.log10(365.25 * np.sqrt((700 / parallax) ** 3 / total))
    period = 10 ** truncnorm.rvs((0 - 5.03) / 2.28, (longest - 5.03) / 2.28, 5.03, 2.28, random_state=rng) / 365.25  # yr
    axis = np.cbrt(total * period**2)  # au
    e = np.where(period < 12 / 365.25, 0, rng.uniform(0, 0.6, n))
    epochs = np.linspace(0, 34 / 12, 35)
    M = 2 * np.pi * (rng.random(n)[:, None] + epochs / period[:, None])
    E, e = M + 0.85 * e[:, None] * np.sign(np.sin(M)), e[:, None]
    for _ in range(20): E -= (E - e * np.sin(E) - M) / (1 - e * np.cos(E))
    turn, minor, flat = Rotation.random(n, rng=rng).as_matrix(), np.sqrt(1 - e**2), np.zeros_like(E)
    apart = np.einsum("nij,njt->nit", turn, np.stack([np.cos(E) - e, minor * np.sin(E), flat], 1)) * axis[:, None, None]  # au
    motion = np.stack([-np.sin(E), minor * np.cos(E), flat], 1) / (1 - e * np.cos(E))[:, None]
    speed = np.einsum("nij,njt->nit", turn, motion)[:, 2, 0] * 2 * np.pi * axis / period * 4.74047  # km/s, along the sight
    lever = ratio / (1 + ratio)
    line = (epochs - epochs.mean()) / ((epochs - epochs.mean()) ** 2).sum()
    light = ratio**4 / (1 + ratio**4)
    return -lever * speed, (apart[:, :2] @ line) * ((light - lever) * parallax)[:, None]


# ---- one group


def draw(kind, seed, n=None, age=None, distance=None):
    """A group of a kind: 100 stars of 20 Myr, 30 to 80 pc from the Sun, unless told otherwise. A bound cluster is 50 Myr old, 100
    to 170 pc away as the nearest ones are, and has one star for 0.6 solar masses."""
    if kind not in KINDS: raise ValueError(f"no kind {kind!r} of group: there are {', '.join(KINDS)}")
    bound, other, errors = kind == "bound_core", stream(seed, 4), stream(seed, 5)
    mass, outside = cluster_of(seed)
    n = n or (round(mass / STAR / (1 - outside)) if bound else STARS)
    age = age or (50.0 if bound else AGE)
    now = place(seed, distance or (stream(seed, 6).uniform(100, 170) if bound else stream(seed, 6).uniform(30, 80)))
    many = 3 * n if kind == "edge" else n
    if bound: (states, role), ages = cluster(n, now, age, seed), np.full(n, age)
    else: (states, ages), role = born(kind, many, now, age, seed), np.full(many, "member", dtype="U10")
    if kind == "interlopers":
        strangers = other.permutation(n)[: round(INTERLOPERS * n)]
        states[strangers], role[strangers] = near(states, len(strangers), other), "interloper"
    times = rv_times = TOO_LARGE if kind == "errors_x1.3" else 1.0
    if kind == "heavy_tails": times, rv_times = np.sqrt(3 / other.chisquare(3, (2, n)))
    table, selection = measured(states, errors, times, rv_times), None
    if kind == "binaries": role[other.random(n) < BINARIES] = "binary"
    if kind == "heavy_tails": role[~(np.abs(residuals(table, states)) < 3).all(axis=1)] = "outlier"
    disturb(kind, table, role == "binary", other)
    truth = Table(states, names=list("XYZUVW"))
    truth["age"], truth["role"] = ages, role
    if kind == "edge":
        limit = np.quantile(np.linalg.norm(states[:, :3] - SUN[:3], axis=1), KEPT)
        selection = f"parallax > {1000 / limit:.4f}"
        seen = np.flatnonzero(table["parallax"] > round(1000 / limit, 4))[:n]
        table, truth = table[seen], truth[seen]
    return Draw(table, truth, kind, seed, age, selection)


def near(states, n, rng):
    "Field stars that a list of members might hold: within three standard deviations in place, and 5 km/s of the mean velocity."
    root = np.linalg.cholesky(np.cov(states[:, :3].T))
    x, v = ((towards(n, rng) * np.cbrt(rng.random(n))[:, None]) for _ in range(2))
    return states.mean(axis=0) + np.hstack([3 * x @ root.T, 5 * v])


def residuals(table, states):
    "Errors in units of the quoted ones, of the astrometry and the radial velocity, shape (n, 6)."
    true = astrometry(states)
    off = [np.array(table[name]) - exact for name, exact in zip([*ASTROMETRY, "radial_velocity"], true.T, strict=True)]
    off[0], off[1] = off[0] * 3.6e6 * np.cos(np.radians(true[:, 1])), off[1] * 3.6e6
    return np.column_stack([o / table[f"{n}_error"] for o, n in zip(off, [*ASTROMETRY, "radial_velocity"], strict=True)])


def disturb(kind, table, binary, rng):
    "Do to the measurements what the quoted errors do not know, in place."
    n, rv = len(table), table["radial_velocity"]
    if kind == "zero_point": rv += ZERO_POINT
    if kind == "rv_plus_1": rv += RV_NOISE * rng.normal(size=n)
    if kind == "binaries":
        parallax = np.array(table["parallax"][binary])
        absolute = np.array(table["phot_g_mean_mag"][binary]) + 5 * np.log10(parallax / 100)
        shift, motion = companions(absolute, parallax, rng)
        rv[binary] += shift
        table["pmra"][binary] += motion[:, 0]
        table["pmdec"][binary] += motion[:, 1]
    if kind == "missing_rv":
        missing = rng.permutation(n)[: n // 2]
        rv[missing] = table["radial_velocity_error"][missing] = np.nan


def in_field(group, n=600):
    "The table of a group among `n` field stars in a sphere that holds it; which rows are the group's; the selection."
    rng = stream(group.seed, 7)
    far = np.linalg.norm(np.column_stack([group.truth[c] for c in "XYZ"]) - SUN[:3], axis=1).max()
    selection = group.selection or f"parallax > {1000 / max(150.0, 1.05 * far):.4f}"
    nearest = float(selection.split()[-1])
    share, means, covs = ellipsoids(3)
    of = rng.choice(3, 2 * n, p=share)
    velocity = means[of] + np.einsum("nij,nj->ni", np.linalg.cholesky(covs)[of], rng.normal(size=(2 * n, 3)))
    field = measured(np.hstack([sphere(2 * n, 1030 / nearest, rng), velocity]), rng)
    field = field[field["parallax"] > nearest][:n]
    rows = group.table[group.table["parallax"] > nearest]
    order = rng.permutation(len(rows) + n)
    table = {name: np.concatenate([rows[name], field[name]])[order] for name in rows.colnames}
    return Table(table), order < len(rows), selection


def show(path):
    "Draw all kinds: X and U with respect to the mean, today and at the age of the group; births are where the truth is round."
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(len(KINDS), 4, figsize=(12, 2.6 * len(KINDS)), layout="constrained")
    for kind, row in zip(KINDS, axes, strict=True):
        group = draw(kind, 1)
        now = np.column_stack([group.truth[c] for c in "XYZUVW"])
        then = each_orbit(now, -np.array(group.truth["age"]))
        for k, (states, i, j) in enumerate([(now, 0, 1), (now, 0, 3), (then, 0, 1), (then, 0, 3)]):
            for role in np.unique(group.truth["role"]):
                some = states[group.truth["role"] == role] - np.median(states, axis=0)
                row[k].plot(some[:, i], some[:, j], ".", ms=3, label=role)
            row[k].set(xlabel=f"{'XYZUVW'[i]} {'birth' if k > 1 else 'today'}", ylabel="XYZUVW"[j])
        row[0].set_title(kind)
        row[0].legend(fontsize=6)
    fig.savefig(path, dpi=60)


if __name__ == "__main__":
    show(*(sys.argv[1:] or ["groups.png"]))
