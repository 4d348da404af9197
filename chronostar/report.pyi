# Made by tools/make_stubs.py: edit the notebooks, not this file.
from chronostar.stars import StarData
from numpy.typing import ArrayLike
from typing import Any

__all__ = ["logger", "TRACED", "LISTED", "ARTICLE", "GAIA", "report_html"]

logger: Any
TRACED: int
LISTED: int
ARTICLE: Any
GAIA: Any
def report_html(mixture: Any, stars: ArrayLike | StarData, memberships: ArrayLike | None = ..., uncertainties: Any = ..., scores: Any = ..., settings: Any = ..., table: Any = ..., title: str = ..., verdicts: Any = ...) -> str: ...
