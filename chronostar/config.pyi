# Made by tests/make_stubs.py: edit the notebooks, not this file.
from typing import Any

__all__ = ["logger", "SECTIONS", "UNUSED", "LIMITS", "KINDS", "check_config", "as_text", "background_maker", "read_config"]

logger: Any
SECTIONS: Any
UNUSED: Any
LIMITS: Any
KINDS: Any
def check_config(config: dict[str, Any]) -> dict[str, Any]: ...
def as_text(config: dict[str, Any]) -> dict[str, Any]: ...
def background_maker(config: dict[str, Any]) -> Any: ...
def read_config(path: Any = ...) -> dict[str, Any]: ...
