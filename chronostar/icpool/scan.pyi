# Made by tools/make_stubs.py: edit the notebooks, not this file.
from numpy.typing import ArrayLike, NDArray
from typing import Any, NamedTuple

__all__ = ["SCALES", "CHANCE", "STREAMS", "MOST", "NEARLY", "HOPE", "LOOKED_AT", "GLANCE", "PROMISING", "one_of_each_pair", "Place", "crowded_places", "crowded_velocities", "groups_start", "streams_start", "halves_start"]

SCALES: Any
CHANCE: float
STREAMS: Any
MOST: int
NEARLY: float
HOPE: float
LOOKED_AT: int
GLANCE: int
PROMISING: float
def one_of_each_pair(states: ArrayLike) -> NDArray[Any]: ...
class Place(NamedTuple):
    members: NDArray[Any]
    expected: float
    log_chance: float
    age: float = ...
def crowded_places(mixture: Any, stars: Any, scales: Any = ..., chance: float = ...) -> list[Any]: ...
def crowded_velocities(mixture: Any, stars: Any, radii: Any = ...) -> list[Any]: ...
def groups_start(mixture: Any, make_component: Any, stars: Any, make_field: Any = ..., most: int = ...) -> tuple[Any, ...]: ...
def streams_start(mixture: Any, make_component: Any, make_group: Any, stars: Any, most: int = ...) -> tuple[Any, ...]: ...
def halves_start(mixture: Any, i: int, stars: Any) -> tuple[Any, ...]: ...
