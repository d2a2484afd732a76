"""The picture of the extrapolation: efficiency against ranks, for both examples."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

STYLES = {"measured": ("C0", "messages and sums as measured"),
          "network": ("C1", "a network of 1.5 us, 10 GB/s a rank")}


def draw(found: dict, path: Path) -> None:
    """``found``: what scaling.py measured and extrapolated; lines, and dashed the bound where
    messages travel while inner rows are computed."""
    names = list(dict.fromkeys(row["example"] for row in found["extrapolation"]))
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), sharey=True), names, strict=True):
        for label, (color, text) in STYLES.items():
            rows = [row for row in found["extrapolation"]
                    if (row["example"], row["machine"]) == (name, label)]
            ranks = [row["ranks"] for row in rows]
            axes.semilogx(ranks, [row["efficiency"] for row in rows], color=color, label=text)
            axes.semilogx(ranks, [row["hidden"] for row in rows], color=color, ls="--")
        axes.set(title=name, xlabel="ranks", xlim=(0.8, 1.2e4), ylim=(0, 1.1))
        axes.grid(alpha=0.3)
    axes = figure.axes[0]
    measured = [row for row in found["strong"] if row["split"] == "z"]
    axes.plot([row["ranks"] for row in measured], [row["efficiency"] for row in measured], "k.",
              label="measured on a smaller grid")
    axes.set_ylabel("parallel efficiency of a step (rk4)")
    axes.plot([], [], color="0.5", ls="--", label="if hidden behind inner rows")
    axes.legend(loc="lower left", fontsize=8)
    figure.savefig(path, dpi=100)
