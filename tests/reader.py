"""A reader of the site: what a page shows, taken from top to bottom and run.

`python tests/reader.py PAGE` runs a page of `_proc` (.ipynb) as somebody would who has nothing but the page: files
with a name are saved under it, cells are run in one session of IPython. The tables of the documentation that lie beside
the page are there too, since the page links to them. All of them: `python tests/reader.py _proc/tutorials`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

NAMED = re.compile(r"^```\{\.\w+ filename=\"([^\"]+)\"\}\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def visible(page):
    "What a page shows, in its order: (name of a file, content), or (None, code)."
    for cell in nbformat.read(page, as_version=4).cells:
        if cell.cell_type == "markdown":
            yield from NAMED.findall(cell.source)
        elif cell.cell_type == "code" and not re.search(r"^#\| *(echo|include|eval): *false", cell.source, re.MULTILINE):
            yield None, cell.source


def read(page):
    "Run what a page shows, in the folder where we are; the first error ends it."
    import matplotlib
    from IPython.core.interactiveshell import InteractiveShell
    matplotlib.use("Agg")
    shell = InteractiveShell.instance()
    for name, content in visible(page):
        if name:
            name, _, more = name.partition(", ")
            with open(name, "a" if more else "w", encoding="utf-8") as file:
                file.write(("\n\n" if more else "") + content + "\n")
        else:
            shell.run_cell(content, store_history=True).raise_error()


def run(page, folder):
    "The same in a process of its own; what it printed, and whether it went well."
    for table in page.parent.glob("*.ecsv"):
        shutil.copy(table, folder)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {key: value for key, value in os.environ.items() if key != "IN_TEST"}
    environment |= {"PATH": path, "TQDM_DISABLE": "1", "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1",
                    "IPYTHONDIR": str(Path(folder) / ".ipython"), "TMPDIR": str(folder)}
    return subprocess.run([sys.executable, __file__, str(page), "--here"], cwd=folder, env=environment,
                          capture_output=True, text=True)


def main(page):
    where = Path(page).resolve()
    for page in sorted(where.glob("*.ipynb")) if where.is_dir() else [where]:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            done = run(page, folder)
        print(f"{page.stem:20} {'ok' if done.returncode == 0 else 'FAILED'} {time.perf_counter() - start:6.1f} s", flush=True)
        if done.returncode:
            print(done.stdout[-1500:], done.stderr[-1500:])


if __name__ == "__main__":
    if sys.argv[2:] == ["--here"]:
        read(sys.argv[1])
    else:
        main(sys.argv[1])
