"""How the notebooks look on the site: what nbdev does to a page beyond its own processors, named in settings.ini.

`procs` and `renderer` there name what is here. The notebooks stay as they are; the pages in `_proc` are what changes.
"""

import ast
import inspect
import re
import textwrap
from html import escape, unescape
from pathlib import Path

from fastcore.docments import DocmentText
from nbdev.config import get_config
from nbdev.doclinks import NbdevLookup
from nbdev.process import Processor
from nbdev.processors import mk_cell
from nbdev.showdoc import BasicMarkdownRenderer

FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[(?:[^][`]|`[^`]*`)*\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)")
SIMPLE = (bool, int, float, str, tuple, list, dict)
TESTS = re.compile(r"(assert_\w+|test_\w+)$")


# Signatures

class Signature(DocmentText):
    "A signature without the type of None, and without backticks, which would become links."
    def _fmt_param(self, nm, p):
        text = super()._fmt_param(nm, p)
        default = p.get("default")
        if p.get("anno") is type(default) and not isinstance(default, SIMPLE):  # made up: NoneType, a class's class
            text = re.sub(r":[^=]+", "", text, count=1)
        return text

    @property
    def params(self):
        return [(text, (comment or "").replace("`", "")) for text, comment in super().params]

    @property
    def _ret_str(self):
        return super()._ret_str.replace("`", "")


class Renderer(BasicMarkdownRenderer):
    "What show_doc shows of a function, a method, a property or a class."
    def __init__(self, sym, name=None, title_level=3, maxline=100):
        self.is_property = isinstance(sym, property) or hasattr(sym, "attrname")
        super().__init__(sym, name=name, title_level=title_level, maxline=maxline)

    @property
    def signature(self):
        if inspect.isclass(self.sym):
            return of_class(self.sym, self.maxline)
        text = str(Signature(self.sym, maxline=self.maxline, docstring=False))
        return f"@property\n{text}" if self.is_property else text

    def _repr_markdown_(self):
        source = NbdevLookup().code(self.fn)
        link = f'[source]({source}){{target="_blank" .source-link}}\n\n' if source else ""
        owner, dot, name = self.nm.rpartition(".")
        title = f"[{owner}.]{{.owner}}{name}" if dot else name
        docs = f"\n\n*{self.docs.strip()}*" if self.docs and "\n\n" not in self.docs.strip() else f"\n\n{self.docs}"
        name = title.replace("__", r"\_\_")
        return (f"---\n\n{link}{'#'*self.title_level} {name} {{#{self.nm.lower()}}}\n\n"
                f"```python\n{self.signature}\n```{docs if self.docs else ''}")


def of_class(cls, maxline=100):
    "The call of a class: its fields, if it is a named tuple, and its bases, if it says nothing of its own."
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return f"class {cls.__name__}(NamedTuple):\n" + "\n".join(f"    {line}" for line in fields_of(cls))
    signature = Signature(cls, maxline=maxline, docstring=False)
    if {text for text, _ in signature.params} <= {"*args", "**kwargs"}:
        bases = [base.__name__ for base in cls.__bases__ if base is not object]
        return f"class {cls.__name__}({', '.join(bases)})"
    return re.sub(r"^def |->None:$", lambda found: "class " if found[0] == "def " else ":", str(signature))


def fields_of(cls):
    "`name: type = default  # comment` of each field of a named tuple."
    module = NbdevLookup()[cls.__name__]
    source = (get_config().config_path / module[1]).read_text(encoding="utf-8") if module else ""
    source = source.partition(f"class {cls.__name__}(")[2].partition("\nclass ")[0]
    found = dict(re.findall(r"^\s+(\w+)\s*:[^#\n]*#\s*(.*)$", source, re.MULTILINE))
    for name in cls._fields:
        kind = inspect.get_annotations(cls).get(name, "")
        kind = getattr(kind, "__name__", str(kind))
        default = f" = {cls._field_defaults[name]!r}" if name in cls._field_defaults else ""
        comment = found.get(name, "").replace("`", "")
        yield f"{name}{f': {kind}' if kind else ''}{default}{f'  # {comment}' if comment else ''}"


# Links

def link_names(text):
    "Names in backticks become links to where they are explained, but not in code, and not in what is a link already."
    look_up, parts, last = NbdevLookup(), [], 0
    for fence in FENCE.finditer(text):
        parts += [_link_prose(look_up, text[last:fence.start()]), fence[0]]
        last = fence.end()
    return "".join([*parts, _link_prose(look_up, text[last:])])


def _link_prose(look_up, text):
    lines = []
    for line in text.split("\n"):
        if line.startswith(("    ", "---\n")) or re.match(r"#{1,6} .*\{#", line):
            lines.append(line)
            continue
        found, last = [], 0
        for link in LINK.finditer(line):
            found += [look_up.link_line(line[last:link.start()]), link[0]]
            last = link.end()
        lines.append("".join([*found, look_up.link_line(line[last:])]))
    return "\n".join(lines)


def add_name_links(cell):
    "In place of nbdev's `add_links`."
    if cell.cell_type == "markdown" and cell.source:
        cell.source = link_names(cell.source)
    for output in cell.get("outputs", []):
        if "text/markdown" in output.get("data", {}):
            output.data["text/markdown"] = link_names(as_text(output.data["text/markdown"]))


# Outputs

def as_text(data):
    return data if isinstance(data, str) else "".join(data)


def site_table(html):
    "An astropy table with one head, its units in small print, and no row of dtypes."
    rows = [[(tag, unescape(text)) for tag, text in re.findall(r"<(t[hd])[^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
            for row in re.findall(r"<tr[^>]*>(.*?)</tr>", html, re.DOTALL)]
    heads = [[text for _, text in row] for row in rows if row and row[0][0] == "th"]
    body = [[text for _, text in row] for row in rows if row and row[0][0] == "td"]
    units = heads[1] if len(heads) > 2 else [""]*len(heads[0])
    numeric = [all(re.match(r"[-+]?[\d.]|-|nan|inf|\.\.\.|$", row[i]) for row in body) for i in range(len(heads[0]))]
    side = ["" if number else ' class="words"' for number in numeric]
    head = "".join(f"<th{s}>{escape(name)}{f'<span class=unit>{escape(unit)}</span>' if unit else ''}</th>"
                   for name, unit, s in zip(heads[0], units, side, strict=True))
    lines = ["<tr>" + "".join(f"<td{s}>{escape(text)}</td>" for text, s in zip(row, side, strict=True)) + "</tr>"
             for row in body]
    return (f'<div class="site-table"><table class="table table-sm" data-quarto-disable-processing="true">'
            f"<thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(lines) + "\n</tbody></table></div>")


WIDE = 105  # columns of text that the page has room for


def folded(text):
    "Text in which long lines go on in the next one, but for the rows of tables."
    def fold(line):
        if len(line) <= WIDE or re.search(r"\S {2,}\S", line): return line
        more = " " * (len(line) - len(line.lstrip()) + 4)
        return textwrap.fill(line, WIDE, subsequent_indent=more, break_long_words=False, break_on_hyphens=False)
    return "\n".join(fold(line) for line in text.split("\n"))


def plain_outputs(cell):
    """Long lines of text are folded. No `text/html` is left to Quarto, which would load jQuery and RequireJS from
    elsewhere for it: tables become tables of the site, estimators are shown by their repr, and what else is HTML goes
    into the page as it is."""
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        for part, key in ((output, "text"), (data, "text/plain")):
            if key in part: part[key] = folded(as_text(part[key]))
        if "text/html" not in data:
            continue
        html = as_text(data.pop("text/html"))
        if "sk-top-container" in html or "sk-estimator" in html:
            continue
        made = site_table(html) if re.search(r'<table id="table\d+"', html) else html
        data["text/markdown"] = f"```{{=html}}\n{made}\n```\n"


# Cells

WRITEFILE = re.compile(r"^%%writefile( -a)? (\S+)\n", re.MULTILINE)


def files_and_magics(cell):
    """A cell that writes a file becomes that file, under its name: nbdev's `clean_magics`, in the place of which this
    stands, strips `%%writefile` and leaves YAML in a cell of Python."""
    if cell.cell_type != "code" or not cell.source:
        return
    if found := WRITEFILE.match(cell.source):
        more, name = found.groups()
        language = {"py": "python", "yml": "yaml", "yaml": "yaml"}.get(name.rpartition(".")[2], "text")
        title = f"{name}, continued" if more else name
        content = cell.source[found.end():].strip("\n")
        cell.cell_type, cell.source = "markdown", f'```{{.{language} filename="{title}"}}\n{content}\n```'
        for key in ("outputs", "execution_count"):
            cell.pop(key, None)
    else:
        cell.source = re.sub(r"^\s*%.*", "", cell.source, flags=re.MULTILINE).strip()


def is_test(statement):
    "Does a statement check, and do nothing else?"
    if isinstance(statement, ast.Assert):
        return True
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return bool(TESTS.search(ast.unparse(statement.value.func)))
    if isinstance(statement, ast.For | ast.With | ast.If):
        return all(map(is_test_or_setting, statement.body)) and any(map(is_test, statement.body))
    return False


def is_test_or_setting(statement):
    return isinstance(statement, ast.Assign) or is_test(statement)


def without_tests(source):
    "The code of a cell without the statements that only check."
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # commands of the shell
        return source
    lines = source.splitlines()
    for statement in filter(is_test, statements):
        lines[statement.lineno - 1:statement.end_lineno] = [None]*(statement.end_lineno - statement.lineno + 1)
    return source if None not in lines else "\n".join(line for line in lines if line is not None).strip("\n")


def needed(source, later):
    "Does a cell do more than name what nobody uses?"
    statements = ast.parse(source).body
    named = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return not all(isinstance(statement, ast.Assign) for statement in statements) or any(
        re.search(rf"\b{name}\b", later) for name in named)


class TutorialPage(Processor):
    "Pages that are no chapter show no tests, and say where their notebook is."
    def begin(self):
        config = get_config()
        path = Path(self.nb.path_).resolve().relative_to(config.nbs_path.resolve())
        self.folder, self.chapter = path.parent.name, path.name[0].isdigit()
        if self.folder == "tutorials":
            where = f"{config.user}/{config.repo}/blob/{config.branch}/nbs/{path.as_posix()}"
            raw = f"{config.git_url}/raw/{config.branch}/nbs/{path.as_posix()}"
            text = (f"[Download this notebook]({raw}) · "
                    f"[Open in Colab](https://colab.research.google.com/github/{where})")
            self.nb.cells.insert(1, mk_cell(f"::: {{.notebook-links}}\n{text}\n:::", cell_type="markdown"))

    def end(self):
        if self.chapter:
            return
        later = ""
        for cell in reversed(self.nb.cells):
            if cell.cell_type == "code" and cell.source:
                tested = without_tests(cell.source)
                if tested != cell.source:
                    cell.source = tested if tested and (cell.get("outputs") or needed(tested, later)) else None
                later += f"\n{cell.source}"


__all__ = ["Renderer", "TutorialPage", "add_name_links", "files_and_magics", "folded", "plain_outputs", "site_table"]
