"""Makes the virtual environment of the Makefile: `python envs/install.py .venv python3`.

Nothing is done where it is there already; where it belongs elsewhere or its Python is gone, it is
made anew. It runs in Pythons older than those that the project needs, so that it can say so.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements.txt"
STAMP = ".installed"  # in the environment: where it was made, and of what

# Of pip's variables those that say where packages come from; others say where they go.
PIP = re.compile(
    "PIP_(INDEX_URL|EXTRA_INDEX_URL|NO_INDEX|FIND_LINKS|CONSTRAINT|CONFIG_FILE|PROXY|CERT|"
    "CLIENT_CERT|TRUSTED_HOST|KEYRING_PROVIDER|TIMEOUT|DEFAULT_TIMEOUT|RETRIES|CACHE_DIR|"
    "NO_CACHE_DIR|PREFER_BINARY|ONLY_BINARY|NO_BINARY|DISABLE_PIP_VERSION_CHECK)"
)
ASK_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
ASK_SNAKEMAKE = "import importlib.util as i, sys; sys.exit(i.find_spec('snakemake') is None)"


def main(venv: Path, python: str) -> None:
    """Make sure that `venv` has what requirements.txt names; `python` is what it is made of."""
    check_place()
    stamp = venv / STAMP
    wanted = "{}\n{}".format(venv.resolve(), REQUIREMENTS.read_text(encoding="utf-8"))
    found = stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
    reason = why_anew(venv, found)
    if found == wanted and not reason:
        return
    if reason:
        print(f"{venv}: {reason}; making it anew", flush=True)
    if reason or not (venv / "pyvenv.cfg").is_file():
        check_python(python)
        run([python, "-m", "venv", *(["--clear"] if reason else []), str(venv)])
    if stamp.is_file():
        stamp.unlink()
    ours = str(venv / "bin" / "python")
    run([ours, "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)])
    if not answers(ours, ASK_SNAKEMAKE):
        end(f"pip put the packages elsewhere than into {venv}: see target, prefix and root in "
            "`pip config list`")  # fmt: skip
    stamp.write_text(wanted, encoding="utf-8")


def check_place() -> None:
    """End where Snakemake or venv could not work."""
    for character in "{}:\n":
        if character in str(ROOT):
            end(f"{str(ROOT)!r}: the path contains {character!r}, which Snakemake or Python take "
                "for something else: move or rename the folder")  # fmt: skip


def why_anew(venv: Path, stamp: str) -> str:
    """Why an environment that is there can't be used; empty if it can, or if there is none."""
    if not venv.exists() or not any(venv.iterdir()):
        return ""
    if not (venv / "pyvenv.cfg").is_file():
        end(f"{venv} is there and is no virtual environment: move it away")
    place = stamp.partition("\n")[0]
    if stamp and place != str(venv.resolve()):
        return f"it was made in {place}"
    if not answers(venv / "bin" / "python", "import pip"):
        return "its Python does not work"
    return ""


def check_python(python: str) -> None:
    """End unless `python` is a version that pyproject.toml allows and can make environments."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    least, below = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', text).groups()
    allowed = [f"3.{minor}" for minor in range(int(least), int(below))]
    found = answers(python, ASK_VERSION)
    if found not in allowed:
        what = f"is Python {found}" if found else "is not found, or no Python 3"
        end(f"{python} {what}; expected {', '.join(allowed[:-1])} or {allowed[-1]}: "
            f"make PYTHON=python{allowed[1]} ...")  # fmt: skip
    if not answers(python, "import ensurepip, venv; print('both')"):
        end(f"{python} lacks the module venv or ensurepip: sudo apt-get install python3-venv "
            "(Debian), or make PYTHON=... with another Python")  # fmt: skip


def answers(python: object, code: str) -> str:
    """What `code` prints in a Python, or a space if nothing; empty where it fails."""
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", code],
            env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.decode().strip() or " "


def run(command: list) -> None:
    """Run a command that tells itself what went wrong; end with it."""
    code = subprocess.run(command, env=environment(), check=False).returncode
    if code:
        sys.exit(code)


def environment() -> dict:
    """The caller's variables, without those by which Python or pip would work elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PIP_")) or PIP.fullmatch(name)
    }
    kept["PIP_USER"] = "0"  # also where a pip.conf has it
    return kept


def end(message: str) -> None:
    sys.exit("error: " + message)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
