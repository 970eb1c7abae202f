"""Which commit the code of this project is, as git says, and git asked about nothing else."""

import os
import subprocess
from pathlib import Path

# What makes results. A user's own files beside it, mine.yaml for one, are no change of it.
CODE = ("Snakefile", "workflow", "config", "envs", "paper", "requirements.txt")
TIMEOUT_S = 60
REASONS = {  # by what git says
    "not a git repository": "not a git checkout",
    "dubious ownership": "the folder is another user's, see git's safe.directory",
    "Needed a single revision": "no commit yet",
}


def code_version(root: Path) -> dict[str, str | bool]:
    """The commit of the checkout whose top level is `root`, and whether its code differs from it.

    Returns `commit`, a hash in hexadecimal digits or "unknown (why)", and `uncommitted_changes`.
    Unknown without git, and where git finds no checkout or one around the project: an unpacked
    archive inside somebody's repository has none of that repository's commits. Changes count in
    CODE only; a config that git does not know is no change, as provenance.json holds the config.
    """
    try:
        if Path(_git(root, "rev-parse", "--show-toplevel")).resolve() != root.resolve():
            return _unknown("inside another git repository")
        commit = _git(root, "rev-parse", "--verify", "HEAD")
        changes = _git(root, "status", "--porcelain", "--untracked-files=all", "--", *CODE)
    except FileNotFoundError:
        return _unknown("git is not installed")
    except subprocess.CalledProcessError as error:
        said = os.fsdecode(error.stderr)
        return _unknown(next((REASONS[text] for text in REASONS if text in said), "git failed"))
    except (OSError, subprocess.TimeoutExpired):
        return _unknown("git failed")
    changed = any(not line.startswith("?? config/") for line in changes.splitlines())
    return {"commit": commit, "uncommitted_changes": changed}


def _unknown(why: str) -> dict[str, str | bool]:
    return {"commit": f"unknown ({why})", "uncommitted_changes": False}


def _git(root: Path, *arguments: str) -> str:
    """What git says in `root`; its variables may configure it, and don't say where to look."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG_")
    }
    # English messages, and no lock or refreshed index in a checkout that is only looked at.
    environment = kept | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    answer = subprocess.run(
        ["git", *arguments],
        cwd=root, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
        check=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    return os.fsdecode(answer.stdout).strip("\n")
