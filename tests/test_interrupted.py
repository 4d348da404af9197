"""A search that is killed, interrupted, or shared among workers comes to the same files, to the last bit."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from shutil import copytree, rmtree

import numpy as np
import pytest

from chronostar import cli
from chronostar import workers as crew
from chronostar.base import BaseICPool, BaseMixture, InitialCondition
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.datatools import InputError, StarData, prepare
from chronostar.driver import Driver
from chronostar.icpool.simpleicpool import SimpleICPool
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.synthdata import SynthData, worked_example

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
            time.sleep(0.01)  # looking costs the search its processor
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
    shared = crew.share_stars(stars, tmp_path)
    os.unlink(shared.path)
    with pytest.raises(InputError, match="choose a driver.savedir that all machines can see"):
        crew.load_shared(shared._replace(pid=0))


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


# What a fit folder may look like when a search goes on

def one_fit(stars, tmp_path, **settings):
    "A search of two candidates at the most, and a way to do it again with `resume`."
    def search(**run): return Driver({"icpool": {"max_components": 2}}, savedir=tmp_path, **settings).run(stars[:150], **run)

    return search(), lambda **run: search(resume=True, **run)


def edit(path, **change):
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


DAMAGE = {
    "no JSON": lambda fit: (fit / "fit.json").write_text("{"),
    "a list": lambda fit: (fit / "fit.json").write_text("[1]"),
    "another search": lambda fit: edit(fit / "fit.json", search=[]),
    "another score": lambda fit: edit(fit / "fit.json", BIC=1.0),
    "a score that is none": lambda fit: edit(fit / "fit.json", BIC="low"),
    "a state too short": lambda fit: edit(fit / "fit.json", state=[]),
    "a state that is none": lambda fit: edit(fit / "fit.json", state=[1]),
    "other weights": lambda fit: np.save(fit / "weights.npy", [0.5, 0.5]),
    "other parameters": lambda fit: np.save(fit / "comp_000_params.npy", np.load(fit / "comp_000_params.npy") * 1.01),
    "truncated parameters": lambda fit: (fit / "comp_000_params.npy").write_bytes(b"\x93NUMPY"),
    "a file in its place": lambda fit: (rmtree(fit), fit.write_text(""))}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_fit_is_not_taken(stars, tmp_path, damage):
    _, again = one_fit(stars, tmp_path)
    before = contents(tmp_path)
    label = "AAA-XXX-0000-0001-auto"
    DAMAGE[damage](tmp_path / label)
    with pytest.raises(InputError, match=label):
        again()
    (tmp_path / label).unlink() if (tmp_path / label).is_file() else rmtree(tmp_path / label)
    again()
    assert contents(tmp_path) == before


def test_what_no_file_can_keep(stars, tmp_path):
    "A class of a notebook, and an orbit without a name."
    class Mine(SphereSpaceTimeComponent):
        pass

    for i, settings in enumerate([{"component_class": Mine}, {"mixture_class": type("Mixture", (ComponentMixture,), {})}]):
        best, again = one_fit(stars, tmp_path / str(i), **settings)
        assert repr(again()) == repr(best)


def test_a_state_that_parameters_do_not_tell(stars, tmp_path):
    class Shifted(SphereSpaceTimeComponent):
        shift = 0.0

        def m_step(self, X, resp):
            self.shift = 1.0
            return super().m_step(X, resp)

        def estimate_log_prob(self, X):
            return super().estimate_log_prob(X) + self.shift

    _, again = one_fit(stars, tmp_path, component_class=Shifted)
    with pytest.raises(InputError, match="is not as it was written"):
        again()


def test_two_searches_in_one_folder_do_not_mix(stars, tmp_path):
    "The second begins where the first has found an empty folder."
    class Late(SimpleICPool):
        def get_batch(self):
            if self._generation == 0:
                Driver({"icpool": {"max_components": 1}}, savedir=tmp_path).run(stars[:100])
            return super().get_batch()

    with pytest.raises(InputError, match="belongs to a search with stars 100 where now it is 150"):
        Driver(icpool_class=Late, savedir=tmp_path).run(stars[:150])


def test_replaced_through_a_link(stars, tmp_path):
    best, _ = one_fit(stars, tmp_path / "fits")
    linked = tmp_path / "fits/AAA-XXX-0000-0001-auto"
    linked.rename(tmp_path / "elsewhere")
    linked.symlink_to(tmp_path / "elsewhere")
    driver = Driver({"icpool": {"max_components": 2}}, savedir=tmp_path / "fits")
    assert repr(driver.run(stars[:150], overwrite=True)) == repr(best)


def test_a_finished_result_survives_a_search_that_cannot_go_on(place, undisturbed, capsys, monkeypatch):
    copytree(undisturbed / "result", place / "result")
    monkeypatch.chdir(place)
    edit(place / "result/intermediate/AAB-AAA-0001-0002-0/fit.json", BIC=1.0)
    with pytest.raises(SystemExit) as stopped:
        cli.fit_chronostar(["-q", "--resume", "stars"])
    assert stopped.value.code == 2 and "AAB-AAA-0001-0002-0 is not as it was written" in capsys.readouterr().err
    assert contents(place / "result/final") == contents(undisturbed / "result/final")


def test_ctrl_c_after_the_search(place, monkeypatch, capsys):
    "While the page is made: what was found is written."
    def stop(*args, **kwargs): raise KeyboardInterrupt

    monkeypatch.chdir(place)
    settings = "driver:\n  intermediate_dumps: false\nicpool:\n  max_components: 1\nmixture:\n  noise: false\n"
    (place / "config.yaml").write_text(settings)
    monkeypatch.setattr(cli, "_report", stop)
    with pytest.raises(SystemExit) as stopped:
        cli.fit_chronostar(["-q", "-c", "config.yaml", "stars"])
    assert stopped.value.code == 130 and "the best so far, AAA-XXX-0000-0001-auto, is in result/final" in capsys.readouterr().err
    assert (place / "result/final/weights.npy").exists()


@pytest.mark.parametrize("options", [["--resume", "--overwrite"], ["--workers", "2", "--scheduler", "tcp://127.0.0.1:9"]])
def test_options_that_contradict_each_other(place, options, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.fit_chronostar([*options, str(place / "stars")])
    assert stopped.value.code == 2 and "not allowed with argument" in capsys.readouterr().err


# Pools, mixtures and executors of one's own

class Bare(BaseICPool):
    "A pool that does what it owes, and no more."
    def __init__(self, make_component, start_components=None, background=None):
        self.make_component, self.n = make_component, 0

    def has_next(self): return self.n < 2

    def get_next(self):
        self.n += 1
        return InitialCondition(f"AA{'ABC'[self.n]}-XXX-0000-{self.n:04d}-x", [self.make_component() for _ in range(self.n)])

    def register_result(self, label, mixture, score):
        if score < self.best_score: self.best_label, self.best_mixture, self.best_score = label, mixture, score


class Empty(SimpleICPool):
    def get_batch(self): return []


class Hopeless(ComponentMixture):
    def bic(self, X): return np.nan


def test_a_pool_that_does_no_more_than_it_owes(stars, tmp_path):
    driver = Driver(icpool_class=Bare, savedir=tmp_path / "fits")
    best = driver.run(stars[:150])
    driver.save_best(tmp_path / "best", stars[:150])
    assert list(driver.icpool.scores) == ["AAB-XXX-0000-0001-x", "AAC-XXX-0000-0002-x"]
    assert repr(Driver(icpool_class=Bare, savedir=tmp_path / "fits").run(stars[:150], resume=True)) == repr(best)


@pytest.mark.parametrize("classes, message", [
    ({"icpool_class": Empty}, "Empty says that it has candidates, but proposes none"),
    ({"icpool_class": dict}, "is no icpool"), ({"component_class": "Foo"}, "there is no class 'Foo'"),
    ({"mixture_class": Hopeless}, "none of the 1 candidates could be fitted"),
    ({"mixture_class": BaseMixture}, "BaseMixture has no predict_proba")])
def test_classes_that_do_less_than_they_owe(stars, classes, message):
    with pytest.raises(InputError, match=message):
        Driver(**classes).run(stars)


class Answers(ThreadPoolExecutor):
    "An executor whose tasks all end with the same exception."
    def __init__(self, error):
        super().__init__(1)
        self.error = error

    def submit(self, *args):
        (future := Future()).set_exception(self.error)
        return future


@pytest.mark.parametrize("error", [KeyError("strange"), CancelledError(), BrokenExecutor(), InputError("no stars here")])
def test_an_executor_in_trouble(stars, tmp_path, error):
    "It is no verdict on the candidates, and leaves nothing behind."
    with pytest.raises(InputError):
        Driver(savedir=tmp_path).run(stars, executor=Answers(error))
    assert contents(tmp_path) == {}


def test_a_worker_that_loses_sight_of_the_stars_ends_the_search(stars, tmp_path):
    "The candidates that it cannot fit are not taken for bad ones."
    class Blind(ThreadPoolExecutor):
        def submit(self, *args):
            if seen: return Answers(InputError("a worker cannot read the stars")).submit()
            seen.append(args)
            return super().submit(*args)

    seen = []
    with Blind(1) as executor, pytest.raises(InputError, match="cannot read the stars"):
        Driver(savedir=tmp_path).run(stars, executor=executor)


@pytest.mark.parametrize("workers", [0, -1, "two", 1.5, True])
def test_numbers_of_workers_that_are_none(stars, tmp_path, workers):
    one_fit(stars, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(InputError, match="workers must be a whole number above 0"):
        Driver(savedir=tmp_path).run(stars, overwrite=True, workers=workers)
    assert contents(tmp_path) == before


def test_not_more_workers_than_cores(stars, monkeypatch):
    with crew.Workers(stars, 10**6):
        assert len(workers_of(os.getpid())) <= os.cpu_count()


@pytest.mark.slow
def test_a_full_disk_is_named(place):
    "Neither half a file nor stars for workers stay behind."
    for options in [], ["--workers", "2"]:
        done = subprocess.run(["bash", "-c", 'ulimit -f 8; exec "$@"', "-", *FIT, *options], cwd=place, capture_output=True,
                              text=True)
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and "is the disk full?" in done.stderr, done.stderr
        assert not list(place.rglob(".*-*"))
