"""From LaTeX sources to a PDF in which nothing is missing, undefined or out of its box."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow.lib.runtime.files import InputError, atomic, refusal_of, scratch_folder, write_text
from workflow.lib.runtime.script import logger

MAIN = "main.tex"
SOURCES = {".tex", ".bib", ".bst", ".cls", ".sty", ".csv", ".dat", ".pdf", ".png", ".jpg", ".jpeg"}
WIDEST_OVERFULL_PT = 5.0
TIMEOUT_S = 900  # Tectonic's first run downloads its packages

DEBIAN_PACKAGES = "latexmk texlive-latex-recommended texlive-pictures lmodern"
MISSING_TEX = (
    "no LaTeX found: expected latexmk with pdflatex and bibtex, or tectonic, on the PATH; "
    f"install it with `apt-get install --no-install-recommends {DEBIAN_PACKAGES}` (Debian) "
    "or `conda install -c conda-forge tectonic`"
)

LATEXMK = (
    "latexmk", "-norc", "-pdf", "-bibtex", "-interaction=nonstopmode", "-halt-on-error",
    "-latexoption=-no-shell-escape", MAIN,
)  # fmt: skip
TECTONIC = ("tectonic", "-X", "compile", "--untrusted", "--keep-logs", MAIN)

# A fixed date makes the same sources give the same bytes; the widths keep TeX from
# breaking the lines of its log, which are read below.
ENVIRONMENT = {
    "SOURCE_DATE_EPOCH": "1704067200",  # 2024-01-01
    "FORCE_SOURCE_DATE": "1",
    "TZ": "UTC",
    "max_print_line": "10000",
    "error_line": "254",
    "half_error_line": "238",
}

_WARNINGS = {
    "undefined reference": re.compile(r"^LaTeX Warning: Reference `([^']+)'.* undefined"),
    "undefined citation": re.compile(r"^(?:LaTeX|Package natbib) Warning: Citation `([^']+)'"),
    "label defined twice": re.compile(r"^LaTeX Warning: Label `([^']+)' multiply defined"),
    "missing character": re.compile(r"^Missing character: There is no (.+?)!?$"),
}
_OVERFULL = re.compile(r"^Overfull (\\[hv]box) \(([\d.]+)pt too (?:wide|high)\) ?(.*)$")
_BOX = re.compile(r"^(?:Over|Under)full \\[hv]box ")
_OPENED_OR_CLOSED = re.compile(r"\((?:\./)?([^\s(){}<>\[\]\"]*)|\)")


@dataclass(frozen=True)
class Problem:
    """Something in a LaTeX log that a reader of the PDF would notice."""

    kind: str
    what: str
    file: str

    def __str__(self) -> str:
        return f"{self.kind} {self.what} in {self.file}"


def paper_sources(folder: Path) -> list[Path]:
    """The files below `folder` that the paper is made from, sorted, also in linked folders.

    Left out is what lies there as well: lock files and backups of editors, what LaTeX run by hand
    leaves, all that is hidden, links that lead nowhere, and names with braces, which are wildcards
    to Snakemake and nothing that LaTeX could read.
    """
    found, seen = [], {str(parent) for parent in folder.resolve().parents}
    for place, folders, files in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(place))  # links to folders above would never end
        folders[:] = [
            name for name in folders if os.path.realpath(os.path.join(place, name)) not in seen
        ]
        found += [Path(place, name) for name in files]
    return sorted(path for path in found if _is_source(path.relative_to(folder), path))


def build_paper(sources: Path, generated: Sequence[Path], pdf: Path, log: Path) -> None:
    """Compile `sources`/main.tex with the generated files beside it and write `pdf`.

    sources: folder of the paper; its `paper_sources` are copied, nothing is written into it.
    generated: files the sources input or include, each by its bare name.
    log: where TeX's own log goes, also when it fails.

    Uses latexmk if it is there, else Tectonic. Raises InputError with one line when
    neither is, when a generated file is missing or would replace a source, when LaTeX
    stops, and when the log tells of a `Problem`; `pdf` is then left as it was.
    """
    command = _find_tex()
    with scratch_folder(pdf) as folder:
        copy = folder / "paper"
        _gather(sources, generated, copy)
        logger.info("compiling %s with %s", sources / MAIN, command[0])
        failed, output = _compile(command, copy)
        text = _keep_log(copy / "main.log", output if failed else "", log)
        refusal = refusal_of(copy / "main.log") if failed else None
        if refusal is not None:
            raise refusal  # TeX calls a full disk by many names
        if failed:
            raise InputError(f"{first_error(text)}; TeX's log is {log}")
        problems = find_problems(text)
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise InputError(f"paper: {problems[0]}{more}; TeX's log is {log}")
        with atomic(pdf) as part:
            shutil.copyfile(copy / "main.pdf", part)


def find_problems(log: str) -> list[Problem]:
    """The problems that a LaTeX log tells of, each once, in the order of the log.

    Undefined references and citations, labels defined twice, characters that the font
    lacks, and boxes that stick out by more than 5 pt.
    """
    problems: dict[Problem, None] = {}
    files: list[str] = []
    in_box = False
    for line in log.splitlines():
        here = _innermost(files)
        overfull = _OVERFULL.match(line)
        if overfull and float(overfull[2]) > WIDEST_OVERFULL_PT:
            box, excess, where = overfull.groups()
            problems[Problem("overfull", f"{box} by {excess} pt {where}".rstrip(), here)] = None
        for kind, pattern in _WARNINGS.items():
            match = pattern.match(line)
            if match:
                problems[Problem(kind, match[1], here)] = None
        # after its message a box is shown up to an empty line, with parentheses of its text
        in_box = bool(_BOX.match(line)) or (in_box and line.strip() != "")
        if not in_box:
            _follow_files(line, files)
    return list(problems)


def first_error(log: str) -> str:
    """The first error of a LaTeX log and the source line it names, as one line.

    LaTeX reports "! message" and then "l.12 what it had read"; Tectonic "error: message".
    """
    lines = log.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith(("! ", "error: "))]
    if not starts:
        return "LaTeX failed without an error message"
    first = starts[0]
    place = next((line for line in lines[first:] if re.match(r"l\.\d+", line)), "")
    files: list[str] = []
    for line in lines[:first]:
        _follow_files(line, files)
    where = f"at {place.strip()} in {_innermost(files)}" if place else f"in {_innermost(files)}"
    return f"LaTeX: {lines[first]} {where}"


def _find_tex() -> tuple[str, ...]:
    if all(shutil.which(program) for program in ("latexmk", "pdflatex", "bibtex")):
        return LATEXMK
    if shutil.which("tectonic"):
        return TECTONIC
    raise InputError(MISSING_TEX)


def _is_source(name: Path, path: Path) -> bool:
    """Whether `path`, below the paper's folder called `name`, is one of its `paper_sources`."""
    hidden = any(part.startswith(".") for part in name.parts)
    compiled = name.name == Path(MAIN).with_suffix(".pdf").name
    braces = set("{}") & set(str(name))
    return name.suffix in SOURCES and not (hidden or compiled or braces) and path.is_file()


def _gather(sources: Path, generated: Sequence[Path], copy: Path) -> None:
    """Copy the sources and the generated files into the new folder `copy`."""
    if not (sources / MAIN).is_file():
        raise InputError(f"{sources} has no {MAIN}; expected the folder of the paper's sources")
    for source in paper_sources(sources):
        place = copy / source.relative_to(sources)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
    for file in generated:
        if not file.is_file():
            raise InputError(f"{file} is missing; expected a generated file the paper includes")
        if (copy / file.name).exists():
            raise InputError(f"{file} has the name of a file in {sources}: rename one of them")
        shutil.copyfile(file, copy / file.name)


def _compile(command: tuple[str, ...], folder: Path) -> tuple[bool, str]:
    """Run `command` in `folder`: whether it failed, and what it printed."""
    try:
        process = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{command[0]} did not end within {TIMEOUT_S} s and was stopped"
        ) from error
    return process.returncode != 0, process.stdout.decode("utf-8", "replace")


def _keep_log(tex_log: Path, output: str, log: Path) -> str:
    """Write TeX's log to `log` and return it; without an error in it, `output` is appended."""
    text = tex_log.read_text("utf-8", "replace") if tex_log.is_file() else ""
    if "\n! " not in text:
        text += output
    write_text(log, text)
    return text


def _innermost(files: list[str]) -> str:
    """The file that TeX is reading, as `_follow_files` has it."""
    return next((file for file in reversed(files) if file), MAIN)


def _follow_files(line: str, files: list[str]) -> None:
    """Keep `files`, those TeX has open, up to date: it logs "(name" and ")".

    A parenthesis that names no file counts as "", so that its partner closes only it.
    """
    for match in _OPENED_OR_CLOSED.finditer(line):
        if match[0] == ")":
            del files[-1:]
        else:
            name = match[1]
            files.append(name if re.search(r"\.\w+$", name) else "")
