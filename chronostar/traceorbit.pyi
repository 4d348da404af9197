# Made by tools/make_stubs.py: edit the notebooks, not this file.
from chronostar.epicycle import EpicyclicOrbit as EpicyclicOrbit
from chronostar.epicycle import NumericalOrbit as NumericalOrbit
from chronostar.epicycle import from_curvilinear as from_curvilinear
from chronostar.epicycle import to_curvilinear as to_curvilinear
from chronostar.galpyorbit import GalpyOrbit as GalpyOrbit
from numpy.typing import ArrayLike, NDArray
from typing import Any

__all__ = ["trace_epicyclic_orbit", "get_orbit", "try_orbit", "R0", "V0", "OMEGA0", "KM_S", "OORT_A", "OORT_B", "RHO", "GRAVITY", "SCALE_A", "SCALE_B", "SCALE_RHO", "TNG_SCALES", "to_curvilinear", "from_curvilinear", "EpicyclicOrbit", "NumericalOrbit", "GalpyOrbit"]

def trace_epicyclic_orbit(xyzuvw_start: ArrayLike, time: Any, sA: float = ..., sB: float = ..., sR: float = ...) -> NDArray[Any]: ...
def get_orbit(model: Any = ...) -> Any: ...
def try_orbit(model: Any) -> Any: ...
R0: float
V0: float
OMEGA0: float
KM_S: float
OORT_A: float
OORT_B: float
RHO: float
GRAVITY: float
SCALE_A: float
SCALE_B: float
SCALE_RHO: float
TNG_SCALES: Any
