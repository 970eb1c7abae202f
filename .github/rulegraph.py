"""Styles the graph that `snakemake --rulegraph` prints: stdin to stdout, for `make rulegraph`.

It runs from left to right, and a rule has the colour of the file that it is in.
"""

import re
import sys
from pathlib import Path

COLOURS = {"data": "#0072b2", "train": "#d55e00", "evaluate": "#007a5a", "paper": "#7b3f8c"}
# What is made of predictions too, and figures of what is on record:
COLOURS |= dict.fromkeys(("posterior", "several", "tune", "ambiguity"), COLOURS["evaluate"])
COLOURS |= dict.fromkeys(("evidence", "hypotheses", "views", "claims"), COLOURS["evaluate"])
OF_MAPS = ("release", "scans", "maps", "exchange", "grains", "map_views", "training_sets")
COLOURS |= dict.fromkeys((*OF_MAPS, "maps_record"), "#8a6d00")
OTHERS = "#444444"
STYLE = """\
    graph [rankdir=LR, nodesep=0.2, ranksep=0.33, margin=0.1, bgcolor=white];
    node [shape=box, style="rounded,filled", fontname="Helvetica,Arial,sans-serif",
          fontsize=14, penwidth=1.6, height=0.42, margin="0.15,0.05"];
    edge [color="#8a8f98", penwidth=1.3, arrowsize=0.7];"""


def main() -> None:
    """Replace the graph's style, and the colour of each of its nodes."""
    colours = {}
    for name, colour in COLOURS.items():
        rules = re.findall(r"^rule (\w+):", Path(f"workflow/rules/{name}.smk").read_text(), re.M)
        colours |= dict.fromkeys(rules, colour)
    lines = []
    for line in sys.stdin.read().splitlines():
        node = re.match(r'\s*(\d+)\[label = "(\w+)"', line)
        if node:
            number, rule = node.groups()
            colour = colours.get(rule, OTHERS)
            look = f'color="{colour}", fontcolor="{colour}", fillcolor="{colour}14"'
            lines.append(f'    {number} [label="{rule}", {look}];')
        elif re.match(r"\s*(graph|node|edge)\[", line):
            continue
        else:
            lines.append(line)
    first = next(i for i, line in enumerate(lines) if line.startswith("digraph"))
    print("\n".join([lines[first], STYLE, *lines[first + 1 :]]))


if __name__ == "__main__":
    main()
