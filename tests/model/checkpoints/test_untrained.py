import json
import logging

import pytest
import torch

from korscideberta.errors import ModelError
from korscideberta.model import DebertaV2Config, DebertaV2ForSequenceClassification, DebertaV2Model
from korscideberta.model.checkpoints import require_trained

CONFIG = DebertaV2Config(
    vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
    max_position_embeddings=16, position_buckets=4, id2label=("a", "b"),
)  # fmt: skip


@pytest.fixture
def encoder(tmp_path):
    torch.manual_seed(0)
    DebertaV2Model(CONFIG).save_pretrained(tmp_path / "encoder")
    return tmp_path / "encoder"


def check(model, source="run/model"):
    require_trained(model, model.load_report, source)


def recorded(folder):
    return json.loads((folder / "config.json").read_text()).get("untrained")


def test_a_new_head_is_known_until_it_has_been_trained(encoder, tmp_path):
    model = DebertaV2ForSequenceClassification.from_pretrained(encoder)
    with pytest.raises(ModelError, match=r"run/model: its classifier and pooler\.dense were never trained") as caught:
        check(model)
    assert "\n" not in str(caught.value)
    model.save_pretrained(tmp_path / "untrained")
    assert recorded(tmp_path / "untrained") == ["classifier", "pooler.dense"]
    again = DebertaV2ForSequenceClassification.from_pretrained(tmp_path / "untrained")
    assert again.load_report.newly_initialised == ()
    with pytest.raises(ModelError, match="never trained"):
        check(again)
    optimizer = torch.optim.AdamW(again.parameters(), lr=1e-3)
    again(torch.tensor([[1, 2, 3]]), labels=torch.tensor([1])).loss.backward()
    optimizer.step()
    check(again)
    again.save_pretrained(tmp_path / "trained")
    assert recorded(tmp_path / "trained") is None
    check(DebertaV2ForSequenceClassification.from_pretrained(tmp_path / "trained"))


def test_a_classifier_for_other_labels_or_another_kind_of_task_is_new(encoder, tmp_path):
    model = DebertaV2ForSequenceClassification.from_pretrained(encoder)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    model.save_pretrained(tmp_path / "trained")
    other = DebertaV2ForSequenceClassification.from_pretrained(tmp_path / "trained", num_labels=3)
    with pytest.raises(ModelError, match="its classifier was never trained"):
        check(other)
    path = tmp_path / "trained" / "config.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "architectures": ["DebertaV2ForTokenClassification"]}))
    model = DebertaV2ForSequenceClassification.from_pretrained(tmp_path / "trained")
    assert model.load_report.newly_initialised == ("classifier.bias", "classifier.weight")


def test_the_account_is_one_line_and_has_the_names_at_debug(encoder, caplog):
    with caplog.at_level(logging.INFO, logger="korscideberta"):
        DebertaV2ForSequenceClassification.from_pretrained(encoder)
        DebertaV2Model.from_pretrained(encoder)
    fresh, bare = caplog.records
    assert fresh.levelno == logging.WARNING
    assert fresh.getMessage() == (
        f"{encoder}: 22 weights loaded; newly initialised and to be trained: classifier, pooler.dense"
    )
    assert (bare.levelno, bare.getMessage()) == (logging.INFO, f"{encoder}: 22 weights loaded")
    caplog.clear()
    with caplog.at_level(logging.DEBUG, logger="korscideberta"):
        DebertaV2Model.from_pretrained(encoder)
    assert "encoder.layer.0.attention.self.query_proj.weight" in caplog.text
