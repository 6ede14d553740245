import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

from picking.config import CZII_PARTICLES, PipelineConfig, load_config
from picking.data_in.inventory import resolve
from picking.files.copick_project import filesystem_config
from picking.files.tables import CANDIDATES, FEATURES, TRUTH
from picking.scoring.folds import Folds
from stage2_rerank import submit, train, tune_thresholds
from stage2_rerank.report import write_report as report
from tests.stage2_rerank.simulated_candidates import SimulatedType, Simulation, simulate

BAGS = 2
# The easy types gain nothing from features, the hard ones much; one type has no particles.
TYPES = {
    "apo-ferritin": SimulatedType(20, 15, 4.0, 0.0),
    "beta-amylase": SimulatedType(0, 10, 0.0, 0.0),
    "beta-galactosidase": SimulatedType(12, 60, 1.5, 1.2, 0.9),
    "ribosome": SimulatedType(12, 10, 5.0, 0.0),
    "thyroglobulin": SimulatedType(12, 60, 1.5, 1.2, 0.9),
    "virus-like-particle": SimulatedType(6, 10, 5.0, 0.0),
}
TRAINING_RUNS = [f"TS_{number}" for number in range(8)]
TEST_RUNS = ["TS_test_1", "TS_test_2"]
FOLDS = Folds(tuple((TRAINING_RUNS[k], TRAINING_RUNS[k + 4]) for k in range(4)))


@dataclass(frozen=True)
class Pipeline:
    """Where a run of stage 2 stands."""

    folder: Path
    config_path: Path
    simulation: Simulation
    types: tuple[str, ...]

    @property
    def config(self) -> PipelineConfig:
        return resolve(load_config([self.config_path]))

    def path(self, name: str) -> Path:
        return self.folder / name

    def tables(self, room: str, runs: Sequence[str]) -> list[str]:
        return [str(self.folder / room / f"{run}.parquet") for run in runs]

    def write_tables(self, simulation: Simulation, runs: list[str]) -> None:
        for run in runs:
            of_run = simulation.candidates["run"] == run
            CANDIDATES.write(
                simulation.candidates[of_run], self.folder / "candidates" / f"{run}.parquet"
            )
            FEATURES.write(simulation.features[of_run], self.folder / "features" / f"{run}.parquet")

    def train(self, particle_type: str, *, threads: int = 1, into: str = "stage2") -> None:
        folder = self.folder / into
        train.main(
            [
                *("--config", str(self.config_path)),
                *("--particle-type", particle_type),
                *("--folds", str(self.path("folds.json"))),
                *("--truth", str(self.path("truth.csv"))),
                *("--candidates", *self.tables("candidates", TRAINING_RUNS)),
                *("--features", *self.tables("features", TRAINING_RUNS)),
                *("--models", str(folder / f"{particle_type}.txt")),
                str(folder / f"{particle_type}.bag1.txt"),
                *("--calibration", str(folder / f"{particle_type}.json")),
                *("--out-of-fold", str(folder / f"{particle_type}.parquet")),
                *("--nested", str(folder / f"{particle_type}.nested.parquet")),
                *("--importance", str(folder / f"{particle_type}.importance.json")),
                *("--threads", str(threads)),
            ]
        )

    def tune(self) -> None:
        folder = self.path("stage2")
        tune_thresholds.main(
            [
                *("--config", str(self.config_path)),
                *("--folds", str(self.path("folds.json"))),
                *("--truth", str(self.path("truth.csv"))),
                "--types-out-of-fold",
                *(str(folder / f"{name}.parquet") for name in self.types),
                "--types-nested",
                *(str(folder / f"{name}.nested.parquet") for name in self.types),
                *("--out-of-fold", str(self.path("out_of_fold.parquet"))),
                *("--thresholds", str(self.path("thresholds.json"))),
            ]
        )

    @property
    def calibrations(self) -> list[str]:
        return [str(self.folder / "stage2" / f"{name}.json") for name in self.types]

    def submit(self, runs: list[str], into: str = "", further: Sequence[str] = ()) -> Path:
        answer = self.folder / into
        submit.main(
            [
                *("--config", str(self.config_path)),
                *("--runs", *runs),
                *("--results", str(self.folder)),
                *("--calibrations", *self.calibrations),
                *("--thresholds", str(self.path("thresholds.json"))),
                *("--project", str(self.path("project.json"))),
                *("--submission", str(answer / "submission.csv")),
                *("--table", str(answer / "picks.csv")),
                *("--scored", str(answer / "scored.parquet")),
                *("--picks", str(answer / "picks")),
                *("--picks-config", str(answer / "picks.json")),
                *("--failed", str(answer / "failed_runs.csv")),
                *further,
            ]
        )
        return answer / "submission.csv"

    def report(self, *, test_runs: Sequence[str] = TEST_RUNS, into: str = "") -> Path:
        """Without test runs there are no arguments about them, as far as that is allowed."""
        answer = self.folder / into
        test = [
            *("--scored-test", str(self.path("scored.parquet"))),
            *("--test-runs", *test_runs),
            *("--features", *self.tables("features", TRAINING_RUNS)),
            *("--test-features", *self.tables("features", test_runs)),
        ]
        report.main(
            [
                *("--config", str(self.config_path)),
                *("--folds", str(self.path("folds.json"))),
                *("--truth", str(self.path("truth.csv"))),
                *("--out-of-fold", str(self.path("out_of_fold.parquet"))),
                *("--thresholds", str(self.path("thresholds.json"))),
                *("--calibrations", *self.calibrations),
                *(
                    "--importance",
                    *(path.replace(".json", ".importance.json") for path in self.calibrations),
                ),
                *(test if test_runs else []),
                *("--json", str(answer / "cv_report.json")),
                *("--html", str(answer / "cv_report.html")),
            ]
        )
        return answer / "cv_report.json"


def write_pipeline(
    folder: Path, types: dict[str, SimulatedType], truth: pd.DataFrame | None = None
) -> Pipeline:
    """Write the inputs of stage 2; ``truth`` replaces the simulated one."""
    runs = [*TRAINING_RUNS, *TEST_RUNS]
    simulation = simulate(types, runs, seed=3, number_of_features=20, informative=4)
    config = {
        "stage2_rerank": {"classifier": {"bags": BAGS, "max_trees": 60}},
        "particles": [
            particle.model_dump(mode="json")
            for particle in CZII_PARTICLES
            if particle.name in types
        ],
    }
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "static" / "ExperimentRuns").mkdir(parents=True)
    project = filesystem_config(folder / "static", folder / "overlay", CZII_PARTICLES)
    (folder / "project.json").write_text(json.dumps(project))
    pipeline = Pipeline(folder, folder / "config.yaml", simulation, tuple(types))
    pipeline.write_tables(simulation, runs)
    FOLDS.write(pipeline.path("folds.json"))
    if truth is None:
        truth = simulation.truth[simulation.truth["run"].isin(TRAINING_RUNS)]
    TRUTH.write(truth, pipeline.path("truth.csv"))
    return pipeline


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """All commands of stage 2 once on six types; tests only read it or write beside it."""
    pipeline = write_pipeline(tmp_path_factory.mktemp("stage2") / "results", TYPES)
    for name in pipeline.types:
        pipeline.train(name)
    pipeline.tune()
    pipeline.submit(TEST_RUNS)
    pipeline.report()
    return pipeline


@pytest.fixture
def make_pipeline(tmp_path: Path) -> Callable[..., Pipeline]:
    """Write the inputs of a pipeline of the test's own."""

    def make(types: dict[str, SimulatedType], truth: pd.DataFrame | None = None) -> Pipeline:
        return write_pipeline(tmp_path / "results", types, truth)

    return make


@pytest.fixture(scope="session")
def figures(pipeline):
    return json.loads(pipeline.path("cv_report.json").read_text())


@pytest.fixture(scope="session")
def page(pipeline):
    return pipeline.path("cv_report.html").read_text()
