# Made by tools/make_stubs.py: edit the notebooks, not this file.
from chronostar.base import BaseComponent
from chronostar.stars import StarData
from numpy.typing import ArrayLike, NDArray
from typing import Any, NamedTuple, Self

__all__ = ["DROPS", "NAMED", "Held", "AgeProfile", "age_profile"]

DROPS: Any
NAMED: float
class Held(BaseComponent):
    def __init__(self, component: Any, age: Any) -> None: ...
    def estimate_log_prob(self, X: ArrayLike | StarData) -> NDArray[Any]: ...
    def m_step(self, X: ArrayLike | StarData, resp: Any) -> Self: ...
    bounds: Any
    free: Any
    component: Any
class AgeProfile(NamedTuple):
    ages: NDArray[Any]
    log_prob: NDArray[Any]
    age: float
    ranges: dict[str, Any]
    other_maxima: list[Any]
    flags: list[Any]
    memberships: str
    fit: object
    def __repr__(self) -> str: ...
    @property
    def delta_log_prob(self) -> NDArray[Any]: ...
    @property
    def intervals(self) -> Any: ...
    def as_dict(self) -> Any: ...
def age_profile(fit: Any, X: ArrayLike | StarData, component: int = ..., resp: ArrayLike | None = ...) -> AgeProfile: ...
