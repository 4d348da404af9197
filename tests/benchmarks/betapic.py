"""The age of the β Pictoris group from the real stars around it, under several assumptions.

`python tests/benchmarks/betapic.py` writes nbs/tutorials/betapic_real.ecsv, which the page on β Pictoris shows. It needs the
831 stars of Crundall et al. (2019), bpmg_neighbourhood_gaia_dr2.fits, and takes some minutes."""

import sys
from datetime import date
from pathlib import Path

import numpy as np
from astropy.table import Table

from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import StarData, prepare
from chronostar.driver import Driver

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared/data/real/bpmg_neighbourhood_gaia_dr2.fits"
GUESS = np.array([25.0, -5, 10, 0.2, -3.8, -2])  # where the group is: pc and km/s with respect to the LSR
ASSUMPTIONS = {  # name: orbit, shift of the radial velocities [km/s], change of the Sun's motion [km/s]
    "default": (None, 0.0, (0, 0, 0)),
    "radial velocities - 0.6 km/s": (None, -0.6, (0, 0, 0)),
    "epicycles of Chronostar-TNG": ("trace_epicyclic_orbit", 0.0, (0, 0, 0)),
    "orbits in MWPotential2014": ("galpy", 0.0, (0, 0, 0)),
    "orbits in MWPotential2014, - 0.6 km/s": ("galpy", -0.6, (0, 0, 0)),
    "Sun's V + 2 km/s": (None, 0.0, (0, 2, 0)),
    "Sun's U - 1 km/s": (None, 0.0, (-1, 0, 0)),
}


def fit(table, orbit=None, rv_shift=0.0, sun=(0, 0, 0)):
    "The search among the stars of `table`, from a guess of the group in a free Gaussian: stars, mixture, which component it is."
    prepared = prepare(table, rv_shift=rv_shift)
    shift = np.hstack([np.zeros(3), sun])
    stars = StarData(prepared.means + shift, prepared.covs, prepared.ids)
    guess = SphereSpaceTimeComponent(trace_orbit_func=orbit).set_from_now(GUESS + shift, 10.0, 1.0, 20.0)
    settings = {"modules": {"background": "SpaceComponent"}, "component": {"trace_orbit_func": orbit}}
    best = Driver(settings).run(stars, start_init_comps=[guess, SpaceComponent().maximize(stars)])
    return stars, best, beta_pictoris(best, shift)


def beta_pictoris(mixture, shift=0):
    "Which component is where the group is: among the young ones that are compact, the nearest in velocity, then in place."
    away = [(np.linalg.norm((c.mean - GUESS - shift) / [15, 15, 15, 1, 1, 1]) if c.age else np.inf) for c in mixture.components_]
    return int(np.argmin(away))


def row(table, name):
    stars, best, k = fit(table, *ASSUMPTIONS[name])
    group = best.components_[k]
    error = best.uncertainties(stars)[k, "age"][1]
    members = best.predict_proba(stars)[:, k]
    print(name, group, error, members.sum(), best.bic(stars), flush=True)
    return {"assumption": name, "age": group.age, "age_error": error, "members": members.sum(),
            "likely": int((members > 0.5).sum()), "dxyz": group.dxyz, "duvw": group.duvw,
            "components": len(best.components_), "BIC": best.bic(stars)}


def main():
    if not DATA.exists():
        return f"{DATA.name} is not here"
    table = Table.read(DATA)
    result = Table([row(table, name) for name in ASSUMPTIONS])
    for name in result.colnames[1:]:
        result[name] = result[name].round(2)
    result["age"].unit = result["age_error"].unit = "Myr"
    result["dxyz"].unit, result["duvw"].unit = "pc", "km/s"
    result.meta.update(made=date.today().isoformat(), stars=len(table))
    result.pprint_all()
    result.write(ROOT / "nbs/tutorials/betapic_real.ecsv", overwrite=True)


if __name__ == "__main__":
    sys.exit(main())
