"""The full search of the synthetic worked example: its files, and other seeds. (The tutorial tests all steps for one seed.)"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from chronostar.datatools import StarData, prepare
from chronostar.driver import Driver
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.synthdata import worked_example


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    "A folder with the data of the example, prepared."
    folder = tmp_path_factory.mktemp("synthetic")
    table, truth = worked_example(0)
    table.write(folder / "synth_astro.fits")
    np.save(folder / "true_membs.npy", truth)
    shell(folder, "prepare-data", "synth_astro.fits")
    return folder


def shell(folder, command, *argv):
    "Run a command as a shell would; what it prints."
    program = Path(sys.executable).with_name(command)
    done = subprocess.run([program, *argv], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr, done.stderr
    return done.stdout


def test_fit_chronostar(example):
    "The file is written as config-chron.yaml and read as config-chron.yml, as in the text."
    (example / "config-chron.yaml").write_text(
        "component:\n  nthreads: 4\nmixture:\n  tol: 1.e-5\n  verbose: 2\n  verbose_interval: 1\n"
        "driver:\n  intermediate_dumps: True\n  savedir: output-chron/intermediate\nrun:\n  savedir: output-chron/final\n")
    shell(example, "fit-chronostar", *"-c config-chron.yml data_all.npy".split())
    tried = sorted(path.name for path in (example / "output-chron/intermediate").iterdir())
    assert tried == ["AAA-XXX-0000-0001-auto", "AAB-AAA-0001-0002-0", "AAC-AAB-0002-0003-0", "AAD-AAB-0002-0003-1"]
    final = sorted(path.name for path in (example / "output-chron/final").iterdir())
    assert final == ["AAB-AAA-0001-0002-0.txt", "comp_000_params.npy", "comp_001_params.npy", "components.ecsv",
                     "fit.json", "members.fits", "memberships.npy", "memberships_averaged.npy", "report.html",
                     "search.ecsv", "uncertainties.json", "verdicts.json", "weights.npy"]
    members = Table.read(example / "output-chron/final/members.fits")
    assert members["source_id"].dtype.str[1:] == "i8"
    np.testing.assert_array_equal(members["source_id"], np.load(example / "ids.npy"))
    np.testing.assert_array_equal(members["probability_1"], np.load(example / "output-chron/final/memberships.npy")[:, 1])
    components = Table.read(example / "output-chron/final/components.ecsv")
    assert np.ptp(components["age"]) > 25 and str(components["age"].unit) == "Myr"
    said = json.loads((example / "output-chron/final/uncertainties.json").read_text())
    ages = {q["component"]: (q["value"], q["sigma"]) for q in said["quantities"] if q["name"] == "age"}
    group = int(np.argmax([value for value, _ in ages.values()]))
    assert abs(ages[group][0] - 30) < 3 * ages[group][1] < 3
    np.testing.assert_allclose(Table.read(example / "output-chron/final/components.ecsv")["age_error"][group], ages[group][1])
    np.save(example / "fewer.npy", np.load(example / "data_all.npy")[100:])
    program = Path(sys.executable).with_name("plot-age")
    done = subprocess.run([program, *"fewer.npy -r output-chron/final -o plots-fewer".split()], cwd=example,
                          capture_output=True, text=True)
    assert "output-chron/final was fitted to 927 stars, but there are 827 here" in done.stderr
    assert f"component {group}: AgeProfile: " in done.stdout and (example / f"plots-fewer/age_{group:03d}.pdf").exists()


def test_the_search_finds_the_truth_for_most_seeds():
    "The two components of the truth, with a BIC no worse than that of the fit started from the true memberships."
    found = 0
    for seed in range(10):
        table, truth = worked_example(seed)
        stars = StarData(prepare(table).X)
        driver = Driver()
        best = driver.run(stars)
        informed = ComponentMixture().fit(stars, init_resp=truth)
        found += list(driver.icpool.scores) == ["AAA-XXX-0000-0001-auto", "AAB-AAA-0001-0002-0", "AAC-AAB-0002-0003-0",
                                                "AAD-AAB-0002-0003-1"] and best.bic(stars) < informed.bic(stars) + 0.5
    assert found >= 9
