"""Files of predictions: what is in them, and that an interruption does not show."""

from __future__ import annotations

import json
import os
import signal

import pytest
import torch

from korscideberta.errors import ConfigError, DataError
from korscideberta.evaluation.confidence import label_sets, scaled
from korscideberta.prediction import Predictor, PredictorSettings, predict_file, predicted_lines
from korscideberta.training.signals import Interrupted


def at_once(run, path, *, k=3, coverage=None, calibrated=False):
    """Examples and predictions as they were made before there were windows."""
    examples = run.task.read(path, run.columns, None, False)
    outputs = run.outputs(examples, 64, None)
    predictions = run.kind.predictions(examples, scaled(run, outputs) if calibrated else outputs, k)
    for prediction, chosen in zip(predictions, label_sets(run, outputs, coverage) if coverage else (), strict=False):
        prediction["set"] = chosen
    return examples, predictions


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize(
    "chosen",
    [
        PredictorSettings(),
        PredictorSettings(top_k=1, coverage=0.8, calibrated=True, batch_size=5),
        PredictorSettings(top_k=2, batch_tokens=40),
    ],
)
@pytest.mark.usefixtures("small_windows")
def test_windows_give_the_file_that_is_made_at_once(run, table, tmp_path, suffix, chosen):
    expected, output = tmp_path / f"expected{suffix}", tmp_path / f"out{suffix}"
    examples, predictions = at_once(
        run, table, k=chosen.top_k or 3, coverage=chosen.coverage, calibrated=chosen.calibrated
    )
    run.kind.write(expected, examples, predictions, labelled=False)
    seen = []
    count = predict_file(Predictor(run, chosen), table, output, progress=lambda *done: seen.append(done))
    assert count == 50
    assert output.read_bytes() == expected.read_bytes()
    assert seen == sorted(seen)
    assert seen[-1] == (50, 50)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([table.name, expected.name, output.name])
    lines = list(run.kind.lines(examples, predictions, labelled=False))
    assert list(predicted_lines(Predictor(run, chosen), table)) == lines


@pytest.mark.parametrize(("number", "after"), [(signal.SIGKILL, 1), (signal.SIGKILL, 20), (signal.SIGUSR1, 49)])
@pytest.mark.usefixtures("small_windows")
def test_what_was_interrupted_goes_on_to_the_same_bytes(run, table, tmp_path, number, after):
    whole, output = tmp_path / "whole.csv", tmp_path / "out.csv"
    predictor = Predictor(run, PredictorSettings(batch_tokens=60))
    predict_file(predictor, table, whole)

    def stop(done: int, total: int) -> None:
        if done >= after:
            os.kill(os.getpid(), number)

    child = os.fork()
    if not child:
        try:
            predict_file(predictor, table, output, progress=stop)
        except Interrupted:
            os._exit(75)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == (-number if number == signal.SIGKILL else 75)
    assert not output.exists()
    rows = json.loads((tmp_path / "out.csv.part.json").read_text())["rows"] if after > 8 else 0
    assert rows == after // 8 * 8
    done = []
    assert predict_file(predictor, table, output, resume=True, progress=lambda *one: done.append(one[0])) == 50
    assert min(done) > rows
    assert output.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob("*.part*"))


@pytest.mark.usefixtures("small_windows")
def test_what_is_resumed_must_be_made_of_the_same(run, table, tmp_path):
    output = tmp_path / "out.jsonl"

    def stop(done: int, total: int) -> None:
        if done >= 20:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        predict_file(Predictor(run), table, output, progress=stop)
    other = Predictor(run, PredictorSettings(top_k=2))
    with pytest.raises(ConfigError, match=r"out\.jsonl\.part was made with another --top-k \(None, now 2\)"):
        predict_file(other, table, output, resume=True)
    with table.open("a", encoding="utf-8") as stream:
        stream.write("z,또 하나\n")
    with pytest.raises(ConfigError, match="another input"):
        predict_file(Predictor(run), table, output, resume=True)
    assert predict_file(Predictor(run), table, output) == 51
    journal = tmp_path / "out.jsonl.part.json"
    journal.write_text("{", encoding="utf-8")
    output.rename(tmp_path / "out.jsonl.part")
    with pytest.raises(DataError, match=r"part\.json: cannot be resumed"):
        predict_file(Predictor(run), table, output, resume=True)
    # A journal without its part is what is left where the process was killed behind the last row.
    (tmp_path / "out.jsonl.part").unlink()
    assert predict_file(Predictor(run), table, output, resume=True) == 51
    assert not journal.exists()


@pytest.mark.usefixtures("small_windows")
def test_faults_are_told_before_anything_is_written(run, table, tmp_path):
    with table.open("a", encoding="utf-8") as stream:
        stream.write("r7,zweimal\n")
    with pytest.raises(DataError, match=r"new\.csv:52: id 'r7' was already used at .*new\.csv:9"):
        predict_file(Predictor(run), table, tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == [table]
    with pytest.raises(ConfigError, match=r"--resume: .*out\.xlsx is written when all is done; .*\.csv and \.jsonl"):
        predict_file(Predictor(run), table, tmp_path / "out.xlsx", resume=True)


@pytest.mark.usefixtures("small_windows")
def test_equal_texts_are_predicted_once(run, table, monkeypatch):
    made = []
    outputs = type(run.kind).outputs

    def counted(self, model, features, **options):
        made.append(len(features))
        return outputs(self, model, features, **options)

    monkeypatch.setattr(type(run.kind), "outputs", counted)
    examples = run.task.read(table, run.columns, None, False)
    predictor = Predictor(run)
    assert sum(len(window.examples) for window, _ in predictor.windows([*examples, *examples])) == 100
    assert sum(made) == len({example.text for example in examples}) == 36
    made.clear()
    monkeypatch.setattr("korscideberta.prediction.known._MOST", 4)
    found = [one for _, predictions in predictor.windows([*examples, *examples]) for one in predictions]
    assert sum(made) > 50
    assert found[:50] == found[50:] == at_once(run, table)[1]


def test_a_batch_has_tokens_within_its_limit(run, table, monkeypatch):
    sizes = []
    forward = type(run.model).forward

    def counted(self, input_ids, **inputs):
        sizes.append((input_ids.shape[0], inputs["starts"].shape[0]))
        return forward(self, input_ids, **inputs)

    monkeypatch.setattr(type(run.model), "forward", counted)
    list(predicted_lines(Predictor(run, PredictorSettings(batch_tokens=60)), table))
    assert sum(sequences for _, sequences in sizes) == 36
    assert all(tokens <= 60 for tokens, _ in sizes)
    assert torch.tensor(sizes)[:-1, 0].min() > 60 - 24  # the longest text would not have fitted beside what there is
