"""How well the search finds the truth: `python tests/benchmarks/search.py` writes the tables that the search page shows.

It takes some minutes. Results go to nbs/tutorials/search_skies.ecsv and search_detection.ecsv."""

import sys
import time
import warnings
from datetime import date
from pathlib import Path

import numpy as np
from astropy.table import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import skies  # noqa: E402

from chronostar.datatools import StarData, prepare  # noqa: E402
from chronostar.driver import Driver  # noqa: E402
from chronostar.mixture.componentmixture import ComponentMixture  # noqa: E402
from chronostar.synthdata import SynthData  # noqa: E402


def sky(kind, seed):
    "One row: the search on one sky, beside the fit that was told the memberships."
    stars, truth, ages = skies.make(kind, seed)
    start = time.perf_counter()
    best = Driver().run(stars)
    took = time.perf_counter() - start
    informed = ComponentMixture().fit(stars, init_resp=truth)
    member = best.predict_proba(stars) > 0.5
    groups = [k for k, age in enumerate(ages) if age > 0]
    overlap = member.T.astype(int) @ truth.astype(int)  # found, true
    match = overlap[:, groups].argmax(axis=0)
    hit = sum(overlap[m, g] for m, g in zip(match, groups, strict=True))
    error = [best.components_[m].age - ages[g] for m, g in zip(match, groups, strict=True)]
    return {"kind": kind, "seed": seed, "stars": len(stars), "regret": round(best.bic(stars) - informed.bic(stars), 2),
            "found": len(best.components_), "true": truth.shape[1],
            "recall": round(hit / max(truth[:, groups].sum(), 1), 4) if groups else np.nan,
            "precision": round(hit / max(member[:, match].sum(), 1), 4) if groups else np.nan,
            "worst_age_error": round(max(error, key=abs), 2) if groups else np.nan, "seconds": round(took, 2)}


def detection(n, field, m_err, seed):
    "One row: is a group of `n` stars found in a field, and is the true mixture better than the field alone?"
    rng = np.random.default_rng([n, int(field), int(10 * m_err), seed])
    group = [*skies.scattered(rng, field / 2, 8.0), 6.0, 0.8, 15.0]
    synth = SynthData([group, [0, 0, 0, 0, 0, 0, field, 15.0, 0]], [n, 1000], rng, m_err=m_err)
    prepared = prepare(synth.generate())
    stars, truth = StarData(prepared.X), synth.memberships[prepared.reason == ""]
    alone, both = ComponentMixture().fit(stars), ComponentMixture().fit(stars, init_resp=truth)
    best = Driver().run(stars)
    member = best.predict_proba(stars)[truth[:, 0] == 1].sum(axis=0)
    found = len(best.components_) > 1 and member[np.argmin([c.duvw for c in best.components_])] > n / 2
    return {"members": n, "field": field, "m_err": m_err, "seed": seed, "found": bool(found),
            "worth": round(alone.bic(stars) - both.bic(stars), 2),
            "regret": round(best.bic(stars) - min(both.bic(stars), alone.bic(stars)), 2)}


def write(rows, name):
    table = Table(rows)
    table.meta = {"date": date.today().isoformat(), "command": "python tests/benchmarks/search.py"}
    table.write(ROOT / "nbs" / "tutorials" / name, overwrite=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    rows = []
    for kind in skies.KINDS:
        for seed in range(seeds):
            rows.append(sky(kind, seed))
            print(*rows[-1].values(), flush=True)
    write(rows, "search_skies.ecsv")
    rows = []
    for m_err in (0.3, 1.0, 3.0):
        for field in (60.0, 120.0):
            for n in (4, 6, 8, 10, 12, 15, 20, 30):
                rows += [detection(n, field, m_err, seed) for seed in range(seeds)]
            print(m_err, field, sum(row["found"] for row in rows), len(rows), flush=True)
    write(rows, "search_detection.ecsv")
