"""Pick many small tomograms with a bundle, some of them damaged, killed again and again.

    python benchmarks/soak.py [--runs 500] [--damaged 25] [--kills 5] [--bundle PATH]

Makes the tomograms (noise with dark blobs) and, without --bundle, a bundle for them. They are then
picked twice: once unbroken, and once killed (kill -9 of Snakemake and all its jobs) at random
moments and started again. It prints, and the exit status says, whether

- both ended with exit status 0 and the same submission, scores, picks and failed runs, byte by
  byte;
- just the damaged runs are listed as failed;
- the memory of the last tenth of the work is within 10 % of that of the first: the peaks of the
  jobs of a rule in the order of their start, and for the one job that works through all runs
  (submit) what it holds while it does so. Fewer than 100 runs show too little of that.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil  # comes with Snakemake
import yaml

from benchmarks.soak_data import RADII_ANGSTROM, write_labelled_runs, write_runs_to_pick
from picking.files.tables import FAILED_RUNS

REPOSITORY = Path(__file__).resolve().parents[1]
TRAINING_RUNS = 4
# A network that learns blobs in seconds.
TRAINING = {
    "particles": [
        {"name": name, "label": number, "radius_angstrom": radius}
        for number, (name, radius) in enumerate(RADII_ANGSTROM.items(), start=1)
    ],
    "folds": {"number": 2},
    "stage1_proposals": {
        "precision": "float32",
        "ensemble": {"encoders": ["resnet18-w8"]},
        "network": {"depth": 2, "decoder_channels": [8]},
        "training": {"max_steps": 100, "batch_size": 2, "crop_zyx": [24, 32, 32]},
        "prediction": {"window_zyx": [24, 64, 64], "passes": 2},
        "peaks": {"candidates_per_pick": 3, "least_candidates": 40},
    },
    "stage2_rerank": {"classifier": {"max_trees": 20, "bags": 1, "min_child_samples": 5}},
}
# What an answer is, besides the picks of its overlay.
ANSWER = ("submission.csv", "scored_test.parquet", "failed_runs.csv")
# Kills come while tomograms are worked on, not when all is nearly done: the time of a run varies.
LAST_KILL = 0.9
SAMPLING_SECONDS = 0.1
# Largest difference of the memory of the first and the last tenth of the work.
MOST_GROWTH = 0.1
# With fewer runs the first tenth is the start of a job, and its growth is only printed.
LEAST_RUNS_FOR_MEMORY = 100
BYTES_PER_MB = 1e6
WATCHED = ("stage1_proposals.propose", "features.extract", "stage2_rerank.submit")
WHOLE_JOB = "stage2_rerank.submit"


@dataclass
class Memory:
    """Resident memory of jobs over time, bytes, by module and process."""

    samples: dict[str, dict[int, list[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def sample(self, workflow: psutil.Process, results: Path) -> None:
        """Look at the jobs that run; at submit only while it writes, as its start is another."""
        is_writing = any(results.glob(".*-unfinished-submission.csv"))
        for process in workflow.children(recursive=True):
            try:
                line = process.cmdline()
                # Its shell has the module in its line as well, but not as an argument.
                module = next((name for name in WATCHED if name in line), None)
                if module is None or (module == WHOLE_JOB and not is_writing):
                    continue
                # A job that is about to start another program looks like two for a moment.
                if process.ppid() not in self.samples[module]:
                    self.samples[module][process.pid].append(process.memory_info().rss)
            except psutil.Error:
                continue  # it has just ended

    def series(self, module: str) -> list[float]:
        """Peaks of its jobs in the order of their start, or of the one job all that was seen."""
        by_process = self.samples[module]
        if module == WHOLE_JOB:
            return [float(rss) for samples in by_process.values() for rss in samples]
        return [float(max(samples)) for samples in by_process.values()]


def tenths(series: Sequence[float]) -> tuple[float, float]:
    """Mean of the first and of the last tenth of a series, at least one value each."""
    part = max(1, len(series) // 10)
    return sum(series[:part]) / part, sum(series[-part:]) / part


@dataclass(frozen=True)
class Picking:
    """The command that picks, as a person gives it."""

    folder: Path
    name: str
    bundle: Path
    dataset: Path
    runs_per_job: int
    cores: int

    @property
    def results(self) -> Path:
        """Folder of the result."""
        return self.folder / "results" / self.name

    def command(self, *options: str) -> list[str]:
        """Give its arguments, with options in place of what it shall make."""
        return [
            *snakemake(self.folder, self.cores),
            *(options or ["picks"]),
            "--config",
            f"name={self.name}",
            f"bundle={self.bundle}",
            f"dataset={self.dataset}",
            f"stage1_proposals={{prediction: {{runs_per_job: {self.runs_per_job}}}}}",
        ]

    @property
    def log(self) -> Path:
        """Whatever Snakemake says."""
        return self.folder / f"{self.name}.txt"

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start it in a process group of its own; nothing of it outlives the block."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.command(), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                kill_all(process)


def snakemake(folder: Path, cores: int) -> list[str]:
    return [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")),
        *("--directory", str(folder), "--cores", str(cores)),
    ]


def make_bundle(folder: Path, seed: int, cores: int) -> Path:
    """Train a network on blobs and bundle it."""
    write_labelled_runs(folder / "labelled", TRAINING_RUNS, seed)
    settings = folder / "training.yaml"
    settings.write_text(
        yaml.safe_dump({**TRAINING, "name": "training", "dataset": str(folder / "labelled")})
    )
    with (folder / "training.txt").open("wb") as log:
        subprocess.run(
            [*snakemake(folder, cores), "bundle", "--configfile", str(settings)],
            check=True,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return folder / "results" / "training" / "bundle.zip"


@dataclass(frozen=True)
class Unbroken:
    """What the run without kills showed."""

    status: int
    start_seconds: float  # until the first job may start
    seconds: float
    memory: Memory


def run_unbroken(picking: Picking) -> Unbroken:
    """Pick, and look at the memory meanwhile."""
    begin = time.monotonic()
    plan = picking.results / "proposals" / "batches.json"
    start_seconds = None
    memory = Memory()
    with picking.started() as process:
        workflow = psutil.Process(process.pid)
        while process.poll() is None:
            time.sleep(SAMPLING_SECONDS)
            if start_seconds is None and plan.exists():
                start_seconds = time.monotonic() - begin
            try:
                memory.sample(workflow, picking.results)
            except psutil.NoSuchProcess:
                continue
    seconds = time.monotonic() - begin
    return Unbroken(process.returncode, start_seconds or seconds, seconds, memory)


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 a workflow and all its jobs."""
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGKILL)
    for child in family:
        # A job may be in a group of its own; the others are gone.
        with suppress(psutil.NoSuchProcess):
            child.kill()
    process.wait()
    psutil.wait_procs(family)


@dataclass(frozen=True)
class Broken:
    """What the run with kills showed."""

    status: int
    kills: int
    # Runs that had their candidates at a kill and were proposed in again.
    redone: int
    leftovers: int  # half-written files that stayed


def run_broken(picking: Picking, moments: Sequence[float]) -> Broken:
    """Pick, killed after each of ``moments`` (seconds) and started again."""
    kills = redone = 0
    before: dict[str, int] = {}
    status = None
    for seconds in (*moments, None):
        with picking.started() as process:
            try:
                status = process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                kill_all(process)
                kills += 1
        finished = candidate_times(picking)
        redone += sum(finished.get(run) != written for run, written in before.items())
        before = finished
        if status is not None:
            break
        print(
            f"killed after {seconds:.0f} s; candidates of {len(finished)} runs were there",
            flush=True,
        )
        subprocess.run(picking.command("--unlock"), check=True, capture_output=True)
    leftovers = [path for path in picking.results.rglob("*-unfinished-*") if path.exists()]
    return Broken(status or 0, kills, redone, len(leftovers))


def candidate_times(picking: Picking) -> dict[str, int]:
    """List the runs with candidates, and when these were written."""
    files = (picking.results / "candidates").glob("[!.]*.parquet")
    return {path.stem: path.stat().st_mtime_ns for path in files}


def kill_moments(unbroken: Unbroken, kills: int, seed: int) -> list[float]:
    """Draw after how many seconds each attempt is killed, so that all fall within the work."""
    generator = random.Random(seed)
    shares = sorted(generator.uniform(0, LAST_KILL) for _ in range(kills))
    work = unbroken.seconds - unbroken.start_seconds
    steps = [share - before for before, share in zip([0.0, *shares], shares, strict=False)]
    return [unbroken.start_seconds + step * work for step in steps]


def differences(first: Path, second: Path) -> list[str]:
    """Name the files of two answers that are not the same, those of the overlay included."""
    overlays = {
        path.relative_to(folder / "picks")
        for folder in (first, second)
        for path in (folder / "picks").rglob("*.json")
        if path.name != "copick.json"  # holds the folder's own path
    }
    names = [*ANSWER, *sorted(str(Path("picks", path)) for path in overlays)]
    return [name for name in names if answer(first, name) != answer(second, name)]


def answer(results: Path, name: str) -> bytes | None:
    """Read a file of an answer; reasons of failures may name files of the result itself."""
    path = results / name
    if not path.is_file():
        return None
    return path.read_bytes().replace(f"results/{results.name}/".encode(), b"results/NAME/")


def wrong_failures(results: Path, damaged: dict[str, str]) -> list[str]:
    """Name runs that are listed as failed and are whole, or the other way round."""
    listed = set(FAILED_RUNS.read(results / "failed_runs.csv")["run"])
    return sorted(f"{run} ({damaged.get(run, 'whole')})" for run in listed ^ damaged.keys())


def memory_lines(memory: Memory) -> tuple[list[str], bool]:
    """Say how the memory changed, and whether it stayed within bounds."""
    lines, stays = [], True
    for module in WATCHED:
        series = memory.series(module)
        if not series:
            continue
        first, last = tenths(series)
        growth = last / first - 1
        stays &= growth <= MOST_GROWTH
        what = "samples of one job" if module == WHOLE_JOB else "jobs"
        lines.append(
            f"{module}: {first / BYTES_PER_MB:.0f} MB in the first tenth of {len(series)} {what}, "
            f"{last / BYTES_PER_MB:.0f} MB in the last ({growth:+.1%})"
        )
    return lines, stays


def soak(arguments: argparse.Namespace, folder: Path) -> bool:
    """Do it all in a folder; return whether everything was as it should."""
    begin = time.monotonic()
    bundle = arguments.bundle or make_bundle(folder, arguments.seed, arguments.cores)
    damaged = write_runs_to_pick(
        folder / "to-pick", arguments.runs, arguments.damaged, arguments.seed
    )
    print(f"bundle and tomograms made in {time.monotonic() - begin:.0f} s", flush=True)
    whole, broken_up = (
        Picking(
            folder,
            name,
            bundle.absolute(),
            folder / "to-pick",
            arguments.runs_per_job,
            arguments.cores,
        )
        for name in ("unbroken", "broken")
    )
    unbroken = run_unbroken(whole)
    print(f"unbroken: {unbroken.seconds:.0f} s, exit status {unbroken.status}", flush=True)
    if unbroken.status != 0:
        print(f"see {whole.log}")
        return False
    broken = run_broken(broken_up, kill_moments(unbroken, arguments.kills, arguments.seed))
    print(
        f"killed {broken.kills} times: exit status {broken.status}; {broken.redone} runs with "
        f"candidates proposed in again; {broken.leftovers} half-written files left over"
    )
    if broken.status != 0:
        print(f"see {broken_up.log}")
        return False
    differing = differences(whole.results, broken_up.results)
    picks = len((whole.results / "submission.csv").read_text().splitlines()) - 1
    print(f"{picks} picks; files that differ: {', '.join(differing) or 'none'}")
    wrong = wrong_failures(broken_up.results, damaged)
    print(f"{len(damaged)} damaged runs; wrongly listed or not: {', '.join(wrong) or 'none'}")
    lines, memory_stays = memory_lines(unbroken.memory)
    print(*lines, sep="\n")
    print(f"{time.monotonic() - begin:.0f} s in all")
    memory_stays |= arguments.runs < LEAST_RUNS_FOR_MEMORY
    return not differing and not wrong and memory_stays


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--damaged", type=int, default=25)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--bundle", type=Path, help="pick with this one (default: make one)")
    parser.add_argument("--folder", type=Path, help="work here and keep it (default: temporary)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs-per-job", type=int, default=25)
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args(argv)
    if arguments.folder is None:
        with tempfile.TemporaryDirectory() as folder:
            is_fine = soak(arguments, Path(folder))
    else:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        is_fine = soak(arguments, arguments.folder.absolute())
    sys.exit(not is_fine)


if __name__ == "__main__":
    main()
