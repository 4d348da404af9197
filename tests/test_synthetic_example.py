"""The synthetic worked example, command by command, as its text has it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from conftest import worked_example

from chronostar import cli
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import StarData, prepare
from chronostar.driver import Driver
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.synthdata import generate_association


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


def test_prepare_data(example):
    means, covs = (np.load(example / f"data_{name}.npy") for name in ("means", "covs"))
    n = len(np.load(example / "true_membs.npy"))
    assert means.shape == (n, 6) and covs.shape == (n, 6, 6)
    for name in ("all_data.npy", "data_all.npy"):
        np.testing.assert_array_equal(np.load(example / name), np.hstack([means, covs.reshape(-1, 36)]))
    assert np.load(example / "ids.npy").dtype == np.int64


def test_plot_features(example):
    shell(example, "plot-features", *("-m data_means.npy -c data_covs.npy -z true_membs.npy "
                                      "-f 0,1.0,2.1,2.0,3.1,4.2,5 -o synth_plots").split())
    assert (example / "synth_plots" / "features.pdf").stat().st_size < 5e6


def test_fit_component(example):
    out = shell(example, "fit-component", "all_data.npy")
    *_, dxyz, duvw, age = np.load(example / "result" / "params.npy")
    assert 300 < dxyz < 420 and 24 < duvw < 29 and age < 1
    assert "----- RESULTS -----" in out


def test_fit_mixture_from_truth(example):
    (example / "config-mixture.yaml").write_text("mixture:\n  init_params: init_resp\nrun:\n  savedir: output-mixture\n")
    out = shell(example, "fit-mixture", *"-c config-mixture.yaml 2 all_data.npy true_membs.npy".split())
    assert "--- component 1 ---" in out
    association, field = (np.load(example / f"output-mixture/comp_00{k}/params.npy") for k in (0, 1))
    assert abs(association[8] - 30) < 1 and abs(association[6] - 50) < 5 and abs(association[7] - 1.5) < 0.15
    assert abs(field[7] - 30) < 2 and field[8] < 0.1
    truth = np.load(example / "true_membs.npy")
    np.testing.assert_allclose(np.load(example / "output-mixture/weights.npy"), truth.mean(axis=0), atol=0.02)
    shell(example, "plot-features", *("-m data_means.npy -c data_covs.npy -z output-mixture/memberships.npy "
                                      "-r output-mixture/ -f 0,1.0,2.1,2.0,3.1,4.2,5 -o plots-mixture -b").split())
    assert (example / "plots-mixture" / "features.pdf").exists()


@pytest.mark.parametrize("how", ["random", "kmeans"])
def test_fit_mixture_without_help(example, how):
    (example / "config-mixture.yml").write_text(
        f"mixture:\n  init_params: {how}\n  verbose: 2\n  verbose_interval: 1\n  tol: 1.e-5\n  random_state: 0\n"
        f"run:\n  savedir: output-mixture-nohelp-{how}\n")
    out = shell(example, "fit-mixture", *"-c config-mixture.yml 2 all_data.npy".split())
    assert "----- RESULTS -----" in out
    weights = np.load(example / f"output-mixture-nohelp-{how}" / "weights.npy")
    assert weights.shape == (2,) and abs(weights.sum() - 1) < 1e-9


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
                     "search.ecsv", "uncertainties.json", "weights.npy"]
    members = Table.read(example / "output-chron/final/members.fits")
    assert members["source_id"].dtype.str[1:] == "i8"
    np.testing.assert_array_equal(members["source_id"], np.load(example / "ids.npy"))
    np.testing.assert_array_equal(members["probability_1"], np.load(example / "output-chron/final/memberships.npy")[:, 1])
    components = Table.read(example / "output-chron/final/components.ecsv")
    assert np.ptp(components["age"]) > 25 and str(components["age"].unit) == "Myr"
    shell(example, "calc-memberships", *"data_means.npy -c data_covs.npy -r output-chron/final -o again".split())
    said = json.loads((example / "output-chron/final/uncertainties.json").read_text())
    ages = {q["component"]: (q["value"], q["sigma"]) for q in said["quantities"] if q["name"] == "age"}
    group = int(np.argmax([value for value, _ in ages.values()]))
    assert abs(ages[group][0] - 30) < 3 * ages[group][1] < 3
    np.testing.assert_allclose(Table.read(example / "output-chron/final/components.ecsv")["age_error"][group], ages[group][1])
    out = shell(example, "plot-age", *"data_all.npy -r output-chron/final -o plots-age".split())
    assert f"component {group}: AgeProfile: " in out
    assert (example / f"plots-age/age_{group:03d}.pdf").exists()
    np.save(example / "fewer.npy", np.load(example / "data_all.npy")[100:])
    program = Path(sys.executable).with_name("plot-age")
    done = subprocess.run([program, *"fewer.npy -r output-chron/final -o plots-fewer".split()], cwd=example,
                          capture_output=True, text=True)
    assert "output-chron/final was fitted to 927 stars, but there are 827 here" in done.stderr
    np.testing.assert_allclose(np.load(example / "again/calced_membership.npy"),
                               np.load(example / "output-chron/final/memberships.npy"), atol=1e-12)


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


@pytest.mark.parametrize("uncertain", [False, True])
@pytest.mark.parametrize("age", [0, 10, 30, 75, 120, 180])
def test_ages_of_clean_associations(age, uncertain):
    rng = np.random.default_rng(100 + age)
    X = generate_association(np.zeros(6), np.diag([100.0] * 3 + [4.0] * 3), age, 1000, rng)
    if uncertain:
        sigma = np.array([1, 1, 1, 0.3, 0.3, 0.3]) * rng.uniform(0.5, 1.5, (1000, 1))
        X = np.hstack([X + sigma * rng.normal(size=X.shape), (sigma[:, :, None] ** 2 * np.eye(6)).reshape(-1, 36)])
    assert abs(SphereSpaceTimeComponent().maximize(X).age - age) < max(0.5, 0.05 * age)


def test_demo(tmp_path, capsys):
    cli.demo(["-q", str(tmp_path / "demo")])
    out = capsys.readouterr().out
    assert "$ fit-chronostar -c config-chron.yml data_all.npy" in out and "Found, and the truth in brackets" in out and "±" in out
    assert (tmp_path / "demo/plots-answer/features.pdf").exists()
