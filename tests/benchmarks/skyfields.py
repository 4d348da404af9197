"""Skies for judging a search, as a Gaia table: a field that fills a sphere, or a Gaussian one; streams, resolved pairs, groups.

This simulator shares nothing with the package, so that an error of one is not an error of both: orbits are galpy's, the sky and
its proper motions astropy's, and what is measured follows Gaia's published performance. States are X, Y, Z (pc) and U, V, W
(km/s) with respect to the local standard of rest."""

import warnings
from typing import NamedTuple

import astropy.units as u
import numpy as np
from astropy.coordinates import ICRS, CartesianDifferential, CartesianRepresentation, Galactic
from astropy.table import Table
from scipy.spatial.transform import Rotation

SUN = np.array([0.0, 0.0, 25.0, 11.1, 12.24, 7.25])  # pc, km/s
EDGE = 100.0  # pc from the Sun, the sphere that a survey asks for
R0, V0, KM_S = 8000.0, 220.0, 1.0227121650537077  # pc, km/s, and 1 km/s in pc/Myr

# share, mean velocity, dispersions along the principal axes (km/s), and the angle of the longest from X in the plane (deg)
ELLIPSOIDS = [
    (0.35, (0.0, -5.0, 0.0), (17.0, 11.0, 7.0), 20.0),
    (0.55, (-1.0, -16.0, 0.0), (34.0, 21.0, 16.0), 8.0),
    (0.10, (-1.0, -48.0, 0.0), (65.0, 42.0, 38.0), 0.0),
]
GAUSSIAN_VELOCITY = 15.0  # km/s, dispersion of the Gaussian field


class Population(NamedTuple):
    "Stars with a common origin: how many of the sample, and what they are."

    kind: str  # 'field', 'stream' or 'group'
    n: int  # in the sample
    velocity: np.ndarray  # (3,): mean, km/s; of a group today's
    covariance: np.ndarray  # (3, 3) of the velocities; of a group at birth
    age: float = np.nan  # Myr
    size: float = np.nan  # pc at birth
    born: int = 0  # stars of the group in all, also beyond the edge


class Sky(NamedTuple):
    "A table as from Gaia, and the truth that is not in it."

    table: Table
    label: dict  # source_id -> index into `populations`
    paired: set  # source_ids of the stars in resolved pairs
    populations: list

    def labels(self, ids):
        "The population of each star."
        return np.array([self.label[int(i)] for i in ids])


# ---- what is measured


def astrometry(states):
    "ra, dec (deg), parallax (mas), pmra, pmdec (mas/yr), radial velocity (km/s) without errors, shape (n, 6)."
    helio = (states - SUN).T
    velocity = CartesianDifferential(helio[3:] * u.km / u.s)
    seen = Galactic(CartesianRepresentation(helio[:3] * u.pc, differentials=velocity)).transform_to(ICRS())
    return np.column_stack([
        seen.ra.deg, seen.dec.deg, 1000 / seen.distance.to_value(u.pc), seen.pm_ra_cosdec.to_value(u.mas / u.yr),
        seen.pm_dec.to_value(u.mas / u.yr), seen.radial_velocity.to_value(u.km / u.s)])


def magnitudes(parallax, rng):
    "Apparent G of stars of all kinds, most of them red dwarfs."
    absolute = rng.normal(10.8, 2.2, len(parallax))
    return np.minimum(np.where(absolute > 14, 28 - absolute, absolute) - 5 * np.log10(parallax / 100), 18)


def measure(states, rng):
    "A table with Gaia's columns: errors by magnitude, correlations, a radial velocity for the bright third."
    true, n = astrometry(states), len(states)
    g = magnitudes(true[:, 2], rng)
    z = 10 ** (0.4 * (np.maximum(g, 13) - 15))
    sigma = np.sqrt(40 + 800 * z + 30 * z**2) / 1000 * np.exp(rng.normal(0, 0.2, n))  # of the parallax, mas
    errors = sigma[:, None] * [0.8, 0.7, 1.0, 1.03, 0.89]
    factor = np.eye(5) + 0.3 * rng.normal(size=(n, 5, 5))
    factor /= np.linalg.norm(factor, axis=2)[:, :, None]
    correlations = factor @ factor.swapaxes(1, 2)
    shift = errors * np.einsum("nij,nj->ni", factor, rng.normal(size=(n, 5)))
    seen = true[:, :5] + shift / [3.6e6, 3.6e6, 1, 1, 1]
    seen[:, 0] = true[:, 0] + shift[:, 0] / 3.6e6 / np.cos(np.radians(true[:, 1]))
    names = ["ra", "dec", "parallax", "pmra", "pmdec"]
    table = Table(dict(zip(names, seen.T, strict=True)))
    for name, error in zip(names, errors.T, strict=True): table[f"{name}_error"] = error
    for i, j in zip(*np.triu_indices(5, 1), strict=True): table[f"{names[i]}_{names[j]}_corr"] = correlations[:, i, j]
    rv_error = 0.12 + 5 * np.exp(1.1 * (np.minimum(g, 14) - 14)) * np.exp(rng.normal(0, 0.2, n))
    has_rv = (g < 14) & (rng.random(n) < 0.95)
    table["radial_velocity"] = np.where(has_rv, true[:, 5] + rv_error * rng.normal(size=n), np.nan)
    table["radial_velocity_error"] = np.where(has_rv, rv_error, np.nan)
    table["phot_g_mean_mag"] = g
    return table


# ---- where stars are, and how they move


def galactic_orbit(states, time):
    "Where stars are `time` Myr later (earlier, if it is negative), in MWPotential2014."
    from galpy.orbit import Orbit
    from galpy.potential import MWPotential2014

    if time == 0: return states.copy()
    x, y, z, U, V, W = states.T
    R, phi = np.hypot(R0 - x, y), np.arctan2(y, R0 - x)
    outwards, along = -U * np.cos(phi) + (V + V0) * np.sin(phi), U * np.sin(phi) + (V + V0) * np.cos(phi)
    with warnings.catch_warnings(action="ignore"):
        orbits = Orbit(np.column_stack([R / R0, outwards / V0, along / V0, z / R0, W / V0, phi]))
        end = time * KM_S * V0 / R0
        orbits.integrate(np.array([0.0, end / 2, end]), MWPotential2014, method="dop853_c", progressbar=False)
    R, outwards, along, z, W, phi = orbits.getOrbit()[:, -1].T
    phi, R = phi - end, R * R0
    outwards, along = outwards * V0, along * V0
    return np.column_stack([
        R0 - R * np.cos(phi), R * np.sin(phi), z * R0,
        along * np.sin(phi) - outwards * np.cos(phi), outwards * np.sin(phi) + along * np.cos(phi) - V0, W * V0])


def sphere(n, radius, rng):
    "Places around the Sun, evenly within a radius, shape (n, 3)."
    towards = rng.normal(size=(n, 3))
    return SUN[:3] + towards * (radius * np.cbrt(rng.random(n)) / np.linalg.norm(towards, axis=1))[:, None]


def born_together(n, now, size, spread, age, rng):
    "A group that was a sphere in space and in velocity, `age` Myr ago, whose centre is here `now`."
    birth = galactic_orbit(np.atleast_2d(now), -age)[0]
    return galactic_orbit(birth + rng.normal(size=(n, 6)) * np.repeat([size, spread], 3), age)


def ellipsoids(number):
    "Shares, means and covariances of the velocities of a field."
    shares, means, sigmas, angles = map(np.array, zip(*ELLIPSOIDS[:number], strict=True))
    turns = Rotation.from_rotvec(angles[:, None] * [0, 0, 1], degrees=True).as_matrix()
    return shares / shares.sum(), means, np.einsum("kij,kj,klj->kil", turns, sigmas**2, turns)


def streams(number, rng):
    "The same of clumps in velocity that fill all of space."
    means = rng.normal([0.0, -10.0, 0.0], [22.0, 14.0, 7.0], (number, 3))
    return rng.uniform(0.005, 0.03, number), means, np.array([np.diag(s**2) for s in rng.uniform(2, 5, (number, 3))])


def paired(states, label, share, rng):
    "Let a share of the stars be resolved pairs on Kepler orbits, 20 to 5000 au apart on the sky; and which they are."
    states, first, second = states.copy(), [], []
    for k in np.unique(label):
        mine = rng.permutation(np.flatnonzero(label == k))
        m = rng.binomial(len(mine) // 2, share)
        first, second = [*first, *mine[:m]], [*second, *mine[m : 2 * m]]
    m, first, second = len(first), np.array(first, dtype=int), np.array(second, dtype=int)
    e, anomaly = rng.uniform(0, 0.9, m), rng.uniform(0, 2 * np.pi, m)
    E = anomaly + 0.85 * e * np.sign(np.sin(anomaly))
    for _ in range(30): E -= (E - e * np.sin(E) - anomaly) / (1 - e * np.cos(E))
    turn, minor, zero = Rotation.random(m, rng=rng) if m else Rotation.identity(0), np.sqrt(1 - e**2), np.zeros(m)
    apart = turn.apply(np.column_stack([np.cos(E) - e, minor * np.sin(E), zero]))  # in semi-major axes
    motion = turn.apply(np.column_stack([-np.sin(E), minor * np.cos(E), zero]) / (1 - e * np.cos(E))[:, None])
    sight = states[first, :3] - SUN[:3]
    sight /= np.linalg.norm(sight, axis=1)[:, None]
    projected = np.linalg.norm(apart - np.einsum("ni,ni->n", apart, sight)[:, None] * sight, axis=1)
    on_sky = np.exp(rng.uniform(np.log(20), np.log(5000), m))  # au
    axis = np.minimum(on_sky / projected, 4 * on_sky)
    mass, ratio = rng.uniform(0.4, 2.0, m), rng.uniform(0.3, 1, m)
    apart = np.hstack([apart * (axis / 206264.8)[:, None], motion * (29.785 * np.sqrt(mass / axis))[:, None]])
    states[second] = states[first] + apart / (1 + ratio)[:, None]
    states[first] -= apart * (ratio / (1 + ratio))[:, None]
    both = np.zeros(len(states), dtype=bool)
    both[first] = both[second] = True
    return states, both


# ---- whole skies


class Group(NamedTuple):
    "A group to put into a sky."

    n: int  # stars in all
    age: float  # Myr
    now: np.ndarray  # (6,): centre today
    size: float  # pc, at birth
    spread: float  # km/s, at birth


def groups_at_random(sizes, ages, reach, rng):
    "Groups somewhere within `reach` pc of the Sun, that move as young stars do."
    velocities = rng.normal([0.0, -5.0, -1.0], [7.0, 5.0, 3.0], (len(sizes), 3))
    now = np.hstack([sphere(len(sizes), reach, rng), velocities])
    shapes = np.column_stack([rng.uniform(4, 9, len(sizes)), rng.uniform(0.5, 1.2, len(sizes))])
    return [Group(n, float(age), x, *shape) for n, age, x, shape in zip(sizes, ages, now, shapes, strict=True)]


def _assemble(parts, labels, populations, n, pairs, rng, within):
    "Measure stars, cut the sample, and fill it up to `n` with stars of the first part, which is the field."
    order = rng.permutation(len(parts[0]))
    states, label = np.vstack([*parts[1:], parts[0][order]]), np.concatenate([*labels[1:], labels[0][order]])
    states, in_pair = paired(states, label, pairs, rng)
    table = measure(states, rng)
    mine = np.flatnonzero(table["parallax"] > 1000 / EDGE) if within else np.arange(len(table))
    n_field = n - (label[mine] >= populations[0]).sum()
    assert n_field >= 0 and len(mine) >= n, f"{len(mine)} stars, and {n_field} of them field, are no sky of {n}"
    mine = rng.permutation(mine[:n])
    table = table[mine]
    table.add_column(np.sort(rng.choice(2**40, n, replace=False)) * 2**21 + 4 * 10**15, name="source_id", index=0)
    ids = [int(i) for i in table["source_id"]]
    counts = np.bincount(label[mine], minlength=len(populations[1]))
    of = [p._replace(n=int(c), born=p.n if p.kind == "group" else 0) for p, c in zip(populations[1], counts, strict=True)]
    there = np.flatnonzero(in_pair[mine])
    return Sky(table, dict(zip(ids, label[mine].tolist(), strict=True)), {ids[i] for i in there}, of)


def sphere_sky(n, rng, groups=(), n_ellipsoids=3, n_streams=0, pairs=0.0):
    "`n` stars in a sphere of 100 pc: velocity ellipsoids, streams, resolved pairs, and groups as far as they are inside."
    share, means, covs = ellipsoids(n_ellipsoids)
    if n_streams:
        more = streams(n_streams, rng)
        share = np.hstack([share * (1 - more[0].sum()), more[0]])
        means, covs = np.vstack([means, more[1]]), np.concatenate([covs, more[2]])
    many = int(1.08**3 * 1.03 * n) + 200
    label = rng.choice(len(share), many, p=share)
    velocities = means[label] + np.einsum("nij,nj->ni", np.linalg.cholesky(covs)[label], rng.normal(size=(many, 3)))
    field = np.hstack([sphere(many, 1.08 * EDGE, rng), velocities])
    populations = [Population("field" if k < n_ellipsoids else "stream", 0, *of) for k, of in
                   enumerate(zip(means, covs, strict=True))]
    return _with_groups(field, label, populations, groups, n, pairs, rng, True)


def gaussian_sky(n, rng, groups=()):
    "`n` stars of one Gaussian field around the Sun, and groups in it; no edge."
    spread = rng.uniform(60, 100)
    field = SUN * [1, 1, 1, 0, 0, 0] + rng.normal(size=(n, 6)) * np.repeat([spread, GAUSSIAN_VELOCITY], 3)
    population = Population("field", 0, np.zeros(3), GAUSSIAN_VELOCITY**2 * np.eye(3), size=spread)
    return _with_groups(field, np.zeros(n, dtype=int), [population], groups, n, 0.0, rng, False)


def _with_groups(field, label, populations, groups, n, pairs, rng, within):
    "The sky of a field and groups."
    first, parts, labels = len(populations), [field], [label]
    for k, g in enumerate(groups):
        parts.append(born_together(g.n, g.now, g.size, g.spread, g.age, rng))
        labels.append(np.full(g.n, first + k))
        populations.append(Population("group", g.n, g.now[3:], g.spread**2 * np.eye(3), g.age, g.size))
    return _assemble(parts, labels, (first, populations), n, pairs, rng, within)


# ---- the kinds that are judged

TWO = (140, 120), (18.0, 40.0)  # stars, Myr
TEN = np.linspace(25, 150, 10).round().astype(int)
THREE = (100, 100, 100)


def make(kind, n, seed, streams=False, binaries=False):
    "The sky of a kind (two, ten, gaussian, null), a number of stars and a seed."
    rng = np.random.default_rng([["two", "ten", "gaussian", "null"].index(kind), n, seed, streams, binaries])
    more = {"n_streams": int(rng.integers(5, 16)) if streams else 0, "pairs": rng.uniform(0.02, 0.06) if binaries else 0.0}
    if kind == "null": return sphere_sky(n, rng, (), int(rng.integers(2, 4)), **more)
    if kind == "gaussian": return gaussian_sky(n, rng, groups_at_random(THREE, rng.uniform(5, 40, 3), 100.0, rng))
    sizes, ages, reach = (*TWO, 60.0) if kind == "two" else (TEN, np.exp(rng.uniform(np.log(5), np.log(60), 10)), 85.0)
    return sphere_sky(n, rng, groups_at_random(sizes, ages, reach, rng), **more)
