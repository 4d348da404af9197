# Written by hand: the front door imports its names when they are asked for, which type checkers do not see.
from chronostar.conventions import InputError as InputError
from chronostar.datatools import prepare as prepare
from chronostar.driver import Driver as Driver
from chronostar.mixture.componentmixture import ComponentMixture as ComponentMixture
from chronostar.results import read_result as read_result
from chronostar.stars import StarData as StarData

__all__ = ["InputError", "prepare", "StarData", "ComponentMixture", "Driver", "read_result"]

__version__: str
