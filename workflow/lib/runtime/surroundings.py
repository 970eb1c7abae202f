"""What of the caller's surroundings must not decide about results, settled before any job.

Jobs inherit the environment of the Snakemake process, so it is settled there, once, by the
Snakefile. What stays as the caller has it, on purpose: which devices there are
(CUDA_VISIBLE_DEVICES, threads by Snakemake), where things are (PATH, TMPDIR, HOME, TEXMFHOME with
the caller's own LaTeX packages, proxies and certificates), HDF5_USE_FILE_LOCKING, and Snakemake's
own settings (SNAKEMAKE_PROFILE, conda prefixes).
"""

import os
import shlex
import site
import sys
from pathlib import Path
from tempfile import TemporaryFile

from workflow.lib.runtime.files import BLOCK, InputError

# Of the variables that Python reads only these reach jobs: others change what code does
# (PYTHONOPTIMIZE, PYTHONWARNINGS, PYTHONINSPECT) or which code it is (PYTHONHOME).
KEPT_OF_PYTHON = {
    "PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER", "PYTHONNOUSERSITE", "PYTHONPATH",
    "PYTHONPYCACHEPREFIX", "PYTHONUNBUFFERED", "PYTHONUSERBASE",
}  # fmt: skip
REMOVED = (
    "MATPLOTLIBRC",
    # other sources and styles than those of paper/
    "TEXINPUTS", "BIBINPUTS", "BSTINPUTS", "TEXFORMATS", "TEXMFOUTPUT",
    # another way to files than the file system's
    "HDF5_DRIVER", "HDF5_DRIVER_CONFIG", "HDF5_VOL_CONNECTOR",
    # another arithmetic than the config's `precision`, other semantics of a library
    "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE", "SCIPY_ARRAY_API",
)  # fmt: skip
# How often a thread of GNU OpenMP, which PyTorch's wheels have, looks whether the others are done
# before it sleeps. By itself it looks ten times as often, and so keeps from computing those that it
# waits for where another program has a core: a training in two threads took three times as long.
SPINS = "30000"


def settle(root: Path) -> None:
    """Set the environment of all jobs: code from `root`, text in UTF-8, figures by no taste.

    root: the folder of the Snakefile. Raises InputError where that cannot be had.
    """
    _check_code(root)
    _check_places(root)
    for name in list(os.environ):
        if name in REMOVED or (name.startswith("PYTHON") and name not in KEPT_OF_PYTHON):
            del os.environ[name]
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(root), *others]))
    os.environ["PYTHONUTF8"] = "1"
    os.environ["PYTHONHASHSEED"] = "0"
    if site.getusersitepackages() not in sys.path:  # else conda environments would see it
        os.environ["PYTHONNOUSERSITE"] = "1"
    os.environ["MPLBACKEND"] = "agg"
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    # Matplotlib's settings, styles and list of fonts: none but its own, wherever the home is.
    os.environ["MPLCONFIGDIR"] = os.path.abspath(".snakemake/matplotlib")
    # Snakemake puts it into commands as it is, which a space in its path would break.
    if not sys.executable.startswith("'"):
        sys.executable = shlex.quote(sys.executable)


def this_python() -> str:
    """The path of the Python that runs this, also after `settle` has quoted it."""
    return sys.executable if os.path.exists(sys.executable) else shlex.split(sys.executable)[0]


def own_code_first(root: Path) -> str:
    """What begins the command of every job, for `shell.prefix`: PYTHONPATH with `root` first.

    In a conda environment Snakemake removes the variable that `settle` has set.
    """
    return f'export PYTHONPATH={shlex.quote(str(root))}"${{{{PYTHONPATH:+:$PYTHONPATH}}}}"; '


def _check_code(root: Path) -> None:
    """Raise InputError where this module is not that of `root`."""
    here = Path(__file__).resolve().parents[3]
    if here != root.resolve():
        raise InputError(
            f"{root}: Python imports the package `workflow` of {here} instead of this one's: "
            "remove that from Python's path"
        )


def _check_places(root: Path) -> None:
    """Raise InputError where Snakemake, Python or Matplotlib can't work."""
    found = [character for character in "{}:\n" if character in str(root)]
    if found:
        raise InputError(
            f"{str(root)!r}: the path contains {found[0]!r}, which Snakemake or Python take for "
            "something else: move or rename the folder"
        )
    temporary = next(filter(None, map(os.environ.get, ("TMPDIR", "TEMP", "TMP"))), "/tmp")
    try:
        with TemporaryFile(dir=temporary) as stream:
            stream.write(bytes(BLOCK))
    except OSError as error:
        raise InputError(
            f"{temporary}: {error.strerror}, but temporary files go there: set TMPDIR to a folder "
            "that can be written and has space"
        ) from error
    try:
        Path("matplotlibrc").read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError("matplotlibrc: not UTF-8, so Matplotlib won't start: remove it") from error
    except OSError:
        pass  # there is none
