"""A digest of the code behind a rule, so that a change of the library reruns what uses it.

Snakemake notices an edited script, not an edited module that the script imports. Every rule
therefore carries `library_digest("its_script")` as a parameter. It follows names, not files: from
each name that a script imports to the statement that defines it, wherever that is, and on to the
names used there. So a caption beside a function retrains nothing, and a package that offers the
names of its modules adds nothing of its own.

Every job that Snakemake starts reads the Snakefile anew and asks again. What was answered is kept
in MEMORY with a digest of all sources, and is worth nothing once one byte of them is another.
"""

import ast
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MEMORY = Path(".snakemake/digests.json")
PACKAGE = "workflow.lib"

Definition = tuple[str, str]  # a module, and a name at its top level


@dataclass(frozen=True)
class Source:
    """What a file defines at its top level.

    names: the statements that bind each name. imported: names from the library, as (module, name),
    or (module, "") for a module itself. always: statements that run whatever is used.
    """

    names: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, Definition] = field(default_factory=dict)
    always: list[ast.stmt] = field(default_factory=list)


def library_digest(script: str, table: Definition | None = None, key: str = "") -> str:
    """Twelve hexadecimal digits that change when code reached from the script changes.

    script: the name of a file in workflow/scripts, without `.py`. Comments, docstrings and
    layout do not count: nobody should retrain ten folds for a typo. table: a dictionary of names
    of which the job uses the entry `key` alone; the others do not count either.
    """
    path = ROOT / "workflow" / "scripts" / f"{script}.py"
    question = json.dumps([script, table, key])
    known = _remembered()
    if question not in known:
        digest = hashlib.sha256()
        for module, name in definitions(path, table, key):
            digest.update(f"{module}.{name}\n{_code(module, name)}\n".encode())
        known[question] = digest.hexdigest()[:12]
        _remember(known)
    return known[question]


@cache
def _remembered() -> dict[str, str]:
    """Answers to questions about the sources as they are, by the question."""
    try:
        kept = json.loads(MEMORY.read_text(encoding="utf-8"))
        answers = kept["answers"] if kept["sources"] == _sources() else {}
        return {str(question): str(answer) for question, answer in answers.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _remember(answers: dict[str, str]) -> None:
    """Keep them, if the folder can be written; as a whole, since others read it meanwhile."""
    part = MEMORY.with_name(f"{MEMORY.name}.{os.getpid()}")
    try:
        MEMORY.parent.mkdir(exist_ok=True)
        part.write_text(json.dumps({"sources": _sources(), "answers": answers}), encoding="utf-8")
        part.replace(MEMORY)
    except OSError:
        with suppress(OSError):
            part.unlink()


@cache
def _sources() -> str:
    """A digest of every byte that an answer may depend on: of the code, and of this Python."""
    digest = hashlib.sha256(sys.version.encode())
    for folder in ("scripts", "lib"):
        for path in sorted((ROOT / "workflow" / folder).rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def definitions(path: Path, table: Definition | None = None, key: str = "") -> list[Definition]:
    """All that a file reaches in the library, directly or through others, sorted.

    The name "" stands for the statements of a module that run when it is imported. table, key:
    see `library_digest`. Raises LookupError for an imported name that no module defines, and for
    a table without that key.
    """
    source = _source(path)
    waiting = [reached for node in ast.walk(_tree(path)) for reached in _used(node, source)]
    found: set[Definition] = set()
    while waiting:
        module, name = waiting.pop()
        if (module, name) == table:
            module, name = _entry(module, name, key)
        if (module, name) not in found:
            found.add((module, name))
            waiting += _reached_from(module, name)
    return sorted(found)


def library_modules(path: Path) -> list[str]:
    """Names of all modules that Python loads from the library for a file, packages as well."""
    found: set[str] = set()
    waiting = [module for module, _ in _source(path).imported.values()]
    while waiting:
        module = waiting.pop()
        if module not in found and module != PACKAGE:
            found.add(module)
            imported = _source(module_path(module)).imported.values()
            waiting += [module.rpartition(".")[0], *(other for other, _ in imported)]
    return sorted(found)


@cache  # scripts share most of what they reach
def _reached_from(module: str, name: str) -> list[Definition]:
    """What the definition of a name in a module uses, and what importing the module runs."""
    source = _source(module_path(module))
    if name in source.imported:  # offered here, defined elsewhere
        return [source.imported[name]]
    if name not in source.names and name:
        raise LookupError(f"{module_path(module)}: defines no {name!r}, which other code imports")
    statements = source.names[name] if name else source.always
    nodes = [node for statement in statements for node in ast.walk(statement)]
    return [(module, "")] + [reached for node in nodes for reached in _used(node, source, module)]


def _entry(module: str, table: str, key: str) -> Definition:
    """What an entry of a dictionary at the top level of a module is, a name by itself."""
    source = _source(module_path(module))
    for statement in source.names.get(table, []):
        content = getattr(statement, "value", None)
        if isinstance(content, ast.Dict):
            for found, value in zip(content.keys, content.values, strict=True):
                if isinstance(found, ast.Constant) and found.value == key:
                    name = ast.unparse(value)
                    return source.imported.get(name, (module, name))
    raise LookupError(f"{module_path(module)}: {table} has no {key!r}")


def _used(node: ast.AST, source: Source, module: str = "") -> Iterator[Definition]:
    """The names of the library that a part of a statement uses."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        other, name = source.imported.get(node.value.id, ("", "none"))
        if other and not name:
            yield other, node.attr  # of a module
    elif isinstance(node, ast.Name):
        if node.id in source.names and module:
            yield module, node.id
        elif node.id in source.imported and source.imported[node.id][1]:
            yield source.imported[node.id]


def module_path(module: str) -> Path:
    """The file of a module, or of a package's `__init__`."""
    folder = ROOT.joinpath(*module.split("."))
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def _source(path: Path) -> Source:
    source = Source()
    for node in ast.walk(_tree(path)):  # imports inside functions as well
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{PACKAGE}."):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                defined = (inner, "") if module_path(inner).exists() else (node.module, alias.name)
                source.imported[alias.asname or alias.name] = defined
    for statement in _tree(path).body:
        for name in _bound(statement):
            source.names.setdefault(name, []).append(statement)
        if not (isinstance(statement, ast.Import | ast.ImportFrom) or _bound(statement)):
            source.always.append(statement)
    return source


def _bound(statement: ast.stmt) -> list[str]:
    """The names that a definition or an assignment binds."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return [statement.name]
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        nodes = [node for target in targets for node in ast.walk(target)]
        return [node.id for node in nodes if isinstance(node, ast.Name)]
    return []


@cache
def _code(module: str, name: str) -> str:
    """The statements behind a name without comments, docstrings and layout."""
    source = _source(module_path(module))
    statements = source.names.get(name, []) if name else source.always
    texts = [ast.unparse(_without_docstrings(statement)) for statement in statements]
    return "\n".join(text for text in texts if text)


def _without_docstrings(statement: ast.stmt) -> ast.AST:
    """The statement itself, changed; a text that stands alone becomes nothing."""
    if _is_text(statement):
        return ast.Module([], [])
    for node in ast.walk(statement):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            node.body = body[1:] or [ast.Pass()]
    return statement


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
