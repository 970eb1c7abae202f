"""A run begins with how long it will take, where that is more than a moment."""

import os
import re
import signal
import subprocess
import sys

from tests.workflow.own_data import said

LONG = "{run: long, models: {eulernet: {training: {epochs: 100000}}}}"


def test_a_long_run_begins_with_how_long_it_takes_and_a_plan_does_not(snakemake, project):
    planned = snakemake("-n", changes=LONG)
    assert planned.returncode == 0, said(planned)
    assert "on this machine" not in said(planned)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "rules", "host"]
    command += ["--configfile", "config/ci.yaml", "changes.yaml"]
    process = subprocess.Popen(
        command, cwd=project, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Execute" in line:  # the first job: what is told comes before it
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (told,) = [line for line in lines if "on this machine" in line]
    assert re.match(r"About \d+ .+ of training, 1 at a time, and .+ for the rest; finished", told)
