"""A digest of the code behind a rule, so that a change of the library reruns what uses it.

Snakemake notices an edited script, not an edited module that the script imports. Every
rule therefore carries `library_digest("its_script")` as a parameter.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "workflow.lib"


def library_digest(script: str) -> str:
    """Twelve hexadecimal digits that change when code reached from the script changes.

    script: the name of a file in workflow/scripts, without `.py`. Followed are the
    script's imports from `workflow.lib`, and theirs. Comments, docstrings and layout do
    not count: nobody should retrain ten folds for a typo.
    """
    digest = hashlib.sha256()
    for module in library_modules(ROOT / "workflow" / "scripts" / f"{script}.py"):
        digest.update(_code(_path(module)).encode())
    return digest.hexdigest()[:12]


def library_modules(path: Path) -> list[str]:
    """Names of all modules of the library that a file needs, directly or through others."""
    found: set[str] = set()
    waiting = _imports(path)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting |= _imports(_path(module))
    return sorted(found)


def _path(module: str) -> Path:
    folder = ROOT.joinpath(*module.split("."))
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _imports(path: Path) -> set[str]:
    """Modules of the library imported anywhere in a file."""
    found = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(PACKAGE + "."):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if _path(inner).exists() else node.module)
    return found


@cache
def _code(path: Path) -> str:
    """The source without comments, docstrings and layout."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]) and ast.get_docstring(node):
            node.body = body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
