"""transformers' own loaders, collators, Trainer and pipelines on a model folder of ours."""

from __future__ import annotations

import itertools
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from korscideberta.errors import ConfigError
from korscideberta.model import DebertaV2Config, DebertaV2ForSequenceClassification
from korscideberta.tokenization import DebertaV2Tokenizer, train_tokenizer

transformers = pytest.importorskip("transformers")
pytest.importorskip("google.protobuf")

import korscideberta.hf  # noqa: E402

LABELS = ("물리", "화학", "생물")
TEXTS = [
    f"{subject}의 {measure} 변화를 {verb}하였다 ㅋㅋ."
    for subject, measure, verb in itertools.product(
        ["광촉매", "나노입자", "백신"], ["pH", "“온도”", "H₂O"], ["측정", "비교", "제안"]
    )
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as `korsci train` leaves it."""
    path = tmp_path_factory.mktemp("model")
    tokenizer = train_tokenizer(TEXTS, path, vocab_size=110, character_coverage=1.0)
    torch.manual_seed(0)
    config = DebertaV2Config(
        vocab_size=len(tokenizer),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=40,
        position_buckets=8,
        initializer_range=0.3,
        id2label=LABELS,
    )
    DebertaV2ForSequenceClassification(config).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def ours(folder: Path) -> DebertaV2Tokenizer:
    return DebertaV2Tokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def auto(folder: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(folder)


def test_auto_tokenizer_gives_our_ids(auto: Any, ours: DebertaV2Tokenizer) -> None:
    assert isinstance(auto, korscideberta.hf.DebertaV2Tokenizer)
    options: dict[str, Any] = {
        "return_offsets_mapping": True,
        "return_special_tokens_mask": True,
        "truncation": True,
        "max_length": 9,
        "stride": 2,
        "return_overflowing_tokens": True,
        "padding": True,
        "return_tensors": "np",
    }
    found, wanted = auto(TEXTS[:4], TEXTS[4:8], **options), ours(TEXTS[:4], TEXTS[4:8], **options)
    assert found.keys() == wanted.keys()
    for key in wanted:
        assert found[key].tolist() == wanted[key].tolist()
    assert found.sequence_ids(1) == wanted.sequence_ids(1)
    assert found.tokens(1) == ours.convert_ids_to_tokens(wanted.input_ids[1])
    words = TEXTS[0].split()
    row = auto(words, is_split_into_words=True)
    assert row.word_ids() == ours(words, is_split_into_words=True).word_ids()
    assert pickle.loads(pickle.dumps(row)).word_ids() == row.word_ids()
    # Without truncation named, a largest length means it; a list of pairs is taken for pairs.
    assert auto(TEXTS[0], max_length=5).input_ids == ours(TEXTS[0], truncation=True, max_length=5).input_ids
    assert auto([TEXTS[:2]]).input_ids == [ours.encode(*TEXTS[:2])]
    assert auto.encode("[CLS] 백신 [MASK]") == ours.encode("[CLS] 백신 [MASK]")


def test_vocabulary_is_ours(auto: Any, ours: DebertaV2Tokenizer) -> None:
    assert len(auto) == len(ours)
    assert auto.get_vocab() == ours.get_vocab()
    assert sorted(auto.all_special_ids) == ours.all_special_ids
    assert auto.mask_token_id == ours.mask_token_id
    assert auto.model_max_length == ours.model_max_length
    assert auto.tokenize(TEXTS[0]) == ours.tokenize(TEXTS[0])
    ids = ours.encode(TEXTS[0], TEXTS[1])
    assert auto.decode(ids, skip_special_tokens=True) == ours.decode(ids, skip_special_tokens=True)
    assert auto.batch_decode([ids]) == ours.batch_decode([ids])
    assert auto.get_special_tokens_mask(ids, already_has_special_tokens=True) == [int(index < 5) for index in ids]
    assert pickle.loads(pickle.dumps(auto))(TEXTS[0]) == auto(TEXTS[0])
    with pytest.raises(ConfigError, match="no tokens can be added"):
        auto.add_tokens(["새단어"])
    auto.truncation_side = "left"
    with pytest.raises(ConfigError, match="truncation_side"):
        auto(TEXTS[0], truncation=True, max_length=4)
    auto.truncation_side = "right"


def test_save_pretrained_writes_our_files(auto: Any, folder: Path, tmp_path: Path) -> None:
    for name in auto.save_pretrained(tmp_path):
        assert Path(name).read_bytes() == (folder / Path(name).name).read_bytes()
    assert DebertaV2Tokenizer.from_pretrained(tmp_path).encode(TEXTS[0]) == auto.encode(TEXTS[0])
    left = transformers.AutoTokenizer.from_pretrained(folder, padding_side="left", model_max_length=7)
    left.save_pretrained(tmp_path)
    again = DebertaV2Tokenizer.from_pretrained(tmp_path)
    assert (again.padding_side, again.model_max_length) == ("left", 7)
    with pytest.raises(ConfigError, match="push_to_hub"):
        auto.save_pretrained(tmp_path, push_to_hub=True)


@pytest.mark.parametrize("kind", ["ours", "auto"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_data_collators(kind: str, side: str, folder: Path) -> None:
    tokenizer: Any = (
        DebertaV2Tokenizer.from_pretrained(folder)
        if kind == "ours"
        else transformers.AutoTokenizer.from_pretrained(folder)
    )
    tokenizer.padding_side = side
    rows = [{**tokenizer(text), "label": label} for label, text in enumerate(TEXTS[:3])]
    batch = transformers.DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8)(rows)
    assert batch["labels"].tolist() == [0, 1, 2]
    wanted = tokenizer(TEXTS[:3], padding=True, pad_to_multiple_of=8, return_tensors="pt")
    for key in wanted:
        assert batch[key].tolist() == wanted[key].tolist()
    tagged = [{**tokenizer(text), "labels": [1] * len(tokenizer(text).input_ids)} for text in TEXTS[:3]]
    batch = transformers.DataCollatorForTokenClassification(tokenizer)(tagged)
    assert batch["labels"].tolist() == [[1 if real else -100 for real in row] for row in batch["attention_mask"]]
    masked = transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.5, seed=0)
    batch = masked([tokenizer(text, return_special_tokens_mask=True) for text in TEXTS])
    chosen = batch["labels"] != -100
    assert (batch["input_ids"][chosen] == tokenizer.mask_token_id).any()
    assert not torch.isin(batch["labels"][chosen], torch.tensor([0, 1, 2])).any()


@pytest.mark.parametrize("kind", ["ours", "auto"])
def test_trainer(kind: str, folder: Path, ours: DebertaV2Tokenizer, auto: Any, tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason="the Trainer of transformers needs accelerate")
    tokenizer = ours if kind == "ours" else auto
    rows = [{**tokenizer(text), "labels": index % 3} for index, text in enumerate(TEXTS)]
    trainer = transformers.Trainer(
        model=transformers.AutoModelForSequenceClassification.from_pretrained(folder),
        args=transformers.TrainingArguments(
            output_dir=str(tmp_path),
            max_steps=3,
            per_device_train_batch_size=4,
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
        ),
        train_dataset=rows,
        processing_class=tokenizer,
        data_collator=transformers.DataCollatorWithPadding(tokenizer),
    )
    assert trainer.train().global_step == 3
    trainer.save_model(str(tmp_path / "saved"))
    assert DebertaV2Tokenizer.from_pretrained(tmp_path / "saved").encode(TEXTS[0]) == ours.encode(TEXTS[0])


def test_pipeline_feeds_our_ids_to_the_model(folder: Path, ours: DebertaV2Tokenizer) -> None:
    pipeline = transformers.pipeline("text-classification", model=str(folder), top_k=None)
    fed: list[torch.Tensor] = []
    pipeline.model.register_forward_pre_hook(
        lambda module, args, kwargs: fed.append(kwargs["input_ids"]), with_kwargs=True
    )
    results = pipeline(TEXTS[:3])
    assert [row.tolist() for row in fed] == [[ours.encode(text)] for text in TEXTS[:3]]
    model = DebertaV2ForSequenceClassification.from_pretrained(folder).eval()
    for text, result in zip(TEXTS, results, strict=False):
        logits = model(**ours(text, return_tensors="pt")).logits
        wanted = dict(zip(LABELS, logits.softmax(-1)[0].tolist(), strict=True))
        assert {row["label"]: row["score"] for row in result} == pytest.approx(wanted, abs=1e-5)
    del fed[:]
    pipeline(TEXTS[:4], batch_size=4, truncation=True, max_length=8)
    assert fed[0].tolist() == ours(TEXTS[:4], truncation=True, max_length=8, padding=True).input_ids
    del fed[:]
    pipeline({"text": TEXTS[0], "text_pair": TEXTS[1]})
    assert fed[0].tolist() == [ours.encode(TEXTS[0], TEXTS[1])]


def test_token_classification_pipeline_has_our_offsets(folder: Path, ours: DebertaV2Tokenizer, auto: Any) -> None:
    config = transformers.AutoConfig.from_pretrained(folder)
    model = transformers.DebertaV2ForTokenClassification(config)
    text = "\u1112\u1161\u11ab글  “백신”의 pH…"
    spans = ours(text, return_offsets_mapping=True).offset_mapping[1:-1]
    pipeline = transformers.pipeline("token-classification", model=model, tokenizer=auto, ignore_labels=[])
    assert [(token["start"], token["end"]) for token in pipeline(text)] == spans
    groups = pipeline(text, aggregation_strategy="simple")
    assert (groups[0]["start"], groups[-1]["end"]) == (0, len(text))


def test_without_transformers_the_command_is_named() -> None:
    code = "import sys; sys.modules['transformers'] = None\nimport korscideberta.hf"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].startswith("korscideberta.errors.DependencyError: korscideberta.hf needs")
    assert "pip install 'korscideberta[hf]'" in done.stderr


def test_recipe_is_what_decides(folder: Path, tmp_path: Path) -> None:
    for name in ("spm.model", "config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"korsci": {"engine": "none"}}))
    assert korscideberta.hf.is_read_here(tmp_path, has_tokenizer_json=True)
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert korscideberta.hf.is_read_here(tmp_path, has_tokenizer_json=False)
    assert not korscideberta.hf.is_read_here(tmp_path, has_tokenizer_json=True)
