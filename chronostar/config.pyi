# Made by tools/make_stubs.py: edit the notebooks, not this file.
from chronostar.stars import StarData
from numpy.typing import ArrayLike
from typing import Any

__all__ = ["SECTIONS", "BACKGROUNDS", "UNUSED", "UNUSED_SECTIONS", "LIMITS", "KINDS", "logger", "LINES", "check_config", "component_maker", "stars_for", "read_config"]

SECTIONS: Any
BACKGROUNDS: Any
UNUSED: Any
UNUSED_SECTIONS: Any
LIMITS: Any
KINDS: Any
logger: Any
LINES: Any
def check_config(config: dict[str, Any]) -> dict[str, Any]: ...
def component_maker(config: dict[str, Any], role: str = ...) -> Any: ...
def stars_for(config: dict[str, Any], X: ArrayLike | StarData) -> Any: ...
def read_config(path: Any = ...) -> dict[str, Any]: ...
