# Made by tools/make_stubs.py: edit the notebooks, not this file.
from chronostar.stars import StarData
from typing import Any, NamedTuple, Self

__all__ = ["logger", "SharedStars", "share_stars", "load_shared", "labelled", "check_workers", "Workers"]

logger: Any
class SharedStars(NamedTuple):
    path: str
    n: int
    has_covs: bool
    fingerprint: int
    nthreads: int
    pid: int
def share_stars(stars: Any, folder: Any) -> SharedStars: ...
def load_shared(shared: Any) -> StarData: ...
def labelled(label: Any) -> Any: ...
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
    shared: Any
