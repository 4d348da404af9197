# Made by tests/make_stubs.py: edit the notebooks, not this file.
from chronostar.base import Configurable
from chronostar.datatools import StarData
from chronostar.mixture.componentmixture import ComponentMixture
from numpy.typing import ArrayLike
from typing import Any

__all__ = ["logger", "Driver"]

logger: Any
class Driver(Configurable):
    def __init__(self, config_file: Any = ..., mixture_class: Any = ..., icpool_class: Any = ..., component_class: Any = ..., *, intermediate_dumps: bool = ..., savedir: Any = ..., progress: bool = ...) -> None: ...
    def save(self, folder: Any, label: str, mixture: Any, stars: Any, uncertainties: Any = ...) -> None: ...
    def run(self, data: ArrayLike | StarData, start_init_comps: Any = ..., init_resp: ArrayLike | None = ..., overwrite: bool = ...) -> ComponentMixture: ...
    config_file: Any
    mixture_class: Any
    icpool_class: Any
    component_class: Any
    intermediate_dumps: Any
    savedir: Any
    progress: Any
    config_: Any
    icpool: Any
