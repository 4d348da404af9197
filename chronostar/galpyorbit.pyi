# Made by tools/make_stubs.py: edit the notebooks, not this file.
from chronostar.epicycle import ByDifferences
from chronostar.epicycle import EpicyclicOrbit
from numpy.typing import ArrayLike, NDArray
from typing import Any

__all__ = ["GalpyOrbit"]

class GalpyOrbit(ByDifferences):
    step: float
    def __init__(self, potential: Any = ..., R0: Any = ...) -> None: ...
    def __repr__(self) -> str: ...
    def trace(self, states: ArrayLike, times: Any) -> NDArray[Any]: ...
    def epicycle(self) -> EpicyclicOrbit: ...
    def sketch(self, curvilinear: ArrayLike, max_age: float = ...) -> Any: ...
    def jacobian_since_birth(self, curvilinear: ArrayLike, ages: ArrayLike) -> NDArray[Any]: ...
    name: Any
    potential: Any
    R0: Any
    V0: Any
