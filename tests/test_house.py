"""The order of the house: a chapter's code imports from chapters with smaller numbers, at the top of its file, public names."""

import ast
from importlib.util import resolve_name

from checkout import MODULES, ROOT, cells

NUMBERS = {f"chronostar.{module}": int(name.split("_")[0]) for name, module in MODULES.items()}


def imports(module):
    "What a module imports from Chronostar: where from, the name, whether at the top of the file."
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        for name in names:
            where = resolve_name("." * node.level + (node.module or ""), module.rpartition(".")[0]) \
                if isinstance(node, ast.ImportFrom) else name
            where = f"{where}.{name}" if f"{where}.{name}" in NUMBERS else where  # a chapter as a whole
            if where.split(".")[0] == "chronostar":
                yield where, name, node in tree.body


def test_a_chapter_builds_on_those_before_it():
    offenders = []
    for module, number in sorted(NUMBERS.items(), key=lambda item: item[1]):
        for where, name, at_top in imports(module):
            dunder = name.startswith("__")  # chronostar.__version__
            if NUMBERS.get(where, -1 if dunder else 999) >= number:
                offenders.append(f"{module} ({number}) imports {name} from {where}, which does not come before it")
            if not at_top and module != "chronostar.cli":
                offenders.append(f"{module} ({number}) imports {name} from {where} inside a function")
            if name.startswith("_") and not dunder:
                offenders.append(f"{module} ({number}) imports the private {name} from {where}")
    assert not offenders, "\n".join(["", *offenders])


def test_exported_code_fits_110_columns():
    exported = [(name, cell) for name in MODULES for cell in cells(name, "code") if cell.startswith("#| export")]
    wide = [f"{name}: {line}" for name, cell in exported for line in cell.splitlines() if len(line) > 110]
    assert not wide, "\n".join(["", *wide])
