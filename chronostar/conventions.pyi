# Made by tools/make_stubs.py: edit the notebooks, not this file.
from typing import Any

__all__ = ["DIM", "AXES", "AXIS_UNITS", "AXIS_LABELS", "TRIL", "DIAGONAL", "MAS_PER_DEG", "InputError", "nearest", "available_cores"]

DIM: int
AXES: Any
AXIS_UNITS: Any
AXIS_LABELS: Any
TRIL: Any
DIAGONAL: Any
MAS_PER_DEG: float
class InputError(ValueError):
    ...
def nearest(name: str, known: Any) -> str: ...
def available_cores() -> int: ...
