"""evidence_numbers.tex: sentences on the evidence, whose direction the record's numbers decide.

Each is a macro of one or more whole sentences, so that the text stays grammatical where a run has
fewer models, and each knows the cells of the record that it cites.
"""

from collections.abc import Callable
from dataclasses import dataclass

from workflow.lib.report.evidence import sentences, tested
from workflow.lib.report.evidence.record import Cited, Record, origin_phrase
from workflow.lib.report.style.notice import SIMULATED_NOTE

PREFIX = "evidence"


@dataclass(frozen=True)
class Macro:
    """A macro's name without its backslash, its LaTeX, and what of the record it cites."""

    name: str
    text: str
    cited: tuple[Cited, ...]


def evidence_macros(record: Record) -> list[Macro]:
    """All macros that the paper's text has of the record, in the order of MACROS."""
    found = []
    for name, tell in MACROS.items():
        record.cited.clear()
        text = tell(record)
        found.append(Macro(PREFIX + name, text, tuple(dict.fromkeys(map(_hashable, record.cited)))))
    return found


def evidence_tex(macros: list[Macro]) -> str:
    """The text of evidence_numbers.tex."""
    lines = ["% Written by the rule `evidence_numbers`."]
    lines += [rf"\newcommand{{\{macro.name}}}{{{macro.text}}}" for macro in macros]
    return "\n".join(lines) + "\n"


def evidence_sources(macros: list[Macro]) -> dict[str, list[dict]]:
    """Of each macro the cells that it cites: file, keys, column and value, ready for JSON."""
    return {
        macro.name: [
            {"file": c.file, "keys": dict(c.keys), "column": c.column, "value": c.value}
            for c in macro.cited
        ]
        for macro in macros
    }


def _hashable(cited: Cited) -> Cited:
    return Cited(cited.file, _Keys(cited.keys), cited.column, cited.value)


class _Keys(dict):
    """Keys of a row that a set can hold."""

    def __hash__(self) -> int:
        return hash(tuple(sorted((name, str(value)) for name, value in self.items())))


def _origin(record: Record) -> str:
    return origin_phrase(record.origin, record.is_this_run)


def _notice(record: Record) -> str:
    if not record.origin["simulated"]:
        return ""
    return rf"\textcolor{{notice}}{{\textbf{{{SIMULATED_NOTE.capitalize()}.}}}} "


MACROS: dict[str, Callable[[Record], str]] = {
    "Origin": _origin,
    "Notice": _notice,
    "DesignSentence": sentences.design,
    "PairSentence": sentences.pair,
    "EncoderSentence": sentences.encoder,
    "RegressionSentence": sentences.regressions,
    "DensitySentence": sentences.densities,
    "BestControlSentence": sentences.best_control,
    "WriterSentence": sentences.writers,
    "OtherSentence": sentences.others,
    "PartsSentence": sentences.parts,
    "FoldsSentence": sentences.folds,
    "FoldControlsSentence": sentences.fold_controls,
    "SeamsSentence": tested.seams,
    "OwnSeamsSentence": tested.own_seams,
    "FacesSentence": tested.faces,
    "SpellingsSentence": tested.spellings,
    "BudgetSentence": tested.budget,
    "ViewsSentence": tested.views,
    "DecisionSentence": tested.decisions,
    "ClaimsSentence": tested.claims,
    "AbstractSentence": tested.abstract,
    "ConclusionSentence": tested.conclusion,
    "AutoregressionSentence": tested.autoregression,
    "LimitsSentence": sentences.limits,
}
