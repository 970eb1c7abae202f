"""The environment files: pinned, in step with requirements.txt, and complete for their rules."""

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.tools.conda.stand_in import PROGRAMS, create, python_requirement, read_environment
from workflow.lib.runtime.digest import library_modules, module_path

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
NOT_PYTHON_PACKAGES = {"python", "cuda-version", *PROGRAMS}
LEARN = {"learn-cpu", "learn-gpu"}  # the config chooses one of them

# module → its name in the Python package index, where they differ
INDEX_NAMES = {"yaml": "pyyaml", "PIL": "pillow", "urllib3": "requests"}  # urllib3: of requests


def python_packages(environment: Path) -> dict[str, str]:
    """The Python packages that an environment file names, each with its version."""
    named = read_environment(environment).items()
    found = [
        python_requirement(*package) for package in named if package[0] not in NOT_PYTHON_PACKAGES
    ]
    return {requirement.name: str(requirement.specifier) for requirement in found}


def installed_versions() -> dict[str, str]:
    lists = "".join((ROOT / f"requirements{of}.txt").read_text() for of in ("", "-dev"))
    lines = re.findall(r"^([\w.-]+)==(\S+)$", lists, re.MULTILINE)
    return {name.lower(): version for name, version in lines}


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.stem)
def test_every_package_is_pinned_as_in_requirements(environment):
    packages, versions = read_environment(environment), installed_versions()
    assert packages["python"] == "3.11"
    assert all(re.fullmatch(r"\d+\.\d+(\.\*)?", version) for version in packages.values())
    for name, pin in python_packages(environment).items():
        assert pin == f"=={'.'.join(versions[name].split('.')[:2])}.*", name


def rules() -> dict[str, tuple[set[str], Path]]:
    """For every rule with a script: the names of its environments, and the script."""
    found = {}
    for file in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for block in re.split(r"^(?=rule )", file.read_text(), flags=re.MULTILINE)[1:]:
            name = re.match(r"rule (\w+)", block)[1]
            conda = re.search(r"^    conda:\n +(\S+)$", block, re.MULTILINE)[1]
            script = re.search(r'^    script:\n +"\.\./(\S+)"$', block, re.MULTILINE)[1]
            environment = re.fullmatch(r'"\.\./\.\./envs/(\S+)\.yaml"', conda)
            environments = {environment[1]} if environment else {"LEARN_ENVIRONMENT": LEARN}[conda]
            found[name] = environments, ROOT / "workflow" / script
    return found


def imported_packages(*files: Path) -> set[str]:
    """What the files and the library modules they need import, by name in the package index."""
    library = {module for file in files for module in library_modules(file)}
    sources = {*files, *(module_path(module) for module in library)}
    modules = set()
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                modules.add(node.module.split(".")[0])
    ours = modules - sys.stdlib_module_names - {"workflow"}
    return {INDEX_NAMES.get(module, module) for module in ours}


RULES = rules()


def test_every_environment_is_there_and_used():
    used = set.union(*(environments for environments, _ in RULES.values()))
    assert used | {"runner"} == {path.stem for path in ENVIRONMENTS}


@pytest.mark.parametrize("rule", RULES)
def test_a_rules_environment_names_all_that_its_code_imports(rule):
    """Also what Snakemake brings along itself, PyYAML for one, which no run would miss."""
    environments, script = RULES[rule]
    for environment in environments:
        named = python_packages(ROOT / f"envs/{environment}.yaml")
        assert imported_packages(script) - named.keys() == set(), environment


def test_the_report_names_what_pandas_imports_for_it():
    """For to_markdown; Snakemake brings it along, so that no run would miss it."""
    assert "tabulate" in python_packages(ROOT / "envs/report.yaml")


def test_the_runner_names_all_that_the_snakefile_imports(tmp_path):
    """The Snakefile and the rule files, without what only Snakemake can read."""
    imports = tmp_path / "imports.py"
    files = [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]
    text = "\n".join(file.read_text() for file in files)
    statements = re.findall(r"^(?:from|import) [^\n(]*(?:\([^)]*\))?", text, re.MULTILINE)
    imports.write_text("\n".join(statements))
    found = imported_packages(imports)
    assert {"snakemake", "jsonschema"} <= found
    assert found - python_packages(ROOT / "envs/runner.yaml").keys() == set()


def test_the_pins_allow_the_pythons_that_the_project_names_and_not_the_next():
    """So that `make` says at once what pip would say after minutes."""
    named = re.search('requires-python = "(.+)"', (ROOT / "pyproject.toml").read_text())[1]
    project = SpecifierSet(named)
    allowed = [metadata.metadata(name).get("Requires-Python", "") for name in installed_versions()]
    versions = [f"3.{minor}.0" for minor in range(10, 16)]
    fitting = [v for v in versions if all(SpecifierSet(pin).contains(v) for pin in allowed)]
    assert [v for v in versions if project.contains(v)] == fitting
    assert fitting == ["3.11.0", "3.12.0", "3.13.0"]


@pytest.mark.parametrize(
    ("dependency", "message"),
    [
        ("no-such-package=1.0.*", "no-such-package==1.0.* is not installed"),
        ("numpy=1.0.*", "not numpy==1.0.*"),
    ],
)
def test_the_stand_in_refuses_what_it_cannot_provide(tmp_path, dependency, message):
    file = tmp_path / "environment.yaml"
    file.write_text(f"dependencies: ['{dependency}']\n")
    with pytest.raises(SystemExit, match=re.escape(message)):
        create(file, tmp_path / "prefix")
    assert not (tmp_path / "prefix").exists()
