"""A search that is killed, interrupted, or shared among workers comes to the same files, to the last bit."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copytree, rmtree

import numpy as np
import pytest
from conftest import worked_example

from chronostar import cli
from chronostar import workers as crew
from chronostar.datatools import InputError, StarData, prepare
from chronostar.driver import Driver
from chronostar.icpool.simpleicpool import SimpleICPool
from chronostar.synthdata import SynthData

FIT = [str(Path(sys.executable).with_name("fit-chronostar")), "-q", "stars"]


def contents(folder):
    "Every file below a folder, the hidden ones too."
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    "A folder with stars, and what a search that nobody disturbs leaves."
    folder = tmp_path_factory.mktemp("undisturbed")
    prepare(worked_example(0)[0]).stars.write(folder / "stars")
    subprocess.run(FIT, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def place(undisturbed, tmp_path):
    "A fresh folder with the same stars."
    (tmp_path / "stars").symlink_to(undisturbed / "stars")
    return tmp_path


def resume(place, *options):
    done = subprocess.run([*FIT, "--resume", *options], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def assert_same_files(place, undisturbed):
    made, wanted = contents(place / "result"), contents(undisturbed / "result")
    assert sorted(made) == sorted(wanted)
    assert [name for name in made if made[name] != wanted[name]] == []


def kill_at(place, n_files, delay):
    "Start or resume the search, and kill it a little after it has written a number of files; whether it was still running."
    with subprocess.Popen([*FIT, "--resume"], cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as search:
        while search.poll() is None and sum(path.is_file() for path in (place / "result").rglob("*")) < n_files:
            time.sleep(0.001)
        time.sleep(delay)
        alive = search.poll() is None
        search.kill()
    return alive


@pytest.mark.parametrize("n", [3, pytest.param(24, marks=pytest.mark.slow)])
def test_killed_at_random_moments(place, undisturbed, n):
    "Some of them twice: the search that went on is killed too."
    rng, n_files, interrupted = np.random.default_rng(n), len(contents(undisturbed / "result")), 0
    for _ in range(n):
        interrupted += kill_at(place, rng.integers(n_files), rng.uniform(0, 0.1))
        if rng.random() < 0.3:
            interrupted += kill_at(place, rng.integers(n_files), rng.uniform(0, 0.1))
        resume(place)
        assert_same_files(place, undisturbed)
        rmtree(place / "result")
    assert interrupted


def test_ctrl_c_leaves_the_best_so_far(place, undisturbed):
    (place / "slow.yaml").write_text("modules:\n  icpool: patience.Impatient\n")
    (place / "patience.py").write_text(
        "import os, signal\nfrom chronostar.icpool.simpleicpool import SimpleICPool\n\nclass Impatient(SimpleICPool):\n"
        "    def get_batch(self):\n        if len(self.scores) == 2: os.kill(os.getpid(), signal.SIGINT)\n"
        "        return super().get_batch()\n")
    done = subprocess.run([*FIT, "-c", "slow.yaml"], cwd=place, capture_output=True, text=True)
    assert done.returncode == 130
    assert "stopped: the best so far, AAB-AAA-0001-0002-0, is in result/final; --resume goes on" in done.stderr
    assert "Traceback" not in done.stderr
    assert "search: 'interrupted after 2 candidates: this is the best so far'" in \
        (place / "result/final/AAB-AAA-0001-0002-0.txt").read_text()
    for name in ("weights.npy", "memberships.npy"):
        got, wanted = np.load(place / "result/final" / name), np.load(undisturbed / "result/final" / name)
        np.testing.assert_allclose(got, wanted, atol=0.01)  # the finished result is polished


@pytest.mark.parametrize("change, difference", [
    ({"config": "mixture:\n  tol: 1e-4\n"}, "mixture.tol not set where now it is 0.0001"),
    ({"stars": slice(1, None)}, "stars 927 where now it is 926"),
    ({"stars": slice(None, None, -1)}, "other data")])
def test_another_search_is_not_mixed_in(place, undisturbed, change, difference, capsys, monkeypatch):
    copytree(undisturbed / "result", place / "result")
    (place / "config.yaml").write_text(change.get("config", ""))
    StarData.read(place / "stars")[change.get("stars", slice(None))].write(place / "changed")
    monkeypatch.chdir(place)
    with pytest.raises(SystemExit) as stopped:
        cli.fit_chronostar(["-q", "-c", "config.yaml", "--resume", "changed"])
    message = capsys.readouterr().err
    assert stopped.value.code == 2 and message.count("\n") == 1 and f"belongs to a search with {difference}" in message
    assert_same_files(place, undisturbed)


# Many cores

@pytest.fixture(scope="module")
def stars():
    groups = [[-40, 20, 0, 5, 0, 2, 8., 1., 8.], [30, -20, 10, -4, 3, 0, 10., 1.2, 25.], [0, 0, 0, 0, 0, 0, 100., 15., 0.]]
    return prepare(SynthData(groups, [40, 50, 200], rng=3, m_err=0.3).generate()).stars


@pytest.fixture(scope="module")
def alone(stars, tmp_path_factory):
    "A search with one worker, and its files."
    folder = tmp_path_factory.mktemp("alone")
    driver = Driver(savedir=folder / "fits")
    driver.run(stars)
    return driver, files(folder)


def files(folder):
    "Files of a search, but for its own name in them."
    return {name: content.replace(str(folder).encode(), b"") for name, content in contents(folder).items()}


@pytest.mark.parametrize("n", [2, 3])
def test_workers_change_nothing(stars, alone, tmp_path, n):
    driver = Driver(savedir=tmp_path / "fits")
    driver.run(stars, workers=n)
    assert files(tmp_path) == alone[1]
    assert list(driver.icpool.scores.items()) == list(alone[0].icpool.scores.items())


def test_order_of_finishing_changes_nothing(stars, alone, tmp_path):
    "An executor whose first task is ready last."
    class Backwards(ThreadPoolExecutor):
        def submit(self, *args):
            delay = 0.5 / (1 + len(submitted))
            submitted.append(delay)
            return super().submit(lambda: (time.sleep(delay), args[0](*args[1:]))[1])

    submitted = []
    with Backwards(3) as executor:
        driver = Driver(savedir=tmp_path / "fits")
        driver.run(stars, executor=executor)
    assert files(tmp_path) == alone[1] and len(submitted) == len(driver.icpool.scores)


def workers_of(pid):
    "Processes that a search has started to work for it."
    found = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in found.splitlines() if "popen_loky" in line]


class Assassin(SimpleICPool):
    "A pool that has a worker killed when the second generation has begun."
    def get_batch(self):
        if self._generation == 2 and (victims := workers_of(os.getpid())):
            Assassin.killed = victims[0]
            os.kill(victims[0], signal.SIGKILL)
        return super().get_batch()


def test_a_worker_that_dies_is_replaced(stars, alone, caplog):
    driver = Driver(icpool_class=Assassin)
    driver.run(stars, workers=2)
    assert Assassin.killed and "a worker died" in caplog.text
    assert driver.icpool.scores == alone[0].icpool.scores


def test_no_worker_survives(stars):
    Driver().run(stars, workers=2)
    assert workers_of(os.getpid()) == []


def test_ctrl_c_stops_the_workers_too(place):
    "The terminal sends it to all processes of the command."
    (place / "patience.py").write_text(
        "import os, signal\nfrom chronostar.icpool.simpleicpool import SimpleICPool\n\nclass Impatient(SimpleICPool):\n"
        "    def register_result(self, *args):\n        super().register_result(*args)\n"
        "        if len(self.scores) == 2: os.killpg(0, signal.SIGINT)\n")
    (place / "config.yaml").write_text("modules:\n  icpool: patience.Impatient\n")
    search = subprocess.Popen([*FIT, "--workers", "2", "-c", "config.yaml"], cwd=place, stderr=subprocess.PIPE, text=True,
                              start_new_session=True)
    said = search.communicate()[1]
    assert search.returncode == 130 and said.count("\n") == 2 and "Traceback" not in said, said
    left = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "-s", str(search.pid)], capture_output=True, text=True).stdout
    assert "popen_loky" not in left
    assert not list(place.rglob(".*-stars.npy"))


@pytest.mark.slow
def test_workers_of_a_killed_search_end(place):
    search = subprocess.Popen([*FIT, "--workers", "2"], cwd=place)
    while not (found := workers_of(search.pid)):
        time.sleep(0.05)
    search.kill()
    search.wait()
    ends = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in found):
        assert time.monotonic() < ends, "workers survive the search"
        time.sleep(0.1)


def test_stars_that_no_worker_sees(stars, tmp_path):
    parked = crew.park(stars, tmp_path)
    os.unlink(parked.path)
    with pytest.raises(InputError, match="choose a driver.savedir that all machines can see"):
        crew.fetch(parked._replace(pid=0))


@pytest.mark.slow
def test_dask(stars, alone, tmp_path, caplog):
    "Two workers of a Dask cluster, one of which is killed on the way."
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        class Murderer(SimpleICPool):
            def get_batch(self):
                if self._generation == 2 and not hasattr(Murderer, "victim"):
                    Murderer.victim = next(iter(cluster.workers.values())).pid
                    os.kill(Murderer.victim, signal.SIGKILL)
                return super().get_batch()

        with distributed.Client(cluster) as client:
            driver = Driver(icpool_class=Murderer)
            driver.run(stars, executor=client.get_executor())
    assert Murderer.victim and driver.icpool.scores == alone[0].icpool.scores


@pytest.mark.slow
def test_scheduler_on_the_command_line(place, undisturbed):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        done = subprocess.run([*FIT, "--scheduler", cluster.scheduler_address], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert_same_files(place, undisturbed)


def test_no_scheduler_there(place):
    pytest.importorskip("distributed")
    done = subprocess.run([*FIT, "--scheduler", "tcp://127.0.0.1:9"], cwd=place, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "no Dask scheduler answers there" in done.stderr
