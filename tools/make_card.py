"""nbs/assets/card.png, which others show beside a link to the site: a group of stars, and where it came from.

`python tools/make_card.py` makes it again; the paths are epicycles, from a sphere at birth to 45 Myr later.
"""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.collections import LineCollection

from chronostar.traceorbit import trace_epicyclic_orbit

CARD = Path(__file__).resolve().parents[1] / "nbs" / "assets" / "card.png"
AGE, DARK, STAR, BIRTH = 45.0, "#101d36", "#ffffff", "#e69f00"


def make_card(path=CARD):
    "Draw the card, 1200 x 630 pixels."
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    rng = np.random.default_rng(4)
    birth = np.hstack([rng.normal(0, 3.0, (46, 3)), rng.normal(0, 0.95, (46, 3))])
    ages = np.linspace(0, AGE, 80)
    paths = np.array([trace_epicyclic_orbit(birth, age) for age in ages])[:, :, :2]
    fig = plt.figure(figsize=(12, 6.3), dpi=100, facecolor=DARK)
    ax = fig.add_axes([0, 0, 1, 1], facecolor=DARK)
    sky = rng.uniform([0, 0], [12, 6.3], (300, 2))
    sky = sky[~((sky[:, 0] < 6.4) & (abs(sky[:, 1] - 3.2) < 1.2))]  # none behind the words
    ax.scatter(*sky.T, s=rng.uniform(0.3, 3, len(sky)), c="#8fa3c4", lw=0)
    x, y = 9.0 + paths[..., 1] / 48, 3.15 + paths[..., 0] / 48
    for k in range(x.shape[1]):
        points = np.stack([x[:, k], y[:, k]], axis=-1)
        segments = np.stack([points[:-1], points[1:]], axis=1)
        colours = np.column_stack([np.tile([0.5, 0.65, 0.84], (len(segments), 1)), np.linspace(0.75, 0.2, len(segments))])
        ax.add_collection(LineCollection(segments, colors=colours, lw=1.3))
    ax.scatter(x[-1], y[-1], s=rng.uniform(18, 60, x.shape[1]), c=STAR, lw=0, zorder=3)
    ax.add_patch(plt.Circle((9.0, 3.15), 0.22, fill=False, ec=BIRTH, lw=3, zorder=4))
    ax.text(0.75, 3.75, "Chronostar", color=STAR, size=62, weight="bold", va="center")
    for k, line in enumerate(["Kinematic ages and members of", "unbound stellar associations", "from Gaia astrometry"]):
        ax.text(0.79, 3.05 - 0.4 * k, line, color="#c8d4e8", size=21, va="baseline")
    ax.set(xlim=(0, 12), ylim=(0, 6.3))
    ax.axis("off")
    fig.savefig(path, dpi=100, facecolor=DARK, metadata={"Software": None}, pil_kwargs={"optimize": True})
    plt.close(fig)


if __name__ == "__main__":
    make_card()
