"""What the tests share: the processors, and data that may not be there."""

from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    "All tests run side by side, a file of tests in one process, if pytest-xdist is here; `pytest -n 0` and named tests do not."
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not hasattr(config, "workerinput")
    if everything and getattr(config.option, "numprocesses", 0) is None:
        config.option.numprocesses, config.option.dist = "auto", "loadfile"


SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared():
    "Path of a file of reference or real data; the test is skipped where there is none."

    def path(name):
        if not (SHARED / name).exists():
            pytest.skip(f"{name} is not here: it is no part of the project")
        return SHARED / name

    return path
