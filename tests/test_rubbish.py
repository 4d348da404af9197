"""Random rubbish: whatever comes in, out comes an InputError of one line, or finite numbers of the right shape.

The quick tests are the same in every run; those marked slow are deeper and different each time.
"""

import string
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from chronostar import synthdata, transforms
from chronostar.component.spacecomponent import SpaceComponent
from chronostar.component.spherespacetimecomponent import SphereSpaceTimeComponent
from chronostar.config import SECTIONS, check_config, read_config
from chronostar.datatools import InputError, StarData, load_array, prepare, read_table
from chronostar.mixture.componentmixture import ComponentMixture
from chronostar.results import mixture_files, read_result, write_files

# astropy leaves a file that it cannot read to the garbage collector
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def rubbish(quick, deep, **strategies):
    "A quick test that is always the same, and beside it a slow one with other examples in each run."

    def both(check):
        common = {"database": None, "deadline": 10_000, "suppress_health_check": list(HealthCheck)}
        slow = settings(max_examples=deep, **common)(given(**strategies)(check))
        sys.modules[check.__module__].__dict__[f"{check.__name__}_deeply"] = pytest.mark.slow(slow)
        return settings(max_examples=quick, derandomize=True, **common)(given(**strategies)(check))

    return both


def refused(work, *args, **kwargs):
    "What `work` returns, or None if it refuses in one line."
    try:
        return work(*args, **kwargs)
    except InputError as e:
        assert str(e) and "\n" not in str(e) and len(str(e)) < 500, str(e)


ODD = [0.0, -0.0, 1.0, -1.0, 90.0, 1e-320, 1e-30, 1e9, 1e30, 1e200, -1e200, 1.7e308, np.nan, np.inf, -np.inf, -9999.0]
numbers = st.one_of(st.sampled_from(ODD), st.floats(-1e3, 1e3), st.floats())


# Tables

KINDS = ["f2", "f4", "f8", "g", ">f8", ">f4", "i1", ">i8", "u8", "?", "c16", "U8", "S8", "O", "M8[s]"]
UNITS = [None, "", "mas", "arcsec", "deg", "rad", "km/s", "m/s", "km", "mag", "mas/yr", "arcsec / century", "Ohm"]


def sky(n):
    "A good table of `n` stars with all columns."
    rng = np.random.default_rng(n)
    table = synthdata.SynthData.measure_astrometry(rng.normal(0, 50, (n, 6)) + [100, 0, 0, 0, 0, 0], rng)
    table["source_id"] = np.arange(n) + 4_611_686_018_427_387_904
    names = list(synthdata.GAIA_ERRORS)
    for i in range(6):
        for j in range(i + 1, 6):
            table[f"{names[i]}_{names[j]}_corr"] = np.full(n, 0.1)
    return table


COLUMNS = sky(1).colnames


def cast(values, kind):
    "`values` in another type, whatever that makes of them."
    with np.errstate(all="ignore"):
        try:
            return np.asarray(values).astype(kind)
        except (TypeError, ValueError):
            return np.zeros(len(values), dtype=kind)


@st.composite
def damages(draw):
    "One way to spoil a table, as a function of it."
    name, n = draw(st.sampled_from(COLUMNS)), 5
    what = draw(st.sampled_from(["values", "kind", "mask", "unit", "drop", "twice", "case", "wide", "quantity", "time", "same"]))
    values = draw(st.lists(numbers, min_size=n, max_size=n))
    kind, unit = draw(st.sampled_from(KINDS)), draw(st.sampled_from(UNITS))
    mask = draw(st.lists(st.booleans(), min_size=n, max_size=n))

    def spoil(table):
        n = len(table)
        if name not in table.colnames or getattr(table[name], "dtype", np.dtype("O")).kind not in "fiu" or table[name].ndim > 1:
            return  # spoilt enough
        column = table[name]
        if what == "values" and column.dtype.kind == "f":
            table[name] = np.array(values[:n], dtype=float)
        elif what == "values":
            table[name] = cast(values[:n], "i8")
        elif what == "kind":
            table[name] = cast(column, kind)
        elif what == "mask":
            table[name] = MaskedColumn(column, mask=mask[:n])
        elif what == "unit":
            column.unit = unit
        elif what == "drop":
            table.remove_column(name)
        elif what == "twice":
            table[name.upper()] = column
        elif what == "case":
            table.rename_column(name, name.title())
        elif what == "wide":
            table[name] = np.ones((n, 2))
        elif what == "quantity" and unit:
            table[name] = np.asarray(column, dtype=float) * Table({"a": [1.0]}, units=[unit])["a"].quantity[0]
        elif what == "time":
            table[name] = Time(np.full(n, 2000.0), format="jyear")
        elif what == "same" and n:
            table[name] = column[:1].repeat(n)

    return spoil


def spoilt(n, spoils):
    table = sky(n) if n else sky(1)[:0]
    for spoil in spoils:
        spoil(table)
    return table


def check_prepared(prepared, n):
    m = len(prepared.ids)
    assert 1 <= m <= n == len(prepared.reason)
    assert prepared.means.shape == (m, 6) and prepared.covs.shape == (m, 6, 6)
    assert prepared.ids.dtype == np.int64 and prepared.fake_rvs.shape == (m,)
    assert (prepared.reason == "").sum() == m and sum(prepared.left_out.values()) == n - m
    assert np.isfinite(prepared.X).all()
    stars = prepared.stars  # what has been prepared is accepted
    assert np.isfinite(stars.curvilinear.blocks).all() and np.isfinite(stars.curvilinear.log_jacobian).all()


@rubbish(
    250,
    5000,
    n=st.integers(0, 5),
    spoils=st.lists(damages(), max_size=3),
    fake_rvs=st.booleans(),
    rv_shift=st.one_of(st.just(0.0), numbers),
)
def test_tables(n, spoils, fake_rvs, rv_shift):
    prepared = refused(prepare, spoilt(n, spoils), fake_rvs, rv_shift)
    if prepared is not None:
        check_prepared(prepared, n)
    if not spoils and n and rv_shift == 0:
        assert prepared.ids.tolist() == [4_611_686_018_427_387_904 + i for i in range(n)]


ENDINGS = ["fits", "fits.gz", "ecsv", "csv", "vot", "parquet"]


def table_bytes(ending, cache={}):  # noqa: B006
    if ending not in cache:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"table.{ending}"
            sky(5).write(path, **({"format": "votable"} if ending == "vot" else {}))
            cache[ending] = path.read_bytes()
    return cache[ending]


@st.composite
def broken(draw, whole):
    "Bytes of a file after an accident: cut off, overwritten here and there, or with others in between."
    data = bytearray(whole)
    for _ in range(draw(st.integers(0, 3))):
        how, at = draw(st.sampled_from(["cut", "flip", "insert", "zero"])), draw(st.integers(0, len(data)))
        some = draw(st.binary(min_size=1, max_size=8))
        if how == "cut":
            del data[at:]
        elif how == "flip":
            data[at : at + len(some)] = some[: len(data) - at]
        elif how == "insert":
            data[at:at] = some
        else:
            data[at : at + 100] = bytes(len(data[at : at + 100]))
    return bytes(data)


@rubbish(150, 3000, ending=st.sampled_from(ENDINGS), data=st.data())
def test_files_of_tables(ending, data):
    content = data.draw(st.one_of(broken(table_bytes(ending)), st.binary(max_size=100)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table.{data.draw(st.sampled_from([ending, *ENDINGS]))}"
        path.write_bytes(content)
        table = refused(read_table, path)
        prepared = table if table is None else refused(prepare, table)
    if prepared is not None:
        check_prepared(prepared, len(table))


# Arrays

shapes = st.one_of(
    npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=7), st.tuples(st.integers(0, 3), st.sampled_from([6, 42]))
)
any_array = npst.arrays(
    dtype=st.one_of(npst.scalar_dtypes(), st.sampled_from(["f2", "f4", "f8", "g", ">f8", "c16", "U3", "S3"])), shape=shapes
)


def check_stars(stars):
    means, covs = stars.means, stars.covs
    assert means.shape == (len(stars), 6) and covs.shape == (len(stars), 6, 6)
    assert means.dtype == covs.dtype == np.float64
    assert np.isfinite(means).all() and np.isfinite(covs).all() and (np.einsum("nii->ni", covs) >= 0).all()
    assert np.isfinite(stars.curvilinear.blocks).all()


@rubbish(200, 5000, X=any_array, covs=st.one_of(st.none(), any_array))
def test_arrays(X, covs):
    stars = refused(StarData, X, covs)
    if stars is not None:
        check_stars(stars)


@rubbish(
    300,
    5000,
    columns=st.sampled_from([6, 42]),
    kind=st.sampled_from(["f4", "f8", "g", ">f8", "i8"]),
    changes=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 41), numbers), max_size=4),
    fortran=st.booleans(),
)
def test_stars_with_odd_numbers(columns, kind, changes, fortran):
    X = np.hstack([np.random.default_rng(0).normal(0, 10, (5, 6)), np.tile(np.eye(6).ravel(), (5, 1))])[:, :columns]
    for row, column, value in changes:
        X[row, column % columns] = value
    X = cast(X, kind)
    X = np.asfortranarray(X) if fortran else X
    X.flags.writeable = False
    stars = refused(StarData, X)
    if stars is not None:
        check_stars(stars)


def npy(array):
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/a.npy", array)
        return Path(folder, "a.npy").read_bytes()


def header(text):
    text = text.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(48)


headers = st.builds(
    lambda descr, fortran, shape: header(f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n"),
    st.sampled_from(["<f8", "|O", "<i8", "bogus", "|V8", "<U999999999", [("a", "<f8")]]),
    st.booleans(),
    st.one_of(st.lists(st.integers(-(2**70), 2**70), max_size=3).map(tuple), st.text(string.printable, max_size=9)),
)


@rubbish(
    300,
    5000,
    content=st.one_of(broken(npy(np.arange(42.0))), headers, st.binary(max_size=300)),
    mmap_mode=st.sampled_from([None, "r"]),
)
def test_files_of_arrays(content, mmap_mode):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npy"
        path.write_bytes(content)
        array = refused(load_array, path, mmap_mode=mmap_mode)
        assert array is None or (isinstance(array, np.ndarray) and array.dtype.kind in "fiub" and array.nbytes <= len(content))
        del array


# Transforms

physical = st.lists(
    st.tuples(
        st.floats(0, 360, exclude_max=True),
        st.floats(-89.9, 89.9),
        st.floats(0.1, 800),
        st.floats(-1e4, 1e4),
        st.floats(-1e4, 1e4),
        st.floats(-1e3, 1e3),
    ),
    min_size=1,
    max_size=4,
).map(np.array)


@rubbish(200, 5000, astrometry=physical)
def test_there_and_back(astrometry):
    cartesian = transforms.astrometry_to_cartesian(astrometry)
    back = transforms.cartesian_to_astrometry(cartesian)
    assert cartesian.shape == back.shape == astrometry.shape and np.isfinite(cartesian).all()
    turn = (back[:, 0] - astrometry[:, 0] + 180) % 360 - 180  # 359.9999 deg is close to 0
    distance = 1000 / astrometry[:, 2]
    speed = np.abs(cartesian[:, 3:]).max(axis=1) + 10
    rounding = 1e-13 * (1 + 100 / distance)  # of what is 25 pc from the origin, seen from near by
    assert (np.abs(turn * np.cos(np.radians(back[:, 1]))) < 1e3 * rounding).all()
    np.testing.assert_allclose(back[:, 1], astrometry[:, 1], rtol=0, atol=1e3 * rounding.max())
    np.testing.assert_allclose(back[:, 2] / astrometry[:, 2], 1, rtol=0, atol=1e2 * rounding.max())
    error = np.abs(back[:, 3:5] - astrometry[:, 3:5]) / (speed / distance * 1000 / transforms.AU_PER_YR)[:, None]
    assert (error < 1e3 * rounding[:, None]).all()
    assert (np.abs(back[:, 5] - astrometry[:, 5]) < 1e3 * rounding * speed).all()


@rubbish(
    200, 5000, astrometry=physical, seed=st.integers(0, 2**32 - 1), log_sigma=st.lists(st.floats(-3, 3), min_size=6, max_size=6)
)
def test_covariances_stay_covariances(astrometry, seed, log_sigma):
    factor = np.random.default_rng(seed).normal(size=(6, 6))
    sigma = 10.0 ** np.array(log_sigma)
    cov = factor @ factor.T * sigma * sigma[:, None]
    carried = transforms.covariance_to_cartesian(astrometry, np.broadcast_to(cov, (len(astrometry), 6, 6)))
    assert carried.shape == (len(astrometry), 6, 6) and np.isfinite(carried).all()
    np.testing.assert_array_equal(carried, carried.swapaxes(1, 2))
    jac = transforms.cartesian_jacobian(astrometry)
    assert (np.linalg.slogdet(jac)[0] != 0).all()
    scale = np.sqrt(np.einsum("nii->ni", carried))
    assert (np.linalg.eigvalsh(carried / scale[:, :, None] / scale[:, None, :])[:, 0] > -1e-12).all()


# Settings

words = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            *SECTIONS,
            "tol",
            "max_iter",
            "init_params",
            "savedir",
            "trace_orbit_func",
            "max_age",
            "background",
            "epicyclic",
            "1e-5",
            "SpaceComponent",
            "nthreads",
            "random",
        ]
    ),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), numbers, words, st.dates())
anything = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)), max_leaves=8
)


@st.composite
def nearly_right(draw):
    "Known sections with known settings, of odd values."
    known = {name: list(values or {}) for name, values in SECTIONS.items()}
    for section, cls in (("component", SphereSpaceTimeComponent), ("mixture", ComponentMixture)):
        known[section] = list(cls.settings())
    sections = draw(st.lists(st.sampled_from([*known]), max_size=3, unique=True))
    return {s: draw(st.dictionaries(st.sampled_from(known[s] or ["max_components"]), scalars, max_size=3)) for s in sections}


def check_settings(config):
    if config is None:
        return
    assert set(config) == set(SECTIONS)
    assert all(isinstance(config["modules"][m], type) for m in ("component", "mixture", "icpool"))
    assert check_config(config) == config
    config["modules"]["component"](**config["component"])


@rubbish(250, 5000, config=st.one_of(anything, nearly_right()))
def test_settings(config):
    check_settings(refused(check_config, config))


def dumped(config):
    return yaml.safe_dump(config, allow_unicode=True)


grammar = st.lists(
    st.sampled_from(
        [
            "mixture",
            "component",
            "tol",
            ":",
            ": ",
            "\n",
            "\n  ",
            "- ",
            "[",
            "]",
            "{",
            "}",
            "&a ",
            "*a",
            "!!",
            "!",
            "|",
            ">",
            "'",
            '"',
            "#",
            "%",
            "---",
            "? ",
            "<<",
            "1e-5",
            ",",
            "\t",
            "\ufeff",
            "\0",
            "~",
        ]
    ),
    max_size=25,
).map("".join)
texts = st.one_of(
    st.text().map(lambda t: t.encode("utf-8", "surrogatepass")),
    st.binary(max_size=60),
    grammar.map(str.encode),
    st.one_of(anything, nearly_right()).map(dumped).map(str.encode),
    nearly_right().map(dumped).map(str.encode).flatmap(broken),
)


@rubbish(300, 5000, content=texts)
def test_files_of_settings(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yml"
        path.write_bytes(content)
        check_settings(refused(read_config, path))


# Results


def result_bytes(flat, cache={}):  # noqa: B006
    "A result as {name: bytes}."
    if flat not in cache:
        mixture = ComponentMixture().set_parameters(
            [0.3, 0.7],
            [
                SphereSpaceTimeComponent([0.0] * 6 + [50.0, 5.0, 10.0]),
                SpaceComponent(np.hstack([np.zeros(6), 9 * np.eye(6).ravel()])),
            ],
        )
        with tempfile.TemporaryDirectory() as folder:
            write_files(folder, mixture_files(mixture, np.full((4, 2), 0.5), flat, np.arange(4)))
            cache[flat] = {str(p.relative_to(folder)): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}
    return cache[flat]


X = np.random.default_rng(0).normal(0, 10, (4, 6))


@rubbish(300, 5000, flat=st.booleans(), data=st.data())
def test_results(flat, data):
    files = dict(result_bytes(flat))
    names = sorted(files)
    for _ in range(data.draw(st.integers(1, 3))):
        name, other = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
        how = data.draw(st.sampled_from(["remove", "swap", "break", "array", "bytes", "copy"]))
        if name not in files or other not in files:
            continue
        if how == "remove":
            del files[name]
        elif how == "swap":
            files[name], files[other] = files[other], files[name]
        elif how == "copy":
            files[
                data.draw(st.sampled_from(["comp_002_params.npy", "comp_000_params.npy", "params.npy", "comp_x_params.npy"]))
            ] = files[name]
        elif how == "array":
            files[name] = npy(
                data.draw(
                    npst.arrays("f8", st.sampled_from([(), (0,), (1,), (2,), (9,), (12,), (42,), (2, 2)]), elements=numbers)
                )
            )
        else:
            files[name] = data.draw(broken(files[name]) if how == "break" else st.binary(max_size=50))
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).parent.mkdir(exist_ok=True)
            Path(folder, name).write_bytes(content)
        mixture = refused(read_result, folder)
    if mixture is None:
        return
    assert len(mixture.weights_) == len(mixture.components_)
    memberships = refused(mixture.predict_proba, X)
    if memberships is not None:
        assert memberships.shape == (4, len(mixture.components_)) and np.isfinite(memberships).all()
        np.testing.assert_allclose(memberships.sum(axis=1), 1)


recipes = st.fixed_dictionaries(
    {},
    optional={
        "class": st.one_of(
            anything, st.sampled_from(["SphereSpaceTimeComponent", "SpaceComponent", "os.getcwd", "ComponentMixture"])
        ),
        "settings": st.one_of(anything, st.dictionaries(st.one_of(words, st.just("max_age")), scalars, max_size=3)),
        "lost": st.one_of(anything, st.lists(words, max_size=2)),
    },
)
errors_of_ages = st.sampled_from(
    [[1.0, np.nan], ["a", "b"], [[1.0], [2.0]], [True, False], MaskedColumn([1.0, 2.0], mask=[True, False])]
)


@rubbish(150, 3000, said=st.one_of(anything, st.lists(recipes, min_size=1, max_size=3)), errors=errors_of_ages)
def test_recipes_of_components(said, errors):
    files = dict(result_bytes(True))
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        table = Table.read(f"{folder}/components.ecsv")
        table.meta["components"], table["age_error"] = said, errors
        try:
            table.write(f"{folder}/components.ecsv", overwrite=True)
        except Exception:  # astropy cannot write it either
            return
        mixture = refused(read_result, folder)
    if mixture is not None:
        assert np.isfinite(mixture.predict_proba(X)).all()
