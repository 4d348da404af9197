# Made by tools/make_stubs.py: edit the notebooks, not this file.
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.settings import Configurable
from chronostar.stars import StarData
from numpy.typing import ArrayLike
from typing import Any

__all__ = ["logger", "SHARED", "EVENLY", "DEEP", "Driver", "fit_candidate", "choose_background", "plan_of"]

logger: Any
SHARED: float
EVENLY: float
DEEP: float
class Driver(Configurable):
    def __init__(self, config_file: Any = ..., mixture_class: Any = ..., icpool_class: Any = ..., component_class: Any = ..., *, intermediate_dumps: bool = ..., savedir: Any = ..., progress: bool = ...) -> None: ...
    def run(self, data: ArrayLike | StarData, start_init_comps: Any = ..., init_resp: ArrayLike | None = ..., overwrite: bool = ..., resume: bool = ..., workers: int | None = ..., executor: Any = ...) -> ComponentMixture: ...
    def save_best(self, folder: Any, stars: Any, uncertainties: Any = ..., more: Any = ..., verdicts: Any = ...) -> Any: ...
    def check_same(self, folder: Any, data: Any, start_init_comps: Any = ..., init_resp: Any = ...) -> None: ...
    def improves(self, folder: Any) -> bool: ...
    config_file: Any
    mixture_class: Any
    icpool_class: Any
    component_class: Any
    intermediate_dumps: Any
    savedir: Any
    progress: Any
    config_: Any
    manifest_: Any
    icpool: Any
    record_: Any
    finished_: Any
def fit_candidate(stars: Any, candidate: Any, make_mixture: Any, to_beat: float = ...) -> tuple[Any, ...]: ...
def choose_background(config: dict[str, Any], stars: Any) -> Any: ...
def plan_of(label: Any) -> str: ...
