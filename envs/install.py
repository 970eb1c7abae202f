"""Makes the virtual environment: `python envs/install.py .venv python3 requirements.txt`.

Nothing is done where it is there already; where it belongs elsewhere or its Python is gone, it is
made anew. It runs in Pythons older than those that the project needs, so that it can say so.

Nothing is compiled but what the pipeline imports: pip would compile all, and that took as long as
the rest. uv, where it is, needs a third of pip's CPU time.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = ".installed"  # in the environment: where it was made, and of what

# Of pip's variables those that say where packages come from; others say where they go.
PIP = re.compile(
    "PIP_(INDEX_URL|EXTRA_INDEX_URL|NO_INDEX|FIND_LINKS|CONSTRAINT|CONFIG_FILE|PROXY|CERT|"
    "CLIENT_CERT|TRUSTED_HOST|KEYRING_PROVIDER|TIMEOUT|DEFAULT_TIMEOUT|RETRIES|CACHE_DIR|"
    "NO_CACHE_DIR|PREFER_BINARY|ONLY_BINARY|NO_BINARY|DISABLE_PIP_VERSION_CHECK)"
)
# The same in a pip.conf or a variable, by pip's names, and what uv calls them. Where pip is told
# anything else, only pip can do as told.
UV_OPTIONS = {
    "index-url": "--index-url",
    "extra-index-url": "--extra-index-url",
    "find-links": "--find-links",
    "constraint": "--constraint",
    "trusted-host": "--allow-insecure-host",
}
UV_FLAGS = {"no-index": "--no-index", "no-cache-dir": "--no-cache"}
UV_VARIABLES = {
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
}
UV_NEEDS_NOT = ("disable-pip-version-check", "user", "prefer-binary", "config-file")
ASK_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
ASK_SNAKEMAKE = "import importlib.util as i, sys; sys.exit(i.find_spec('snakemake') is None)"
ASK_PIP = (
    "import runpy, sys; sys.argv = ['pip', 'config', 'list']; "
    "runpy.run_module('pip', run_name='__main__')"
)
COMPILE = "import snakemake.cli, torch, pandas, scipy.stats, matplotlib.pyplot, seaborn, h5py"


def main(venv: Path, python: str, lists: list) -> None:
    """Make sure that `venv` has what the lists name; `python` is what it is made of.

    An environment of more lists is one of the first of them too.
    """
    check_place()
    stamp = venv / STAMP
    wanted = f"{venv.resolve()}\n"
    wanted += "".join(path.read_text(encoding="utf-8") for path in lists)
    found = stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
    reason = why_anew(venv, found)
    if found.startswith(wanted) and not reason:
        return
    if reason:
        print(f"{venv}: {reason}; making it anew", flush=True)
    if reason or not (venv / "pyvenv.cfg").is_file():
        check_python(python)
        run([python, "-m", "venv", *(["--clear"] if reason else []), str(venv)])
    if stamp.is_file():
        stamp.unlink()
    ours = str(venv / "bin" / "python")
    install(ours, [part for path in lists for part in ("--requirement", str(path))])
    if not answers(ours, ASK_SNAKEMAKE):
        end(f"pip put the packages elsewhere than into {venv}: see target, prefix and root in "
            "`pip config list`")  # fmt: skip
    answers(ours, COMPILE)
    stamp.write_text(wanted, encoding="utf-8")


def install(python: str, requirements: list) -> None:
    """Fill the environment of `python` by uv if that is there and can, else by pip."""
    uv, told = shutil.which("uv"), pip_settings(python)
    if uv and told.keys() <= {*UV_OPTIONS, *UV_FLAGS, *UV_VARIABLES, *UV_NEEDS_NOT}:
        command = [uv, "pip", "install", "--quiet", "--python", python, *requirements]
        done = subprocess.run(command + uv_options(told), env=uv_environment(told), check=False)
        if done.returncode == 0 and answers(python, ASK_SNAKEMAKE):
            return
        print("uv did not install the packages: pip does", flush=True)
    run([python, "-m", "pip", "install", "--quiet", "--no-compile", *requirements])


def pip_settings(python: str) -> dict:
    """What pip's files and variables tell it, by its options' names; a variable wins, as in pip."""
    told, variables = {}, {}
    for line in answers(python, ASK_PIP).splitlines():
        place, _, value = line.partition("=")
        section, _, name = place.partition(".")
        if section in ("global", "install", ":env:") and value:
            (variables if section == ":env:" else told)[name] = str(ast.literal_eval(value))
    told.update(variables)
    return told


def uv_options(told: dict) -> list:
    """The options of uv that do what pip is told."""
    options = ["--index-strategy", "unsafe-best-match"]  # pip's way: the best of all indices
    for name in sorted(UV_OPTIONS.keys() & told.keys()):
        options += [part for value in told[name].split() for part in (UV_OPTIONS[name], value)]
    on = [name for name in UV_FLAGS if told.get(name, "").lower() in ("1", "true", "yes", "on")]
    return options + [UV_FLAGS[name] for name in on]


def uv_environment(told: dict) -> dict:
    """The caller's variables, and those by which uv takes certificates, a proxy, patience."""
    variables = {UV_VARIABLES[name]: told[name] for name in UV_VARIABLES if told.get(name)}
    return dict(environment(), **variables)


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
    main(Path(sys.argv[1]), sys.argv[2], [ROOT / name for name in sys.argv[3:]])
