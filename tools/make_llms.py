"""nbs/llms.txt (https://llmstxt.org): the pages of the site with their descriptions, for programs that read it.

`python tools/make_llms.py` makes it again. Quarto before 1.9 makes none, and later ones leave the descriptions out.
"""

import json
import re
from configparser import ConfigParser
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT / "nbs"


def make_llms():
    "The text of llms.txt."
    parser = ConfigParser(delimiters=["="])
    parser.read(ROOT / "settings.ini", encoding="utf-8")
    config = parser["DEFAULT"]
    lines = [f"# {config['title']}", "", f"> {config['description']}"]
    for section in yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))["website"]["sidebar"]["contents"]:
        lines += ["", f"## {section['section']}", ""]
        for name in filter(lambda name: (NBS / name).exists(), map(file_of, section["contents"])):
            title, description = _front(NBS / name)
            page = re.sub(r"(^|/)\d+[a-zA-Z0-9]*_", r"\1", name.removesuffix(".ipynb")) + ".html.md"  # as nbdev names it, as text
            lines.append(f"- [{title}]({config['doc_host']}{config['doc_baseurl']}/{page}): {description}")
    lines += ["", "## Source", "",
              f"- [The repository]({config['git_url']}): the notebooks that these pages and the package are made from"]
    return "\n".join(lines) + "\n"


def file_of(item):
    "The file of an item of the sidebar, which may have a text of its own."
    return item["href"] if isinstance(item, dict) else item


def _front(path):
    "Title and description of a notebook."
    nb = json.loads(path.read_text(encoding="utf-8"))
    first = next("".join(cell["source"]) for cell in nb["cells"] if cell["cell_type"] == "markdown")
    return re.match(r"# (.+)\n+> (.+)", first).groups()


if __name__ == "__main__":
    (NBS / "llms.txt").write_text(make_llms(), encoding="utf-8")
