"""The documentation site, as far as it can be checked without Quarto: on the pages that nbdev hands to it."""

import ast
import base64
import functools
import inspect
import re
import shutil
import struct
import subprocess
import sys
from configparser import ConfigParser
from functools import cached_property
from importlib import import_module
from posixpath import dirname, join, normpath
from urllib.parse import unquote

import nbformat
import pytest
import yaml
from checkout import MODULES, NOTEBOOKS, ROOT, cells, copy_checkout, names, run_nbdev
from make_gallery import figures, wanted
from make_llms import file_of, make_llms
from nbdev.doclinks import NbdevLookup
from reader import run, visible

from chronostar._modidx import d

IMAGE_LIMIT = 100_000  # bytes
CARD_LIMIT = 150_000
CALLOUTS = {"callout-note", "callout-tip", "callout-important", "callout-warning", "callout-caution"}
QUARTO = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))
WEBSITE = QUARTO["website"]
LABEL = r"(?:fig|tbl|eq|sec|lst)-[\w-]*\w"
TUTORIALS = [name for name in NOTEBOOKS if name.startswith("tutorials/")]
each_page = pytest.mark.parametrize("name", NOTEBOOKS)


def settings():
    "settings.ini as a dictionary."
    parser = ConfigParser(delimiters=["="])
    parser.read(ROOT / "settings.ini", encoding="utf-8")
    return dict(parser["DEFAULT"])


SITE = settings()["doc_host"] + settings()["doc_baseurl"]


def without_code(markdown):
    "Markdown without its comments, fenced blocks and code in a line."
    markdown = re.sub(r"<!--.*?-->", "", markdown, flags=re.DOTALL)
    markdown = re.sub(r"^([ >]*)(`{3,}|~{3,}).*?^\1\2\s*$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "`code`", markdown)


def without_math(markdown):
    return re.sub(r"\$\$.*?\$\$|\$[^$]*\$", "", markdown, flags=re.DOTALL)


def identifier(heading):
    "The anchor that Pandoc gives to a heading."
    if explicit := re.search(r"\{[^}]*#([\w:.-]+)[^}]*\}\s*$", heading):
        return explicit[1]
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", re.sub(r"\s*\{[^}]*\}\s*$", "", heading))
    text = re.sub(r"[^\w\s.-]", "", text.strip().lower())
    return re.sub(r"^[^a-z]+", "", re.sub(r"\s+", "-", text)) or "section"


def directives(source):
    "The `#| name: value` lines at the head of a code cell, read as Quarto reads them: as YAML."
    head = re.match(r"(?:\s*#\|.*\n?)*", source)[0]
    return yaml.safe_load("\n".join(re.findall(r"^\s*#\|\s?(.*: .*)$", head, re.MULTILINE))) or {}


class Page:
    "A page as nbdev hands it to Quarto."
    def __init__(self, folder, name):
        self.name, self.nb = name, nbformat.read(folder / name, as_version=4)

    @property
    def front(self):
        return yaml.safe_load(self.nb.cells[0].source.strip("- \n"))

    @property
    def url(self):
        return join(dirname(self.name), self.front["output-file"])

    @property
    def code(self):
        return [cell for cell in self.nb.cells if cell.cell_type == "code"]

    @cached_property
    def written(self):
        "What somebody wrote."
        return [cell.source for cell in self.nb.cells if cell.cell_type == "markdown"]

    @cached_property
    def markdown(self):
        "All that Quarto reads as markdown: what is written, and what cells display as such."
        outputs = [output.data["text/markdown"] for cell in self.code for output in cell.outputs
                   if "text/markdown" in output.get("data", {})]
        return "\n\n".join(map(without_code, self.written + outputs))

    @property
    def links(self):
        return re.findall(r"(?<!!)\[(?:[^][]|\[[^]]*\])*\]\(([^)\s]+)", without_math(self.markdown))

    @cached_property
    def anchors(self):
        headings = "\n".join(re.findall(r"^#{1,6}\s+.*", "\n\n".join(self.raw), re.MULTILINE))
        found, seen = set(), {}
        for heading in re.findall(r"^#+\s+(.*)", headings, re.MULTILINE):
            name = identifier(heading)
            found.add(name if name not in seen else f"{name}-{seen[name]}")
            seen[name] = seen.get(name, 0) + 1
        return found | set(self.labels)

    @property
    def raw(self):
        "Markdown with the code in headings left where it is."
        outputs = [output.data["text/markdown"] for cell in self.code for output in cell.outputs
                   if "text/markdown" in output.get("data", {})]
        return [re.sub(r"^([ >]*)(`{3,}).*?^\1\2\s*$", "", text, flags=re.DOTALL | re.MULTILINE)
                for text in self.written + outputs]

    @property
    def labels(self):
        return [label for cell in self.code if (label := directives(cell.source).get("label"))] \
            + re.findall(rf"\{{[^}}]*#({LABEL})[^}}]*\}}", self.markdown)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "The pages that nbdev makes for Quarto."
    copy = copy_checkout(tmp_path_factory.mktemp("site") / "copy")
    run_nbdev("refresh_quarto_yml", "nbdev.quarto", copy)
    said = run_nbdev("proc_nbs", "nbdev.serve", copy)
    assert "Found cells containing imports and other code" not in said, said
    return copy / "_proc"


@pytest.fixture(scope="module")
def pages(site):
    return {name: Page(site, name) for name in NOTEBOOKS}


@pytest.fixture
def page(pages, name):
    return pages[name]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_lines_of_text_are_as_wide_as_the_page(page):
    "But for rows of tables, and for what has no place to be folded at."
    texts = ["".join(text) for cell in page.code for output in cell.outputs
             for text in (output.get("text", ""), output.get("data", {}).get("text/plain", ""))]
    wide = [line for text in texts for line in text.splitlines() if len(line) > 107 and not re.search(r"\S {2,}\S", line)]
    assert not [line for line in wide if max(map(len, line.split())) < 80]


def test_every_notebook_becomes_a_page(site, pages):
    assert names(site, "*.ipynb") == NOTEBOOKS
    urls = [page.url for page in pages.values()]
    assert len(set(urls)) == len(urls)


def test_settings_of_the_site(site):
    made = site / "_quarto.yml"
    assert yaml.safe_load(made.read_text(encoding="utf-8")) == QUARTO and not made.is_symlink()
    config, website = settings(), yaml.safe_load((site / "nbdev.yml").read_text(encoding="utf-8"))["website"]
    assert website["title"] == WEBSITE["title"] == config["title"]
    assert website["description"] == config["description"]
    assert website["repo-url"] == config["git_url"] and website["site-url"] == SITE
    assert WEBSITE["search"] and {"light", "dark"} <= QUARTO["format"]["html"]["theme"].keys()


def test_files_that_the_settings_name(site):
    html = QUARTO["format"]["html"]
    resources = QUARTO["project"]["resources"]
    named = [*QUARTO["metadata-files"], html["css"], WEBSITE["favicon"], *(name for name in resources if "*" not in name),
             *(WEBSITE[card]["image"].lstrip("/") for card in ("open-graph", "twitter-card"))]
    assert not [name for name in named if not (site / name).is_file()]
    assert all(any(site.glob(name)) for name in resources)


def test_navigation_leads_to_every_page_once():
    sections = WEBSITE["sidebar"]["contents"]
    items = [item for section in sections for item in section["contents"]]
    assert sorted(map(file_of, items)) == NOTEBOOKS
    assert all(len(item["text"]) <= 30 for item in items if isinstance(item, dict)), "a text that is clipped"
    assert {item["href"] for item in items if isinstance(item, dict)} == set(MODULES), "a chapter is called by its module"
    bar = [item for side in ("left", "right") for item in WEBSITE["navbar"][side]]
    assert all("text" in item or "aria-label" in item for item in bar)
    assert all(item["href"].startswith("https://") or item["href"] in NOTEBOOKS for item in bar)
    assert len({item["text"] for item in items if isinstance(item, dict)}) == len(MODULES)


def test_footer(site):
    "Which version the pages are of, what has changed, and how to take part and to cite."
    footer = WEBSITE["page-footer"]
    assert f" {settings()['version']}," in footer["left"]
    assert all((site / item["href"].partition("#")[0]).is_file() for item in footer["right"])
    for name, file in (("changelog.qmd", "CHANGELOG.md"), ("contributing.qmd", "CONTRIBUTING.md")):
        included = re.search(r"\{\{< include (\S+) >\}\}", (site / name).read_text(encoding="utf-8"))[1]
        assert (ROOT / "_proc" / included).resolve() == ROOT / file  # from where Quarto runs
        text = (ROOT / file).read_text(encoding="utf-8")
        assert text.startswith("# ") and not re.findall(r"\]\((?!https?:|#)[^)]+\)", text), "links that differ on the site"
    assert (site / "404.qmd").is_file()


def test_nothing_is_loaded_from_elsewhere(site):
    "Equations are MathML, fonts are the reader's own; see test_tables_have_one_head for what HTML in a notebook would load."
    assert QUARTO["format"]["html"]["html-math-method"] == "mathml"
    scss = (site / "theme.scss").read_text(encoding="utf-8")
    assert "$web-font-path: false;" in scss and "http" not in scss
    assert "http" not in (site / "styles.css").read_text(encoding="utf-8")
    assert all("theme.scss" in themes for themes in QUARTO["format"]["html"]["theme"].values())


@pytest.mark.skipif(not shutil.which("pandoc"), reason="Pandoc, which Quarto brings along, is not here")
def test_equations_become_mathml(pages):
    text = "\n\n".join("\n\n".join(page.written) for page in pages.values())
    done = subprocess.run(["pandoc", "-f", "markdown", "-t", "html", "--mathml"], input=text, capture_output=True, text=True)
    assert done.stdout.count("<math") > 100 and "Could not convert TeX" not in done.stderr, done.stderr


def luminance(colour):
    values = [int(colour[k:k + 2], 16)/255 for k in (1, 3, 5)]
    values = [value/12.92 if value <= 0.04045 else ((value + 0.055)/1.055)**2.4 for value in values]
    return 0.2126*values[0] + 0.7152*values[1] + 0.0722*values[2]


def test_code_can_be_read_in_the_dark(site):
    css = (site / "styles.css").read_text(encoding="utf-8")
    colour, ground = re.search(r"quarto-dark code:not\(\.sourceCode\) \{ color: (#\w+); background-color: (#\w+)", css).groups()
    assert (luminance(colour) + 0.05)/(luminance(ground) + 0.05) > 7


def test_workflow_pins_quarto():
    assert re.search(r"quarto-actions/setup@v2\s+with:\s+version: \d+\.\d+\.\d+", (
        ROOT / ".github" / "workflows" / "deploy.yaml").read_text(encoding="utf-8"))


def test_the_map_shows_every_chapter(pages):
    assert set(MODULES) <= set(pages["chapters.ipynb"].links), "a chapter is missing in nbs/chapters.ipynb"


@each_page
def test_front_matter(page):
    "A title and a description: the page's head, search results, and what others show of a link."
    assert page.front["title"].strip() and len(page.front["description"]) > 10
    first = next(iter(cells(page.name, "markdown")), "")
    assert re.match(r"# [^#\s].*\n+> \S", first), f"a `# Title` and a `> description` first, not {first[:80]!r}"


@each_page
def test_links_lead_somewhere(page, pages, site):
    urls, missing = {page.url: page for page in pages.values()}, []
    for link in page.links:
        path, _, anchor = unquote(link).partition("#")
        if path == SITE or path.startswith(f"{SITE}/"):
            target = urls.get(path.removeprefix(SITE).strip("/") or "index.html")
            good = target is not None
        elif re.match(r"[a-z][a-z0-9+.-]*:", path):
            continue
        else:
            file = normpath(join(dirname(page.name), path)) if path else page.name
            target, good = pages.get(file), (site / file).is_file()
        if not good or (anchor and target and anchor not in target.anchors):
            missing.append(link)
    assert not missing


@each_page
def test_links_to_the_source_are_to_files_of_the_checkout(page):
    base = settings()["git_url"] + "/blob/" + settings()["branch"] + "/"
    files = [link.removeprefix(base).split("#")[0] for link in page.links if link.startswith(base)]
    assert not [file for file in files if not (ROOT / file).is_file()]


@each_page
def test_cross_references(page):
    labels = page.labels
    assert len(set(labels)) == len(labels), f"a label twice: {labels}"
    unknown = set(re.findall(rf"(?<![\w`])@({LABEL})", page.markdown)) - set(labels)
    assert not unknown
    for cell in page.code:
        said = directives(cell.source)
        if str(said.get("label", "")).startswith("fig-"):
            assert said.get("fig-cap"), f"{said['label']} has no caption, so that Quarto cannot refer to it"


@each_page
def test_figures_have_alternative_texts(page):
    without = []
    for cell in page.code:
        figure = any(form.startswith("image/") for output in cell.outputs for form in output.get("data", {}))
        if figure and len(str(directives(cell.source).get("fig-alt", ""))) < 20:
            without.append(cell.source[:200])
    assert not without, f"add `#| fig-alt: ...` to {without}"


@pytest.mark.parametrize("name", [*TUTORIALS, "index.ipynb"])
def test_figures_of_tutorials_are_numbered(page):
    for cell in page.code:
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            said = directives(cell.source)
            assert str(said.get("label", "")).startswith("fig-") and said.get("fig-cap"), cell.source[:300]


def test_gallery(site, pages):
    "A thumbnail for each figure that it names, of a figure that there is; and the way to those that can be turned."
    turned = [name for name, page in pages.items() if "<canvas" in "\n".join(shown(page))]
    assert turned and set(turned) <= {link.split("#")[0] for link in pages["gallery.ipynb"].links}
    thumbnails, there = wanted(), {path.relative_to(site).as_posix() for path in site.glob("assets/gallery/*")}
    assert len(thumbnails) > 10 and set(thumbnails) == there
    for path, (notebook, number) in thumbnails.items():
        assert len(figures(notebook)) >= number and (site / path).stat().st_size < 30_000


@each_page
def test_pictures_in_the_text(page, site):
    for alt, path in re.findall(r"!\[([^]]*)\]\(([^)\s]+)", page.markdown):
        assert alt.strip(), f"{path} has no alternative text"
        assert path.startswith(("https://", "attachment:")) or (site / dirname(page.name) / path).is_file(), path


@each_page
def test_images_are_small(page):
    outputs = [output for cell in page.nb.cells for output in cell.get("outputs", [])]
    images = [(form, data) for output in outputs for form, data in output.get("data", {}).items() if form.startswith("image/")]
    sizes = [len(data) if form == "image/svg+xml" else len(base64.b64decode(data)) for form, data in images]
    assert all(size < IMAGE_LIMIT for size in sizes), f"bytes: {sizes}"


@each_page
def test_equations(page):
    for text in page.written:
        text = without_code(text).replace(r"\$", "")
        assert text.count("$$") % 2 == 0, f"a $$ without its end: {text[:200]}"
        for paragraph in re.split(r"\n\s*\n", re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)):
            assert paragraph.count("$") % 2 == 0, f"a $ without its end: {paragraph}"
        for display, inline in re.findall(r"\$\$(.*?)\$\$|\$([^$]*)\$", text, re.DOTALL):
            math = (display or inline).replace(r"\{", "").replace(r"\}", "")
            assert math.strip() and math.count("{") == math.count("}"), f"braces: {math}"
            assert math.count(r"\left") - math.count(r"\leftarrow") == math.count(r"\right") - math.count(r"\rightarrow"), math
            assert not re.search(r"\\\\[A-Za-z]{2}|\\(rm|bf|it|cal)\b", math), f"no TeX that Pandoc knows: {math}"
            assert re.findall(r"\\begin\{(\w+\*?)\}", math) == re.findall(r"\\end\{(\w+\*?)\}", math)[::-1], math
            if inline:
                assert inline == inline.strip(), f"Pandoc sees no equation in ${inline}$: blanks at its ends"


@each_page
def test_callouts(page):
    for text in page.written:
        open_divs = 0
        for mark in re.findall(r"^:{3,}[ \t]*(.*?)[ \t]*$", without_code(text), re.MULTILINE):
            open_divs += 1 if mark else -1
            assert open_divs >= 0, f"a ::: that closes nothing: {text[:200]}"
            assert not set(re.findall(r"callout-\w+", mark)) - CALLOUTS, mark
        assert open_divs == 0, f"a ::: without its end: {text[:200]}"


@each_page
def test_blocks_that_pandoc_would_run_into_the_paragraph(page):
    "Pandoc wants an empty line before a list, a table, a heading and a quotation; Jupyter does not."
    block, swallowed = r"\s*(?:(?:[-*+]|\d+[.)]|#{1,6})\s|\||>)", []
    for text in page.written:
        lines = without_math(without_code(text)).splitlines()
        for before, line in zip(lines, lines[1:], strict=False):
            inside = not before.strip() or re.match(block, before) or before.startswith((" ", ":::"))
            if re.match(block, line) and not inside:
                swallowed.append(line)
    assert not swallowed


def test_names_in_backticks_become_links(pages):
    "Our own, and those of numpy, scipy and Python, for which there are indexes; nbdev turns each that it finds into a link."
    lookup = NbdevLookup()
    for name in ("StarData.read", "ComponentMixture.fit", "Driver.run", "prepare"):
        page, _, anchor = lookup.doc(name).removeprefix(f"{SITE}/").partition("#")
        target = next(target for target in pages.values() if target.url == page)
        assert anchor in target.anchors, f"{name} is not shown on {page}"
    assert lookup.doc("numpy.linalg.inv").startswith("https://numpy.org/doc/")
    assert lookup.doc("scipy.optimize.minimize").startswith("https://docs.scipy.org/doc/")
    assert lookup.doc("concurrent.futures.Executor").startswith("https://docs.python.org/3/")


@pytest.mark.parametrize("name", MODULES)
def test_signatures_are_shown(page):
    "Of each public function, class and method that a chapter exports, by show_doc or (`#| exports`) in code that is shown."
    module = f"chronostar.{MODULES[page.name]}"
    code = "\n".join(cell.source for cell in page.code)
    classes = re.findall(r"^class (\w+).*\n((?:[ \t].*\n|\n)*)", code, re.MULTILINE)
    seen = {f"{name}.{method}" for name, body in classes for method in re.findall(r"^ {4}def (\w+)", body, re.MULTILINE)}
    hidden = []
    for name in (name.removeprefix(f"{module}.") for name in d["syms"][module]):
        public = not any(part.startswith("_") for part in name.split("."))
        if public and name not in seen and name.lower() not in page.anchors:
            thing = import_module(module)
            for part in name.split("."):
                thing = getattr(thing, part)
            if callable(thing):  # not the properties, which have no signature
                hidden.append(name)
    assert not hidden


def shown(page):
    "The outputs of a page that Quarto reads as markdown."
    return ["".join(output.data["text/markdown"]) for cell in page.code for output in cell.outputs
            if "text/markdown" in output.get("data", {})]


def api_entries(page):
    "{module: {name: what the index says of it}} of the page with everything by name."
    found = {}
    for module, text in re.findall(r"^## \[(chronostar\.[\w.]+)\]\(.*?\)\n(.*?)(?=^## |\Z)", "\n".join(shown(page)),
                                   re.MULTILINE | re.DOTALL):
        parts = re.split(r"^(?:- \[?| {4}- (?=`\w+\.))`([\w.]+)`", text, flags=re.MULTILINE)[1:]
        found[module] = dict(zip(parts[::2], parts[1::2], strict=True))
    return found


def test_the_index_of_names_is_complete(pages):
    "Each public function, class and method of each chapter, with all that it takes."
    found, missing = api_entries(pages["reference/api.ipynb"]), []
    assert set(found) == {f"chronostar.{module}" for module in MODULES.values()}
    anywhere = {name: text for entries in found.values() for name, text in entries.items()}  # methods are with their class
    for module, entries in found.items():
        entries = {**anywhere, **entries}
        for name in (name.removeprefix(f"{module}.") for name in d["syms"][module]):
            if any(part.startswith("_") for part in name.split(".")):
                continue
            thing = import_module(module)
            for part in name.split("."):
                thing = inspect.getattr_static(thing, part)
            thing = getattr(thing, "__func__", getattr(thing, "f", thing))  # of a class method, ours or fastcore's
            if name not in entries:
                missing.append(f"{module}.{name}")
            elif inspect.isfunction(thing):
                takes = [parameter for parameter in inspect.signature(thing).parameters if parameter not in ("self", "cls")]
                missing += [f"{name}: {parameter}" for parameter in takes if not re.search(
                    rf"^ +- `\**{parameter}[`=]", entries[name], re.MULTILINE)]
    assert not missing


def test_the_index_of_names_is_made_from_the_code(monkeypatch):
    monkeypatch.chdir(ROOT / "nbs" / "reference")
    space = {}
    for source in cells("reference/api.ipynb", "code")[:-1]:
        exec(source, space)
    last = cells("reference/api.ipynb", "code")[-1].splitlines()
    exec("\n".join(last[:-1]), space)
    nb = nbformat.read("api.ipynb", as_version=4)
    stored = "".join(nb.cells[-1].outputs[0].data["text/markdown"])
    assert eval(last[-1], space).data == stored, "execute nbs/reference/api.ipynb"


@each_page
def test_signatures_can_be_read(page):
    "No addresses in them, no type of None, and nothing that stands for all arguments where there are names to give."
    for text in shown(page):
        for signature in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            assert "](http" not in signature and "NoneType" not in signature, signature
            assert not re.match(r"(def|class) \w+\(\s*\*args, \*\*kwargs\s*\)", signature), signature


@pytest.mark.parametrize("name", MODULES)
def test_properties_and_named_tuples_are_shown_as_such(page):
    module = import_module(f"chronostar.{MODULES[page.name]}")
    for text in shown(page):
        anchor = re.search(r"^### .*\{#([\w.]+)\}$", text, re.MULTILINE)
        signature = re.search(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        if anchor and signature:
            owner, _, attribute = anchor[1].partition(".")
            things = sorted(vars(module).items(), key=lambda item: inspect.isclass(item[1]))  # a class before its function
            cls = {name.lower(): thing for name, thing in things}.get(owner)
            thing = {key.lower(): value for key, value in vars(cls).items()}.get(attribute) if attribute and cls else None
            assert (isinstance(thing, property | functools.cached_property)) == signature[1].startswith("@property"), text
            if inspect.isclass(cls) and not attribute and hasattr(cls, "_fields") and signature[1].startswith("class"):
                assert re.findall(r"^    (\w+):", signature[1], re.MULTILINE) == list(cls._fields)


@each_page
def test_a_name_within_a_link_is_linked_once(page):
    assert not re.findall(r"\[[^]\n]*\[`[^`]+`\]\([^)]*\)[^]\n]*\]\(", "\n\n".join(page.raw))


@each_page
def test_tables_have_one_head(page):
    "No HTML is left to Quarto, which would load jQuery for it; astropy's tables have no row of dtypes."
    assert not [output for cell in page.code for output in cell.outputs if "text/html" in output.get("data", {})]
    for text in shown(page):
        for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
            assert table.count("<thead>") == 1, table[:500]
            assert not re.search(r"<th[^>]*>(float|int|bool|str|object)\d*</th>", table), table[:500]


@each_page
def test_outputs_load_nothing_from_elsewhere(page):
    "Neither scripts nor styles, fonts or images: figures that can be turned bring along what they need."
    for text in shown(page):
        for tag in re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", text):
            assert not re.search(r"""\b(src|href|srcset)=["']?(?:https?:)?//""", tag), tag[:300]
        assert not re.search(r"@import|url\([\"']?https?:|require\.config|import\s*\(?[\"']https?:", text)


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name not in MODULES])
def test_only_chapters_show_tests(page):
    "Who searches the tutorials looks for how it is done, not for how it is checked."
    for cell in page.code:
        statements = ast.parse(no_magics(cell.source)).body
        assert not any(isinstance(statement, ast.Assert) for statement in statements), cell.source


def no_magics(code):
    return re.sub(r"^(.*= *)!.*$", r"\1 []", re.sub(r"^\s*!.*$", "pass", code, flags=re.MULTILINE), flags=re.MULTILINE)


@pytest.mark.parametrize("name", [*TUTORIALS, "index.ipynb"])
def test_what_is_shown_is_complete(page, site):
    "No name comes from a cell that is hidden, and no file whose name is not said."
    shown = list(visible(site / page.name))
    assert not any("%%" in content for _, content in shown)
    code = "\n".join(no_magics(content) for name, content in shown if name is None)
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", "-"],
                          input=code, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    configs = re.findall(r"-c (\S+\.ya?ml)", "\n".join(content for name, content in shown if name is None))
    assert all(any(name == config or f"'{config}'" in content for name, content in shown) for config in configs)


CHEAP = {"tutorials/search.ipynb", "tutorials/scale.ipynb"}


@pytest.mark.parametrize("name", [name if name in CHEAP else pytest.param(name, marks=pytest.mark.slow) for name in TUTORIALS])
def test_a_reader_gets_through(name, site, tmp_path):
    "What a tutorial shows, run from top to bottom in an empty folder."
    done = run(site / name, tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.parametrize("name", TUTORIALS)
def test_tutorials_can_be_taken_away(page):
    "As notebooks."
    links = [link for link in page.links if page.name in link]
    assert any(link.startswith(settings()["git_url"] + "/raw/") for link in links)
    assert any(link.startswith("https://colab.research.google.com/github/") for link in links)


def test_llms_txt():
    made = make_llms()
    assert (ROOT / "nbs" / "llms.txt").read_text(encoding="utf-8") == made, "run python tools/make_llms.py"


def test_card():
    "What is shown of a link to the site: 1200 x 630, as others want it, and small; with an alternative text."
    for card in ("open-graph", "twitter-card"):
        assert WEBSITE[card]["image"].startswith("/"), "pages in folders would look for it beside themselves"
        data = (ROOT / "nbs" / WEBSITE[card]["image"].lstrip("/")).read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", data[16:24]) == (1200, 630)
        assert len(data) < CARD_LIMIT
        assert len(WEBSITE[card]["image-alt"]) > 20
