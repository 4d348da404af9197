"""What the tests share: data that may not be there."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared():
    "Path of a file of reference or real data; the test is skipped where there is none."

    def path(name):
        if not (SHARED / name).exists():
            pytest.skip(f"{name} is not here: it is no part of the project")
        return SHARED / name

    return path
