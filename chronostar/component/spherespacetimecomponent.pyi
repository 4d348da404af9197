# Made by tools/make_stubs.py: edit the notebooks, not this file.
from chronostar.component.association import Association
from typing import Any

__all__ = ["SphereSpaceTimeComponent"]

class SphereSpaceTimeComponent(Association):
    spreads: Any
    quantities: Any
    theta_names: Any
    n_params: int
    @property
    def dxyz(self) -> float: ...
    @property
    def duvw(self) -> float: ...
