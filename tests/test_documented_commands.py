"""What README.md and docs/ show can be typed: every command, every setting, the tutorial."""

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import copick
import numpy as np
import pandas as pd
import pytest
import yaml

from picking.config import validated_config
from picking.files.tables import SUBMISSION
from tests.conftest import KaggleRunWriter, tiny_values
from tests.documented_commands import (
    all_commands,
    blocks,
    commands,
    declared,
    pages,
    with_stand_ins,
)
from tests.forked_snakemake import Planned, dry_run
from tests.mrc_data import PARTICLES, PICKED, SHAPE_ZYX, write_mrc, write_mrc_data
from tests.workflow_runs import REPOSITORY, clone

TUTORIAL = commands((REPOSITORY / "docs" / "tutorial.md").read_text(encoding="utf-8"))
TABLE = declared()
TYPES = {"annulin", "bilobin"}
NEW_RUN = "new_1"

# The tutorial as it stands, on less: it has to show the road, not to find particles.
REDUCED_PROJECT = "--training-runs 3 --test-runs 1 --shape 64 128 128"
REDUCED_SETTINGS = {
    "folds": {"number": 2},
    "stage1_proposals": {
        "precision": "float32",
        "training": {"max_steps": 12},
        "prediction": {"passes": 1},
        "peaks": {"candidates_per_pick": 4, "least_candidates": 30},
    },
    "features": {"families": ["intensity", "score_map", "averages"]},
    "stage2_rerank": {"classifier": {"max_trees": 5, "bags": 1}},
}

# What stands in for what a command only names, in this order.
PLANNED_ON = (
    (r"\.\.\. --directory VOLUME", "submission --config dataset=FOLDER name=NAME"),
    (r"picks \.\.\.", "picks --config bundle=BUNDLE dataset=FOLDER name=NAME"),
    (r"\[--configfile maps\.yaml\]", ""),
    (r"bundle=\S+", "bundle=results/tutorial/bundle.zip"),
    (r"dataset=\S+", "dataset=kaggle"),
    (r"copick=CONFIG\.json", "copick=with_cell.json"),
    (r"tomograms=\S+", "tomograms=mrc/tomograms"),
    (r"masks=FOLDER", "masks=mrc/masks"),
    (r"picks=FILE\.star", "picks=mrc/picks.star"),
    (r"name=\S+", "name=planned"),
    (r"--cores \S+", "--cores 8"),
    (r"seed=SEED", "seed=1"),
)
RUN_ON = (
    (r"test_truth\.py .*", "test_truth.py results/tutorial tutorial/truth.csv"),
    (r"recall\.py .*", "recall.py results/tutorial"),
    (r"--report report\.html", "--report report.html --configfile tutorial.yaml"),
    (r"--config FILE", "--config results/tutorial/settings/data.yaml"),
    (r"CONFIG\.json --output TRUTH\.csv", "tutorial/copick.json --output tutorial-truth.csv"),
    (r"results/NAME", "results/tutorial"),
    (r"FOLDER", "tutorial-picks"),
    (r"\bRUN\b", NEW_RUN),
    (r'"ribosome:alice/\*"', '"annulin:tomosieve/*"'),
    (r"ribosome", "annulin"),
    (r"thyroglobulin", "bilobin"),
)


def typed(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a person types it into bash, in the environment of these tests."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": programs},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )


def reduced(command: str) -> str:
    """The same command of the tutorial on smaller fields and with a shorter training."""
    if "make_invented_project" in command:
        return f"{command} {REDUCED_PROJECT}"
    if command.startswith("snakemake") and "bundle=" not in command:
        return f"{command} --configfile reduced.yaml"
    return command


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the tutorial was followed; what its commands printed is in said.txt."""
    folder = clone(tmp_path_factory.mktemp("tutorial") / "tomosieve")
    (folder / "reduced.yaml").write_text(yaml.safe_dump(REDUCED_SETTINGS))
    said = []
    for command in TUTORIAL:
        done = typed(folder, reduced(command))
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        said.append(done.stdout)
    (folder / "said.txt").write_text("\n".join(said))
    return folder


@pytest.fixture(scope="module")
def prepared(tutorial: Path, write_kaggle_run: KaggleRunWriter) -> Path:
    """The same clone, and in it what the other commands need."""
    of_report = REDUCED_SETTINGS | {"copick": "tutorial/copick.json", "name": "tutorial"}
    (tutorial / "tutorial.yaml").write_text(yaml.safe_dump(of_report))
    (tutorial / "mine.yaml").write_text(yaml.safe_dump({"particles": PARTICLES}))
    for seed, run in enumerate(("TS_1_1", "TS_2_2")):
        picks = {"ribosome": [[50, 51, 52 + seed]]}
        write_kaggle_run(tutorial / "kaggle", "train", run, tiny_values(seed), picks)
    write_kaggle_run(tutorial / "kaggle", "test", "TS_9_9", tiny_values(9))
    write_mrc_data(tutorial / "mrc")
    write_mrc(tutorial / "mrc" / "masks" / f"{PICKED[0]}.mrc", np.ones(SHAPE_ZYX, np.int8))
    segment_cell(tutorial / "tutorial" / "copick.json", tutorial / "with_cell.json")
    pick = {"experiment": ["a"], "particle_type": ["ribosome"], "x": 1, "y": 2, "z": 3}
    for name in ("TRUTH.csv", "SUBMISSION.csv"):
        pd.DataFrame(pick).to_csv(tutorial / name)
    return tutorial


def segment_cell(project: Path, with_cell: Path) -> None:
    """Write a segmentation of what is no particle, and the project that knows it."""
    content = json.loads(project.read_text())
    content["pickable_objects"].append({"name": "cell", "is_particle": False, "label": 9})
    with_cell.write_text(json.dumps(content))
    run = copick.from_file(str(with_cell)).get_run(NEW_RUN)
    run.new_segmentation(10.0, "cell", "1", user_id="me").from_numpy(np.ones((64, 128, 128), "i1"))


def test_every_command_of_a_page_is_declared_and_no_other() -> None:
    listed = [command for way in TABLE.values() for command in way]
    assert len(set(listed)) == len(listed)
    assert not set(listed) & set(TUTORIAL), "the tutorial's commands are run as they are"
    shown = all_commands() - set(TUTORIAL)
    assert shown - set(listed) == set(), "declare them in tests/documented_commands.yaml"
    assert set(listed) - shown == set(), "no page shows these; take them out"


def test_commands_are_found_in_blocks_and_in_text() -> None:
    page = (
        "Give `python -m a\n--b` or `x`.\n\n```bash\nc \\\n    d && e\n# no\n```\n\n```\nf\n```\n"
    )
    assert commands(page) == ["c d", "e", "python -m a --b"]


def test_the_tutorial_leads_from_two_invented_species_to_their_picks(tutorial: Path) -> None:
    results = tutorial / "results" / "tutorial"
    report = json.loads((results / "cv_report.json").read_text())
    assert set(report["two_stage"]["per_type"]) == TYPES
    assert set(SUBMISSION.read(results / "submission.csv")["experiment"]) <= {NEW_RUN}
    assert (results / "import_check.png").stat().st_size > 10_000
    assert {path.stem for path in (tutorial / "tutorial-picks" / "picks_star").iterdir()} >= TYPES
    # The bundle picks the runs that it has learnt from, too.
    again = tutorial / "results" / "again" / "candidates"
    assert {path.stem for path in again.iterdir()} == {NEW_RUN, "picked_1", "picked_2", "picked_3"}
    assert (tutorial / f"{NEW_RUN}.html").stat().st_size > 10_000
    said = (tutorial / "said.txt").read_text()
    assert '"per_type": {"annulin":' in said
    # The types are in the project alone: the road has no name of a species in it.
    assert set(re.findall(r"^\| (\w+) +\|", said, re.MULTILINE)) >= TYPES


@cache
def typed_once(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """As :func:`typed`; commands that differ in what stands in for something are one."""
    return typed(folder, command)


@cache
def planned_once(folder: Path, command: str) -> Planned:
    return dry_run(folder, command)


@pytest.mark.parametrize("command", TABLE["planned"])
def test_snakemake_can_plan_what_is_shown(prepared: Path, command: str) -> None:
    if "profiles/slurm" in command and not importlib.util.find_spec(
        "snakemake_executor_plugin_slurm"
    ):
        pytest.skip("the extra slurm is not installed")
    if command.startswith("--config"):
        command = f"snakemake --cores 8 submission {command}"
    done = planned_once(prepared, with_stand_ins(command, PLANNED_ON))
    assert done.returncode == 0, done.said


@pytest.mark.parametrize("command", TABLE["run"])
def test_what_is_shown_runs(prepared: Path, command: str) -> None:
    done = typed_once(prepared, with_stand_ins(command, RUN_ON))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.parametrize("command", TABLE["asked_for_help"])
def test_a_programs_help_knows_the_options_that_are_shown(prepared: Path, command: str) -> None:
    words = shlex.split(command)
    program = words[: 3 if words[1] == "-m" else 2]
    done = typed_once(prepared, f"{shlex.join(program)} --help")
    assert done.returncode == 0, done.stderr
    options = {word for word in words if word.startswith("--")}
    assert options <= set(re.findall(r"--[\w-]+", done.stdout))


def page_blocks(language: str) -> list[object]:
    return [
        pytest.param(block, id=f"{page.name}-{number}")
        for page in pages()
        for number, block in enumerate(blocks(page.read_text(encoding="utf-8"), language))
    ]


@pytest.mark.parametrize("block", page_blocks("yaml"))
def test_settings_that_are_shown_are_known(block: str) -> None:
    content = yaml.safe_load(block)
    data = {"tomograms": "FOLDER"} if "picks" in content else {}
    validated_config(content | data, where="the page")


@pytest.mark.parametrize("block", page_blocks("python"))
def test_python_that_is_shown_runs(prepared: Path, block: str) -> None:
    of_tutorial = (("results/NAME", "results/tutorial"), ("thyroglobulin", "annulin"))
    (prepared / "shown.py").write_text(with_stand_ins(block, of_tutorial))
    done = typed(prepared, "PYTHONPATH=.:$PYTHONPATH python shown.py")
    assert done.returncode == 0, done.stderr
