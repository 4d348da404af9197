# Made by tools/make_stubs.py: edit the notebooks, not this file.
from chronostar.birthplots import plot_birth as plot_birth
from chronostar.birthplots import plotly_3d as plotly_3d
from chronostar.fitplots import plot_age_profile as plot_age_profile
from chronostar.fitplots import plot_corner as plot_corner
from chronostar.fitplots import plot_memberships as plot_memberships
from chronostar.fitplots import plot_search as plot_search
from chronostar.planes import is_field as is_field
from chronostar.planes import outline as outline
from chronostar.planes import parse_features as parse_features
from chronostar.planes import plot_features as plot_features
from chronostar.planes import plot_photometry as plot_photometry
from chronostar.planes import plot_plane as plot_plane
from chronostar.planes import save_figure as save_figure
from typing import Any

__all__ = ["FEATURES", "UNITS", "FEATURE_LABELS", "COLOURS", "DENSE", "FIELD_AGE", "GREY", "MARKERS", "MIN_AGE", "NEUTRAL", "SHOWN", "VECTOR", "is_field", "outline", "parse_features", "plot_age_profile", "plot_birth", "plot_corner", "plot_features", "plot_memberships", "plot_photometry", "plot_plane", "plot_search", "plotly_3d", "save_figure"]

FEATURES: Any
UNITS: Any
FEATURE_LABELS: Any
COLOURS: Any
DENSE: int
FIELD_AGE: float
GREY: Any
MARKERS: Any
MIN_AGE: float
NEUTRAL: Any
SHOWN: int
VECTOR: int
