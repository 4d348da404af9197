"""Is the search what it says at the scale of a survey? Skies of a simulator of its own (skyfields.py), by the public door only.

    python -m tests.benchmarks.survey null --n 1000 3000 10000 --seeds 1000:1020
    python -m tests.benchmarks.survey growth --groups two ten --n 10000 30000 100000 286000 --seeds 1000:1003 --limit 3600
    python -m tests.benchmarks.survey gaussian --n 3000 10000 30000 100000 --seeds 1000:1005
    python -m tests.benchmarks.survey show

Seeds up to 99 are for tuning, those from 1000 for judging. Each run is a process of its own with a time limit (of the processor,
for others may be at work), after which the search is interrupted and its best so far is judged. Rows are appended to
nbs/tutorials/survey_KIND.ecsv; `--table FILE` for another. To judge another checkout: cd there and run this very file with
PYTHONPATH set to it. The column `details` tells of each component with an age, `missed` of true groups that were not found."""

import argparse
import fcntl
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from astropy.table import Table
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

sys.path.insert(0, str(Path(__file__).resolve().parent))

import skyfields  # noqa: E402
from bench import PAGES, store  # noqa: E402

LARGE = 40  # stars, from which a group has to be found
WHOLE = {"growth": (10_000, 30_000, 100_000, 286_000), "gaussian": (3000, 10_000, 30_000, 100_000),
         "null": (1000, 3000, 10_000, 100_000)}

# ---- one run, in a process of its own


@contextmanager
def limited(seconds):
    "Interrupt what happens here, as the keyboard would, after seconds of this processor; yields a list that then is not empty."
    over = []

    def interrupt(*_):
        over.append(True)
        raise KeyboardInterrupt

    signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try: yield over
    except KeyboardInterrupt:
        if not over: raise
    finally: signal.setitimer(signal.ITIMER_PROF, 0)


def megabytes(what):
    "VmRSS: the memory of this process now; VmHWM: at its peak."
    return float(re.search(rf"{what}:\s*(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def settings(background):
    "Of the search."
    return {"modules": {"background": background}} if background else {}


def prepared(sky, kind):
    "The stars as a user gets them."
    from chronostar import prepare

    return prepare(sky.table, fake_rvs=True, selection="parallax > 10" if kind != "gaussian" else None).stars


def search(stars, background, limit):
    "The driver, the best mixture (None if there is none), and what it took."
    from chronostar.driver import Driver

    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    driver, took = Driver(settings(background)), {"megabytes_before": megabytes("VmRSS")}
    start, worked = time.perf_counter(), time.process_time()
    with limited(limit) as over: driver.run(stars)
    took |= {"outcome": "time is over" if over else "ok", "seconds": time.perf_counter() - start,
             "processor": time.process_time() - worked, "megabytes": megabytes("VmHWM")}
    return driver, driver.record_.best_mixture, took


def informed(driver, stars, label, populations, limit, noise=False):
    "The mixture that was told the memberships (None if there was no time), and which are worth their parameters."
    from chronostar.config import component_maker

    config, there = driver.config_, [k for k in range(len(populations)) if (label == k).sum() >= 15]
    group = component_maker(config)
    field = component_maker(config, "background") or group
    resp = np.zeros((len(stars), len(there)))
    for column, k in enumerate(there): resp[label == k, column] = 1
    resp[resp.sum(axis=1) == 0, 0] = 1

    def fit(weights, of, **more):
        tol = 1e-5 * min(1, 3000 / len(stars))  # the likelihood of the whole sample gains no more than 0.03
        given = {**config["mixture"], "tol": tol, **({"noise": True} if noise else {})}
        return config["modules"]["mixture"](weights, of, **given).fit(stars, **more)

    best, kept, start = None, [], time.perf_counter()
    with limited(limit):
        best = fit(None, [group() if populations[k].kind == "group" else field() for k in there], init_resp=resp)
        kept = list(there)
        for k in sorted(there, key=lambda k: populations[k].n):
            if k == there[0]: continue
            rest = [i for i, other in enumerate(kept) if other != k]
            weights = best.weights_[rest]
            without = fit(weights / weights.sum(), [best.components_[i] for i in rest])
            if without.bic(stars) < best.bic(stars): best, kept = without, [kept[i] for i in rest]
    return best, kept, time.perf_counter() - start


def compared(member, label, populations):
    "Which true group each component is (-1 for none), and the overlaps (k, g)."
    groups = [g for g, p in enumerate(populations) if p.kind == "group"]
    overlap = np.array([member[label == g].sum(axis=0) for g in groups]).reshape(len(groups), member.shape[1]).T
    true = np.array([(label == g).sum() for g in groups])
    same = (overlap > 0.5 * true) & (overlap > 0.5 * member.sum(axis=0)[:, None])
    return [groups[row.argmax()] if row.any() else -1 for row in same], overlap


def field_loss(components, weights, populations, rng):
    "Kullback–Leibler divergence of the field's velocities from the true ones, per star; NaN without a field."
    if not components: return np.nan
    field = [p for p in populations if p.kind != "group" and p.n]
    shares = np.array([p.n for p in field]) / sum(p.n for p in field)
    counts = rng.multinomial(20_000, shares)
    v = np.vstack([rng.multivariate_normal(p.velocity, p.covariance, c) for p, c in zip(field, counts, strict=True)])

    def log_prob(shares, moments):
        return logsumexp([np.log(s) + multivariate_normal(*m).logpdf(v) for s, m in zip(shares, moments, strict=True)], axis=0)

    fitted = [(c.mean[3:], c.covariance[3:, 3:]) for c in components]
    true = log_prob(shares, [(p.velocity, p.covariance) for p in field])
    return float((true - log_prob(np.array(weights) / np.sum(weights), fitted)).mean())


def flags_by_component(mixture, stars, limit):
    "What the package says about each component beside its uncertainties; None if that took too long or failed."
    found = {k: [] for k in range(len(mixture.components_))}
    try:
        with limited(limit) as over:
            for flag in mixture.uncertainties(stars).flags:
                if told := re.match(r"component (\d+)", flag): found[int(told[1])].append(flag)
    except Exception as e:  # of a fit at some edge: that there are no uncertainties is a finding too
        return {k: [f"no uncertainties: {e!r:.80}"] for k in found}
    return None if over else found


def judged(mixture, stars, sky, rng, limit, worth=()):
    "What the search found, beside the truth; of which some populations are worth their parameters."
    label, of = sky.labels(stars.ids), mixture.components_
    member = mixture.predict_proba(stars) > 0.5
    match, overlap = compared(member, label, sky.populations)
    aged = [k for k, c in enumerate(of) if c.age is not None]
    if len(aged) == len(of): aged.remove(mixture.weights_.argmax())  # without a background, the largest is the field
    match = [g if k in aged else -1 for k, g in enumerate(match)]
    none, sizes = [k for k in aged if match[k] < 0], member.sum(axis=0)
    fragments = [k for k in none if overlap.shape[1] and overlap[k].max() > 0.5 * sizes[k]]
    doubted = {k: of[k].no_group(mixture.weights_[k] * len(stars)) for k in aged}
    flags = flags_by_component(mixture, stars, limit) if aged else {}
    pair = np.array([int(i) in sky.paired for i in stars.ids])
    details = []
    for k in aged:
        from_ = Counter(f"{p.kind} {g}" for g in label[member[:, k]] for p in [sky.populations[g]]).most_common(2)
        true = sky.populations[match[k]].age if match[k] >= 0 else None
        details.append({"age": round(of[k].age, 2), "true_age": true and round(true, 2), "stars": int(sizes[k]),
                        "weight": round(float(mixture.weights_[k] * len(stars)), 1), "in_pairs": int(pair[member[:, k]].sum()),
                        "speed": round(float(np.linalg.norm(of[k].mean[3:])), 1),
                        "spreads": {name: round(getattr(of[k], name), 3) for name in getattr(of[k], "spreads", {})},
                        "of": dict(from_), "no_group": doubted[k], "flags": flags and flags[k]})
    errors = [of[k].age - sky.populations[match[k]].age for k in aged if match[k] >= 0]
    field = [k for k in range(len(of)) if k not in aged]
    return {
        "components": len(of), "aged": len(aged), "large_found": sum(sky.populations[g].n >= LARGE for g in match if g >= 0),
        "worth_found": sum(g in worth for g in match if g >= 0), "found": sum(g >= 0 for g in match),
        "false": len(none) - len(fragments), "fragments": len(fragments),
        "no_group": sum(bool(doubted[k]) for k in none), "flagged": -1 if flags is None else sum(bool(flags[k]) for k in none),
        "worst_age_error": max(errors, key=abs, default=np.nan),
        "field_components": len(field), "field_true": sum(p.kind != "group" and p.n >= 15 for p in sky.populations),
        "field_loss": field_loss([of[k] for k in field], mixture.weights_[field], sky.populations, rng),
        "details": json.dumps(details), "missed": json.dumps([[p.n, round(p.age, 1)] for g, p in enumerate(sky.populations)
                                                              if p.kind == "group" and g not in match])}


def run(what, n, seed, streams, binaries, background, limit):
    "One row."
    from chronostar.driver import Driver

    sky = skyfields.make(what, n, seed, streams, binaries)
    stars = prepared(sky, what)
    few = prepared(skyfields.make("null", 300, 1), "null")  # whatever is compiled or imported at the first call
    Driver(settings(background)).run(few)
    driver, best, took = search(stars, background, limit)
    row = {"what": what, "n": n, "seed": seed, "streams": streams, "binaries": binaries, "background": background or "-", **took,
           "candidates": len(driver.record_.scores)}
    of = [p.n for p in sky.populations if p.kind == "group"]
    row |= {"groups": len(of), "large": sum(number >= LARGE for number in of)}
    if best is None: return {**row, "outcome": "nothing"}
    row["bic"] = best.bic(stars)
    noise = getattr(best, "noise_shares_", None) is not None  # the same for both
    truth, kept, row["seconds_truth"] = informed(driver, stars, sky.labels(stars.ids), sky.populations, limit, noise)
    worth = [k for k in kept if sky.populations[k].kind == "group"]
    if truth is not None:
        row |= {"bic_truth": truth.bic(stars), "components_truth": len(kept), "worth": len(worth)}
        row["regret"] = (row["bic"] - row["bic_truth"]) / 2  # in units of ln L
        row["field_loss_truth"] = judged(truth, stars, sky, np.random.default_rng(0), 0.01)["field_loss"]
    return row | judged(best, stars, sky, np.random.default_rng(0), limit, worth)


# ---- many runs


def code():
    "Which version of the package is judged: the last commit that changed it."
    import chronostar

    where = Path(chronostar.__file__).parent
    def git(*words): return subprocess.run(["git", *words, "--", "."], cwd=where, capture_output=True, text=True).stdout.strip()
    return (git("log", "-1", "--format=%h") or chronostar.__version__) + "+" * bool(git("status", "--porcelain"))


EMPTY = {  # columns, and what they hold where a run came to nothing
    "code": "", "outcome": "", "what": "", "n": 0, "seed": 0, "streams": False, "binaries": False, "background": "",
    "seconds": np.nan, "processor": np.nan, "megabytes": np.nan, "megabytes_before": np.nan, "large": 0, "large_found": 0,
    "worth": 0, "worth_found": 0, "groups": 0, "found": 0, "false": 0, "fragments": 0, "no_group": 0, "flagged": 0,
    "regret": np.nan, "worst_age_error": np.nan, "components": 0, "components_truth": 0, "aged": 0, "field_components": 0,
    "field_true": 0, "field_loss": np.nan, "field_loss_truth": np.nan, "bic": np.nan, "bic_truth": np.nan,
    "seconds_truth": np.nan, "candidates": 0, "details": "", "missed": ""}


def apart(spec):
    "A row from a process of its own, whatever becomes of that."
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "one", json.dumps(spec)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, start_new_session=True)
    failed = {name: spec[name] for name in EMPTY if name in spec}
    try: out, err = child.communicate(timeout=10 * spec["limit"] + 600)
    except BaseException as e:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        if not isinstance(e, subprocess.TimeoutExpired): raise
        return {**EMPTY, **failed, "outcome": "killed", "background": spec["background"] or "-"}
    last = err.strip().splitlines()[-1:] or [""]
    told = json.loads(out.splitlines()[-1]) if child.returncode == 0 else {**failed, "outcome": f"failed: {last[0]:.200}"}
    return {**EMPTY, **told, "background": spec["background"] or "-"}


def stored(path):
    "The rows of a table, with the columns of today."
    table = Table.read(path) if path.exists() else Table()
    return [{**EMPTY, **{name: r[name] for name in table.colnames if not np.ma.is_masked(r[name])}} for r in table]


def append(row, path, command):
    "Add a row to a table."
    with open(__file__) as lock:  # of others that write to the same table
        fcntl.flock(lock, fcntl.LOCK_EX)
        rounded = {key: float(f"{v:.6g}") if isinstance(v, float) and not key.startswith("bic") else v for key, v in row.items()}
        store([*stored(path), rounded], path, command)


def summed(t):
    "The runs of one kind and one number of stars, in a row."
    def median(name): return float(f"{np.nanmedian(t[name]):.3g}") if np.isfinite(t[name]).any() else np.nan
    def most(name): return float(f"{max(t[name], key=lambda x: abs(np.nan_to_num(x))):.3g}")
    def share(found, of): return f"{t[found].sum()}/{t[of].sum()}"
    return {"runs": len(t), "ok": (t["outcome"] == "ok").sum(), "seconds": median("seconds"), "longest": most("seconds"),
            "processor": median("processor"), "MB": median("megabytes"), "large": share("large_found", "large"),
            "worth": share("worth_found", "worth"), "all": share("found", "groups"),
            **{name: np.maximum(t[name], 0).sum() for name in ("false", "no_group", "flagged", "fragments")},
            "regret": median("regret"), "worst": float(f"{np.nan_to_num(t['regret'], nan=-np.inf).max():.3g}"),
            "age error": most("worst_age_error"), "comps": median("components"), "of": median("components_truth"),
            "field": median("field_loss"), "its truth": median("field_loss_truth")}


def show(paths):
    "A line for each version, kind and number of stars: medians, sums of groups, and the worst."
    by, rows = ("code", "what", "streams", "binaries", "background", "n"), []
    for path in paths:
        table = Table(stored(path))
        keys = [tuple(r[k] for k in by) for r in table]
        for key in dict.fromkeys(keys):
            rows.append({**dict(zip(by, key, strict=True)), **summed(table[[k == key for k in keys]])})
    Table(rows).pprint_all()


def seeds(text):
    "'7', '1000:1020' or '1,2,5'."
    first, colon, last = text.partition(":")
    return list(range(int(first), int(last))) if colon else [int(s) for s in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, numbers in WHOLE.items():
        sub = kinds.add_parser(kind)
        sub.add_argument("--n", type=int, nargs="+", default=numbers, help="numbers of stars")
        sub.add_argument("--seeds", type=seeds, default=[1], help="1000:1020 or 1,2,5; up to 99 to tune, from 1000 to judge")
        sub.add_argument("--limit", type=float, default=600.0, help="seconds of the processor for a search")
        sub.add_argument("--table", type=Path, default=PAGES / f"survey_{kind}.ecsv")
        sub.add_argument("--background", default="SpaceComponent" if kind == "gaussian" else "FieldComponent", help="'' for none")
        if kind == "growth": sub.add_argument("--groups", nargs="+", choices=("two", "ten"), default=["two", "ten"])
        if kind != "gaussian":
            sub.add_argument("--streams", action=argparse.BooleanOptionalAction, default=kind == "null")
            sub.add_argument("--binaries", action=argparse.BooleanOptionalAction, default=kind == "null")
    kinds.add_parser("one").add_argument("spec")
    tables = [PAGES / f"survey_{kind}.ecsv" for kind in WHOLE]
    kinds.add_parser("show").add_argument("tables", type=Path, nargs="*", default=tables)
    given = parser.parse_args()
    if given.kind == "one":
        warnings.simplefilter("ignore")
        logging.disable()
        print(json.dumps(run(**json.loads(given.spec)), default=float))
        return
    if given.kind == "show":
        show([path for path in given.tables if path.exists()])
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # which ends the run that is under way, too
    command = " ".join(["python -m tests.benchmarks.survey", *sys.argv[1:]])
    for n in given.n:
        for what in getattr(given, "groups", [given.kind]):
            for seed in given.seeds:
                spec = {"what": what, "n": n, "seed": seed, "streams": getattr(given, "streams", False),
                        "binaries": getattr(given, "binaries", False), "background": given.background or None,
                        "limit": given.limit}
                version = code()
                row = {**apart(spec), "code": version}
                append(row, given.table, command)
                told = ("outcome", "seconds", "megabytes", "large_found", "large", "worth_found", "worth", "found", "groups",
                        "false", "no_group", "flagged", "fragments", "regret", "worst_age_error", "components")
                print(what, n, seed, {k: round(v, 2) if isinstance(v, float) else v for k in told for v in [row[k]]}, flush=True)


if __name__ == "__main__":
    main()
