"""README.md is nbs/index.ipynb. `python tools/make_readme.py` makes it again; Quarto is not needed."""

import re
from pathlib import Path
from posixpath import normpath

import nbformat
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parents[1]
NOTE = "<!-- Made from nbs/index.ipynb by tools/make_readme.py: edit the notebook, not this file. -->\n\n"
HIDDEN = {"hide", "export", "exporti", "default_exp"}  # the cells that nbdev leaves out of its pages
SHOWN = ("text/markdown", "image/png", "text/plain")  # of an output's forms, the first that it has

# nbconvert's own template with text outputs in fences, and END after each block:
# the blank lines between blocks are then the same whatever nbconvert puts there.
END = "\x1e"
TEMPLATE = r"""{% extends 'markdown/index.md.j2' %}
{% block markdowncell scoped %}{{ cell.source ~ "\x1e" }}{% endblock %}
{% block input scoped %}{{ "```python\n" ~ cell.source ~ "\n```\x1e" }}{% endblock %}
{% block stream scoped %}{{ "```text\n" ~ output.text ~ "\n```\x1e" }}{% endblock %}
{% block data_text scoped %}{{ "```text\n" ~ output.data['text/plain'] ~ "\n```\x1e" }}{% endblock %}
{% block data_markdown scoped %}{{ output.data['text/markdown'] ~ "\x1e" }}{% endblock %}
{% block data_png scoped -%}
![{{ cell.metadata.alt }}]({{ output.metadata.filenames['image/png'] | path2url }}){{ "\x1e" }}
{%- endblock %}"""


def make_readme(notebook=ROOT / "nbs" / "index.ipynb"):
    "The text of README.md, and its images as {path: bytes}."
    nb = nbformat.read(notebook, as_version=4)
    nb.cells = [cell for cell in map(_cell, nb.cells) if cell]
    exporter = MarkdownExporter(raw_template=TEMPLATE)
    text, resources = exporter.from_notebook_node(
        nb, {"unique_key": notebook.stem, "output_files_dir": f"{notebook.stem}_files"})
    blocks = [block.strip("\n") for block in text.split(END)]
    return NOTE + "\n\n".join(filter(None, blocks)) + "\n", dict(resources["outputs"])


def write_readme(root=ROOT):
    "Write README.md and its images, and remove the images that it no longer shows."
    text, images = make_readme(root / "nbs" / "index.ipynb")
    folder = root / "index_files"
    for old in folder.glob("*"):
        old.unlink()
    for name, data in images.items():
        folder.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
    if folder.exists() and not images:
        folder.rmdir()
    (root / "README.md").write_text(text, encoding="utf-8")


def _cell(cell):
    "The cell as the README shows it, or None."
    if cell.cell_type == "markdown":
        cell.source = plain_markdown(cell.source).strip()
        return cell if cell.source else None
    if cell.cell_type != "code":
        return None
    directives, code = _directives(cell.source)
    if HIDDEN & directives.keys() or directives.get("include") == "false":
        return None
    cell.source = "\n".join(line for line in code if not re.search(r"^%|#\|\s*hide_line\s*$", line)).strip("\n")
    if directives.get("echo") == "false" or not cell.source:
        cell.metadata["transient"] = {"remove_source": True}
    cell.metadata["alt"] = (directives.get("fig-alt") or directives.get("fig-cap") or "Figure").strip("\"'")
    cell.outputs = [] if directives.get("output") == "false" else list(filter(None, map(_output, cell.outputs)))
    return cell if cell.source or cell.outputs else None


def _directives(source):
    "The `#| name: value` lines at the head of a code cell as a dictionary, and the lines of code below."
    found, lines = {}, source.splitlines()
    while lines and (not lines[0].strip() or re.match(r"\s*#\s*\|", lines[0])):
        if match := re.match(r"\s*#\s*\|\s*([\w-]+)\s*:?\s*(.*?)\s*$", lines.pop(0)):
            found[match[1]] = match[2]
    return found, lines


def _output(output):
    "The output in the one form that the README shows, or None: progress bars and warnings are left out."
    if output.output_type == "stream":
        output.text = re.sub(r"\x1b\[[0-9;]*m", "", output.text).strip("\n")
        return output if output.name == "stdout" and output.text else None
    if output.output_type == "error":
        raise ValueError(f"nbs/index.ipynb holds an error: {output.ename}: {output.evalue}")
    form = next((form for form in SHOWN if form in output.data), None)
    if form is None:
        return None
    data = output.data[form].strip("\n")
    return nbformat.v4.new_output("display_data", {form: data}) if data else None


def plain_markdown(source, folder="nbs"):
    "Quarto's markdown as GitHub reads it: callouts become quotations, links start at the top level."
    lines, fence, divs = [], None, []
    for line in source.splitlines():
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark and fence is None:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = None
        elif fence is None:
            if div := re.match(r":{3,}\s*(.*?)\s*$", line):
                if div[1]:
                    divs.append("callout-" in div[1])
                    if divs[-1]:
                        lines += [f"> **{_callout_title(div[1])}**", ">"]
                elif divs:
                    divs.pop()
                else:
                    raise ValueError("a ::: that closes nothing in nbs/index.ipynb")
                continue
            if (heading := re.match(r"#+\s+(.*)", line)) and divs and divs[-1] and lines[-1] == ">":
                lines[-2] = f"> **{heading[1].strip()}**"  # a heading at the head of a callout is its title
                continue
            line = _links(line, folder)
        lines.append(f"> {line}".rstrip() if any(divs) else line)
    if divs:
        raise ValueError("a ::: without its end in nbs/index.ipynb")
    return "\n".join(lines)


def _callout_title(attributes):
    title = re.search(r"title=\"([^\"]*)\"", attributes)
    return title[1] if title else re.search(r"callout-(\w+)", attributes)[1].capitalize()


def _links(line, folder):
    "Links relative to the notebook, made relative to the top level; `{width=50%}` after a link is Quarto's own."
    def from_top(match):
        local = not re.match(r"[a-z][a-z0-9+.-]*:|[#/]", match[2], re.IGNORECASE)
        return f"]({normpath(f'{folder}/{match[2]}') if local else match[2]}{match[3]}"
    return re.sub(r"(\]\()([^)\s]+)([^)]*\))(?:\{[^}]*\})?", from_top, line)


if __name__ == "__main__":
    write_readme()
