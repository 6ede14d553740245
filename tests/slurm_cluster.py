"""A Slurm of one node on this machine, for the time of a test.

Debian's slurm-wlm and munge are enough: controller, node and authentication run as root with a
configuration, a key, sockets and ports of their own, in a temporary folder, and are stopped at the
end. Nothing of an installed cluster is read or changed.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

COMMANDS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "sinfo", "scontrol")
KEY_BYTES = 1024
# What the node claims to have, so that several jobs run at once whatever this machine has.
CORES = 8
MEMORY_MB = 64_000
CARDS = 2
SECONDS_TO_START = 30.0

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
# Finished jobs are kept: squeue tells Snakemake how they ended, as there is no accounting.
MinJobAge=86400
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
ReturnToService=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory_mb} Gres=gpu:{cards}
PartitionName=all Nodes={host} Default=YES MaxTime=2-0 State=UP
"""


class CannotStartError(Exception):
    """Why there is no Slurm here."""


@dataclass(frozen=True)
class SlurmCluster:
    """A Slurm that runs; its commands need ``environment``."""

    folder: Path
    environment: Mapping[str, str]

    def ask(self, *command: str) -> str:
        """Output of one of Slurm's commands."""
        return subprocess.run(
            command, env=dict(self.environment), check=True, capture_output=True, text=True
        ).stdout

    def jobs(self) -> list[dict[str, str]]:
        """Every job that was ever submitted, in order, by the keys of ``scontrol show job``."""
        listed = self.ask("scontrol", "--oneliner", "--all", "show", "job").splitlines()
        jobs = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in listed]
        return sorted((job for job in jobs if "JobId" in job), key=lambda job: int(job["JobId"]))


@contextmanager
def running_slurm(folder: Path) -> Iterator[SlurmCluster]:
    """Start a Slurm in a new folder, and stop it.

    Raises
    ------
    CannotStartError
        If this machine lacks Slurm or munge, or one of them does not come up.
    """
    missing = [command for command in COMMANDS if shutil.which(command, path=_path()) is None]
    if missing:
        raise CannotStartError(f"lacks {', '.join(missing)} (apt-get install slurm-wlm munge)")
    if os.geteuid() != 0:
        raise CannotStartError("Slurm's daemons have to be started as root")
    folder.mkdir(mode=0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir(mode=0o755)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(KEY_BYTES))
    key.chmod(0o400)
    controller_port, node_port = _free_ports(2)
    configuration = folder / "slurm.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder, host=socket.gethostname().split(".")[0], cores=CORES, cards=CARDS,
            memory_mb=MEMORY_MB, controller_port=controller_port, node_port=node_port,
        )
    )  # fmt: skip
    # Empty files stand for the devices: a scheduler only counts cards.
    for card in range(CARDS):
        (folder / f"card{card}").touch()
    (folder / "gres.conf").write_text(f"Name=gpu File={folder}/card[0-{CARDS - 1}]\n")
    # Snakemake's plugin takes SLURM_CONF from the steps of a job, which look into /etc then.
    srun = folder / "bin" / "srun"
    srun.parent.mkdir()
    real = shutil.which("srun", path=_path())
    srun.write_text(f'#!/bin/sh\nSLURM_CONF="{configuration}" exec "{real}" "$@"\n')
    srun.chmod(0o755)
    environment = {
        **os.environ,
        "SLURM_CONF": str(configuration),
        "PATH": os.pathsep.join([str(srun.parent), _path()]),
    }
    cluster = SlurmCluster(folder, environment)
    munge = {name: str(folder / f"munge.{name}") for name in ("socket", "pid", "log", "seed")}
    with ExitStack() as daemons:
        for command in (
            ["munged", "--foreground", "--force", f"--key-file={key}",
             f"--socket={munge['socket']}", f"--pid-file={munge['pid']}",
             f"--log-file={munge['log']}", f"--seed-file={munge['seed']}"],
            ["slurmctld", "-D", "-i", "-f", str(configuration)],
            ["slurmd", "-D", "-f", str(configuration)],
        ):  # fmt: skip
            daemons.enter_context(_daemon(command, cluster))
            if command[0] == "munged":
                _wait_until(Path(munge["socket"]).exists, "munged", folder)
        _wait_until(lambda: _is_idle(cluster), "slurmd", folder)
        try:
            yield cluster
        finally:
            # Jobs of a test that failed would outlive the node.
            subprocess.run(
                ["scancel", "--user", "root"], env=environment, check=False, capture_output=True
            )


def _path() -> str:
    """PATH with the folders of daemons, which a user's may lack."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def _daemon(command: list[str], cluster: SlurmCluster) -> Iterator[None]:
    with (
        (cluster.folder / f"{command[0]}.out").open("w") as output,
        subprocess.Popen(
            command, env=dict(cluster.environment), stdout=output, stderr=output,
            stdin=subprocess.DEVNULL,
        ) as process,
    ):  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(SECONDS_TO_START)
            except subprocess.TimeoutExpired:
                process.kill()


def _is_idle(cluster: SlurmCluster) -> bool:
    asked = subprocess.run(
        ["sinfo", "--noheader", "--format=%T"], env=dict(cluster.environment), check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    return asked.stdout.strip() == "idle"


def _wait_until(is_up: Callable[[], bool], daemon: str, folder: Path) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while not is_up():
        if time.monotonic() > until:
            said = [path.read_text(errors="replace")[-500:] for path in folder.glob("*.out")]
            raise CannotStartError(f"{daemon} does not come up: {' '.join(said)}")
        time.sleep(0.1)
