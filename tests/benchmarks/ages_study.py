"""Do ages hold on skies that are not as a fit supposes? Groups of a simulator of its own (groups.py), alone or in a field.

    python -m tests.benchmarks.ages_study none binaries --seeds 1000:1100 --table FILE [--fit alone]
    python -m tests.benchmarks.ages_study all --seeds 1000:1100 --table FILE --search
    python -m tests.benchmarks.ages_study summary FILE

Seeds up to 99 are for tuning, those from 1000 for judging. A row for each draw is added to the table as it comes; what is there
already is not done again. Alone, all stars of the list are the group's, as far as the fit knows. With --search the group is among
600 field stars, and what the driver finds with its default settings is judged by the component that gathers most of its stars.
Intervals are the age in all ± its uncertainty, where a fit gives one, else the age ± the statistical one; summary tells both."""

import argparse
import json
import logging
import sys
import time
import warnings
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent))

import groups  # noqa: E402
from bench import store  # noqa: E402
from survey import code, seeds  # noqa: E402

from chronostar import ComponentMixture, prepare  # noqa: E402
from chronostar.births import fit_births  # noqa: E402
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent  # noqa: E402
from chronostar.driver import Driver  # noqa: E402
from chronostar.noise import fit_shares, maximize_with_noise  # noqa: E402
from chronostar.uncertainties import component_uncertainties  # noqa: E402
from chronostar.verdict import verdict  # noqa: E402

FIELD = 600  # stars
KEY = ("kind", "seed", "n", "age", "fit", "search")


class Answer(NamedTuple):
    "What a fit says of a group."

    age: float = np.nan  # Myr
    sigma: float = np.nan  # Myr, statistical
    total: float = np.nan  # Myr, with all else that was thought of
    middle: float = np.nan  # Myr, the age that the total belongs to
    flags: tuple = ()
    details: tuple = ()  # names and values that go to the table as they are


# ---- fits by name: stars -> Answer


def alone(stars):
    "A sphere at birth, maximum likelihood; a sample that knows its selection is fitted within it."
    component = SphereSpaceTimeComponent(selection=stars.provenance.get("selection")).maximize(stars)
    uncertainties = component_uncertainties(component, stars)
    return Answer(*uncertainties[0, "age"], flags=uncertainties.flags,
                  details=(("dxyz", component.dxyz), ("duvw", component.duvw)))


def judged(component, noisy, *details):
    "What is said of a component that was fitted to stars with noise."
    uncertainties = component_uncertainties(component, noisy)
    v = verdict(component, noisy)
    details = (*details, ("dxyz", component.dxyz), ("duvw", component.duvw), ("shares", noisy.shares.round(3).tolist()),
               ("summary", v.summary), ("budget", v.budget))
    return Answer(*uncertainties[0, "age"], v.age_error_total, v.age_total, [*uncertainties.flags, *v.flags], details)


def noise(stars):
    "The same, with uncertainties that may be too small, and stars that may be strangers."
    component = SphereSpaceTimeComponent(selection=stars.provenance.get("selection"))
    return judged(component, maximize_with_noise(component, stars))


def births(stars):
    "With noise, and the kind of birth that BIC prefers."
    component = SphereSpaceTimeComponent(selection=stars.provenance.get("selection"))
    noisy = maximize_with_noise(component, stars)
    found = fit_births(ComponentMixture().set_parameters([1.0], [component]), noisy)
    best = max(found, key=lambda birth: birth.worth).component
    shares = fit_shares(noisy.log_prob_by_kind(best.estimate_log_prob), noisy.shares)
    return judged(best, noisy.with_shares(shares), ("birth", type(best).__name__),
                  ("ages", {type(b.component).__name__: round(b.component.age, 2) for b in found}))


FITS = {"alone": alone, "noise": noise, "births": births}


def search(stars, mine):
    "The driver's, and how well it found the stars of the group, boolean (n,)."
    best = Driver({}).run(stars).polish(stars)  # as the command does
    memberships = best.predict_proba(stars)
    k, members = int(memberships[mine].sum(axis=0).argmax()), memberships > 0.5
    details = (("components", len(best.components_)), ("pieces", int((members[mine].sum(axis=0) >= 10).sum())),
               ("members", int(members[:, k].sum())), ("caught", int(members[mine, k].sum())))
    component = best.components_[k]
    if component.age is None: return Answer(flags=("the group is in a component without an age",), details=details)
    uncertainties = best.uncertainties(stars)
    flags = [flag for flag in uncertainties.flags if not flag.startswith("component ") or flag.startswith(f"component {k} ")
             or flag.startswith(f"component {k}:")]
    v = verdict(best, stars, k)
    details = (*details, ("dxyz", component.dxyz), ("duvw", component.duvw), ("weight", v.members), ("summary", v.summary),
               ("budget", v.budget), ("kinds", [type(c).__name__ for c in best.components_]))
    return Answer(*uncertainties[k, "age"], v.age_error_total, v.age_total, [*flags, *v.flags], details)


# ---- one draw, and many


def case(kind, seed, n, age, fit, blind):
    "One row."
    group = groups.draw(kind, seed, n, age)
    table, mine, selection = groups.in_field(group, FIELD) if blind else (group.table, slice(None), group.selection)
    stars = prepare(table, fake_rvs=True, selection=selection).stars
    start = time.perf_counter()
    try: answer = search(stars, mine[np.isin(table["source_id"], stars.ids)]) if blind else FITS[fit](stars)
    except Exception as e: answer = Answer(flags=(f"failed: {e!r:.150}",))  # which is a finding, too
    row = {"kind": kind, "seed": seed, "n": n or 0, "age": age or 0.0, "fit": fit, "search": blind, "stars": len(group.table),
           "true": group.age, "found": answer.age, "sigma": answer.sigma, "total": answer.total,
           "middle": answer.middle, "seconds": time.perf_counter() - start, "flags": " | ".join(answer.flags),
           "details": json.dumps(dict(answer.details))}
    return {name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in row.items()}


def stored(path):
    "A table, in which no flags are no text; empty if there is none yet."
    return Table.read(path).filled("") if path.exists() else Table()


def save(rows, path, command):
    "Write a table, in the place of the last one only when it is complete."
    part = path.with_name(f"part-{path.name}")
    store(rows, part, command)
    part.replace(path)


def study(kinds, numbers, path, fit="alone", blind=False, n=None, age=None, command=""):
    "Add to a table what is not in it yet: seed by seed, all kinds of each."
    path = Path(path).resolve()
    rows = [dict(zip(r.colnames, r, strict=True)) for r in stored(path)]
    there = {tuple(str(r[k]) for k in KEY) for r in rows}
    version = {"date": date.today().isoformat(), "code": code()}
    for seed in numbers:
        for kind in kinds:
            if tuple(map(str, (kind, seed, n or 0, age or 0.0, fit, blind))) in there: continue
            rows.append({**case(kind, seed, n, age, fit, blind), **version})
            save(rows, path, command)
            numbers = (f"{name} {rows[-1][name]:.2f}" for name in ("found", "sigma", "total", "seconds"))
            print(kind, seed, *numbers, rows[-1]["flags"], flush=True)


def coverage(inside):
    "A share and its binomial error, in words."
    if not len(inside): return "-"
    p = np.mean(inside)
    return f"{p:.2f}±{np.sqrt(p * (1 - p) / len(inside)):.2f}"


def summary(table):
    """Of each kind: the median age; bias, the mean error; mean and scatter of the pull, which is error by interval; coverage of
    68 and 95 % by the interval (total, if there is one) and, `stat`, by the statistical one; how many were flagged; of searches,
    in how many the group was found: a component has more than half of its stars, and those are more than half of its own."""
    rows, what = [], [name for name in KEY if name != "seed"]
    keys = [tuple(r[name] for name in what) for r in table]
    for key in dict.fromkeys(keys):
        of, blind = table[[k == key for k in keys]], bool(key[-1])
        error, total = np.array(of["found"] - of["true"]), np.where(np.isfinite(of["total"]), of["total"], of["sigma"])
        known, middle = np.isfinite(error / total), np.where(np.isfinite(of["middle"]), of["middle"], of["found"])
        pull, alone = ((middle - of["true"]) / total)[known], (error / of["sigma"])[known]
        told = [(json.loads(r["details"]), r["stars"]) for r in of]
        got = [2 * d.get("caught", 0) > max(stars, d.get("members", 0)) for d, stars in told]
        numbers = {"median": np.nanmedian(of["found"]), "bias": np.nanmean(error), "sigma": np.nanmedian(of["sigma"]),
                   "interval": np.nanmedian(total), "pull": pull.mean(), "scatter": pull.std()}
        rows.append({
            "kind": key[0], "fit": "search" if blind else key[3], "draws": len(of), "no age": (~known).sum(),
            "true": np.median(of["true"]), **{name: np.round(value, 2) for name, value in numbers.items()},
            "68 %": coverage(np.abs(pull) < 1), "95 %": coverage(np.abs(pull) < 1.96), "68 % stat": coverage(np.abs(alone) < 1),
            "flagged": coverage(of["flags"] != ""), "found": coverage(got) if blind else "-",
            "seconds": np.round(np.median(of["seconds"]), 2)})
    return Table(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="+", metavar="KIND", help=f"all, or of {', '.join(groups.KINDS)}; or: summary FILE")
    parser.add_argument("--seeds", type=seeds, default=range(3), help="1000:1100 or 1,2,5; up to 99 to tune, from 1000 to judge")
    parser.add_argument("--table", type=Path, help="an ECSV file, to which rows are added")
    parser.add_argument("--fit", choices=FITS, default="alone")
    parser.add_argument("--search", action="store_true", help=f"blind, among {FIELD} field stars")
    parser.add_argument("--stars", type=int, help="of a group, else as its kind has them")
    parser.add_argument("--age", type=float, help="Myr, else as its kind has it")
    given = parser.parse_args()
    if given.kinds[0] == "summary":
        for path in given.kinds[1:]: summary(stored(Path(path))).pprint_all()
        return
    if given.table is None: parser.error("say --table FILE")
    if unknown := set(given.kinds) - {"all", *groups.KINDS}: parser.error(f"no kind {', '.join(unknown)}")
    warnings.simplefilter("ignore")
    logging.disable()
    kinds = list(groups.KINDS) if "all" in given.kinds else given.kinds
    command = " ".join(["python -m tests.benchmarks.ages_study", *sys.argv[1:]])
    study(kinds, given.seeds, given.table, given.fit, given.search, given.stars, given.age, command)


if __name__ == "__main__":
    main()
