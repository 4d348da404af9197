"""The repository itself: whatever is generated is in step with its source."""

import re

import nbformat
import pytest
from checkout import MODULES, NBS, NOTEBOOKS, ROOT, copy_checkout, names, run_nbdev
from make_readme import make_readme
from nbclient import NotebookClient

INSTALL = "pip install . && chronostar-demo"
TEST = "pip install -e '.[dev]' && nbdev_test && pytest"


def contents(folder, pattern):
    "{relative path: text} of the files in `folder`."
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob(pattern)}


def assert_same(made, kept, how):
    differing = sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))
    assert not differing, f"{how}: {', '.join(differing)}"


@pytest.fixture
def copy(tmp_path):
    return copy_checkout(tmp_path / "copy")


def test_there_are_notebooks():
    assert "index.ipynb" in NOTEBOOKS and MODULES


def test_each_notebook_has_its_own_module():
    assert len(set(MODULES.values())) == len(MODULES), f"two notebooks share a default_exp: {MODULES}"
    chapters = {name: re.sub(r"^\d+_", "", name.removesuffix(".ipynb")) for name in NOTEBOOKS if name[0].isdigit()}
    assert MODULES == chapters  # the name of a chapter says where it is exported to


def test_no_stale_module():
    package = {name.removesuffix(".py").replace("/", ".") for name in names(ROOT / "chronostar", "*.py")}
    assert package == set(MODULES.values())


def test_package_is_what_the_notebooks_export(copy):
    package, project = ROOT / "chronostar", (copy / "pyproject.toml").read_text(encoding="utf-8")
    for path in (copy / "chronostar").rglob("*.py"):
        if path != copy / "chronostar" / "__init__.py":
            path.unlink()
    run_nbdev("nbdev_export", "nbdev.doclinks", copy)
    assert_same(contents(copy / "chronostar", "*.py"), contents(package, "*.py"), "run nbdev_export")
    assert (copy / "pyproject.toml").read_text(encoding="utf-8") == project


def test_notebooks_are_clean(copy):
    run_nbdev("nbdev_clean", "nbdev.clean", copy)
    assert_same(contents(copy / "nbs", "*.ipynb"), {name: (NBS / name).read_text(encoding="utf-8")
                                                    for name in NOTEBOOKS}, "run nbdev_clean")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_stored_output_is_an_error(name):
    cells = nbformat.read(NBS / name, 4).cells
    failed = [cell.source[:80] for cell in cells for output in cell.get("outputs", ()) if output.output_type == "error"]
    assert not failed, f"{name} has stored errors: run it again, and store its outputs"


def test_readme_is_the_index():
    text, images = make_readme(NBS / "index.ipynb")
    again = "README.md is not nbs/index.ipynb: run python tools/make_readme.py"
    assert (ROOT / "README.md").read_text(encoding="utf-8") == text, again
    folder = ROOT / "index_files"
    assert {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in folder.glob("*")} == images, again


def test_readme_says_how_to_install_and_test():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert INSTALL in readme and TEST in readme
    assert TEST in (ROOT / ".ci" / "run").read_text() and TEST in (ROOT / "CONTRIBUTING.md").read_text()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s#]+)", (ROOT / page).read_text(encoding="utf-8"))
    missing = [link for link in links if not re.match(r"[a-z]+:", link) and not (ROOT / link).exists()]
    assert not missing


def said(nb):
    "What each cell of a notebook has printed and displayed as text: one text, as a busy machine may print it in two parts."
    cells = [cell.outputs for cell in nb.cells if cell.cell_type == "code"]
    return ["".join(o.text if o.output_type == "stream" else o.data.get("text/markdown", o.data.get("text/plain"))
                    for o in outputs) for outputs in cells]


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name.startswith("reference/")])
def test_reference_pages_say_what_the_code_says(name):
    stored = nbformat.read(NBS / name, 4)
    fresh = nbformat.read(NBS / name, 4)
    NotebookClient(fresh, kernel_name="python3", resources={"metadata": {"path": NBS / "reference"}}).execute()
    assert said(fresh) == said(stored), f"{name} is stale: run it again and store its outputs"
