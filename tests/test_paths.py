"""The paths by which users' scripts import: all of them stay."""

import subprocess
import sys
from importlib import import_module

import pytest

PATHS = {
    "chronostar": "prepare StarData ComponentMixture Driver read_result",
    "chronostar.datatools": "InputError StarData Prepared prepare as_stars read_table load_array write_files fill_missing_rvs "
                            "extract_array_from_table construct_covs_from_data replace_cov_with_sampling FAKE_RV_ERROR",
    "chronostar.synthdata": "SynthData generate_association generate_field generate_gaia_sky sphere",
    "chronostar.maths": "estimate_log_gaussian_ol_prob estimate_log_gaussian_ol_prob_py",
    "chronostar.traceorbit": "trace_epicyclic_orbit get_orbit try_orbit EpicyclicOrbit GalpyOrbit NumericalOrbit",
    "chronostar.transforms": "astrometry_to_cartesian cartesian_to_astrometry covariance_to_cartesian SUN",
    "chronostar.base": "BaseComponent BaseMixture BaseICPool InitialCondition",
    "chronostar.component.spacecomponent": "SpaceComponent",
    "chronostar.component.spherespacetimecomponent": "SphereSpaceTimeComponent",
    "chronostar.component.uniformcomponent": "UniformComponent",
    "chronostar.mixture.componentmixture": "ComponentMixture Uncertainties component_uncertainties",
    "chronostar.icpool.simpleicpool": "SimpleICPool",
    "chronostar.icpool.greedycycleicp": "GreedyCycleICP",
    "chronostar.ages": "age_profile AgeProfile",
    "chronostar.posterior": "sample_posterior Posterior",
    "chronostar.results": "read_result banyan_table components_table search_table",
    "chronostar.driver": "Driver",
    "chronostar.utils.coordinate": "calc_eq2gc_matrix calc_gc2eq_matrix calc_pm_coord_matrix convert_angles2cartesian "
                                   "convert_astrometry2helioxyzuvw convert_astrometry2lsrxyzuvw convert_cart2curvilin "
                                   "convert_cartesian2angles convert_curvilin2cart convert_dec2deg convert_equatorial2galactic "
                                   "convert_galactic2equatorial convert_helio2lsr convert_heliospacevelocity2pm "
                                   "convert_helioxyzuvw2astrometry convert_lsr2helio convert_lsrxyzuvw2astrometry "
                                   "convert_many_astrometry2lsrxyzuvw convert_many_lsrxyzuvw2astrometry "
                                   "convert_pm2heliospacevelocity convert_ra2deg",
    "chronostar.utils.transform": "calc_jacobian calc_jacobian_py transform_covmatrix transform_covmatrix_py",
    "chronostar.chunks": "pack_stars ChunkedStars write_parquet",
    "chronostar.plotting": "plot_features plot_plane plot_photometry plot_age_profile plot_corner plot_memberships plot_search "
                           "plot_birth plotly_3d save_figure outline parse_features FEATURES UNITS COLOURS",
    "chronostar.report": "report_html",
    "chronostar.cli": "prepare_data query_gaia fit_component fit_mixture fit_chronostar calc_memberships plot_features plot_age "
                      "significance demo",
}


@pytest.mark.parametrize("module", PATHS)
def test_documented_paths(module):
    for name in PATHS[module].split():
        assert getattr(import_module(module), name) is not None


def test_front_door_is_lazy():
    code = ("import sys, chronostar; assert 'numpy' not in sys.modules and 'astropy' not in sys.modules, 'heavy';"
            "assert {'prepare', 'Driver'} <= set(dir(chronostar)); from chronostar import StarData;"
            "assert 'numpy' in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_not_there_is_said():
    with pytest.raises(ImportError, match="cannot import name 'Nonsense'"):
        from chronostar import Nonsense  # noqa: F401
