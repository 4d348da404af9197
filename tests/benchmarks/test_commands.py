"""What a user waits for: whole processes, from the first import to the written file."""

import sys
from pathlib import Path

import numpy as np
import pytest

from chronostar.datatools import CORRELATIONS, StarData, prepare
from chronostar.driver import Driver
from chronostar.synthdata import SynthData, worked_example

from .bench import Child, seconds, sky

COMMANDS = ["prepare-data", "fit-component", "fit-mixture", "fit-chronostar", "calc-memberships", "plot-features",
            "chronostar-demo"]


def python(code):
    "A command line that runs some code."
    return [sys.executable, "-c", code]


def cached(folder):
    "The files in numba's cache, with the times of their last change."
    return {path: path.stat().st_mtime_ns for path in Path(folder).rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    "A folder with the synthetic worked example: its table and, prepared, its arrays and true memberships."
    folder = tmp_path_factory.mktemp("example")
    table, truth = worked_example(0)
    prepared = prepare(table)
    np.save(folder / "data_all.npy", prepared.X)
    np.save(folder / "data_means.npy", prepared.means)
    np.save(folder / "data_covs.npy", prepared.covs)
    np.save(folder / "truth.npy", truth)
    return folder


def test_search(best_child, record, example):
    child = best_child(["fit-chronostar", "-q", "--overwrite", "data_all.npy"], cwd=example)
    record("fit-chronostar on the synthetic example, process", child.seconds, 6, "s")
    stars = StarData(np.load(example / "data_all.npy"))
    Driver().run(stars)
    record("· of which the search", min(seconds(lambda: Driver().run(stars)) for _ in range(3)), 2.5, "s")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    "A table of 285 885 stars with all correlations, half of them without a radial velocity."
    n, rng = 285_885, np.random.default_rng(0)
    table = SynthData([[0, 0, 0, 0, 0, 0, 120, 15, 0]], [n], rng).generate()
    for name in CORRELATIONS:
        table[name] = rng.uniform(-0.3, 0.3, n).astype("float32")
    missing = rng.random(n) < 0.5
    for name in ("radial_velocity", "radial_velocity_error"):
        table[name][missing] = np.nan
    path = tmp_path_factory.mktemp("catalogue") / "stars.fits"
    table.write(path)
    return path


READ_AND_WRITE = """
import numpy as np
from astropy.table import Table
table = Table.read("stars.fits")
n = len(table)
arrays = {"means": np.ones((n, 6)), "covs": np.ones((n, 6, 6)), "all": np.ones((n, 42)), "ids": np.arange(n),
          "mask": np.ones(n, dtype=bool), "fake": np.arange(n//2), "fakes": np.arange(n//2)}
for name, array in arrays.items(): np.save(f"copy_{name}.npy", array)
"""
AND_THE_TABLE = 'table.write("copy.fits", overwrite=True)'


def test_prepare_data(best_child, record, catalogue):
    command = ["prepare-data", "-q", "-f", "-o", "prepared", "stars.fits"]
    ours, files = best_child(command, other=python(READ_AND_WRITE + AND_THE_TABLE), rounds=5, cwd=catalogue.parent)
    arrays = min(Child(python(READ_AND_WRITE), cwd=catalogue.parent).seconds for _ in range(5))
    record("prepare-data -f, 285 885 rows", ours.seconds, unit="s")
    record("· / read the table, write such arrays and the table", ours.seconds / files.seconds, 2.5)
    record("· / read the table, write such arrays, leave the table out", ours.seconds / arrays)
    record("· its memory", ours.megabytes, 1200, "MB")


def test_import(best_child, record):
    ours, bare = best_child(python("import chronostar"), other=python("pass"), rounds=20)
    record("import chronostar, more than the interpreter", max(ours.seconds - bare.seconds, 0), 0.15, "s")


@pytest.mark.parametrize("command", COMMANDS)
def test_help(best_child, record, command):
    record(f"{command} --help", best_child([command, "--help"], rounds=5).seconds, 0.6, "s")


def test_compilation(benchmark, record, example, tmp_path):
    folder = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    command = ["fit-chronostar", "-q", "--overwrite", "data_all.npy"]
    first = benchmark.pedantic(Child, (command, folder, example), rounds=1)
    compiled = cached(tmp_path)
    again = [Child(command, folder, example) for _ in range(3)]
    record("compilation in a first search", first.seconds - min(child.seconds for child in again), 15, "s")
    record("· files in numba's cache", len(compiled), unit="files")
    record("· added or changed by a second process", len(set(cached(tmp_path).items()) ^ set(compiled.items())), 0, "files")


def written(folder):
    "The largest vector file, in MB."
    return max((folder / f"features.{kind}").stat().st_size for kind in ("pdf", "svg")) / 1e6


def test_plot_example(best_child, record, example):
    command = ["plot-features", "-q", "-m", "data_means.npy", "-c", "data_covs.npy", "-z", "truth.npy", "-o", "plots"]
    child = best_child([*command, "-f", "0,1.0,2.0,3.3,4"], cwd=example)
    record(f"plot-features, {len(np.load(example / 'truth.npy'))} stars, four planes", child.seconds, 5, "s")
    record("· its memory", child.megabytes, unit="MB")
    record("· the larger vector file", written(example / "plots"), 5, "MB")


def test_plot_many(best_child, record, tmp_path):
    means, covs, truth = sky(50_000, 2)
    np.save(tmp_path / "means.npy", means)
    np.save(tmp_path / "covs.npy", covs)
    np.save(tmp_path / "truth.npy", np.eye(2)[truth])
    command = ["plot-features", "-q", "-m", "means.npy", "-c", "covs.npy", "-z", "truth.npy", "-f", "0,1.0,2.0,3.3,4"]
    child = best_child(command, cwd=tmp_path)
    record("plot-features, 50 000 stars, four planes", child.seconds, 20, "s")
    record("· its memory", child.megabytes, unit="MB")
    record("· the larger vector file", written(tmp_path), 5, "MB")
