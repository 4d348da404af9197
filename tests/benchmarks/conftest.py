"""Fixtures of the benchmarks, and the one table in which all of them end."""

from datetime import date

import pytest

from .bench import Child, machine, seconds, sky, store

ROWS = pytest.StashKey()


@pytest.fixture(scope="session")
def hundred_thousand():
    "Means and covariances of 100 000 stars."
    return sky(100_000, 2)[:2]


@pytest.fixture(scope="session")
def million():
    "A million stars of five components, as StarData in both coordinates, and the component of each."
    from chronostar.datatools import StarData

    means, covs, truth = sky(1_000_000, 5)
    stars = StarData(means, covs)
    assert len(stars.curvilinear) == len(stars)
    return stars, truth


@pytest.fixture
def race(benchmark):
    "Best times of two functions, called in turns so that both meet the same machine."

    def run(ours, other, rounds=5):
        ours(), other()
        times = []

        def before():
            times.append(seconds(other))

        benchmark.pedantic(ours, setup=before, rounds=rounds)
        return benchmark.stats.stats.min, min(times)

    return run


@pytest.fixture
def best_child(benchmark):
    "The fastest of some processes, each started anew."

    def run(command, rounds=3, other=None, **how):
        ours, others = [], []

        def before():
            if other:
                others.append(Child(other, **how))

        benchmark.pedantic(lambda: ours.append(Child(command, **how)), setup=before, rounds=rounds)

        def fastest(children):
            return min(children, key=lambda child: child.seconds)

        return (fastest(ours), fastest(others)) if other else fastest(ours)

    return run


@pytest.fixture
def record(request, benchmark):
    "Put a line into the table, and hold the measurement against its limit: at most, or with `at_least`."

    def add(item, measured, limit=None, unit="", at_least=False):
        fine = limit is None or (measured >= limit if at_least else measured <= limit)
        sign = "" if limit is None else f"{'>=' if at_least else '<='} {limit:g}"
        kept = "" if limit is None else "yes" if fine else "NO"
        row = {"item": item, "measured": float(f"{measured:.3g}"), "unit": unit, "limit": sign, "kept": kept}
        request.config.stash.setdefault(ROWS, []).append(row)
        benchmark.extra_info[item] = measured
        assert fine, f"{item}: {measured:.4g} {unit}, limit {sign}"

    return add


def pytest_addoption(parser):
    parser.addoption("--store", action="store_true", help="write the benchmarks' table for the documentation's page on speed")


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(ROWS, [])
    if not rows:
        return
    terminalreporter.section(f"speed: {machine()}, {date.today().isoformat()}")
    terminalreporter.write_line(f"{'':62}{'measured':>12} {'':12}{'limit':>9}  kept")
    for row in rows:
        terminalreporter.write_line(f"{row['item']:62}{row['measured']:>12g} {row['unit']:12}{row['limit']:>9}  {row['kept']}")
    if config.getoption("--store", default=False):
        store(rows, "speed_results.ecsv", "pytest tests/benchmarks --benchmark-only --benchmark-quiet --store")
