"""Ten million stars that are not in memory: `python tests/benchmarks/chunks.py [FOLDER [STARS]]` writes scale_chunks.ecsv.

It takes some ten minutes, and 9 GB of disk in FOLDER while it runs."""

import multiprocessing
import os
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from copy import copy
from pathlib import Path

import numpy as np
from bench import covariances, store

from chronostar.chunks import CHUNK, ChunkedStars, pack_stars
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import StarData
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.synthdata import generate_association, sphere

GROUPS = [[40.0, -30, 10, 3, 4, -2, 8, 1, 15], [-80.0, 60, 0, -6, 2, 3, 12, 1, 30], [0.0, 0, 0, 0, 0, 0, 120, 15, 0]]
MEMBERS = 300  # of each group in a chunk; all others are field


def write_stars(path, n):
    "An array (n, 42): the stars of one chunk again and again."
    rng = np.random.default_rng(0)
    sizes = [MEMBERS, MEMBERS, CHUNK - 2 * MEMBERS]
    groups = zip(np.array(GROUPS), sizes, strict=True)
    means = np.vstack([generate_association(p[:6], sphere(*p[6:8]), p[8], size, rng) for p, size in groups])
    rows = np.hstack([means[rng.permutation(CHUNK)], covariances(CHUNK, rng).reshape(-1, 36)])
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (n, 42)})
        for start in range(0, n, CHUNK):
            rows[: n - start].tofile(file)


def mixture():
    "Roughly what there is."
    start = [SphereSpaceTimeComponent(np.array(p) + [1, 1, 1, 0.3, 0.3, 0.3, 1, 0.2, 0]) for p in GROUPS]
    return ComponentMixture(None, start).set_parameters([0.002, 0.002, 0.996], start)


def m_step(stars, resp):
    "The mixture after an M-step."
    new = mixture()
    new._m_step(stars, resp)
    return new


def family():
    "This process and those that it started, and so on."
    pids = [os.getpid()]
    for pid in pids:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                pids += children.read_text().split()
            except OSError:  # it has ended meanwhile
                continue
    return pids


def resident():
    "Memory of all processes, in MB: their own, and that of files, which the system may take back."
    memory = np.zeros(2)
    for pid in family():
        try:
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            memory += [int(status[key].split()[0]) / 1e3 for key in ("RssAnon", "RssFile")]
        except (OSError, KeyError):
            continue
    return memory


def processor():
    "How long all processes have occupied a processor, in seconds."
    ticks = 0
    for pid in family():
        with suppress(OSError):
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def watched(row):
    "Fill a row with the time of what happens here, and its memory at the peak."
    seen, done = [resident()], threading.Event()

    def watch():
        while not done.wait(0.02):
            seen.append(resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start, worked = time.perf_counter(), processor()
    yield
    row["seconds"], row["processor"] = time.perf_counter() - start, processor() - worked
    done.set()
    watcher.join()
    row["anonymous"], row["mapped"] = np.max(seen, axis=0)
    row["all"] = np.sum(seen, axis=1).max()


@contextmanager
def no_executor():
    yield None


@contextmanager
def dask():
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        yield client


def pool():
    return ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))


EXECUTORS = {"one process": (1, no_executor), "two processes": (2, pool), "Dask, two workers": (2, dask)}


def nothing(stars):
    return len(stars)


def warm(stars):
    "All that is compiled or imported at the first call."
    few = stars[:1000]
    m_step(few, few.e_step(mixture())[1])


def forget(folder):
    "Ask the system to drop what it keeps of the files."
    os.sync()
    for path in folder.rglob("*.npy"):
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def steps(folder, n, name):
    "Rows: each step, with an executor."
    workers, make = EXECUTORS[name]

    def row(what, k):
        return {"what": what, "with": name, "n": n, "k": k, "workers": workers}

    with make() as executor:
        packed = folder / "packed"
        if not packed.exists():
            with watched(this := row("pack", 1)):
                pack_stars(folder / "stars.npy", packed, executor)
            yield this
        stars = ChunkedStars(packed, executor)
        stars.map(warm)
        with watched(this := row("nothing", 1)):
            for _ in range(10):
                stars.map(nothing)
        for clock in ("seconds", "processor"):
            this[clock] /= 10 * len(stars.chunks)  # of a visit
        yield this
        current = mixture()
        with watched(this := row("E-step", 3)):
            _, resp = stars.e_step(current)
        yield this
        mean, cov = current.components_[2]._curvilinear_moments()
        weights = resp.T[2]
        with watched(this := row("three sums", 1)):
            stars.curvilinear.overlap_sums(weights, mean, cov, 1)
        yield this
        with watched(this := row("gather", 1)):
            weights.memberships.T[0].relevant(stars.curvilinear, 1e-12, 0.2)
        yield this
        with watched(this := row("M-step", 3)):
            m_step(stars, resp)
        yield this
        with watched(this := row("top 10 000", 1)):
            stars.top(current.components_[0], 10_000)
        yield this
        del resp, weights
        if name == "one process":
            forget(packed)
            with watched(this := row("read", 0)):
                for chunk in stars.chunks:
                    np.fromfile(Path(chunk.folder, "curvilinear.npy"))
            yield this


def agreement(folder, n):
    "Largest relative difference of an iteration's parameters from those in memory."
    stars = StarData(np.load(folder / "stars.npy"))
    packed = ChunkedStars(folder / "packed")
    a, b = (m_step(s, s.e_step(copy(mixture()))[1]) for s in (packed, stars))
    pairs = [(x.get_parameters(), y.get_parameters()) for x, y in zip(a.components_, b.components_, strict=True)]
    return max(float(np.abs(x - y).max() / np.abs(y).max()) for x, y in [*pairs, (a.weights_, b.weights_)])


if __name__ == "__main__":
    place, most = (sys.argv[1:] + [None, None])[:2]
    rows = []
    for n in (10**6, int(float(most or 1e7))):
        with tempfile.TemporaryDirectory(dir=place) as folder:
            folder = Path(folder)
            write_stars(folder / "stars.npy", n)
            for name in EXECUTORS:
                for row in steps(folder, n, name):
                    rows.append({key: float(f"{v:.4g}") if isinstance(v, float) else v for key, v in row.items()})
                    print(*rows[-1].values(), flush=True)
            if n == 10**6:
                print("difference", difference := agreement(folder, n))
    store(rows, "scale_chunks.ecsv", "python tests/benchmarks/chunks.py", difference=difference)
