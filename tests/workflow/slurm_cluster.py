"""A Slurm cluster that is this one machine, for as long as a test needs it.

Debian's `slurm-wlm` and `munge`, run as plain processes without systemd, as root. The node
claims eight processors and two GPUs; the GPUs are empty files, which is all that Slurm's
scheduling of them looks at. The configuration lies in /etc/slurm, because the executor takes
SLURM_CONF out of the environment of its jobs; everything else in a folder of its own.
"""

import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PACKAGES = ["slurm-wlm", "munge"]
PROGRAMS = ["slurmctld", "slurmd", "munged", "sbatch", "srun", "scontrol", "scancel"]
ETC = Path("/etc/slurm")
MARK = "# Written by tests/workflow/slurm_cluster.py, which removes it again.\n"
PATIENCE = 120  # seconds for a daemon to answer, on a machine that is busy with other things

SLURM_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0
GresTypes=gpu
MailProg=/bin/true
ReturnToService=2
MinJobAge=7200
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=256000 Gres=gpu:2
PartitionName=test Nodes={host} Default=YES MaxTime=2-00:00:00 State=UP
"""
GRES_CONF = "Name=gpu File={folder}/gpu[0-1]\n"
CONFIGURATION = {"slurm.conf": SLURM_CONF, "gres.conf": GRES_CONF}


class Unavailable(Exception):
    """There can't be a cluster here: one line that says why, and what to do about it."""


@contextmanager
def cluster() -> Iterator[None]:
    """A running cluster whose commands (sbatch, squeue, …) work without further settings.

    Only one at a time: another process waits here for its turn. Afterwards the daemons and
    the files in /etc/slurm are gone; Debian's packages stay.
    Raises Unavailable where there can be none, RuntimeError when a daemon does not start.
    """
    _install()
    with ExitStack() as stack:
        lock = stack.enter_context(open(Path(tempfile.gettempdir(), "slurm_cluster.lock"), "w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        _configure(folder, stack)
        _start(["munged", "--foreground", "--force", *_munge_files(folder)], folder, stack)
        wait_until(lambda: (folder / "munge/socket").exists(), "munged", PATIENCE)
        _start(["slurmctld", "-D"], folder, stack)
        _start(["slurmd", "-D"], folder, stack)
        stack.callback(_cancel_jobs)
        try:
            wait_until(lambda: "idle" in _said("sinfo", "-h", "-o", "%T"), "the node", PATIENCE)
        except RuntimeError as error:
            logs = "\n".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.log")))
            raise RuntimeError(f"{error}\n{logs}") from None
        yield


def jobs() -> list[dict[str, str]]:
    """The record of every job since the cluster came up, as `scontrol show job` words it.

    In the order of submission. `Comment` holds the rule and its wildcards, `JOB_GRES` its GPUs.
    """
    lines = _said("scontrol", "show", "job", "--details", "--oneliner").splitlines()
    return [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if "JobId=" in line]


def wait_until(true: Callable[[], object], what: str, seconds: float) -> None:
    """Ask `true` ten times a second; RuntimeError if it isn't within `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not seen within {seconds:.0f} s")
        time.sleep(0.1)


def _install() -> None:
    """Raises Unavailable where a cluster isn't allowed, or apt-get can't bring its programs."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise Unavailable(
            "a Slurm cluster needs root on Linux for its daemons and /etc/slurm: "
            "run this test in a Debian container"
        )
    for name in CONFIGURATION:
        if (ETC / name).exists() and not (ETC / name).read_text().startswith(MARK):
            raise Unavailable(
                f"{ETC / name} belongs to another cluster and stays as it is: run this test on a "
                "machine without Slurm"
            )
    if all(map(shutil.which, PROGRAMS)):
        return
    if not shutil.which("apt-get"):
        raise Unavailable("there is no apt-get: install Slurm and munge yourself to run this test")
    install = ["install", "--yes", "--no-install-recommends", *PACKAGES]
    for arguments in (["update"], install):
        done = subprocess.run(
            ["apt-get", "--quiet=2", "-o", "DPkg::Lock::Timeout=120", *arguments],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["(silent)"]
            raise Unavailable(
                f"`apt-get {' '.join(arguments)}` failed: {said[-1]}; with a Debian mirror in "
                "reach, or with Slurm and munge installed, this test runs"
            )


def _configure(folder: Path, stack: ExitStack) -> None:
    """Write /etc/slurm and what it refers to; `stack` takes it away again."""
    folder.chmod(0o755)
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o755)
    for name in ("gpu0", "gpu1"):
        (folder / name).touch()
    key = folder / "munge/key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    if not ETC.exists():
        ETC.mkdir()
        stack.callback(ETC.rmdir)
    facts = {"folder": folder, "host": socket.gethostname().split(".")[0], "ports": _free_ports(2)}
    for name, text in CONFIGURATION.items():
        path = ETC / name
        path.write_text(MARK + text.format(**facts))
        stack.callback(path.unlink)


def _munge_files(folder: Path) -> list[str]:
    munge = folder / "munge"
    return [
        f"--{option}={munge / name}"
        for option, name in {
            "key-file": "key",
            "socket": "socket",
            "pid-file": "pid",
            "seed-file": "seed",
            "log-file": "log",
        }.items()
    ]


def _start(command: list[str], folder: Path, stack: ExitStack) -> None:
    """A daemon in the foreground that ends with `stack`, or with this process if that is killed."""
    with open(folder / f"{command[0]}.log", "w") as log:
        daemon = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], stdout=log, stderr=subprocess.STDOUT
        )

    def stop() -> None:
        daemon.terminate()
        try:
            daemon.wait(20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    stack.callback(stop)


def _cancel_jobs() -> None:
    """What a failed test leaves running; without its daemon nobody would end it."""
    _said("scancel", "--user=root")
    deadline = time.monotonic() + 30
    while _said("squeue", "-h") and time.monotonic() < deadline:
        time.sleep(0.1)


def _free_ports(n: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout
