# Made by tools/make_stubs.py: edit the notebooks, not this file.
from pathlib import Path
from typing import Any

__all__ = ["logger", "adql", "query_gaia"]

logger: Any
def adql(min_parallax: float = ..., max_error: float = ..., release: str = ...) -> str: ...
def query_gaia(path: Any, min_parallax: float = ..., max_error: float = ..., release: str = ..., patience: float = ...) -> Path: ...
