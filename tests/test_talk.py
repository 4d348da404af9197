"""What the commands say while they work, and what they leave behind when something goes wrong."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chronostar import Driver, prepare, read_result
from chronostar.conventions import InputError
from chronostar.icpool.simpleicpool import SimpleICPool
from chronostar.synthdata import SynthData

COMMAND = "from chronostar import cli; cli.{}()"
LABEL = r"[A-Z]{3}-[A-Z]{3}-\d{4}-\d{4}-\w+"
OWN = '''from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent


class Broken(SphereSpaceTimeComponent):
    "Cannot be fitted at all."
    def maximize(self, X, resp=None): return {}["no such key"]


class Late(SphereSpaceTimeComponent):
    "Goes wrong when it meets the older group, which a search finds after the other."
    def estimate_log_prob(self, X):
        if self.age > 20: raise TypeError("too\\nold")
        return super().estimate_log_prob(X)
'''


@pytest.fixture(scope="module")
def stars():
    synth = SynthData([[-130, 50, 0, 4., -4., 2., 10., 2., 25.], [90, -110, 30, -3., 7., 1., 6., 0.7, 12.],
                       [0, 0, 0, 0, 0, 0, 70., 7., 0.]], [60, 50, 200], rng=3, m_err=0.5)
    return prepare(synth.generate()).stars


@pytest.fixture
def place(stars, tmp_path):
    stars.write(tmp_path / "sample")
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def call(place, command, *args, settings=None):
    "A command, as from a shell."
    if settings is not None:
        (place / "c.yml").write_text(settings)
        args = ["-c", "c.yml", *args]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", COMMAND.format(command), *args], cwd=place, env=environment,
                          capture_output=True, text=True)


@pytest.mark.parametrize("workers", [[], ["--workers", "2"]])
def test_a_search_says_what_it_does(place, workers):
    done = call(place, "fit_chronostar", *workers, "sample", settings="mixture: {verbose: 1, verbose_interval: 2, noise: false}")
    said = done.stderr.splitlines()
    assert done.returncode == 0, done.stderr
    assert re.search(f"^fitting {LABEL}: 1 component, to begin with$", done.stderr, re.MULTILINE)
    assert re.search(f"{LABEL}: 2 components: component 0 of AAA is taken apart$", done.stderr, re.MULTILINE)
    assert re.search(rf"^fitted {LABEL}: BIC [\d.]+, [\d.]+ better than AAA; ages [\d., ]+ Myr$", done.stderr, re.MULTILINE)
    assert re.search(rf"^fitted {LABEL}: BIC [\d.]+, [\d.]+ worse than [A-Z]+; ages", done.stderr, re.MULTILINE)
    iterations = [line for line in said if "iteration" in line]
    assert len(iterations) > 5 and all(re.match(f"({LABEL}|simpler), iteration", line) for line in iterations)
    assert len({line.split(",")[0] for line in iterations}) > 2
    best = re.search("best: (.*)", done.stdout)[1]
    assert any(re.fullmatch(rf"finished: of \d+ candidates, {best} is the best", line) for line in said)


@pytest.mark.parametrize("command, before", [("fit_component", []), ("fit_mixture", ["2"]), ("fit_chronostar", []),
                                             ("fit_chronostar", ["--workers", "2"])])
def test_an_error_in_a_class_of_ones_own_is_one_line(place, command, before):
    done = call(place, command, *before, "sample", settings="modules: {component: own.Broken}")
    line = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert line == f"{command.replace('_', '-')}: own.py, line 6, in maximize: KeyError: 'no such key'"
    assert not [path for path in place.glob("result/**/*") if path.is_file()]


@pytest.mark.parametrize("workers", [[], ["--workers", "2"]])
def test_an_error_in_a_later_generation_too(place, workers):
    done = call(place, "fit_chronostar", *workers, "sample", settings="modules: {component: own.Late}")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "fit-chronostar: own.py, line 12, in estimate_log_prob: TypeError: too old"
    assert (place / "result/final/weights.npy").exists()  # what was found before


def test_an_error_on_import_is_one_line(place):
    (place / "half.py").write_text("import numpy as np\n\nclass Half(Unknown): pass\n")
    done = call(place, "fit_component", "sample", settings="modules: {component: half.Half}")
    assert done.returncode == 2 and done.stderr.splitlines() == [
        "fit-component: c.yml: cannot import 'half.Half': half.py, line 3, in <module>: name 'Unknown' is not defined"]


def test_more_is_said_when_asked_for(place):
    done = call(place, "fit_component", "-v", "sample", settings="modules: {component: own.Broken}")
    assert done.returncode == 2 and 'File "' in done.stderr
    assert done.stderr.splitlines()[-1].startswith("fit-component: own.py, line 6")


def test_a_mistake_of_ours_keeps_its_traceback(place):
    script = ("from chronostar import cli, uncertainties, results\n"
              "def wrong(*args, **kwargs): return [][1]\n"
              "results.component_files = eval('lambda *args, **kwargs: [][1]')\ncli.fit_component()")
    done = subprocess.run([sys.executable, "-c", script, "sample"], cwd=place, capture_output=True, text=True)
    assert done.returncode == 1 and "IndexError" in done.stderr and "Traceback" in done.stderr


def names(folder): return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())


class Interrupted(SimpleICPool):
    "Stops after a number of candidates."
    most = 1

    def get_batch(self):
        if len(self.scores) >= self.most: raise KeyboardInterrupt
        return super().get_batch()


class Never(Interrupted):
    most = 0


def test_overwrite_keeps_the_earlier_fits_until_there_are_others(stars, tmp_path):
    settings = {"icpool": {"max_components": 2}, "mixture": {"noise": False}}
    Driver(settings, savedir=tmp_path).run(stars)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    assert len(before) > 10
    with pytest.raises(KeyboardInterrupt): Driver(settings, icpool_class=Never, savedir=tmp_path).run(stars, overwrite=True)
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before  # nothing was found: all as it was
    with pytest.raises(KeyboardInterrupt): Driver(settings, icpool_class=Interrupted, savedir=tmp_path).run(stars, overwrite=True)
    kept = {name.removeprefix("earlier-1/"): (tmp_path / name).read_bytes() for name in names(tmp_path) if "earlier" in name}
    assert kept == before and (tmp_path / "AAA-XXX-0000-0001-auto/weights.npy").exists()
    Driver(settings, savedir=tmp_path).run(stars, overwrite=True)
    assert names(tmp_path) == sorted(before) and not list(tmp_path.glob("earlier*"))
    (tmp_path / "AAA-XXX-0000-0001-auto/notes.txt").write_text("mine")
    Driver({**settings, "icpool": {"max_components": 1}}, savedir=tmp_path).run(stars, overwrite=True)
    assert (tmp_path / "earlier-1/AAA-XXX-0000-0001-auto/notes.txt").read_text() == "mine"  # what is not ours stays
    assert {name.split("/")[0] for name in names(tmp_path)} == {"earlier-1", "AAA-XXX-0000-0001-auto"}


def test_an_interrupted_search_does_not_replace_a_better_result(place):
    assert call(place, "fit_chronostar", "sample").returncode == 0
    best = read_result(place / "result/final")
    before = {name: (place / "result" / name).read_bytes() for name in names(place / "result")}
    (place / "stop.py").write_text(
        "import os, signal\nfrom chronostar.icpool.simpleicpool import SimpleICPool\n\n\nclass Stop(SimpleICPool):\n"
        "    def get_batch(self):\n        if self.scores: os.kill(os.getpid(), signal.SIGINT)\n"
        "        return super().get_batch()\n")
    done = call(place, "fit_chronostar", "--overwrite", "sample", settings="modules: {icpool: stop.Stop}")
    assert done.returncode == 128 + signal.SIGINT and "is no better than what was in result/final" in done.stderr
    assert len(read_result(place / "result/final").components_) == len(best.components_) > 1
    assert "the fits of the earlier search are in result/intermediate/earlier-1" in done.stderr
    now = {name.replace("earlier-1/", ""): (place / "result" / name).read_bytes() for name in names(place / "result")
           if "earlier-1" in name or name.startswith("final")}
    assert now == before


def test_results_do_not_lie_in_each_other(place):
    assert call(place, "fit_component", "sample", settings="run: {savedir: out}").returncode == 0
    done = call(place, "fit_chronostar", "sample", settings="run: {savedir: out/final}")
    assert done.returncode == 2 and "out holds a result, and in it is no place for another" in done.stderr
    assert not (place / "out/final").exists() and not (place / "out/intermediate").exists()
    assert call(place, "fit_mixture", "2", "sample", settings="run: {savedir: deep/er}").returncode == 0
    done = call(place, "fit_component", "sample", settings="run: {savedir: deep}")
    assert done.returncode == 2 and "deep/er holds a result, and around it is no place for another" in done.stderr
    assert call(place, "fit_mixture", "--overwrite", "2", "sample", settings="run: {savedir: deep/er}").returncode == 0
    (place / "result").mkdir()
    np.save(place / "result/params.npy", np.ones(9))
    done = call(place, "fit_chronostar", "sample", settings="icpool: {max_components: 1}")
    assert done.returncode == 0 and "result/final lies in the folder of another result" in done.stderr


def test_a_start_that_is_left_out_is_told_in_one_line(stars, caplog):
    class Shy(SimpleICPool):
        def _child(self, i):
            def fails(stars): raise InputError("no\nplace")
            child = super()._child(i)
            child.others = [fails]
            return child

    caplog.set_level("INFO", "chronostar")
    Driver({"icpool": {"max_components": 2}, "mixture": {"noise": False}}, icpool_class=Shy).run(stars)
    assert "a start is left out: no place" in caplog.text
