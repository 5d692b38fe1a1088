"""Every released checkpoint's config.json builds a model of the shapes transformers gives it."""

import pytest
import torch

from korscideberta.model import DebertaV2Config, DebertaV2ForSequenceClassification

transformers = pytest.importorskip("transformers")

SHARED = {
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-7,
    "max_position_embeddings": 512,
    "max_relative_positions": -1,
    "padding_idx": 0,
    "pooler_dropout": 0,
    "pooler_hidden_act": "gelu",
    "position_biased_input": False,
    "relative_attention": True,
    "type_vocab_size": 0,
}
FIRST = {**SHARED, "model_type": "deberta", "pos_att_type": "c2p|p2c", "vocab_size": 50265}
SECOND = {
    **SHARED,
    "model_type": "deberta-v2",
    "attention_head_size": 64,
    "norm_rel_ebd": "layer_norm",
    "pos_att_type": "p2c|c2p",
    "position_buckets": 256,
    "share_att_key": True,
    "vocab_size": 128100,
}
CONVOLUTION = {"conv_kernel_size": 3, "conv_act": "gelu"}


def sizes(hidden, layers, heads, intermediate):
    return {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": intermediate,
        "pooler_hidden_size": hidden,
    }


RELEASED = {
    "microsoft/deberta-base": {**FIRST, **sizes(768, 12, 12, 3072)},
    "microsoft/deberta-large": {**FIRST, **sizes(1024, 24, 16, 4096)},
    "microsoft/deberta-xlarge": {**FIRST, **sizes(1024, 48, 16, 4096)},
    "microsoft/deberta-v2-xlarge": {**SECOND, **CONVOLUTION, **sizes(1536, 24, 24, 6144)},
    "microsoft/deberta-v2-xxlarge": {**SECOND, **CONVOLUTION, **sizes(1536, 48, 24, 6144)},
    "microsoft/deberta-v3-xsmall": {**SECOND, **sizes(384, 12, 6, 1536)},
    "microsoft/deberta-v3-small": {**SECOND, **sizes(768, 6, 12, 3072)},
    "microsoft/deberta-v3-base": {**SECOND, **sizes(768, 12, 12, 3072)},
    "microsoft/deberta-v3-large": {**SECOND, **sizes(1024, 24, 16, 4096)},
    "microsoft/mdeberta-v3-base": {**SECOND, **sizes(768, 12, 12, 3072), "vocab_size": 251000},
    "kisti/korscideberta": {**SECOND, **sizes(768, 12, 12, 3072), "pos_att_type": ["p2c", "c2p"]},
}


@pytest.mark.parametrize("name", RELEASED)
def test_shapes(name):
    values = RELEASED[name]
    with torch.device("meta"):
        ours = DebertaV2ForSequenceClassification(DebertaV2Config.from_dict(values))
        config = transformers.AutoConfig.for_model(**values)
        theirs = transformers.AutoModelForSequenceClassification.from_config(config)
    count = sum(p.numel() for p in theirs.parameters())
    if values["model_type"] == "deberta":
        # Of the projections of version 1, those of keys and of position keys have no bias; here they have one of 0.
        count += 2 * values["hidden_size"] * values["num_hidden_layers"]
    assert sum(p.numel() for p in ours.parameters()) == count
    assert ours.deberta.encoder.relative.weight.shape == theirs.deberta.encoder.rel_embeddings.weight.shape
    assert (ours.deberta.encoder.convolution is None) == (not values.get("conv_kernel_size"))
