"""nbs/assets/gallery: thumbnails for the page nbs/gallery.ipynb, from the figures that the notebooks store.

`python tools/make_gallery.py` makes them again. The page says which figure of which notebook each of them is:
`![text](assets/gallery/NAME.png)`, in a link to the notebook; NAME is the notebook's, and the number of its figure.
"""

import base64
import json
import re
from io import BytesIO
from pathlib import Path

NBS = Path(__file__).resolve().parents[1] / "nbs"


def wanted(page=NBS / "gallery.ipynb"):
    "{path of a thumbnail: (notebook, number of its figure)}."
    text = "\n".join("".join(cell["source"]) for cell in json.loads(page.read_text(encoding="utf-8"))["cells"])
    found = re.findall(r"\[!\[[^]]*\]\((assets/gallery/[\w.]+?-(\d+)\.png)\)\]\(([^)#]+\.ipynb)", text)
    return {path: (notebook, int(number)) for path, number, notebook in found}


def figures(notebook):
    "The PNGs of a notebook, in their order."
    cells = json.loads((NBS / notebook).read_text(encoding="utf-8"))["cells"]
    return [base64.b64decode("".join(output["data"]["image/png"])) for cell in cells for output in cell.get("outputs", [])
            if "image/png" in output.get("data", {})]


def write_gallery():
    from PIL import Image
    for path, (notebook, number) in wanted().items():
        image = Image.open(BytesIO(figures(notebook)[number - 1])).convert("RGB")
        image.thumbnail((480, 360), Image.Resampling.LANCZOS)
        (NBS / path).parent.mkdir(parents=True, exist_ok=True)
        image.quantize(64, dither=Image.Dither.NONE).save(NBS / path, optimize=True)


if __name__ == "__main__":
    write_gallery()
