"""Time and memory against the number of stars and of components: `python tests/benchmarks/growth.py` writes speed_growth.ecsv.

It takes some minutes, and 6 GB of disk for the ten million stars that are read by memory-mapped chunks."""

import sys
import tempfile
import time
import tracemalloc
import warnings
from copy import copy
from pathlib import Path

import numpy as np
from bench import sky, store
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import StarData
from chronostar.maths import overlap_sums, pack
from chronostar.mixture.componentmixture import ComponentMixture

CHUNK = 128_000  # stars, a whole number of blocks
ITERATIONS = 3


def processor(function):
    "How long a call occupies the processor, whatever else the machine does."
    start = time.process_time()
    function()
    return time.process_time() - start


def cost(function):
    "Best time of some calls on one thread, and the memory that a call takes at its peak, in MB."
    with threadpool_limits(1):
        function()
        times = [processor(function)]
        while len(times) < 1000 and sum(times) < 8:
            times.append(processor(function))
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return min(times), peak / 1e6


def write_stars(folder, n):
    "Files of `n` stars, as a user has them (n, 42) and packed; beyond a chunk, the same stars again and again."
    means, covs, _ = sky(min(n, CHUNK), 2)
    rows, blocks = np.hstack([means, covs.reshape(-1, 36)]), pack(means, covs)
    table = np.lib.format.open_memmap(folder / "stars.npy", "w+", shape=(n, 42))
    packed = np.lib.format.open_memmap(folder / "packed.npy", "w+", shape=(-(-n // 64), *blocks.shape[1:]))
    for start in range(0, n, CHUNK):
        table[start : start + CHUNK] = rows[: n - start]
        packed[start // 64 : (start + CHUNK) // 64] = blocks[: len(packed) - start // 64]


def rough(stars, truth, k):
    "Components to start from."
    few = slice(0, 20_000)
    unsure = np.full((len(truth[few]), k), 0.4 / k)
    unsure[np.arange(len(unsure)), truth[few]] += 0.6
    return [SphereSpaceTimeComponent().maximize(stars[few], resp) for resp in unsure.T]


def iterations(stars, components):
    "Some EM iterations."
    mixture = ComponentMixture(None, [copy(c) for c in components], max_iter=ITERATIONS, tol=-np.inf)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        return mixture.fit(stars)


def em(n, k):
    "A row: an EM iteration in memory."
    means, covs, truth = sky(n, k)
    stars = StarData(means, covs, nthreads=1)
    components = rough(stars, truth, k)
    held = stars.cartesian.blocks.nbytes + stars.curvilinear.blocks.nbytes + stars.curvilinear.log_jacobian.nbytes
    took, peak = cost(lambda: iterations(stars, components))
    return {"what": "EM iteration", "n": n, "k": k, "seconds": took / ITERATIONS, "megabytes": held / 1e6 + peak}


def from_disk(folder, n):
    "Rows: a pass over the packed file, and memberships in two components by chunks of the other."
    blocks, weights = np.load(folder / "packed.npy", mmap_mode="c"), np.ones(n)
    took, peak = cost(lambda: overlap_sums(blocks, weights, np.zeros(6), 100 * np.eye(6), nthreads=1))
    yield {"what": "three sums, from disk", "n": n, "k": 1, "seconds": took, "megabytes": peak + weights.nbytes / 1e6}
    rows = np.load(folder / "stars.npy", mmap_mode="r")
    truth = [[0.0] * 6 + [8.0, 1.0, 10.0], [0.0] * 6 + [120.0, 15.0, 0.0]]
    mixture = ComponentMixture().set_parameters([0.5, 0.5], [SphereSpaceTimeComponent(p) for p in truth])
    out = np.lib.format.open_memmap(folder / "memberships.npy", "w+", shape=(n, 2))

    def memberships():
        for start in range(0, n, CHUNK):
            out[start : start + CHUNK] = mixture.predict_proba(StarData(rows[start : start + CHUNK], nthreads=1))

    took, peak = cost(memberships)
    yield {"what": "memberships, from disk", "n": n, "k": 2, "seconds": took, "megabytes": peak}


if __name__ == "__main__":
    rows = []

    def add(row):
        rows.append({name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in row.items()})
        print(*rows[-1].values(), flush=True)

    for n in (10**3, 10**4, 10**5, 10**6, 10**7):
        with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
            write_stars(Path(folder), n)
            for row in from_disk(Path(folder), n):
                add(row)
        if n < 10**7:
            add(em(n, 2))
    for k in (1, 3, 5, 10, 20):
        add(em(10**5, k))
    store(rows, "speed_growth.ecsv", "python tests/benchmarks/growth.py")
