"""Rule `describe`: in, the dataset; out, its data card: Markdown, LaTeX and a picture."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.data.card import describe
from workflow.lib.report.data_card import card_latex, card_markdown, card_warnings
from workflow.lib.report.data_figure import plot_data_card
from workflow.lib.runtime.files import write_text
from workflow.lib.runtime.script import logger, run


def main(dataset: Path, style: Path, markdown: Path, tex: Path, figures: Sequence[Path]) -> None:
    """Write the card of `dataset` as `markdown` and `tex`, and draw it into each of `figures`."""
    card = describe(dataset)
    for warning in card_warnings(card):
        logger.warning("warning: %s", warning)
    write_text(markdown, card_markdown(card))
    write_text(tex, card_latex(card))
    plot_data_card(card, style, figures)
    logger.info("%d signals of %d specimens", card.sets["signals"].sum(), len(card.leaks))


if __name__ == "__main__":
    run(
        main,
        snakemake.log[0],
        dataset=Path(snakemake.input.dataset),
        style=Path(snakemake.input.style),
        markdown=Path(snakemake.output.markdown),
        tex=Path(snakemake.output.tex),
        figures=[Path(path) for path in snakemake.output.figures],
    )
