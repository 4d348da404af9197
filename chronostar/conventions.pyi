# Made by tools/make_stubs.py: edit the notebooks, not this file.
from typing import Any

__all__ = ["DIM", "AXES", "AXIS_UNITS", "AXIS_LABELS", "TRIL", "DIAGONAL", "MAS_PER_DEG", "InputError", "place_of", "in_one_line", "as_input_error", "nearest", "available_cores"]

DIM: int
AXES: Any
AXIS_UNITS: Any
AXIS_LABELS: Any
TRIL: Any
DIAGONAL: Any
MAS_PER_DEG: float
class InputError(ValueError):
    place: Any
def place_of(error: Any) -> str: ...
def in_one_line(error: Any) -> str: ...
def as_input_error(error: Any) -> InputError: ...
def nearest(name: str, known: Any) -> str: ...
def available_cores() -> int: ...
