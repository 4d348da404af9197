"""Ages and memberships with fewer and fewer radial velocities: `python tests/benchmarks/missing_rv.py` writes
nbs/tutorials/betapic_missing.ecsv, which the page on β Pictoris shows. It takes some minutes."""

import sys
from datetime import date
from pathlib import Path

import numpy as np
from astropy.table import MaskedColumn, Table

from chronostar.datatools import prepare
from chronostar.driver import Driver
from chronostar.synthdata import SynthData, generate_association, sphere

AGE, MEMBERS, FIELD = 20.0, 100, 400


def sky(seed, missing):
    "A group of 20 Myr in a field, without the radial velocities of a fraction of the stars."
    rng = np.random.default_rng(seed)
    group = generate_association([25.0, -5, 10, 0.5, -3.8, -2], sphere(6.0, 0.7), AGE, MEMBERS, rng=rng)
    field = generate_association([10.0, 0, 0, 0, -5, -2], sphere(35.0, 8.0), 0.0, FIELD, rng=rng)
    table = SynthData.measure_astrometry(np.vstack([group, field]), rng=rng)
    gone = rng.permutation(len(table)) < round(missing * len(table))
    for name in ("radial_velocity", "radial_velocity_error"):
        table[name] = MaskedColumn(table[name], mask=gone)
    return prepare(table, fake_rvs=True).stars


def fit(seed, missing):
    "Age of the group, and how its members compare with the truth."
    stars = sky(seed, missing)
    best = Driver().run(stars)
    member = best.predict_proba(stars)[:MEMBERS].sum(axis=0).argmax()
    found = best.predict(stars) == member
    purity = found[:MEMBERS].sum() / max(found.sum(), 1)
    return best.components_[member].age, found[:MEMBERS].mean(), purity, len(best.components_)


def study(missing, seeds):
    ages, recall, purity, components = np.array([fit(seed, missing) for seed in seeds]).T
    scatter = ages.std(ddof=1)
    return {"missing": missing, "skies": len(ages), "age": ages.mean(), "scatter": scatter,
            "bias in standard errors": (ages.mean() - AGE) / (scatter / np.sqrt(len(ages))),
            "worst": ages[np.abs(ages - AGE).argmax()], "members found": recall.mean(),
            "of those found, members": purity.mean(), "two components": (components == 2).mean()}


def main():
    table = Table([study(missing, range(120)) for missing in (0.0, 0.3, 0.7, 1.0)])
    for name in table.colnames[2:]:
        table[name] = table[name].round(3)
    table["age"].unit = table["scatter"].unit = table["worst"].unit = "Myr"
    table.meta.update(made=date.today().isoformat(), true_age=AGE, members=MEMBERS, field=FIELD, seeds="0 to 119")
    table.pprint_all()
    table.write(Path(__file__).resolve().parents[2] / "nbs/tutorials/betapic_missing.ecsv", overwrite=True)


if __name__ == "__main__":
    sys.exit(main())
