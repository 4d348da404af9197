"""What the benchmarks share: data, clocks, and the one table in which all of them end."""

import os
import platform
import subprocess
import sys
import sysconfig
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

PAGES = Path(__file__).resolve().parents[2] / "nbs" / "tutorials"
ROWS = pytest.StashKey()


def machine():
    "The processor, and how many cores this process may use."
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    return f"{model}, {len(os.sched_getaffinity(0))} cores"


def store(rows, name, command):
    "Write a table for the page on speed, with its date and machine."
    table = Table(rows)
    table.meta = {"date": date.today().isoformat(), "machine": machine(), "command": command}
    table.write(PAGES / name, overwrite=True)


# --- data


def sky(n, k, seed=0):
    "Means (n, 6) and covariances (n, 6, 6) of k - 1 associations in a field, and the component of each star."
    from chronostar.synthdata import generate_association, sphere

    rng = np.random.default_rng(seed)
    sizes = np.full(k, n // (2 * k))
    sizes[-1] = n - sizes[:-1].sum()  # more than half of the stars are field
    means = [
        generate_association(np.hstack([rng.normal(0, 60, 3), rng.normal(0, 8, 3)]), sphere(8.0, 1.0), 10.0 + 5 * i, size, rng)
        for i, size in enumerate(sizes[:-1])
    ]
    means.append(generate_association(np.zeros(6), sphere(120.0, 15.0), 0.0, sizes[-1], rng))
    order = rng.permutation(n)
    return np.vstack(means)[order], covariances(n, rng), np.repeat(np.arange(k), sizes)[order]


def covariances(n, rng):
    "Covariances (n, 6, 6) of some pc² and km²/s²."
    factor = rng.normal(size=(n, 6, 6))
    return factor @ factor.swapaxes(1, 2) / 6 + 0.01 * np.eye(6)


@pytest.fixture(scope="session")
def hundred_thousand():
    "Means and covariances of 100 000 stars."
    return sky(100_000, 2)[:2]


@pytest.fixture(scope="session")
def million():
    "A million stars of five components, as StarData in both coordinates, and the component of each."
    from chronostar.datatools import StarData

    means, covs, truth = sky(1_000_000, 5)
    stars = StarData(means, covs)
    assert len(stars.curvilinear) == len(stars)
    return stars, truth


# --- clocks


def seconds(function):
    "How long a call takes."
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@pytest.fixture
def race(benchmark):
    "Best times of two functions, called in turns so that both meet the same machine."

    def run(ours, other, rounds=5):
        ours(), other()
        times = []

        def before():
            times.append(seconds(other))

        benchmark.pedantic(ours, setup=before, rounds=rounds)
        return benchmark.stats.stats.min, min(times)

    return run


class Child:
    "What a finished process cost."

    def __init__(self, command, env=None, cwd=None):
        script = Path(sysconfig.get_path("scripts")) / str(command[0])  # commands of this environment
        command = [str(script if script.exists() else command[0]), *map(str, command[1:])]
        start = time.perf_counter()
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        child = subprocess.Popen(command, **pipes, env={**os.environ, **(env or {})}, cwd=cwd)
        self.output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.seconds, self.megabytes = time.perf_counter() - start, usage.ru_maxrss / 1024
        assert child.returncode == 0, f"{command}: {self.output}"


@pytest.fixture
def best_child(benchmark):
    "The fastest of some processes, each started anew."

    def run(command, rounds=3, other=None, **how):
        ours, others = [], []

        def before():
            if other:
                others.append(Child(other, **how))

        benchmark.pedantic(lambda: ours.append(Child(command, **how)), setup=before, rounds=rounds)

        def fastest(children):
            return min(children, key=lambda child: child.seconds)

        return (fastest(ours), fastest(others)) if other else fastest(ours)

    return run


@contextmanager
def burners():
    "As many busy processes as there are cores."
    children = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in os.sched_getaffinity(0)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


# --- the table


@pytest.fixture
def record(request, benchmark):
    "Put a line into the table, and hold the measurement against its limit: at most, or with `at_least`."

    def add(item, measured, limit=None, unit="", at_least=False):
        fine = limit is None or (measured >= limit if at_least else measured <= limit)
        sign = "" if limit is None else f"{'>=' if at_least else '<='} {limit:g}"
        request.config.stash.setdefault(ROWS, []).append(
            {"item": item, "measured": float(f"{measured:.3g}"), "unit": unit, "limit": sign, "kept": "yes" if fine else "NO"}
        )
        benchmark.extra_info[item] = measured
        assert fine, f"{item}: {measured:.4g} {unit}, limit {sign}"

    return add


def pytest_addoption(parser):
    parser.addoption("--store", action="store_true", help="write the benchmarks' table for the documentation's page on speed")


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(ROWS, [])
    if not rows:
        return
    terminalreporter.section(f"speed: {machine()}, {date.today().isoformat()}")
    terminalreporter.write_line(f"{'':62}{'measured':>12} {'':12}{'limit':>9}  kept")
    for row in rows:
        kept = row["kept"] if row["limit"] else ""
        terminalreporter.write_line(f"{row['item']:62}{row['measured']:>12g} {row['unit']:12}{row['limit']:>9}  {kept}")
    if config.getoption("--store"):
        store(rows, "speed_results.ecsv", "pytest tests/benchmarks --benchmark-only --benchmark-quiet --store")
