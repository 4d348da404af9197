# Made by tools/make_stubs.py: edit the notebooks, not this file.
from chronostar.icpool.simpleicpool import SimpleICPool
from typing import Any

__all__ = ["GreedyCycleICP"]

class GreedyCycleICP(SimpleICPool):
    def has_next(self) -> bool: ...
    def get_batch(self) -> list[Any]: ...
    def register_result(self, label: Any, mixture: Any, score: Any) -> None: ...
