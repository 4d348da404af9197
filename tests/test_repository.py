"""The repository itself: whatever is generated is in step with its source, and the site can be built."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import nbformat
import pytest
import yaml
from make_readme import make_readme
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / "nbs"
IMAGE_LIMIT = 100_000  # bytes
INSTALL = "pip install . && chronostar-demo"
TEST = "pip install -e '.[dev]' && nbdev_test && pytest"


def names(folder, pattern):
    "Paths below `folder`, relative to it, without what nbdev passes over: names that start with . or _."
    paths = (path.relative_to(folder) for path in folder.rglob(pattern))
    return sorted(path.as_posix() for path in paths if not any(part[0] in "._" for part in path.parts))


NOTEBOOKS = names(NBS, "*.ipynb")
each_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


def cells(name, kind):
    "The sources of a notebook's cells of one kind."
    nb = json.loads((NBS / name).read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in nb["cells"] if cell["cell_type"] == kind]


def default_exp(name):
    "The module that a notebook is exported to, or None."
    found = re.search(r"^\s*#\s*\|\s*default_exp\s+(\S+)", "\n".join(cells(name, "code")), re.MULTILINE)
    return found and found[1]


MODULES = {name: module for name in NOTEBOOKS if (module := default_exp(name))}


def contents(folder, pattern):
    "{relative path: text} of the files in `folder`."
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob(pattern)}


def assert_same(made, kept, how):
    differing = sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))
    assert not differing, f"{how}: {', '.join(differing)}"


@pytest.fixture
def copy(tmp_path):
    "What nbdev reads and writes, copied so that it may write."
    skip = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("nbs", "chronostar"):
        shutil.copytree(ROOT / name, tmp_path / "copy" / name, symlinks=True, ignore=skip)
    for name in ("settings.ini", "pyproject.toml", "_quarto.yml"):
        shutil.copy(ROOT / name, tmp_path / "copy")
    return tmp_path / "copy"


def run_nbdev(function, module, folder):
    "Call nbdev's `function` in `folder`, as its command would; what it wrote to stderr."
    environment = {key: value for key, value in os.environ.items() if key != "IN_TEST"}
    done = subprocess.run([sys.executable, "-c", f"from {module} import {function}; {function}()"], cwd=folder,
                          env=environment | {"PYTHONPATH": str(folder)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


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


@each_notebook
def test_front_matter(name):
    "The site takes a page's title and description from the notebook's first markdown cell."
    first = next(iter(cells(name, "markdown")), "")
    assert re.match(r"# [^#\s].*\n+> \S", first), f"a `# Title` and a `> description` first, not {first[:80]!r}"


@each_notebook
def test_images_are_small(name):
    nb = json.loads((NBS / name).read_text(encoding="utf-8"))
    outputs = (output for cell in nb["cells"] for output in cell.get("outputs", []))
    images = [(form, "".join(data)) for output in outputs for form, data in output.get("data", {}).items()
              if form.startswith("image/")]
    sizes = [len(data) if form == "image/svg+xml" else len(base64.b64decode(data)) for form, data in images]
    assert all(size < IMAGE_LIMIT for size in sizes), f"bytes: {sizes}"


def test_sidebar_lists_every_notebook_once():
    sections = yaml.safe_load((ROOT / "_quarto.yml").read_text())["website"]["sidebar"]["contents"]
    assert sorted(page for section in sections for page in section["contents"]) == NOTEBOOKS


def test_docs_build_reads_every_notebook(copy):
    "All of nbdev's docs build that comes before Quarto."
    quarto = (ROOT / "_quarto.yml").read_text(encoding="utf-8")
    run_nbdev("refresh_quarto_yml", "nbdev.quarto", copy)
    said = run_nbdev("proc_nbs", "nbdev.serve", copy)
    assert "Found cells containing imports and other code" not in said, said
    assert names(copy / "_proc", "*.ipynb") == NOTEBOOKS
    made = copy / "_proc" / "_quarto.yml"
    assert made.read_text(encoding="utf-8") == quarto and not made.is_symlink()
    for file in ("nbdev.yml", "styles.css"):
        assert (copy / "_proc" / file).is_file(), f"_quarto.yml names {file}"

    settings = ConfigParser(delimiters=["="])
    settings.read(ROOT / "settings.ini", encoding="utf-8")
    config, website = settings["DEFAULT"], yaml.safe_load((copy / "nbs" / "nbdev.yml").read_text())["website"]
    assert website["title"] == yaml.safe_load(quarto)["website"]["title"] == config["title"]
    assert website["repo-url"] == config["git_url"] and config["git_url"] in quarto
    kept = NBS / "nbdev.yml"
    assert not kept.exists() or kept.read_text() == (copy / "nbs" / "nbdev.yml").read_text()


def test_readme_is_the_index():
    text, images = make_readme(NBS / "index.ipynb")
    again = "README.md is not nbs/index.ipynb: run python tests/make_readme.py"
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
    "What the cells of a notebook have printed and displayed as text."
    outputs = [output for cell in nb.cells if cell.cell_type == "code" for output in cell.outputs]
    return [o.text if o.output_type == "stream" else o.data.get("text/markdown", o.data.get("text/plain")) for o in outputs]


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name.startswith("reference/")])
def test_reference_pages_say_what_the_code_says(name):
    stored = nbformat.read(NBS / name, 4)
    fresh = nbformat.read(NBS / name, 4)
    NotebookClient(fresh, kernel_name="python3", resources={"metadata": {"path": NBS / "reference"}}).execute()
    assert said(fresh) == said(stored), f"{name} is stale: run it again and store its outputs"
