"""How a result was made, from files written by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

from picking.errors import InputError
from picking.files.precision import PrecisionTiming
from picking.files.training_record import TrainingRecord
from picking.scoring.folds import Folds
from picking.workflow.batches import Batch, keep_batches
from stage2_rerank.compare.settings_table import read_settings
from stage2_rerank.report.provenance.code_revision import code_revision
from stage2_rerank.report.provenance.provenance import (
    ProvenanceFiles,
    gather_provenance,
    package_versions,
)
from stage2_rerank.report.provenance.rule_costs import jobs_of_result, rule_costs

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
FOLDS = Folds((("TS_1", "TS_2"), ("TS_3",), ("TS_4",)))


def benchmark(path, *rows):
    """Write a benchmark of (s, max_rss, cpu_time)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{s}\t0:00:01\t{rss}\t1\t1\t1\t0\t0\t90\t{cpu}\n" for s, rss, cpu in rows]
    path.write_text(HEADER + "".join(lines))


def test_time_and_memory_are_summed_by_rule(tmp_path):
    benchmark(tmp_path / "propose" / "TS_1.tsv", (10.5, 1800.25, 9.0))
    benchmark(tmp_path / "propose" / "TS_2.tsv", (20.0, 1900.5, 12.5))
    benchmark(tmp_path / "propose" / "TS_gone.tsv", (99.0, 9900.0, 99.0))
    benchmark(tmp_path / "submit.tsv", (1.5, 280, 1.25))
    costs = rule_costs(tmp_path, {"TS_1", "TS_2", "TS_3"})
    assert list(costs) == ["propose", "submit"]
    propose = costs["propose"]
    assert (propose.jobs, propose.seconds, propose.cpu_seconds) == (2, 30.5, 21.5)
    assert propose.max_rss_mb == 1900.5
    assert (costs["submit"].jobs, costs["submit"].seconds) == (1, 1.5)


def test_a_result_is_made_of_the_jobs_of_its_runs_members_and_batches(tmp_path):
    batches = (Batch(0, "train", ("TS_1", "TS_gone")), Batch(4, "test", ("TS_2",)))
    keep_batches(tmp_path, {}, batches)
    assert jobs_of_result(tmp_path, ["TS_1", "TS_2", "TS_3"], ["ribosome"], ["m-seed0"], 2) == {
        *("TS_1", "TS_2", "TS_3", "ribosome", "m-seed0-fold0", "m-seed0-fold1"),
        *("batch0", "batch4"),
    }


def test_what_was_not_measured_is_passed_over(tmp_path):
    benchmark(tmp_path / "train" / "short.tsv", (0.25, "-", "NA"))
    benchmark(tmp_path / "train" / "long.tsv", (2.0, 300.0, 1.5))
    benchmark(tmp_path / "train" / "bad.tsv", ("NA", 9999.0, 9999.0))
    (tmp_path / "train" / "empty.tsv").write_text("")
    (tmp_path / "train" / "short_row.tsv").write_text("s\th:m:s\tmax_rss\n4.0\n")
    (tmp_path / "train" / "long_row.tsv").write_text("s\n1.0\t2\t3\n")
    (tmp_path / "train" / "bytes.tsv").write_bytes(b"s\n\xff\xfe\n")
    (tmp_path / "other.tsv").write_text("this is\tno benchmark\n1\t2\n")
    benchmark(tmp_path / "brief.tsv", (0.1, "-", "-"))
    (tmp_path / "folder.tsv").mkdir()
    costs = rule_costs(tmp_path, {path.stem for path in (tmp_path / "train").iterdir()})
    assert list(costs) == ["brief", "train"]
    train = costs["train"]
    assert (train.jobs, train.seconds, train.cpu_seconds, train.max_rss_mb) == (4, 7.25, 1.5, 300)
    assert (costs["brief"].cpu_seconds, costs["brief"].max_rss_mb) == (None, None)
    assert rule_costs(tmp_path / "nowhere", ()) == {}


def test_settings_are_one_table_of_keys(tmp_path):
    (tmp_path / "data.yaml").write_text(
        "seed: 3\ntruth: {}\n"
        "particles:\n- {name: ribosome, radius_angstrom: 150.0, color: [1, 2]}\n"
    )
    (tmp_path / "b.yaml").write_text('{"stage1": {"training": {"crop": [64, 64], "name": null}}}')
    assert read_settings(sorted(tmp_path.glob("*.yaml"))) == {
        "particles.ribosome.color": "[1, 2]",
        "particles.ribosome.radius_angstrom": "150.0",
        "seed": "3",
        "stage1.training.crop": "[64, 64]",
        "stage1.training.name": "null",
        "truth": "{}",
    }


@pytest.mark.parametrize("content", ["- 1\n", "a: [", "\udcff"])
def test_damaged_settings_are_named(tmp_path, content):
    path = tmp_path / "data.yaml"
    path.write_text(content, errors="surrogateescape")
    with pytest.raises(InputError, match=r"data\.yaml"):
        read_settings([path])


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "checkout"
    (folder / "picking").mkdir(parents=True)
    (folder / "picking" / "code.py").write_text("a = 1\n")
    (folder / "README.md").write_text("words\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "--no-verify", "-m", "first")
    return folder


def test_the_revision_is_the_commit_and_says_whether_the_code_changed(checkout, monkeypatch):
    commit = git(checkout, "rev-parse", "HEAD")
    (checkout / "README.md").write_text("other words\n")
    # As within a hook of another repository.
    monkeypatch.setenv("GIT_DIR", str(checkout / "nowhere"))
    revision = code_revision(checkout)
    assert revision is not None
    assert (revision.commit, revision.changed) == (commit, False)
    (checkout / "picking" / "new.py").write_text("b = 2\n")
    changed = code_revision(checkout)
    assert changed is not None
    assert (changed.commit, changed.changed) == (commit, True)


def test_outside_a_checkout_there_is_no_revision(tmp_path, checkout, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert code_revision(tmp_path) is None
    # Installed below somebody's checkout, of which it is no part.
    assert code_revision(checkout / "picking") is None
    assert code_revision(tmp_path / "nowhere") is None
    git(tmp_path, "init", "-q", "empty")
    assert code_revision(tmp_path / "empty") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_revision(checkout) is None


def test_versions_are_found_without_importing_torch():
    command = (
        "import sys; from stage2_rerank.report.provenance import provenance as p; "
        "versions = p.package_versions(p.PACKAGES); "
        "assert versions['torch'] and 'torch' not in sys.modules and 'lightgbm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", command], check=True, cwd=Path(__file__).parents[3])
    assert package_versions(["no-such-package-at-all"]) == {"no-such-package-at-all": None}


def training(encoder="resnet18", fold=0, seed=1, device="cpu", precision="float32"):
    return TrainingRecord(
        encoder=encoder,
        fold=fold,
        seed=seed,
        steps=9,
        runs=2,
        device=device,
        precision=precision,
        seconds=4.5,
    )


def test_a_results_folder_tells_how_it_was_made(tmp_path):
    trainings = [
        training(fold=0, device="cuda, a card", precision="float16"),
        training(fold=1, precision="bfloat16"),
        training(fold=2, precision="bfloat16"),
    ]
    # A member that the ensemble no longer has, and a fold that there is no more, left theirs.
    left = [training(encoder="old", seed=7), training(fold=3)]
    for record in (*trainings, *left):
        folder = tmp_path / "stage1" / f"{record.encoder}-seed{record.seed}" / f"fold{record.fold}"
        record.write(folder / "training.json")
    # What a log says is for people.
    (tmp_path / "logs" / "train_member").mkdir(parents=True)
    (tmp_path / "logs" / "train_member" / "resnet18-seed1-fold0.txt").write_text("9 steps, 4 s")
    benchmark(
        tmp_path / "benchmarks" / "train_member" / "resnet18-seed1-fold0.tsv", (4.0, 100.0, 3.0)
    )
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "data.yaml").write_text('{"seed": 5}')
    timing = PrecisionTiming(
        precision="bfloat16",
        asked_for="auto",
        device="a processor",
        instruction_set="AVX512",
        threads=1,
        step_seconds={"float32": 0.3, "bfloat16": 0.2},
    )
    timing.write(tmp_path / "stage1" / "precision_timing.json")
    files = ProvenanceFiles.of_results(tmp_path, ["resnet18-seed1"])
    jobs = {f"resnet18-seed1-fold{fold}" for fold in range(3)}
    made = gather_provenance(files, FOLDS, seed=5, data="synthetic specimens", jobs=jobs)
    assert made.data == "synthetic specimens"
    assert made.devices == {"cpu, bfloat16": 2, "cuda, a card, float16": 1}
    assert list(made.trainings) == trainings
    assert made.precision == timing
    assert (made.seed, made.stage1_seeds) == (5, (1,))
    assert made.folds == (("TS_1", "TS_2"), ("TS_3",), ("TS_4",))
    assert made.rules["train_member"].seconds == 4
    assert made.settings == {"seed": "5"}
    assert made.packages["numpy"]
    assert type(made).model_validate_json(made.model_dump_json()) == made


def test_a_damaged_record_is_named(tmp_path):
    path = tmp_path / "stage1" / "resnet18-seed1" / "fold0" / "training.json"
    training().write(path)
    path.write_text(path.read_text()[:-9])
    files = ProvenanceFiles.of_results(tmp_path, ["resnet18-seed1"])
    with pytest.raises(InputError, match=r"training\.json: holds no training's record"):
        gather_provenance(files, FOLDS, seed=5)


def test_an_empty_results_folder_is_no_error(tmp_path):
    made = gather_provenance(ProvenanceFiles.of_results(tmp_path, []), FOLDS, seed=0)
    assert (made.trainings, made.devices, made.rules, made.settings) == ((), {}, {}, {})
    assert made.precision is None
