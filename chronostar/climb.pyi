# Made by tools/make_stubs.py: edit the notebooks, not this file.
from numpy.typing import ArrayLike, NDArray
from typing import Any, NamedTuple

__all__ = ["Point", "climb"]

class Point(NamedTuple):
    theta: NDArray[Any]
    log_prob: float
    gradient: NDArray[Any]
    information: NDArray[Any]
def climb(point: Any, evaluate: Any, bounds: ArrayLike, *, tol: float, max_passes: int, longest: ArrayLike = ..., free: Any = ..., secant: bool = ...) -> Point: ...
