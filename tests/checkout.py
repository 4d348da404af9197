"""What the tests of the repository and of the site share: the notebooks, and a copy that nbdev may write to."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / "nbs"


def names(folder, pattern):
    "Paths below `folder`, relative to it, without what nbdev passes over: names that start with . or _."
    paths = (path.relative_to(folder) for path in folder.rglob(pattern))
    return sorted(path.as_posix() for path in paths if not any(part[0] in "._" for part in path.parts))


NOTEBOOKS = names(NBS, "*.ipynb")


def cells(name, kind):
    "The sources of a notebook's cells of one kind."
    nb = json.loads((NBS / name).read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in nb["cells"] if cell["cell_type"] == kind]


def default_exp(name):
    "The module that a notebook is exported to, or None."
    found = re.search(r"^\s*#\s*\|\s*default_exp\s+(\S+)", "\n".join(cells(name, "code")), re.MULTILINE)
    return found and found[1]


MODULES = {name: module for name in NOTEBOOKS if (module := default_exp(name))}


def copy_checkout(folder):
    "Copy what nbdev reads and writes to a new `folder`, so that it may write."
    skip = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("nbs", "chronostar", "tools"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=skip)
    for name in ("settings.ini", "pyproject.toml", "_quarto.yml"):
        shutil.copy(ROOT / name, folder)
    return folder


def run_nbdev(function, module, folder):
    "Call nbdev's `function` in `folder`, as its command would; what it wrote to stderr."
    environment = {key: value for key, value in os.environ.items() if key != "IN_TEST"}
    done = subprocess.run([sys.executable, "-c", f"from {module} import {function}; {function}()"], cwd=folder,
                          env=environment | {"PYTHONPATH": str(folder)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr
