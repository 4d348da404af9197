"""What type checkers see: stubs in step with the code, and a user's script that passes the strictest settings."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from make_stubs import BY_HAND, make_stubs, modules

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = '''
from typing import assert_type, Any

import numpy as np
from astropy.table import Table  # type: ignore[import-untyped, unused-ignore]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from chronostar import ComponentMixture, Driver, StarData, prepare, read_result
from chronostar.ages import AgeProfile, age_profile
from chronostar.base import BaseComponent, Derivatives
from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.conventions import InputError
from chronostar.plotting import plot_age_profile, plot_features
from chronostar.synthdata import SynthData
from chronostar.uncertainties import Uncertainties

sky = SynthData([[0, 0, 0, 0, 0, 0, 6.0, 1.2, 15.0], [0, 0, 0, 0, 0, 0, 90.0, 12.0, 0.0]], nstars=[80, 500], rng=1)
table: Table = sky.generate()
stars = prepare(table, fake_rvs=True).stars
assert_type(stars, StarData)
assert_type(StarData.read("sample"), StarData)
assert_type(len(stars[:10]), int)

mixture = ComponentMixture(n_components=2, random_state=0).fit(stars)
assert_type(mixture, ComponentMixture)
assert_type(mixture.bic(stars), float)
members: NDArray[np.float64] = mixture.predict_proba(stars)
weights: NDArray[np.float64] = mixture.weights_
assert_type(mixture.converged_, bool)
assert_type(mixture.polish(stars).uncertainties(stars), Uncertainties)
assert_type(read_result("result/final"), ComponentMixture)
group = SphereSpaceTimeComponent().maximize(stars, members[:, 0])
assert_type(group, SphereSpaceTimeComponent)
assert_type(group.age, float)
assert_type(group.at(group.theta), SphereSpaceTimeComponent)
assert_type(group.set_state(group.state()), SphereSpaceTimeComponent)
assert_type([other.component for other in group.alternatives(stars, members[:, 0])], list[BaseComponent])
assert_type(group.derivatives(stars, members[:, 0]), Derivatives)
field = SpaceComponent().maximize(np.zeros((10, 6)))
assert_type(ComponentMixture([0.5, 0.5], [group, field]).fit(stars, init_resp=members), ComponentMixture)

driver = Driver({"icpool": {"max_components": 3}}, component_class=SphereSpaceTimeComponent, progress=True)
try:
    best = driver.run(stars)
except InputError as error:
    raise SystemExit(str(error)) from None
assert_type(best, ComponentMixture)
profile = age_profile(best, stars, 0)
assert_type(profile, AgeProfile)
assert_type(plot_age_profile(profile), Axes)
assert_type(plot_features(stars, [(0, 1), (3, 4)], memberships=members, components=best.components_), Figure)
'''
KNOWN = [  # where stubs may differ from what runs
    r".*\.set_fit_request",  # made by scikit-learn
    r".*\.__(sklearn_is_fitted|deepcopy)__",  # not for users
]
MISTAKES = {  # a line that is wrong, and what the checker says
    'ComponentMixture(n_component=2)': 'Unexpected keyword argument "n_component"',
    'ComponentMixture(n_components="two")': 'incompatible type "str"; expected "int"',
    'prepare("stars.fits").star': '"Prepared" has no attribute "star"',
    'Driver().run()': 'Missing positional argument "data"',
    'age_profile(read_result("final"), 0, "first").to_table()': '"AgeProfile" has no attribute "to_table"',
}


def check(checker, folder, *options):
    "Run a type checker in `folder`; what it says, and its exit status."
    environment = os.environ | {"MYPYPATH": str(ROOT), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    done = subprocess.run([*checker, *options], cwd=folder, env=environment, capture_output=True, text=True)
    return done.stdout + done.stderr, done.returncode


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    "mypy as strict as it can be, on a script of this text."
    folder = tmp_path_factory.mktemp("mypy")  # with one cache

    def run(text):
        (folder / "script.py").write_text(text)
        return check([sys.executable, "-m", "mypy"], folder, "--strict", "--follow-imports=silent", "script.py")

    return run


def test_stubs_are_what_the_code_says():
    package = ROOT / "chronostar"
    kept = {path.relative_to(package).as_posix(): path.read_text(encoding="utf-8") for path in package.rglob("*.pyi")
            if path.name != BY_HAND}
    made = make_stubs()
    differing = [name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name)]
    assert not differing, "run python tools/make_stubs.py"
    assert (package / "py.typed").exists()


def test_a_script_passes_strict_mypy(mypy):
    said, status = mypy(SCRIPT)
    assert status == 0, said


def test_mistakes_are_seen(mypy):
    imports = "\n".join(line for line in SCRIPT.splitlines() if line.startswith("from "))
    said, status = mypy("\n".join([imports, *MISTAKES]))
    for number, expected in enumerate(MISTAKES.values(), imports.count("\n") + 2):
        assert re.search(rf"script.py:{number}: error: .*{re.escape(expected)}", said), said
    assert status == 1


def test_a_script_passes_pyright(tmp_path):
    if not shutil.which("pyright"):
        pytest.skip("pyright is not here")
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "pyrightconfig.json").write_text(f'{{"extraPaths": ["{ROOT}"]}}')
    said, status = check(["pyright"], tmp_path, "script.py")
    assert status == 0, said


def test_stubs_agree_with_the_modules(tmp_path):
    "mypy's stubtest imports the package and compares each name, argument and default with the stubs."
    (tmp_path / "mypy.ini").write_text("[mypy]\nignore_missing_imports = True\n")
    patched = [f"{cls.__module__}.{cls.__name__}.{name}" for module in modules().values() for cls in vars(module).values()
               if isinstance(cls, type) and cls.__module__ == module.__name__
               for name, member in vars(cls).items() if type(member).__name__ == "_clsmethod"]  # @patch(cls_method=True)
    (tmp_path / "known").write_text("\n".join([*KNOWN, *patched]))
    said, status = check([sys.executable, "-m", "mypy.stubtest"], tmp_path, "chronostar", "--mypy-config-file", "mypy.ini",
                         "--allowlist", "known")
    assert status == 0, said
