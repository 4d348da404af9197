# Made by tools/make_stubs.py: edit the notebooks, not this file.
from numpy.typing import ArrayLike, NDArray
from typing import Any

__all__ = ["logger", "Selection", "selection_in"]

logger: Any
class Selection:
    def __init__(self, words: str) -> None: ...
    def __repr__(self) -> str: ...
    def contains(self, states: ArrayLike) -> NDArray[Any]: ...
    def fill(self, log2_n: int = ...) -> tuple[Any, ...]: ...
    words: Any
    box: Any
    cones: Any
    near: Any
    far: Any
def selection_in(table: Any) -> str: ...
