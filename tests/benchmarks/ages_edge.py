"""Ages of groups that the edge of the sample cuts: `python tests/benchmarks/ages_edge.py` writes nbs/tutorials/ages_edge.ecsv.

A group of 24 Myr somewhere near the Sun; the sample ends at a wall or at a distance that leaves 70 or 50 % of it, and has 100
of its stars. It is fitted twice, as if the stars were all there are, and knowing the selection. Takes about ten minutes."""

import sys

import numpy as np

from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.stars import StarData
from chronostar.synthdata import generate_association, sphere
from chronostar.transforms import SUN

AGE, STARS, KEPT, EDGES = 24.0, 100, (0.7, 0.5), ("wall", "distance")
SIGMA = np.array([1, 1, 1, 0.3, 0.3, 0.3])  # of the measurements, pc and km/s


def cut(places, kept, edge, rng):
    "Words of a selection that holds a part of the places."
    if edge == "distance":
        return f"distance < {np.quantile(np.linalg.norm(places - SUN[:3], axis=1), kept):.4f}"
    axis, sign = rng.integers(3), rng.choice([-1, 1])
    return f"{'XYZ'[axis]} {'<' if sign > 0 else '>'} {sign * np.quantile(sign * places[:, axis], kept):.4f}"


def group(seed, kept, edge):
    "The stars of a group that a sample holds, of which it keeps about so many."
    rng = np.random.default_rng(seed)
    now = np.hstack([rng.normal(0, 60, 3), rng.normal(0, 6, 3)])
    states = generate_association(now, sphere(8.0, 1.0), AGE, 20_000, rng)
    words = cut(states[:, :3], kept, edge, rng)
    some = states[: 6 * STARS]
    stars = StarData(some + SIGMA * rng.normal(size=some.shape), np.tile(np.diag(SIGMA**2), (len(some), 1, 1)))
    return stars.within(words)[:STARS]


def fit(stars, selection):
    "A mixture of one component, at the maximum of its likelihood."
    found = SphereSpaceTimeComponent(selection=selection).maximize(stars)
    return ComponentMixture().set_parameters([1.0], [found]).polish(stars)


def case(seed, kept, edge):
    "One row."
    stars = group(seed, kept, edge)
    words = stars.provenance["selection"]
    row = {"edge": edge, "kept": kept, "seed": seed[-1], "selection": words}
    for name, selection in (("ignored", None), ("known", words)):
        mixture = fit(stars, selection)
        row[f"age_{name}"], row[f"sigma_{name}"] = mixture.uncertainties(stars)[0, "age"]
        row[f"duvw_{name}"] = mixture.components_[0].duvw
    return row | {"share": mixture.components_[0].share}


def main(n):
    rows = []
    for edge in EDGES:
        for kept in KEPT:
            rows += [case([15, seed], kept, edge) for seed in range(n)]
            these = rows[-n:]
            for name in ("ignored", "known"):
                age, sigma = (np.array([row[f"{what}_{name}"] for row in these]) for what in ("age", "sigma"))
                within = [np.mean(np.abs(age - AGE) < k * sigma).round(3).item() for k in (1, 2)]
                print(edge, kept, name, f"{age.mean() - AGE:+.2f} ± {age.std(ddof=1) / np.sqrt(n):.2f}", *within, flush=True)
    from bench import store

    rounded = [{key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()} for row in rows]
    command = f"python tests/benchmarks/ages_edge.py {n}"
    store(rounded, "ages_edge.ecsv", command, true_age=AGE, stars=STARS, seeds=f"0 to {n - 1}")


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["120"])[0]))
