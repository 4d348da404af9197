"""scikit-learn's own checks of an estimator, where they apply, and its tools around a mixture."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils import estimator_checks

from chronostar.datatools import InputError, StarData
from chronostar.mixture.componentmixture import ComponentMixture

NOT_OURS = {
    "check_n_features_in_after_fitting": "a mixture fitted to stars with uncertainties (42 columns) describes stars without (6)",
    "check_dtype_object": "bad input is an InputError, which is a ValueError, and not a TypeError",
    "check_estimators_empty_data_messages": "the message names the two numbers of columns that there can be",
    "check_estimators_nan_inf": "gives three columns; with six it is test_nan_and_infinity below",
    "check_fit2d_1sample": "the message speaks of stars, not of samples",
}
as_tagged = estimator_checks._enforce_estimator_tags_X


def six_columns(estimator, X, **kwargs):
    "The checks' data, which have a few columns, made as wide as positions and velocities are."
    X = as_tagged(estimator, X, **kwargs)
    more = np.random.RandomState(0).normal(size=(len(X), 6))
    return X if X.ndim != 2 else np.hstack([X, more.astype(X.dtype)])[:, :6]


def checks():
    "Pairs of an estimator and a check; those that are not ours are expected to fail."
    return [*estimator_checks.estimator_checks_generator(ComponentMixture(), legacy=True, mark="xfail",
                                                         expected_failed_checks=NOT_OURS)]


@pytest.mark.parametrize("estimator, check", checks())
@pytest.mark.filterwarnings("ignore")  # max_iter=2, for instance, is one of the things that are tried
def test_estimator(estimator, check, monkeypatch):
    monkeypatch.setattr(estimator_checks, "_enforce_estimator_tags_X", six_columns)
    check(estimator)


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    near, far = rng.normal(size=(60, 6)), rng.normal(size=(60, 6)) * [50, 50, 50, 9, 9, 9]
    return rng.permutation(np.vstack([near, far]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity(X, value):
    fitted = ComponentMixture().fit(X)
    bad = X.copy()
    bad[7, 3] = value
    for method in (fitted.fit, fitted.predict, fitted.predict_proba, fitted.score_samples):
        with pytest.raises(InputError, match="NaN or infinite values, the first in row 7"):
            method(bad)


def test_sparse_is_refused(X):
    from scipy.sparse import csr_array
    with pytest.raises(InputError, match="sparse matrix.*toarray"):
        ComponentMixture().fit(csr_array(X))


def test_objects_that_are_numbers(X):
    np.testing.assert_array_equal(ComponentMixture().fit(X.astype(object)).score_samples(X),
                                  ComponentMixture().fit(X).score_samples(X))


def test_predicts_stars_without_uncertainties(X):
    covs = np.broadcast_to(np.eye(6) * 0.1, (len(X), 6, 6))
    mixture = ComponentMixture(n_components=2, init_params="kmeans", random_state=0).fit(StarData(X, covs))
    assert mixture.n_features_in_ == 42 and mixture.predict_proba(X).shape == (120, 2)


@pytest.mark.parametrize("wrap", [np.asarray, StarData])
def test_cross_validation(X, wrap):
    "The number of components by the likelihood of stars held out, whatever holds the stars."
    search = GridSearchCV(ComponentMixture(init_params="kmeans", random_state=0), {"n_components": [1, 2]}, error_score="raise")
    search.fit(wrap(X))
    assert search.best_params_ == {"n_components": 2}
    assert search.best_estimator_.predict(wrap(X)).shape == (120,)


def test_same_seed_same_scores(X):
    mixture = ComponentMixture(n_components=2, random_state=1)
    np.testing.assert_array_equal(cross_val_score(clone(mixture), X), cross_val_score(mixture, X))


def test_repr_html_is_off():
    "A mixture shows its components, not scikit-learn's diagram, whatever the configuration."
    with sklearn.config_context(display="diagram"):
        assert set(ComponentMixture()._repr_mimebundle_()) == {"text/plain"}
