"""`from chronostar import ...`: the names that most scripts need, and nothing heavy before they are asked for."""

import subprocess
import sys

import pytest

import chronostar

NAMES = {"InputError": "conventions", "prepare": "datatools", "StarData": "datatools",
         "ComponentMixture": "mixture.componentmixture", "Driver": "driver",
         "read_result": "results"}


def test_import_loads_nothing_heavy():
    code = "import sys, chronostar; print(sorted({'numpy', 'numba', 'sklearn', 'astropy', 'matplotlib'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_that_of_its_chapter(name):
    code = f"from chronostar import {name}; from chronostar.{NAMES[name]} import {name} as same; assert {name} is same"
    exec(code, {})


def test_names():
    assert sorted(chronostar.__all__) == sorted(NAMES)
    assert set(NAMES) < set(dir(chronostar))
    with pytest.raises(AttributeError, match="'chronostar' has no attribute 'nonsense'"):
        _ = chronostar.nonsense
    with pytest.raises(ImportError, match="nonsense"):
        from chronostar import nonsense  # noqa: F401
