"""What the benchmarks share: invented skies, clocks, processes, and tables for the documentation."""

import json
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
from astropy.table import Table

PAGES = Path(__file__).resolve().parents[2] / "nbs" / "tutorials"


def machine():
    "The processor, and how many cores this process may use."
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    return f"{model}, {len(os.sched_getaffinity(0))} cores"


def store(rows, name, command, **more):
    "Write a table for the documentation, with its date and machine."
    table = Table(rows)
    table.meta = {"date": date.today().isoformat(), "machine": machine(), "command": command, **more}
    table.write(PAGES / name, overwrite=True)


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


def seconds(function):
    "How long a call takes."
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


# a small process in between: Linux counts the memory of the one that starts a process as its own
_START = """
import json, os, subprocess, sys, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
_, status, usage = os.wait4(child.pid, 0)
print(json.dumps([time.perf_counter() - start, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)]))
"""


class Child:
    "What a process cost, in seconds and megabytes."

    def __init__(self, command, env=None, cwd=None):
        script = Path(sysconfig.get_path("scripts")) / str(command[0])  # the commands of this environment
        command = [str(script) if script.exists() else command[0], *command[1:]]
        started = subprocess.run(
            [sys.executable, "-c", _START, *command], capture_output=True, text=True, env={**os.environ, **(env or {})}, cwd=cwd
        )
        self.seconds, self.megabytes, status = json.loads(started.stdout)
        assert status == 0, f"{command}: {started.stderr}"


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
