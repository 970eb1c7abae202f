"""Digests of library code: they follow names, are complete, and blind to comments."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from workflow.lib.runtime import digest

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted(path.stem for path in (ROOT / "workflow/scripts").glob("*.py"))
CACHED = (
    digest._tree,
    digest._source,
    digest._code,
    digest._reached_from,
    digest._sources,
    digest._remembered,
)

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
    assert {module for module, _ in digest.definitions(path)} <= set(done.stdout.split())


def reached(script: str) -> dict[str, set[str]]:
    """What a script reaches, by module."""
    found: dict[str, set[str]] = {}
    for module, name in digest.definitions(ROOT / f"workflow/scripts/{script}.py"):
        found.setdefault(module.removeprefix("workflow.lib."), set()).add(name)
    return found


def test_names_are_followed_to_where_they_are_defined():
    """Through packages that only offer them, and no further than to what is used."""
    train = of_class("sequencenet")
    defined = set().union(*train.values())
    assert {"multiply", "CUBIC_SYMMETRY", "_cubic_symmetry", "SequenceNet"} <= defined
    assert {"_tanh", "run"} <= train["networks.lstm"]  # by `lstm.run`
    assert not {"medoid", "to_euler_zyz"} & set().union(
        *(names for module, names in train.items() if module.startswith("orientation."))
    )
    assert "medoid" in reached("predict")["orientation.misorientation"]


def of_class(network: str, script: str = "train") -> dict[str, set[str]]:
    """What the job of a model of one class reaches, by module."""
    table = "workflow.lib.models.registry", "MODELS"
    path = ROOT / f"workflow/scripts/{script}.py"
    found: dict[str, set[str]] = {}
    for module, name in digest.definitions(path, table, network):
        found.setdefault(module.removeprefix("workflow.lib."), set()).add(name)
    return found


@pytest.mark.parametrize("script", ["train", "predict", "profile_training"])
def test_a_job_reaches_its_own_model_class_and_no_other(script):
    classes = {"eulernet": "euler", "sequencenet": "sequence", "nearest": "nearest"}
    classes["ensemble"] = "ensemble"  # its members' class is another digest of its jobs
    everything = reached(script)
    assert {f"models.{module}" for module in classes.values()} <= everything.keys()
    for network, module in classes.items():
        mine = of_class(network, script)
        theirs = {name for name in mine if name.removeprefix("models.") in classes.values()}
        assert theirs == {f"models.{module}"}
        assert mine["models.registry"] == {"", "make_task"}
        for name in everything.keys() - {"models.registry"}:
            assert mine.get(name, set()) <= everything[name]
    assert "EulerNet" not in of_class("sequencenet", script).get("networks.eulernet", set())
    assert "tokens.digit" not in of_class("eulernet", script)


def test_an_entry_that_is_not_there_is_an_error_and_no_digest():
    with pytest.raises(LookupError, match=r"registry\.py: MODELS has no 'vgg'"):
        of_class("vgg")


def test_plotting_is_not_behind_training():
    assert not [module for module in reached("train") if module.startswith("report")]


def test_modules_are_used_by_their_names_alone():
    """As `module.name`: a module that is passed around could not be followed."""
    for path in (ROOT / "workflow").rglob("*.py"):
        modules = {name for name, (_, what) in digest._source(path).imported.items() if not what}
        tree = ast.parse(path.read_text())
        attributes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in modules:
                assert id(node) in attributes, f"{path}:{node.lineno}"


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Writes modules of a library of our own, and tells the digest of a script that uses it."""
    for folder in ("scripts", "lib/shapes"):
        (tmp_path / "workflow" / folder).mkdir(parents=True)
    monkeypatch.setattr(digest, "ROOT", tmp_path)
    monkeypatch.setattr(digest, "MEMORY", tmp_path / ".snakemake/digests.json")

    def write_and_digest(modules: dict[str, str]) -> str:
        for function in CACHED:
            function.cache_clear()
        for name, text in modules.items():
            (tmp_path / "workflow" / name).write_text(text)
        return digest.library_digest("script")

    yield write_and_digest
    for function in CACHED:
        function.cache_clear()


SCRIPT, PACKAGE, CIRCLE, NUMBERS = (
    "scripts/script.py", "lib/shapes/__init__.py", "lib/shapes/circle.py", "lib/numbers.py",
)  # fmt: skip
MODULES = {
    SCRIPT: """
from workflow.lib.shapes import area
def main():
    area(2)
""",
    PACKAGE: '''"""Shapes."""
from workflow.lib.shapes.circle import area, colour
''',
    CIRCLE: '''"""Circles."""
from workflow.lib import numbers
COLOUR = "red"
SCALE = 2
def area(r):
    """Of a circle."""
    return SCALE * numbers.pi() * r * r  # by us
def colour():
    return COLOUR
''',
    NUMBERS: """
def pi():
    return digits()
def digits():
    return 3
def e():
    return 2
""",
}


@pytest.mark.parametrize(
    ("module", "old", "new", "same"),
    [
        (CIRCLE, "# by us", "# by others", True),
        (CIRCLE, "Of a circle.", "Its area.", True),
        (CIRCLE, '"""Circles."""', '"""Discs."""', True),
        (CIRCLE, "r * r", "(r  *  r)", False),
        (CIRCLE, "r * r", "r  *  r", True),
        (CIRCLE, "red", "blue", True),
        (CIRCLE, "SCALE = 2", "SCALE = 3", False),
        (CIRCLE, "SCALE = 2", "SCALE = 2\nprint('imported')", False),
        (CIRCLE, "def area(r)", "def area(r, n=1)", False),
        (CIRCLE, "def colour()", "def colour(n=1)", True),
        (NUMBERS, "return 3", "return 4", False),
        (NUMBERS, "return 2", "return 4", True),
        (PACKAGE, '"""Shapes."""', "OTHER = 1", True),
    ],
)
def test_only_code_that_is_used_counts(module, old, new, same, library):
    before = library(MODULES)
    assert MODULES[module].count(old) == 1
    assert (library({module: MODULES[module].replace(old, new)}) == before) == same


def test_a_name_that_nobody_defines_is_an_error_and_no_digest(library):
    text = MODULES[PACKAGE].replace("area, colour", "areas as area")
    with pytest.raises(LookupError, match=r"circle\.py: defines no 'areas'"):
        library(MODULES | {PACKAGE: text})


def test_every_rule_names_the_digest_of_its_script():
    """A rule that forgot it would keep stale results."""
    for file in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for rule in file.read_text().split("\nrule ")[1:]:
            name = rule.split(":", 1)[0]
            script = rule.split("../scripts/", 1)[1].split(".py", 1)[0]
            if name != "download":  # finished downloads are verified, never repeated
                assert re.search(rf'library=(library|model)_digest\("{script}"\)', rule), name


def test_no_module_is_edited_for_a_side_effect():
    """Scripts and modules do nothing when imported: only definitions at the top level."""
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign)
    allowed += (ast.AnnAssign, ast.Expr, ast.If)
    for path in (ROOT / "workflow").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            assert isinstance(node, allowed), (path.name, node.lineno)
            if isinstance(node, ast.Expr):
                assert isinstance(node.value, ast.Constant), (path.name, node.lineno)


def test_an_answer_is_remembered_until_a_byte_is_another(library, tmp_path, monkeypatch):
    first = library(MODULES)
    memory = tmp_path / ".snakemake/digests.json"
    assert json.loads(memory.read_text())["answers"] == {'["script", null, ""]': first}
    with monkeypatch.context() as patch:
        patch.setattr(digest, "definitions", lambda *asked: pytest.fail("asked again"))
        assert library({}) == first
    assert library({NUMBERS: MODULES[NUMBERS] + "# a remark\n"}) == first
    other = library({CIRCLE: MODULES[CIRCLE].replace("2", "3")})
    assert other != first
    assert json.loads(memory.read_text())["answers"] == {'["script", null, ""]': other}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"sources": 1}', "\xff"])
def test_a_memory_that_is_none_is_no_answer(content, library, tmp_path):
    first = library(MODULES)
    (tmp_path / ".snakemake/digests.json").write_bytes(content.encode("latin-1"))
    assert library({}) == first


def test_without_a_place_to_remember_it_is_found_anew(library, tmp_path):
    (tmp_path / ".snakemake").write_text("a file")
    assert library(MODULES) == library({})
