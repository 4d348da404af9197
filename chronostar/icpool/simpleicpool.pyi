# Made by tests/make_stubs.py: edit the notebooks, not this file.
from chronostar.base import BaseICPool
from chronostar.base import InitialCondition
from typing import Any

__all__ = ["SimpleICPool", "split_component"]

class SimpleICPool(BaseICPool):
    def __init__(self, component_class: Any = ..., start_init_comps: Any = ..., background: Any = ..., *, max_components: int = ..., index_from_front: bool = ...) -> None: ...
    def __repr__(self) -> str: ...
    def has_next(self) -> bool: ...
    def get_next(self) -> InitialCondition: ...
    def register_result(self, label: str, mixture: Any, score: float) -> None: ...
    component_class: Any
    start_init_comps: Any
    background: Any
    max_components: Any
    index_from_front: Any
    scores: Any
def split_component(mixture: Any, i: int) -> Any: ...
