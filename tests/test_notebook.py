"""The notebook as it is committed; tests/test_pipeline.py runs it."""

import re

import nbformat

from tests.workflow_runs import REPOSITORY

NOTEBOOK = REPOSITORY / "docs" / "notebooks" / "a_result_by_hand.ipynb"
# What `jupyter execute` runs.
EXECUTE = "from nbclient.cli import main; main()"
MOST_BYTES = 500_000


def test_it_is_executed_from_the_first_cell_to_the_last() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells)
    outputs = [output for cell in cells for output in cell.outputs]
    # No warning, no error, and two pictures.
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}
    assert "error" not in {output.output_type for output in outputs}
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2


def test_it_is_small_and_names_no_folder_of_its_maker() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    assert not re.search(r"/(home|tmp|root|work)/", text)
