import dataclasses
import json

import pytest

from korscideberta.errors import ConfigError
from korscideberta.model import PRESET_NAMES, DebertaV2Config, preset


def test_defaults_are_the_released_model():
    config = DebertaV2Config()
    assert (config.hidden_size, config.num_hidden_layers, config.head_size, config.vocab_size) == (768, 12, 64, 128100)
    assert (config.relative_rows, config.position_span, config.classifier_dropout) == (512, 512, 0.1)


@pytest.mark.parametrize("pos_att_type", ["p2c|c2p", ["p2c", "c2p"], ("P2C ", "c2p"), "p2c| c2p"])
def test_spellings_of_pos_att_type(pos_att_type):
    assert DebertaV2Config(pos_att_type=pos_att_type).pos_att_type == ("p2c", "c2p")


def test_dictionary_round_trip():
    config = preset("nano", 500, cls_dropout=0.2, problem_type="regression").with_labels(["물리", "화학", "기타"])
    assert DebertaV2Config.from_dict(json.loads(json.dumps(config.to_dict()))) == dataclasses.replace(
        config, attention_head_size=64, embedding_size=256, pooler_hidden_size=256
    )


def test_missing_settings_of_a_file_mean_what_transformers_reads():
    config = DebertaV2Config.from_dict({"model_type": "deberta-v2"})
    assert not config.relative_attention
    assert config.position_biased_input
    assert (config.hidden_size, config.num_hidden_layers) == (1536, 24)


def test_original_names():
    config = DebertaV2Config.from_dict(
        {"padding_idx": 3, "pooling": {"dropout": 0.25, "hidden_act": "tanh", "hidden_size": 768}}
    )
    assert (config.pad_token_id, config.pooler_dropout, config.pooler_hidden_act) == (3, 0.25, "tanh")


def test_first_version():
    file = {"model_type": "deberta", "relative_attention": True, "pos_att_type": "c2p|p2c", "pooler_dropout": 0}
    config = DebertaV2Config.from_dict({**file, "position_biased_input": False, "max_relative_positions": -1})
    assert (config.vocab_size, config.hidden_size, config.num_hidden_layers) == (50265, 768, 12)
    assert (config.share_att_key, config.norm_rel_ebd, config.relative_rows) == (False, "none", 1024)


def test_relative_settings_without_relative_attention():
    file = {"relative_attention": False, "pos_att_type": "none", "norm_rel_ebd": "layer_norm", "position_buckets": 256}
    config = DebertaV2Config.from_dict(file)
    assert (config.pos_att_type, config.norm_rel_ebd, config.relative_rows) == ((), "none", 0)


def test_convolution_and_widths():
    config = DebertaV2Config.from_dict(
        {"model_type": "deberta-v2", "conv_kernel_size": 3, "embedding_size": None, "attention_head_size": 32}
    )
    assert (config.conv_kernel_size, config.conv_groups, config.conv_act) == (3, 1, "tanh")
    assert (config.embedding_width, config.head_size) == (1536, 32)
    assert DebertaV2Config.from_dict({"conv_kernel_size": None}).conv_kernel_size == 0


def test_which_masked_language_model_head():
    assert DebertaV2Config.from_dict({}).mlm_head == "emd"
    assert DebertaV2Config.from_dict({"legacy": True}).mlm_head == "emd"  # written whatever head there is
    assert DebertaV2Config.from_dict({"legacy": False}).mlm_head == "plain"
    for head in ("emd", "plain", "legacy"):
        written = DebertaV2Config(mlm_head=head).to_dict()
        assert written["legacy"] == (head == "legacy")
        assert DebertaV2Config.from_dict(written).mlm_head == head


def test_num_labels_of_a_file():
    assert DebertaV2Config.from_dict({"num_labels": 3}).id2label == ("LABEL_0", "LABEL_1", "LABEL_2")
    with pytest.raises(ConfigError, match="num_labels=3 differs"):
        DebertaV2Config.from_dict({"num_labels": 3, "id2label": {"0": "a"}})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hiden_size": 4}, "did you mean 'hidden_size'"),
        ({"pooling": {"droput": 0}}, "did you mean 'dropout'"),
        ({"model_type": "bert"}, "model_type='bert'"),
        ({"talking_head": True}, "talking_head=True"),
        ({"output_attentions": True}, "output_attentions"),
        ({"pos_att_type": "p2c"}, "needs relative_attention"),
    ],
)
def test_refused_in_files(values, message):
    with pytest.raises(ConfigError, match=message):
        DebertaV2Config.from_dict(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_attention_heads": 7}, "does not split"),
        ({"attention_head_size": 0}, "attention_head_size=0"),
        ({"embedding_size": 0}, "embedding_size=0"),
        ({"conv_kernel_size": 2}, "conv_kernel_size=2 must be odd"),
        ({"conv_kernel_size": 3, "conv_groups": 7}, "conv_groups=7"),
        ({"conv_act": "gelo"}, "did you mean 'gelu'"),
        ({"mlm_head": "lagacy"}, "did you mean 'legacy'"),
        ({"tie_word_embeddings": 1}, "true or false"),
        ({"pooler_hidden_size": 32}, "pooler_hidden_size=32"),
        ({"hidden_size": 0}, "at least 1"),
        ({"hidden_size": 76.8}, "whole number"),
        ({"pad_token_id": 128100}, "outside vocab_size"),
        ({"hidden_dropout_prob": 1.0}, "rate"),
        ({"layer_norm_eps": 0}, "positive"),
        ({"share_att_key": "yes"}, "true or false"),
        ({"hidden_act": "gelo"}, "did you mean 'gelu'"),
        ({"norm_rel_ebd": "layernorm"}, "did you mean 'layer_norm'"),
        ({"pos_att_type": "c2p|p2p"}, "unknown pos_att_type 'p2p'"),
        ({"pos_att_type": "c2p|c2p"}, "twice"),
        ({"pos_att_type": ()}, "needs pos_att_type"),
        ({"relative_attention": False, "pos_att_type": ()}, "norm_rel_ebd=layer_norm needs"),
        ({"position_buckets": 1}, "at least 2"),
        ({"position_buckets": 64, "max_position_embeddings": 32}, "no offsets to bucket"),
        ({"problem_type": "multi_label_classifier"}, "did you mean 'multi_label_classification'"),
        ({"id2label": ()}, "empty"),
        ({"id2label": ("a", "a")}, "more than once"),
        ({"id2label": {0: "a", 2: "b"}}, "without gaps"),
        ({"id2label": {"first": "a"}}, "indices"),
        ({"id2label": "ab"}, "list of names"),
    ],
)
def test_impossible_values(values, message):
    with pytest.raises(ConfigError, match=message):
        DebertaV2Config(**values)


def test_presets():
    assert PRESET_NAMES == ("nano", "small", "base")
    assert preset("base", 128100) == DebertaV2Config()
    assert preset("nano", 100, num_hidden_layers=2).num_hidden_layers == 2
    with pytest.raises(ConfigError, match="did you mean 'nano'"):
        preset("nanno", 100)
    with pytest.raises(ConfigError, match="did you mean 'hidden_size'"):
        preset("nano", 100, hiden_size=3)
