# Made by tools/make_stubs.py: edit the notebooks, not this file.
from chronostar.stars import StarData
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from typing import Any

__all__ = ["STEPS", "SHOWN", "plot_birth", "plotly_3d"]

STEPS: Any
SHOWN: int
def plot_birth(component: Any, stars: ArrayLike | StarData, memberships: ArrayLike | None = ..., i: int = ..., j: int = ..., max_error: float = ..., colour: str = ..., fig: Any = ...) -> Figure: ...
def plotly_3d(stars: ArrayLike | StarData, memberships: ArrayLike | None = ..., components: Any = ..., axes: Any = ..., background_grey: bool = ..., names: Any = ...) -> Any: ...
