# Made by tools/make_stubs.py: edit the notebooks, not this file.
from numpy.typing import ArrayLike
from typing import Any

__all__ = ["NEIGHBOURS", "N_RIVALS", "N_ITERATIONS", "LARGER", "crowding", "overdensity_start"]

NEIGHBOURS: Any
N_RIVALS: int
N_ITERATIONS: int
LARGER: Any
def crowding(points: ArrayLike, k: int = ...) -> tuple[Any, ...]: ...
def overdensity_start(mixture: Any, i: int, stars: Any, make_component: Any = ..., groups_only: bool = ...) -> tuple[Any, ...]: ...
