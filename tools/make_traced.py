"""nbs/assets/traced.png, the first thing that the site shows: a group of stars today, its way back, and its size on the way.

`python tools/make_traced.py` makes it again. The stars are those of the first fit in nbs/index.ipynb.
"""

from pathlib import Path

import matplotlib
import numpy as np

from chronostar import prepare
from chronostar.planes import COLOURS
from chronostar.synthdata import SynthData
from chronostar.traceorbit import get_orbit

TRACED = Path(__file__).resolve().parents[1] / "nbs" / "assets" / "traced.png"
AGE = 15.0


def make_traced(path=TRACED):
    "Draw the figure, 1800 x 640 pixels for 900 x 320."
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    sky = SynthData([[0, 0, 0, 0, 0, 0, 6.0, 1.2, AGE], [0, 0, 0, 0, 0, 0, 90.0, 12.0, 0.0]], nstars=[80, 500], rng=1)
    states = prepare(sky.generate()).stars.means
    group, field = states[:80], states[80:]
    times, orbit = np.linspace(0, 25, 101), get_orbit()
    ways = np.array([orbit.trace(group, -time)[:, :3] for time in times])
    centres = np.median(ways, axis=1, keepdims=True)
    size = np.median(np.linalg.norm(ways - centres, axis=2), axis=1)
    plt.rcParams.update({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False})
    fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), dpi=200, layout="constrained", width_ratios=(1, 1, 1.15))
    axes[0].scatter(*field[:, :2].T, s=3, c="0.75", lw=0)
    axes[0].scatter(*group[:, :2].T, s=7, c=COLOURS[0], lw=0)
    axes[0].set(title="Today: 80 young stars among 500 others", xlim=(-130, 130), ylim=(-130, 130))
    at_birth = np.searchsorted(times, AGE)
    around = ways - centres
    for way in np.moveaxis(around[:at_birth + 1, :, :2], 1, 0):
        axes[1].plot(*way.T, c=COLOURS[0], lw=0.5, alpha=0.35)
    axes[1].scatter(*around[0, :, :2].T, s=7, c=COLOURS[0], lw=0, label="today")
    axes[1].scatter(*around[at_birth, :, :2].T, s=7, c=COLOURS[1], lw=0, label="15 Myr ago", zorder=3)
    axes[1].legend(frameon=False, loc="upper left", handletextpad=0, borderpad=0)
    axes[1].set(title="The group, traced back along its orbits", xlim=(-75, 75), ylim=(-75, 75))
    for ax, of in zip(axes[:2], ("", " from the centre"), strict=True):
        ax.set(xlabel=f"X{of} [pc]", ylabel=f"Y{of} [pc]", aspect="equal")
    axes[2].plot(times, size, c=COLOURS[0])
    axes[2].axvspan(14.81, 15.81, color=COLOURS[1], alpha=0.35, lw=0)
    axes[2].annotate("age from the fit:\n15.3 ± 0.5 Myr", (15.8, 4.0), xytext=(4, 0), textcoords="offset points", va="top")
    axes[2].set(title="It was smallest when it was born", xlabel="time ago [Myr]", ylabel="radius of half the stars [pc]",
                xlim=(0, 25), ylim=(0, None))
    fig.savefig(path, metadata={"Software": None}, pil_kwargs={"optimize": True})
    plt.close(fig)
    shrink(path)


def shrink(path, colours=64):
    "The same picture with fewer colours."
    from PIL import Image
    Image.open(path).convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    make_traced()
