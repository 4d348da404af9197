# Made by tests/make_stubs.py: edit the notebooks, not this file.
from chronostar.datatools import StarData
from numpy.typing import ArrayLike, NDArray
from typing import Any, NamedTuple

__all__ = ["DROPS", "HILL", "AgeProfile", "age_profile"]

DROPS: Any
HILL: float
class AgeProfile(NamedTuple):
    ages: NDArray[Any]
    log_prob: NDArray[Any]
    age: float
    ranges: dict[str, Any]
    hills: list[Any]
    flags: list[Any]
    memberships: str
    fit: object
    def __repr__(self) -> str: ...
    @property
    def drop(self) -> NDArray[Any]: ...
    @property
    def intervals(self) -> Any: ...
    def as_dict(self) -> Any: ...
def age_profile(fit: Any, X: ArrayLike | StarData, component: int = ..., resp: ArrayLike | None = ...) -> AgeProfile: ...
