# Made by tests/make_stubs.py: edit the notebooks, not this file.
from chronostar.datatools import StarData
from typing import Any, NamedTuple, Self

__all__ = ["logger", "Parked", "park", "fetch", "check_workers", "Workers"]

logger: Any
class Parked(NamedTuple):
    path: str
    n: int
    has_covs: bool
    fingerprint: int
    pid: int
def park(stars: Any, folder: Any) -> Parked: ...
def fetch(parked: Any) -> StarData: ...
def check_workers(n: Any = ..., executor: Any = ...) -> Any: ...
class Workers:
    def __init__(self, stars: Any, n: int = ..., executor: Any = ..., folder: Any = ...) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: Any) -> None: ...
    def map(self, function: Any, tasks: list[Any]) -> Any: ...
    stars: Any
    n: Any
    executor: Any
    folder: Any
    parked: Any
