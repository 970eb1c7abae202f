"""results.json: each number of the paper's text, with where it is from and where it is said."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow.lib.runtime.files import InputError

_DEFINED = re.compile(r"^\\newcommand\{\\([A-Za-z]+)\}\{(.*)\}$", re.MULTILINE)
_COMMENT = re.compile(r"(?<!\\)%.*")
_USED = re.compile(r"\\([A-Za-z]+)")
RULE = "rule"
INPUTS = "inputs"


def results_json(
    generated: Mapping[str, Mapping[str, Any]],
    sections: Sequence[Path],
    cited: Path,
    facts: Mapping[str, Any],
) -> str:
    """All macros that the sections use, as JSON.

    generated: by the path of each generated file of macros its `rule` and `inputs`. sections: the
    LaTeX sources. cited: evidence_sources.json, by macro the cells of the record. facts: of the
    run, from its provenance. Each entry has name, value (LaTeX), file, sections, and `files` has
    rule and inputs of each file; macros of the evidence have `record` as well: file, keys, column
    and value of each cell. Raises InputError where two files define one macro.
    """
    used = _users(sections)
    record = json.loads(Path(cited).read_text(encoding="utf-8"))
    entries: dict[str, dict[str, Any]] = {}
    for file in generated:
        for name, value in macros_of(Path(file).read_text(encoding="utf-8")).items():
            if name not in used:
                continue
            if name in entries:
                raise InputError(
                    f"{file} defines \\{name}, which {entries[name]['file']} defines; expected one"
                )
            entries[name] = {
                "name": name,
                "value": value,
                "file": file,
                "sections": used[name],
            }
            if name in record:
                entries[name]["record"] = record[name]
    run = {key: facts[key] for key in ("commit", "uncommitted_changes", "source", "simulated")}
    files = {
        file: {RULE: origin[RULE], INPUTS: list(origin[INPUTS])}
        for file, origin in generated.items()
    }
    content = {"run": facts["config"]["run"], **run, "files": files}
    content["numbers"] = list(entries.values())
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def macros_of(text: str) -> dict[str, str]:
    """The macros that a generated file defines, each on a line of its own or several, by name."""
    found = dict(_DEFINED.findall(text))
    for match in re.finditer(r"^\\newcommand\{\\([A-Za-z]+)\}\{", text, re.MULTILINE):
        if match[1] not in found:  # of several lines
            found[match[1]] = _up_to_its_brace(text, match.end())
    return found


def _up_to_its_brace(text: str, start: int) -> str:
    """From `start` to the brace that closes the one before it."""
    depth = 1
    for place in range(start, len(text)):
        escaped = text[place - 1] == "\\"
        depth += 0 if escaped else {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start:place]
    return text[start:]


def _users(sections: Sequence[Path]) -> dict[str, list[str]]:
    """By command the names of the files that use it."""
    users: dict[str, list[str]] = {}
    for path in sections:
        text = _COMMENT.sub("", path.read_text(encoding="utf-8"))
        for name in sorted(set(_USED.findall(text))):
            users.setdefault(name, []).append(path.name)
    return users
