# Made by tests/make_stubs.py: edit the notebooks, not this file.
from chronostar.datatools import StarData
from numpy.typing import ArrayLike, NDArray
from typing import Any, NamedTuple

__all__ = ["DIM", "LOG_2PI_6", "BLOCK", "ROWS", "estimate_log_gaussian_ol_prob_py", "pack", "unpack", "log_overlap", "Sums", "overlap_sums", "estimate_log_gaussian_ol_prob"]

DIM: int
LOG_2PI_6: float
BLOCK: int
ROWS: int
def estimate_log_gaussian_ol_prob_py(X: ArrayLike | StarData, mean: ArrayLike, cov: ArrayLike) -> NDArray[Any]: ...
def pack(means: ArrayLike, covs: ArrayLike) -> NDArray[Any]: ...
def unpack(blocks: ArrayLike, n: Any) -> tuple[Any, ...]: ...
def log_overlap(blocks: ArrayLike, n: Any, mean: ArrayLike, cov: ArrayLike, nthreads: int | None = ...) -> NDArray[Any]: ...
class Sums(NamedTuple):
    log_prob: float
    by_mean: NDArray[Any]
    by_cov: NDArray[Any]
    precision: NDArray[Any]
def overlap_sums(blocks: ArrayLike, weights: ArrayLike, mean: ArrayLike, cov: ArrayLike, nthreads: int | None = ..., log_prob: ArrayLike | None = ...) -> Sums: ...
def estimate_log_gaussian_ol_prob(X: ArrayLike | StarData, mean: ArrayLike, cov: ArrayLike, nthreads: int | None = ...) -> NDArray[Any]: ...
