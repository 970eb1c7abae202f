"""What stands twice in the repository agrees: versions, commands, links, what CI runs."""

import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CI = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
STEPS = CI["jobs"]["test"]["steps"]
# Not pinned: pip freeze does not name the first, and PyTorch for CPUs does not need the other.
OF_PYTORCH = {"setuptools", "triton"}
FOLDERS = ("*.md", "[a-z]*/README.md", "workflow/**/*.md", ".github/**/*.md")
DOCUMENTS = sorted({path for pattern in FOLDERS for path in ROOT.glob(pattern)})


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def targets() -> list[str]:
    """The targets that the Makefile calls .PHONY: all, as another test makes sure."""
    joined = text("Makefile").replace("\\\n", " ")
    return re.search(r"^\.PHONY: (.+)$", joined, re.MULTILINE)[1].split()


def pins(name: str) -> dict[str, str]:
    lines = re.findall(r"^([\w.-]+)==(\S+)$", text(name), re.MULTILINE)
    return {package.lower(): version for package, version in lines}


def test_no_target_lacks_a_help_text():
    rules = re.sub(r"^define .*?^endef$", "", text("Makefile"), flags=re.MULTILINE | re.DOTALL)
    made = re.findall(r"^([\w-]+):(?!=)", rules, re.MULTILINE)
    assert sorted(made) == sorted(targets())
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    helped = re.findall(r"^make ([\w-]+) +\S", shown.stdout, re.MULTILINE)
    assert helped == made


def test_make_alone_is_make_help():
    said = [subprocess.check_output(command, cwd=ROOT) for command in (["make"], ["make", "help"])]
    assert said[0] == said[1] != b""


def test_the_citation_and_the_changelog_have_the_version_of_pyproject():
    citation = yaml.safe_load(text("CITATION.cff"))
    newest = re.search(r"^## ([\d.]+) \((\d{4}-\d\d-\d\d)\)$", text("CHANGELOG.md"), re.MULTILINE)
    released = str(citation["date-released"])
    assert (citation["version"], released) == newest.groups()
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]


def test_the_changelog_has_one_heading_a_version_and_the_newest_first():
    headings = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.MULTILINE)
    released = [h for h in headings if h != "Unreleased"]
    assert headings in (released, ["Unreleased", *released])
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", h) for h in released)
    versions = [tuple(map(int, h.split()[0].split("."))) for h in released]
    assert versions == sorted(set(versions), reverse=True)


def test_pre_commit_formats_by_the_pinned_versions():
    repositories = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    formatters = {"ruff": ["ruff-check", "ruff-format"], "snakefmt": ["snakefmt"]}
    found = {r["repo"].rsplit("/", 1)[1].removesuffix("-pre-commit"): r for r in repositories}
    assert found.keys() == formatters.keys()
    for name, repository in found.items():
        assert repository["rev"] == f"v{pins('requirements-dev.in')[name]}"
        assert [hook["id"] for hook in repository["hooks"]] == formatters[name]


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_direct_dependency_is_pinned_alike_in_both_lists(name):
    direct = pins(f"{name}.in")
    assert direct.items() <= pins(f"{name}.txt").items()
    assert len(direct) == sum(line[0].isalpha() for line in text(f"{name}.in").splitlines())


def test_no_package_is_in_the_list_for_all_and_in_that_for_tests():
    assert pins("requirements.txt").keys() & pins("requirements-dev.txt").keys() == set()


def test_the_list_for_all_has_what_its_packages_need():
    """As these packages say themselves; so a demo needs nothing of the list for tests."""
    listed = {canonicalize_name(name) for name in pins("requirements.txt")}
    for name in listed:
        for other in map(Requirement, metadata.requires(name) or ()):
            if other.marker is None or other.marker.evaluate({"extra": ""}):
                found = canonicalize_name(other.name)
                assert {found} <= listed | OF_PYTORCH or found.startswith("nvidia-"), name


def test_ci_runs_the_lowest_and_the_highest_python_that_are_allowed():
    allowed = SpecifierSet(PROJECT["requires-python"])
    versions = [f"3.{minor}" for minor in range(30) if f"3.{minor}" in allowed]
    assert CI["jobs"]["test"]["strategy"]["matrix"] == {"python": [versions[0], versions[-1]]}


def test_ci_runs_targets_of_make_and_nothing_else():
    runs = [step["run"] for step in STEPS if "run" in step]
    commands = [re.fullmatch(r"(?:sudo )?make ([\w-]+)(?: CORES=\d+)?", run) for run in runs]
    assert None not in commands
    ran = [command[1] for command in commands]
    assert {"lint", "test"} <= set(ran) <= set(targets())


def test_ci_may_only_read_and_needs_no_secret():
    assert CI["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in CI["jobs"].values())
    assert all(job["timeout-minutes"] <= 60 for job in CI["jobs"].values())
    assert CI["concurrency"]["cancel-in-progress"] is True
    assert "secrets." not in text(".github/workflows/ci.yml")
    assert "pull_request_target" not in CI[True]  # YAML 1.1 reads the key `on` as true
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in used)


def test_ci_takes_packages_from_where_the_readme_says_and_caches_them():
    index = CI["jobs"]["test"]["env"]["PIP_EXTRA_INDEX_URL"]
    assert f"PIP_EXTRA_INDEX_URL={index} make" in text("README.md")
    python = next(step["with"] for step in STEPS if "setup-python" in step.get("uses", ""))
    assert python["cache"] == "pip"
    listed = sorted(path.name for path in ROOT.glob(python["cache-dependency-path"]))
    assert listed == ["requirements-dev.txt", "requirements.txt"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_commands_to_targets(document):
    prose = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
        assert "://" in link or (document.parent / link).exists(), link
    named = re.findall(r"(?:`|^)make ([a-z][\w-]*)", prose, re.MULTILINE)
    assert set(named) <= set(targets())


def test_contributing_is_one_screen_and_names_what_exists():
    contributing = text("CONTRIBUTING.md")
    assert len(contributing.splitlines()) < 60
    for path in re.findall(r"[` (]((?:\w+/)+[\w./]*)[`)]", contributing):
        assert (ROOT / path).exists(), path
    assert "(CONTRIBUTING.md)" in text("README.md")


def test_templates_ask_for_what_made_it_and_warn_of_other_peoples_data():
    bug = text(".github/ISSUE_TEMPLATE/bug.md")
    _, head, body = re.split(r"^---\n", bug, maxsplit=2, flags=re.MULTILINE)
    assert {"name", "about"} <= yaml.safe_load(head).keys()
    for asked in ("Command", "one line", "Config", "provenance.json", "not yours to share"):
        assert asked in body
    assert "`make lint` and `make test`" in text(".github/pull_request_template.md")
