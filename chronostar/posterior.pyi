# Made by tools/make_stubs.py: edit the notebooks, not this file.
from chronostar.stars import StarData
from numpy.typing import ArrayLike, NDArray
from typing import Any, NamedTuple

__all__ = ["Posterior", "sample_posterior"]

class Posterior(NamedTuple):
    names: list[Any]
    units: list[Any]
    chain: NDArray[Any]
    log_prob: NDArray[Any]
    acceptance: float
    autocorrelation_time: float
    prior: str
    flags: list[Any]
    def __repr__(self) -> str: ...
    def __getitem__(self, name: Any) -> NDArray[Any]: ...  # type: ignore[override]
    @property
    def n_effective(self) -> Any: ...
    def interval(self, component: int, name: str, level: float = ...) -> tuple[Any, ...]: ...
def sample_posterior(mixture: Any, X: ArrayLike | StarData, component: Any = ..., n_steps: int = ..., n_walkers: int | None = ..., log_prior: Any = ..., rng: Any = ...) -> Posterior: ...
