"""Networks of pairs of folds: what they learn from, and the commands that train and use them.

The folder of a pair is laid out like a result: ``folds.json``, ``stage1/``, ``candidates/``,
``features/``, ``logs/``. A stage whose record is there is not done again; a training goes on from
its last checkpoint, a batch with the run that it was at.
"""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from tqdm import tqdm

from picking.bundle.manifest import AVERAGES_NAME, STRUCTURES_NAME
from picking.config import PipelineConfig, load_config
from picking.config.stage1_proposals import NOTHING
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.whole_files import write_whole_text
from picking.scoring.folds import Folds

REPOSITORY = Path(__file__).resolve().parents[1]
# Settings that the three commands read, as the rules do.
TRAINING_SETTINGS = (
    "data",
    "stage1_start",
    "stage1_network",
    "stage1_training",
    "stage1_precision",
    "stage1_checkpoints",
    "stage1_prediction",
)
PROPOSAL_SETTINGS = ("data", "stage1_network", "stage1_training", "stage1_prediction")
FEATURE_SETTINGS = ("data", "features", "wedge")
# The fold of a pair's own folds in which its runs are judged.
PAIR_FOLD = 0
# With two folds nothing is left to learn from.
LEAST_FOLDS = 3
SHOWN_LOG_LINES = 15

Pair = tuple[int, int]


def pairs_of(number: int) -> list[Pair]:
    """All pairs of ``number`` folds, the lower one first."""
    return list(combinations(range(number), 2))


def pair_of(one: int, other: int) -> Pair:
    """Order a pair of folds."""
    return min(one, other), max(one, other)


def folds_of_pair(folds: Folds, pair: Pair) -> Folds:
    """Judge the runs of both folds together, first; the other folds stay, in their order."""
    together = tuple(sorted(run for fold in pair for run in folds.judged_runs(fold)))
    return Folds((together, *(folds.judged_runs(fold) for fold in _others(folds, pair))))


def _others(folds: Folds, pair: Pair) -> list[int]:
    return [fold for fold in range(folds.number) if fold not in pair]


@dataclass(frozen=True)
class Stage:
    """One command: its module, what it has to be given, and the file that it writes last."""

    name: str
    arguments: tuple[str, ...]
    done: Path


@dataclass(frozen=True)
class ResultToPair:
    """A folder of results, as far as networks are trained and used with it.

    Parameters
    ----------
    folder : Path
        ``results/NAME``.
    config : PipelineConfig
        What stage 1 and the features read of the configuration.
    folds : Folds
        Its folds.
    starts : dict of str to str
        What the members started from, by their names.
    """

    folder: Path
    config: PipelineConfig
    folds: Folds
    starts: dict[str, str]

    def settings(self, parts: tuple[str, ...]) -> list[str]:
        """Paths of settings files."""
        return [str(self.folder / "settings" / f"{part}.yaml") for part in parts]


def read_finished(folder: Path) -> ResultToPair:
    """Read a finished folder of results.

    Raises
    ------
    InputError
        If it holds no trained networks, or has too few folds.
    """
    folder = folder.resolve()
    parts = dict.fromkeys((*TRAINING_SETTINGS, *FEATURE_SETTINGS))
    folds = Folds.read(folder / "folds.json")
    if folds.number < LEAST_FOLDS:
        raise InputError(
            folder, f"has {folds.number} folds", f"give a result of {LEAST_FOLDS} folds or more"
        )
    records = sorted((folder / "stage1").glob("*/fold0/training.json"))
    if not records:
        raise InputError(folder, "holds no trained networks", "give a finished training's folder")
    starts = {
        # Results from before there was anything to start from do not name it.
        path.parents[1].name: json.loads(path.read_text(encoding="utf-8")).get("start", NOTHING)
        for path in records
    }
    config = resolve(load_config([folder / "settings" / f"{part}.yaml" for part in parts]))
    return ResultToPair(folder, config, folds, starts)


def made_from(result: ResultToPair) -> str:
    """Digest of all that decides what the pairs' networks and candidates are."""
    names = ["folds.json", "truth.csv", "picks_density.json", "stage1/precision.json"]
    if result.config.features.has_templates:
        names.append(STRUCTURES_NAME)
    digest = hashlib.sha256(repr(sorted(result.starts.items())).encode())
    parts = tuple(dict.fromkeys((*TRAINING_SETTINGS, *FEATURE_SETTINGS)))
    paths = [
        *(Path(path) for path in result.settings(parts)),
        *(result.folder / name for name in names),
    ]
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def claim(work: Path, result: ResultToPair) -> None:
    """Note in the folder of all pairs which result it belongs to.

    Raises
    ------
    InputError
        If it belongs to another one.
    """
    note, digest = work / "made_from.txt", made_from(result)
    if note.exists() and note.read_text(encoding="utf-8").strip() != digest:
        raise InputError(
            work, "holds the pairs of another result, or of other settings", "give another folder"
        )
    write_whole_text(note, digest + "\n")


def pair_folder(work: Path, pair: Pair) -> Path:
    """Folder of a pair."""
    return work / f"pair_{pair[0]}_{pair[1]}"


def prepare(result: ResultToPair, work: Path, pair: Pair) -> None:
    """Write a pair's folds and settings, and link to what it takes from the finished result."""
    folder = pair_folder(work, pair)
    folds_of_pair(result.folds, pair).write(folder / "folds.json")
    # As many passes as in the finished result, whose ensemble has one fold more.
    members = len(result.starts) * result.folds.number
    passes = result.config.stage1_proposals.prediction.passes_with(members)
    _write_settings(folder / "passes.yaml", {"prediction": {"passes": passes}})
    _write_settings(folder / "start_nothing.yaml", {"start": NOTHING})
    # Stage 1 wants the networks of every fold, though it looks at this one's runs with this one's.
    for member in result.starts:
        for number, fold in enumerate(_others(result.folds, pair), start=PAIR_FOLD + 1):
            link = folder / "stage1" / member / f"fold{number}"
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(result.folder / "stage1" / member / f"fold{fold}")


def _write_settings(path: Path, stage1: dict[str, object]) -> None:
    # JSON is YAML too.
    write_whole_text(path, json.dumps({"stage1_proposals": stage1}) + "\n")


def stages_of(result: ResultToPair, work: Path, pair: Pair) -> list[Stage]:
    """All stages of a pair in their order, its members' trainings first."""
    folder, config = pair_folder(work, pair), result.config
    runs = folds_of_pair(result.folds, pair).judged_runs(PAIR_FOLD)
    copick, folds = result.folder / "copick" / "train.json", folder / "folds.json"
    density, precision = (
        result.folder / name for name in ("picks_density.json", "stage1/precision.json")
    )
    processes = config.stage1_proposals.training.processes
    launcher = (
        []
        if processes == 1
        else ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m"]
    )
    stages = []
    for member, start in result.starts.items():
        encoder, _, seed = member.rpartition("-seed")
        own = [] if start != NOTHING else [str(folder / "start_nothing.yaml")]
        output = folder / "stage1" / member / f"fold{PAIR_FOLD}"
        stages.append(
            Stage(
                f"train {member}",
                (
                    *launcher,
                    "stage1_proposals.train",
                    *("--config", *result.settings(TRAINING_SETTINGS), *own),
                    *("--folds", str(folds), "--fold", str(PAIR_FOLD)),
                    *("--encoder", encoder, "--seed", seed),
                    *("--copick", str(copick), "--truth", str(result.folder / "truth.csv")),
                    *("--density", str(density), "--precision", str(precision)),
                    *("--output", str(output)),
                ),
                output / "training.json",
            )
        )
    proposals, features = folder / "proposals.json", folder / "features.json"
    stages.append(
        Stage(
            "propose",
            (
                "stage1_proposals.propose",
                *("--config", *result.settings(PROPOSAL_SETTINGS), str(folder / "passes.yaml")),
                *("--copick", str(copick), "--split", "train", "--runs", *runs),
                *("--density", str(density), "--stage1", str(folder / "stage1")),
                *("--members", *result.starts, "--folds", str(folds)),
                *("--precision", str(precision), "--results", str(folder)),
                *("--record", str(proposals), "--threads", "1"),
            ),
            proposals,
        )
    )
    structures = [str(result.folder / STRUCTURES_NAME)] if config.features.has_templates else []
    averages = folder / AVERAGES_NAME
    if config.needs_averages:
        left_alone = [] if config.features.has_averages else structures
        stages.append(
            Stage(
                "learn averages",
                (
                    "features.learn_averages",
                    *("--config", *result.settings(FEATURE_SETTINGS), "--copick", str(copick)),
                    *("--truth", str(result.folder / "truth.csv"), "--folds", str(folds)),
                    *("--structures", *left_alone, "--output", str(averages)),
                ),
                averages,
            )
        )
    stages.append(
        Stage(
            "measure features",
            (
                "features.extract",
                *("--config", *result.settings(FEATURE_SETTINGS), "--copick", str(copick)),
                *("--proposals", str(proposals), "--runs", *runs, "--results", str(folder)),
                *("--structures", *structures, "--record", str(features)),
                *(("--averages", str(averages), str(folds)) if config.needs_averages else ()),
            ),
            features,
        )
    )
    return stages


def run_stage(stage: Stage, folder: Path) -> None:
    """Run a command in a process of its own, unless it is done; what it says goes to its log.

    Raises
    ------
    InputError
        If it fails; the end of its log is told.
    """
    if stage.done.exists():
        return
    log = folder / "logs" / f"{stage.name.replace(' ', '_')}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    inherited = os.environ.get("PYTHONPATH")
    environment = os.environ | {
        # As in the workflow's jobs: whatever the machine, sums have the same order.
        **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")},
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *([inherited] if inherited else [])]),
    }
    with log.open("a", encoding="utf-8") as file:
        done = subprocess.run(
            [sys.executable, "-m", *stage.arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
        )
    if done.returncode:
        end = "\n".join(log.read_text(encoding="utf-8").splitlines()[-SHOWN_LOG_LINES:])
        raise InputError(log, f"{stage.name} failed:\n{end}\n", "mend it and start again")


def check_start(result: ResultToPair, folder: Path) -> None:
    """Refuse networks that started from something else than those of the finished result.

    Raises
    ------
    InputError
        If the shipped weights, or the user's, are others by now.
    """
    for member, start in result.starts.items():
        record = folder / "stage1" / member / f"fold{PAIR_FOLD}" / "training.json"
        begun = json.loads(record.read_text(encoding="utf-8"))["start"]
        if begun != start:
            raise InputError(
                record,
                f"it started from {begun}, the result's network from {start}",
                "use the code and the weights that made the result",
            )


def make_pair(result: ResultToPair, work: Path, pair: Pair) -> Pair:
    """Do what is left of a pair."""
    prepare(result, work, pair)
    folder = pair_folder(work, pair)
    stages = stages_of(result, work, pair)
    trainings, others = stages[: len(result.starts)], stages[len(result.starts) :]
    for training in trainings:
        run_stage(training, folder)
    check_start(result, folder)
    for stage in others:
        run_stage(stage, folder)
    return pair


def make_pairs(result: ResultToPair, work: Path, cores: int) -> None:
    """Do what is left of all pairs, as many at a time as the cores allow.

    Raises
    ------
    InputError
        If the folder belongs to another result, or a stage fails; no further pair is begun then.
    """
    claim(work, result)
    training = result.config.stage1_proposals.training
    at_a_time = max(cores // (training.cpu_threads * training.processes), 1)
    pairs = pairs_of(result.folds.number)
    with ThreadPoolExecutor(at_a_time) as pool:
        doing = [pool.submit(make_pair, result, work, pair) for pair in pairs]
        try:
            for done in tqdm(as_completed(doing), total=len(pairs), desc="pairs", file=sys.stderr):
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
