"""Which commit the code is: this project's, or a reason why it is not known."""

import os
import subprocess

import pytest

from workflow.lib.runtime.checkout import code_version


def git(folder, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    command = ["git", *identity, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    """A checkout with one commit."""
    folder = tmp_path / "checkout"
    (folder / "workflow").mkdir(parents=True)
    (folder / "workflow/code.py").write_text("1\n")
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text("run: paper\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def unknown(why):
    return {"commit": f"unknown ({why})", "uncommitted_changes": False}


def test_the_commit_is_that_of_the_checkout(checkout):
    commit = git(checkout, "rev-parse", "HEAD")
    assert code_version(checkout) == {"commit": commit, "uncommitted_changes": False}
    git(checkout, "commit", "-q", "--allow-empty", "-m", "second")
    assert code_version(checkout)["commit"] == git(checkout, "rev-parse", "HEAD") != commit


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("workflow/code.py", True),
        ("workflow/new.py", True),
        ("config/config.yaml", True),
        ("config/mine.yaml", False),  # it is in provenance.json
        ("mine.yaml", False),
        ("results/paper.pdf", False),
    ],
)
def test_changes_count_where_results_come_from(checkout, file, changed):
    (checkout / file).parent.mkdir(exist_ok=True)
    (checkout / file).write_text("2\n")
    assert code_version(checkout)["uncommitted_changes"] is changed


def test_a_folder_inside_another_repository_has_none_of_its_commits(checkout):
    """An archive of the sources, unpacked in somebody's repository, tracked there or not."""
    inside = checkout / "unpacked"
    (inside / "workflow").mkdir(parents=True)
    assert code_version(inside) == unknown("inside another git repository")
    (inside / "Snakefile").touch()
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "second")
    assert code_version(inside) == unknown("inside another git repository")


def test_a_worktree_a_submodule_and_a_link_are_checkouts(checkout, tmp_path):
    git(checkout, "worktree", "add", "-q", str(tmp_path / "worktree"))
    outer = tmp_path / "outer"
    git(tmp_path, "init", "-q", str(outer))
    local = ("-c", "protocol.file.allow=always")
    git(outer, *local, "submodule", "--quiet", "add", str(checkout), "module")
    (tmp_path / "link").symlink_to(checkout)
    for folder in (tmp_path / "worktree", outer / "module", tmp_path / "link"):
        assert code_version(folder) == code_version(checkout)


def test_variables_of_git_lead_nowhere_else(checkout, tmp_path, monkeypatch):
    expected = code_version(checkout)
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", str(other))
    git(other, "commit", "-q", "--allow-empty", "-m", "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "no index"))
    assert code_version(checkout) == expected


def test_where_the_commit_is_unknown_the_reason_is_told(checkout, tmp_path, monkeypatch):
    plain, empty = tmp_path / "plain", tmp_path / "empty"
    plain.mkdir()
    assert code_version(plain) == unknown("not a git checkout")
    git(tmp_path, "init", "-q", str(empty))
    assert code_version(empty) == unknown("no commit yet")
    (checkout / ".git/HEAD").write_text("nonsense")
    assert code_version(checkout) == unknown("not a git checkout")
    monkeypatch.setenv("PATH", str(plain))
    assert code_version(checkout) == unknown("git is not installed")


if hasattr(os, "geteuid") and os.geteuid() == 0:  # only root can give a folder away

    def test_another_users_folder_is_told_apart_from_no_checkout(checkout):
        for path in (checkout, checkout / ".git"):
            os.chown(path, 12345, -1)
        reason = "the folder is another user's, see git's safe.directory"
        assert code_version(checkout) == unknown(reason)
