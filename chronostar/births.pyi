# Made by tools/make_stubs.py: edit the notebooks, not this file.
from astropy.table import Table
from chronostar.base import BaseComponent
from chronostar.stars import StarData
from numpy.typing import ArrayLike
from typing import Any, NamedTuple

__all__ = ["BIRTHS", "logger", "SIBLINGS", "SMALL", "Birth", "fit_birth", "fit_births", "births_table", "compare_births", "siblings", "merge_siblings", "settle_births", "births_in_words"]

BIRTHS: Any
logger: Any
SIBLINGS: float
SMALL: float
class Birth(NamedTuple):
    component: BaseComponent
    weight: float
    gain: float
    age_error: float
    worth: float
def fit_birth(mixture: Any, X: ArrayLike | StarData, which: Any, cls: Any) -> Birth: ...
def fit_births(mixture: Any, X: ArrayLike | StarData, component: int = ..., classes: Any = ...) -> list[Any]: ...
def births_table(births: Any) -> Table: ...
def compare_births(mixture: Any, X: ArrayLike | StarData, component: int = ..., classes: Any = ...) -> Table: ...
def siblings(mixture: Any) -> list[Any]: ...
def merge_siblings(mixture: Any, X: ArrayLike | StarData, classes: Any = ...) -> Any: ...
def settle_births(mixture: Any, X: ArrayLike | StarData, classes: Any = ...) -> tuple[Any, ...]: ...
def births_in_words(rows: list[Any]) -> list[Any]: ...
