"""The digests of library code: complete against real imports, blind to comments."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from workflow.lib.runtime import digest

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted(path.stem for path in (ROOT / "workflow/scripts").glob("*.py"))

LOADED = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("script", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(*sorted(name for name in sys.modules if name.startswith("workflow.lib.")))
"""


@pytest.mark.parametrize("script", SCRIPTS)
def test_modules_are_those_that_python_really_imports(script):
    path = ROOT / "workflow/scripts" / f"{script}.py"
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(path)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert digest.library_modules(path) == done.stdout.split()


def test_plotting_is_not_behind_training():
    modules = digest.library_modules(ROOT / "workflow/scripts/train.py")
    assert "workflow.lib.training.loop" in modules
    assert not {"workflow.lib.report.figures", "workflow.lib.report.table1"} & set(modules)


def code_of(text: str, tmp_path: Path) -> str:
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.py"
    path.write_text(text)
    return digest._code(path)


ORIGINAL = '"""Module."""\ndef f(x):\n    """Doc."""\n    return x + 1  # one\n'


@pytest.mark.parametrize(
    ("edited", "same"),
    [
        (ORIGINAL.replace("# one", "# another word"), True),
        (ORIGINAL.replace("Doc.", "Documentation."), True),
        (ORIGINAL.replace("x + 1", "(x  +  1)"), True),
        (ORIGINAL.replace("x + 1", "x + 2"), False),
        (ORIGINAL.replace("def f", "def g"), False),
        (ORIGINAL + 's = "a text"\n', False),
    ],
)
def test_only_code_counts(edited, same, tmp_path):
    assert (code_of(edited, tmp_path) == code_of(ORIGINAL, tmp_path)) == same


def test_every_rule_names_the_digest_of_its_script():
    """A rule that forgot it would keep stale results."""
    for file in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for rule in file.read_text().split("\nrule ")[1:]:
            name = rule.split(":", 1)[0]
            script = rule.split("../scripts/", 1)[1].split(".py", 1)[0]
            if name != "download":  # finished downloads are verified, never repeated
                assert f'library=library_digest("{script}")' in rule, name


def test_no_module_is_edited_for_a_side_effect():
    """Scripts and modules do nothing when imported: only definitions at the top level."""
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign)
    allowed += (ast.AnnAssign, ast.Expr, ast.If)
    for path in (ROOT / "workflow").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            assert isinstance(node, allowed), (path.name, node.lineno)
            if isinstance(node, ast.Expr):
                assert isinstance(node.value, ast.Constant), (path.name, node.lineno)
