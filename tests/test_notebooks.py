"""The notebooks under examples/, executed from top to bottom with small settings."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parent.parent / "examples"
SMALL = {
    "abstracts": {"EPOCHS": 1, "PAPERS": 12},
    "spreadsheet": {"FOLDS": 2, "EPOCHS": 1, "MAX_LENGTH": 16, "ROWS": 80},
}


def test_every_notebook_is_executed_here():
    assert {path.stem for path in EXAMPLES.glob("*.ipynb")} == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_a_notebook_is_valid_and_kept_without_outputs(name):
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


@pytest.mark.parametrize("name", SMALL)
def test_a_notebook_runs(name, tmp_path, monkeypatch):
    for variable, value in {
        "IPYTHONDIR": tmp_path / "ipython",
        "JUPYTER_RUNTIME_DIR": tmp_path / "runtime",
        "PYTHONPATH": EXAMPLES.parent,
        "OMP_NUM_THREADS": "1",
    }.items():
        monkeypatch.setenv(variable, str(value))
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    settings = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    for variable, value in SMALL[name].items():
        assert f"\n{variable} = " in settings.source
        settings.source += f"\n{variable} = {value!r}"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    told = {
        cell.id: "".join(output.get("text", "") for output in cell.outputs)
        for cell in notebook.cells
        if "outputs" in cell
    }
    (report,) = (tmp_path / "runs").rglob("report.html")
    assert report.stat().st_size > 300_000
    if name == "abstracts":
        assert "문제 정의 | " in told["abstracts-03"]
        assert "TF-IDF + LR" in told["abstracts-07"]
        assert len(told["abstracts-10"].splitlines()) == 5
    else:
        assert "labels from '대분류1', '대분류2', '대분류3', by the headers" in told["spreadsheet-05"]
        assert "tfidf-char" in told["spreadsheet-07"]
        lines = told["spreadsheet-13"].splitlines()
        assert len(lines) == 3
        assert "pred_1" in lines[0]
