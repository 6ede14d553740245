"""The plan of a result: runs, members, files and messages."""

from pathlib import Path

import pytest

from picking.config import CZII_PARTICLES, PipelineConfig
from picking.errors import InputError
from picking.workflow.make_plan import make_plan, plan_or_exit
from picking.workflow.plan import ResultPlan


@pytest.fixture
def synthetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ResultPlan:
    monkeypatch.chdir(tmp_path)
    return make_plan({"name": "mine", "synthetic": {"train_runs": 3, "test_runs": 1}}, "here")


@pytest.fixture
def own_data(kaggle_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ResultPlan:
    monkeypatch.chdir(tmp_path)
    return make_plan({"dataset": str(kaggle_dataset)}, "here")


def test_the_embedded_default(synthetic: ResultPlan) -> None:
    assert synthetic.is_synthetic
    assert synthetic.data_source == "synthetic specimens"
    assert synthetic.source_arguments == "--dataset data/synthetic"
    assert len(synthetic.runs.train) == 3
    assert list(synthetic.folds) == [0, 1, 2]  # never more folds than runs
    files = synthetic.source_files("train")
    assert len(files) == 3 * (1 + len(CZII_PARTICLES))
    run = synthetic.runs.test[0]
    assert synthetic.source_files("test") == synthetic.synthetic.tomograms("test", run)


def test_own_data(own_data: ResultPlan, kaggle_dataset: Path) -> None:
    assert not own_data.is_synthetic
    assert own_data.source_arguments == f"--dataset {kaggle_dataset}"
    assert str(kaggle_dataset) in own_data.data_source
    assert own_data.all_runs == sorted(own_data.all_runs)
    assert all(Path(path).is_file() for path in own_data.source_files("train"))


def test_a_person_who_lists_the_types_says_which_picks_are_wanted(kaggle_dataset: Path) -> None:
    picks = kaggle_dataset / "train/overlay/ExperimentRuns/TS_2_2/Picks"
    (picks / "gold.json").touch()
    content = {"dataset": str(kaggle_dataset)}
    with pytest.raises(InputError, match=r"gold\.json: holds picks of 'gold'"):
        make_plan(content, "here")
    ribosome = {"name": "ribosome", "radius_angstrom": 150}
    assert make_plan({**content, "particles": [ribosome]}, "here").particle_types == ["ribosome"]


def test_structures_are_looked_for_where_they_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    particles = [one.model_dump(mode="json") for one in CZII_PARTICLES]
    particles[1]["structure"] = "own.mrc"
    content = {"name": "mine", "particles": particles}
    with pytest.raises(InputError, match=r"own\.mrc: there is no such .* of beta-amylase"):
        make_plan(content, "here")
    Path("own.mrc").touch()
    plan = make_plan(content, "here")
    assert plan.structure_files == [str(tmp_path / "own.mrc")]
    assert plan.structures == ["results/mine/structures.npz"]
    Path("own.mrc").unlink()
    without = make_plan({**content, "features": {"families": ["shape"]}}, "here")
    assert without.structures == []


def test_picks_are_averaged_unless_nothing_is_compared_with_averages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.mrc").touch()
    averages = ["results/mine/learnt_averages.npz", "results/mine/folds.json"]
    six = [one.model_dump(mode="json") for one in CZII_PARTICLES]
    odd = {"name": "odd", "radius_angstrom": 80}

    def plan_with(families: list[str], *further: dict[str, object]) -> ResultPlan:
        features = {"families": families}
        return make_plan(
            {"name": "mine", "particles": [*six, *further], "features": features}, "here"
        )

    default = make_plan({"name": "mine"}, "here")
    for plan in (default, plan_with(["averages"]), plan_with(["templates"], odd)):
        assert plan.averages == averages
        assert averages[0] in plan.bundled_files
    given = odd | {"structure": "own.mrc"}
    for plan in (plan_with(["templates"]), plan_with(["templates"], given), plan_with(["shape"])):
        assert plan.averages == []
        assert averages[0] not in plan.bundled_files


def test_a_replaced_training_tomogram_is_another_training(
    own_data: ResultPlan, kaggle_dataset: Path
) -> None:
    def training_data() -> str:
        return make_plan({"dataset": str(kaggle_dataset)}, "here").training_data

    before = training_data()
    assert training_data() == before
    static = kaggle_dataset / "train" / "static" / "ExperimentRuns" / own_data.runs.train[0]
    (metadata,) = static.rglob("denoised.zarr/.zattrs")
    metadata.write_bytes(metadata.read_bytes())
    assert training_data() != before


def test_other_specimens_are_another_training(
    synthetic: ResultPlan,
) -> None:
    content = {"name": "mine", "synthetic": {"train_runs": 3, "test_runs": 1}}
    assert make_plan(content, "here").training_data == synthetic.training_data
    content["synthetic"]["noise_strength"] = 2.0
    assert make_plan(content, "here").training_data != synthetic.training_data


def test_a_run_of_both_splits_is_a_training_run(own_data: ResultPlan) -> None:
    run = own_data.runs.train[0]
    assert own_data.copick_of(run) == "results/synthetic/copick/train.json"
    (test_run, *_) = set(own_data.runs.test) - set(own_data.runs.train)
    assert own_data.copick_of(test_run) == "results/synthetic/copick/test.json"


def test_every_run_has_one_batch(own_data: ResultPlan) -> None:
    batched = [run for batch in own_data.batches for run in batch.runs]
    assert sorted(batched) == own_data.all_runs
    for run in own_data.all_runs:
        (record,) = own_data.proposals([run])
        number = record.removeprefix("results/synthetic/proposals/batch").removesuffix(".json")
        assert run in own_data.batch(number).runs
    with pytest.raises(InputError, match="batch 99: is not planned"):
        own_data.batch(99)


def test_members_and_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ensemble = {"encoders": ["resnet18", "tu-resnet18"], "seeds": [0, 12]}
    plan = make_plan({"folds": {"number": 2}, "stage1_proposals": {"ensemble": ensemble}}, "here")
    assert plan.members == [
        "resnet18-seed0",
        "resnet18-seed12",
        "tu-resnet18-seed0",
        "tu-resnet18-seed12",
    ]
    assert plan.encoder_and_seed("tu-resnet18-seed12") == ("tu-resnet18", "12")
    assert len(plan.weights) == len(set(plan.weights)) == 8


def test_classifier_files_have_one_ending_for_each_bag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = make_plan({"stage2_rerank": {"classifier": {"bags": 3}}}, "here")
    assert plan.bag_endings == [".txt", ".bag1.txt", ".bag2.txt"]
    files = plan.stage2_files(plan.bag_endings)
    assert "results/synthetic/stage2/ribosome.bag2.txt" in files
    assert len(files) == 3 * len(plan.particle_types)


def test_without_a_comparison_the_report_takes_no_test_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = make_plan({"stage2_rerank": {"compare_test_runs": False}}, "here")
    assert plan.compared_runs == ()
    assert plan.comparison_arguments() == ""


def test_of_many_test_runs_some_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = make_plan({"name": "many", "synthetic": {"train_runs": 2, "test_runs": 120}}, "here")
    assert len(plan.compared_runs) == 40
    assert plan.compared_runs[0] == plan.runs.test[0]
    lists = plan.argument_lists()
    assert lists[Path(plan.list_file("compared", "runs"))] == list(plan.compared_runs)
    assert len(lists[Path(plan.list_file("test", "runs"))]) == 120


def test_lists_of_any_length_are_files(synthetic: ResultPlan) -> None:
    synthetic.keep()
    for split in ("train", "test"):
        for kind in ("candidates", "features"):
            lines = Path(synthetic.list_file(split, kind)).read_text().splitlines()
            runs = synthetic.runs.of(split)
            assert lines == [f"results/mine/{kind}/{run}.parquet" for run in runs]
        assert Path(synthetic.list_file(split, "runs")).read_text().splitlines() == list(runs)
    before = Path(synthetic.list_file("test", "truths")).stat()
    synthetic.keep()
    assert Path(synthetic.list_file("test", "truths")).stat().st_mtime_ns == before.st_mtime_ns
    arguments = synthetic.comparison_arguments()
    assert arguments.startswith(
        "--scored-test results/mine/scored_test.parquet --test-runs @results"
    )


@pytest.mark.parametrize(
    ("content", "command_line", "said"),
    [
        ({"nmae": "x"}, {"nmae": "x"}, "mine.yaml, --config"),
        ({"name": None}, {"name": None}, "--config name=: is empty"),
        ({"synthetic": {"train_runs": 1}}, {}, "training runs: there is only"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    content: dict[str, object],
    command_line: dict[str, object],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        plan_or_exit(content, ["mine.yaml"], command_line)
    message = str(stopped.value)
    assert message.startswith("error: ")
    assert said in message
    assert "\n" not in message


def test_a_training_of_several_processes_is_launched_by_torchrun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert make_plan({}, "here").training_launcher == ""
    plan = make_plan({"stage1_proposals": {"training": {"processes": 2}}}, "here")
    assert plan.training_launcher.startswith("torch.distributed.run")
    assert "--nproc-per-node 2" in plan.training_launcher
    assert plan.config == PipelineConfig.model_validate(plan.config.model_dump())
