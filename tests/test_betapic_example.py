"""The β Pictoris worked example at its full size. (The tutorial runs it at a third of that, on every change.)"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from chronostar.component.spacecomponent import SpaceComponent
from chronostar.maths import estimate_log_gaussian_ol_prob
from chronostar.results import read_result
from chronostar.synthdata import generate_gaia_sky, sphere


def shell(folder, line):
    "Run a command as a shell would; what it says."
    command, *argv = line.split()
    program = Path(sys.executable).with_name(command)
    done = subprocess.run([program, *argv], cwd=folder, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.slow
def test_all_stars_within_100_pc(tmp_path):
    group = dict(mean_now=[25.0, -5, 10, 0.5, -3.8, -2], covariance_birth=sphere(6.0, 0.7), age=18.0, nstars=140)
    sky, truth = generate_gaia_sky(310_000, [group], rng=2)
    sky, truth = sky[:285_885], np.asarray(truth["component"])[:285_885]
    sky.write(tmp_path / "betapic-100pc.fits")
    assert "285885 of 285885 stars" in shell(tmp_path, "prepare-data -fw betapic-100pc.fits")
    t = Table.read(tmp_path / "betapic-100pc.fits")
    names = ("data_means", "data_all", "fake_rvs_mask", "ids")
    means, everything, fake, ids = (np.load(tmp_path / f"{name}.npy") for name in names)
    np.testing.assert_array_equal(t["source_id"], ids)
    lower, upper = np.array([-60.0, -60, -30, -5, -8, -7]), np.array([110.0, 50, 60, 10, 1, 3])
    mask = (means > lower).all(axis=1) & (means < upper).all(axis=1) & ~fake
    np.save(tmp_path / "rvs_subset_means.npy", means[mask])
    (tmp_path / "config-comp.yml").write_text("modules:\n  component: SpaceComponent\nrun:\n  savedir: result-comp\n")
    shell(tmp_path, "fit-component -c config-comp.yml rvs_subset_means.npy")
    component = SpaceComponent(np.load(tmp_path / "result-comp/params.npy"))
    overlap = estimate_log_gaussian_ol_prob(everything, component.mean, component.covariance)
    top = mask | (fake & (overlap > np.percentile(overlap[fake], 100 * (1 - 500 / fake.sum()))))
    np.save(tmp_path / "rvless_subset_all.npy", everything[top])
    (tmp_path / "config-chron.yml").write_text(
        "modules:\n  component: SphereSpaceTimeComponent # default\n  mixture: ComponentMixture # default\n"
        "mixture:\n  init_params: random # default\n  verbose: 2 # defaut\n  verbose_interval: 1\n  tol: 1.e-5\n"
        "component:\n  nthreads: 8\ndriver:\n  savedir: result-chron/intermediate\nrun:\n  savedir: result-chron/final\n")
    shell(tmp_path, "fit-chronostar -c config-chron.yml rvless_subset_all.npy")
    best = read_result(tmp_path / "result-chron/final")
    member, true = best.predict_proba(everything[top]) > 0.5, truth[top] == 1
    found = member[true].sum(axis=0).argmax()
    assert abs(best.components_[found].age - 18) < 3
    assert member[true, found].mean() > 0.9 and true[member[:, found]].mean() > 0.9
