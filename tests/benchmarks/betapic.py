"""The age of the β Pictoris group from the real stars around it, under several assumptions and with several kinds of field.

`python tests/benchmarks/betapic.py` writes nbs/tutorials/betapic_real.ecsv and betapic_fields.ecsv, which the page on β Pictoris
shows. It needs the 831 stars of Crundall et al. (2019), bpmg_neighbourhood_gaia_dr2.fits, and takes ten minutes or so."""

import sys
from datetime import date
from pathlib import Path

import numpy as np
from astropy.table import Table

from chronostar.datatools import StarData, prepare
from chronostar.driver import Driver
from chronostar.selection import sharp_edges
from chronostar.transforms import SUN
from chronostar.verdict import verdict

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared/data/real/bpmg_neighbourhood_gaia_dr2.fits"
BETA_PIC = np.array([25.0, -5, 10, 0.2, -3.8, -2])  # where the group is: pc and km/s with respect to the LSR
TUC_HOR = SUN[3:] + [-9.5, -20.9, -1.0]  # how the other fast one moves: heliocentric as published, km/s, in the same frame
FIELDS = ("none", "SpaceComponent", "FieldComponent", "SmoothFieldComponent")
ASSUMPTIONS = {  # name: orbit, shift of the radial velocities [km/s], change of the Sun's motion [km/s]
    "default": (None, 0.0, (0, 0, 0)),
    "radial velocities - 0.6 km/s": (None, -0.6, (0, 0, 0)),
    "epicycles of Chronostar-TNG": ("trace_epicyclic_orbit", 0.0, (0, 0, 0)),
    "orbits in MWPotential2014": ("galpy", 0.0, (0, 0, 0)),
    "orbits in MWPotential2014, - 0.6 km/s": ("galpy", -0.6, (0, 0, 0)),
    "Sun's V + 2 km/s": (None, 0.0, (0, 2, 0)),
    "Sun's U - 1 km/s": (None, 0.0, (-1, 0, 0)),
}


def fit(table, orbit=None, rv_shift=0.0, sun=(0, 0, 0), found=None, **modules):
    """The search among the stars of `table`: stars, mixture, which component is the group. Nobody tells it where that is, unless
    there is something `found` under other assumptions, from whose memberships it starts."""
    prepared = prepare(table, rv_shift=rv_shift)
    shift = np.hstack([np.zeros(3), sun])
    stars = StarData(prepared.means + shift, prepared.covs, prepared.ids)
    settings = {"modules": modules, "component": {"trace_orbit_func": orbit}}
    if modules.get("background") == "FieldComponent": settings["component"]["selection"] = sharp_edges(stars.means)
    start = {}
    if found is not None:
        before, mixture = found
        modules["background"] = type(next(c for c in mixture.components_ if c.age is None)).__name__
        components = [type(c)(**({} if c.age is None else {"trace_orbit_func": orbit})) for c in mixture.components_]
        start = {"start_init_comps": components, "init_resp": mixture.predict_proba(before)}
    best = Driver(settings).run(stars, **start)
    return stars, best, beta_pictoris(best, shift)


def nearest(mixture, away):
    "Which component is nearest by `away`, a function of its mean; those without an age, or with less than 1 Myr, are none."
    return int(np.argmin([away(c.mean) if (c.age or 0) > 1 else np.inf for c in mixture.components_]))


def beta_pictoris(mixture, shift=0):
    "Which component is where the group is: among those with an age, the nearest in place and velocity."
    return nearest(mixture, lambda mean: np.linalg.norm((mean - BETA_PIC - shift) / [15, 15, 15, 1, 1, 1]))


def tucana_horologium(mixture):
    "Which component moves as that group."
    return nearest(mixture, lambda mean: np.linalg.norm(mean[3:] - TUC_HOR))


def rows(table):
    "A search under each assumption, from what was found before with the same velocities, or else with those as they are."
    found = {}
    for name, assumption in ASSUMPTIONS.items():
        shift = assumption[1]
        stars, best, k = fit(table, *assumption, found=found.get(shift, found.get(0.0)))
        found.setdefault(shift, (stars, best))
        group, members = best.components_[k], best.predict_proba(stars)[:, k]
        error = best.uncertainties(stars)[k, "age"][1]
        print(name, error, best.bic(stars), *best.components_, sep="\n    ", flush=True)
        yield {"assumption": name, "age": group.age, "age_error": error, "members": members.sum(),
               "likely": int((members > 0.5).sum()), "dxyz": group.dxyz, "duvw": group.duvw,
               "components": len(best.components_), "BIC": best.bic(stars)}


def field_row(table, field):
    "A search with a kind of field, and what becomes of two groups; errors are those of the verdict, with all that may be wrong."
    stars, best, k = fit(table, background=None if field == "none" else field)
    groups = sum((c.age or 0) > 1 for c in best.components_)
    found = {"field": field, "BIC": best.bic(stars), "components": len(best.components_), "groups": groups}
    for name, j in [("beta_pic", k), ("tuc_hor", tucana_horologium(best))]:
        v = verdict(best, stars, j)
        print(field, name, best.components_[j].mean.round(1), v, flush=True)
        numbers = ("members", "age", "age_error", "age_total", "age_error_total")
        found |= {f"{name}_{key}": getattr(v, key) for key in numbers}
    print(field, best.bic(stars), *best.components_, sep="\n    ", flush=True)
    return found


def write(rows, table, name):
    "A table of the rows, rounded, as the page has it."
    result = Table(rows)
    for column in result.itercols():
        if column.dtype.kind == "f": result[column.name] = column.round(2)
        if "age" in column.name: result[column.name].unit = "Myr"
        if column.name in ("dxyz", "duvw"): result[column.name].unit = "pc" if column.name == "dxyz" else "km/s"
    result.meta.update(made=date.today().isoformat(), stars=len(table))
    result.pprint_all()
    result.write(ROOT / "nbs/tutorials" / name, overwrite=True)


def main():
    if not DATA.exists():
        return f"{DATA.name} is not here"
    table = Table.read(DATA)
    write([field_row(table, field) for field in FIELDS], table, "betapic_fields.ecsv")
    write(list(rows(table)), table, "betapic_real.ecsv")


if __name__ == "__main__":
    sys.exit(main())
