import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from korscideberta.errors import ConfigError, DataError
from korscideberta.model import DebertaV2Config, DebertaV2ForMaskedLM, DebertaV2ForReplacedTokenDetection

CONFIG = DebertaV2Config(
    vocab_size=211,
    hidden_size=16,
    num_hidden_layers=3,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=40,
    position_buckets=8,
    initializer_range=0.2,
)


def build(config=CONFIG, cls=DebertaV2ForMaskedLM, **options):
    torch.manual_seed(0)
    return cls(config, **options).eval()


def tokens(lengths):
    torch.manual_seed(1)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return torch.randint(1, 211, mask.shape) * mask, mask


def some_labels(ids, mask, share=0.3):
    return ids.masked_fill((torch.rand(ids.shape) > share) | (mask == 0), -100)


class Shapes(TorchDispatchMode):
    """The shapes of all tensors that come into being."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for x in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(x, torch.Tensor):
                self.seen.add(tuple(x.shape))
        return out


@pytest.mark.parametrize("config", [CONFIG, CONFIG.with_changes(mlm_head="plain")])
@pytest.mark.parametrize("attention", ["dense", "strided"])
def test_labels_change_no_logit(config, attention):
    """Asking at masked tokens alone gives what asking everywhere gives there, forward and backward."""
    model = build(config, attention=attention)
    ids, mask = tokens([9, 1, 25, 14])
    labels = some_labels(ids, mask)
    everywhere = model(ids, mask).logits
    masked = labels >= 0
    reference = torch.nn.functional.cross_entropy(everywhere[masked], labels[masked])
    output = model(ids, mask, labels=labels, output_logits=True)
    torch.testing.assert_close(output.logits, everywhere[masked], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(output.loss, reference)
    weights = list(model.parameters())
    for found, expected in zip(
        torch.autograd.grad(output.loss, weights, allow_unused=True),
        torch.autograd.grad(reference, weights, allow_unused=True),
        strict=True,
    ):
        assert (found is None) == (expected is None)
        if found is not None:
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_only_masked_tokens_reach_the_vocabulary_and_the_decoder():
    model = build()
    ids, mask = tokens([23, 23, 23, 23])
    labels = torch.full_like(ids, -100)
    labels[0, 3] = labels[0, 4] = labels[2, 9] = 7
    with torch.no_grad():
        for _ in range(2):  # the second time the position projections are kept from the first
            with Shapes() as shapes:
                output = model(ids, mask, labels=labels)
    assert output.logits is None
    by_vocabulary = {shape[0] for shape in shapes.seen if len(shape) == 2 and shape[1] == 211 and shape[0] != 16}
    assert by_vocabulary == {3}
    assert (3, 32) in shapes.seen  # the decoder's feed-forward network


def test_the_last_layer_gives_way_to_the_decoder():
    model = build()
    ran = []
    for index, layer in enumerate(model.deberta.encoder.layers):
        layer.register_forward_hook(lambda *_, index=index: ran.append(index))
    states = model(*tokens([5, 3]), output_hidden_states=True).hidden_states
    assert ran == [0, 1]
    assert len(states) == 3
    plain = build(CONFIG.with_changes(position_biased_input=True))
    assert len(plain(*tokens([5, 3]), output_hidden_states=True).hidden_states) == 4


def test_one_layer_decodes_from_the_embeddings():
    model = build(CONFIG.with_changes(num_hidden_layers=1))
    ids, mask = tokens([5, 3])
    model(ids, mask, labels=some_labels(ids, mask)).loss.backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_every_weight_learns():
    model = build().train()
    ids, mask = tokens([15, 8])
    model(ids, mask, labels=some_labels(ids, mask)).loss.backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_nothing_masked():
    model = build()
    ids, mask = tokens([5, 3])
    output = model(ids, mask, labels=torch.full_like(ids, -100), output_logits=True)
    assert output.loss == 0
    assert output.logits.shape == (0, 211)
    output.loss.backward()
    assert all(p.grad is None or (p.grad == 0).all() for p in model.parameters())


def test_narrow_embeddings_have_no_decoder():
    narrow = CONFIG.with_changes(embedding_size=8)
    with pytest.raises(ConfigError, match=r"embedding_size=8 .* hidden_size=16; .* mlm_head=plain"):
        build(narrow)
    assert build(narrow.with_changes(mlm_head="plain"))(*tokens([5])).logits.shape == (1, 5, 211)


def test_longer_than_the_absolute_positions():
    with pytest.raises(DataError, match="41 pieces exceeds the model's 40"):
        build()(*tokens([41]))


def test_replaced_tokens_left_out():
    model = build(cls=DebertaV2ForReplacedTokenDetection)
    ids, mask = tokens([9, 4])
    labels = torch.randint(0, 2, ids.shape)
    labels[0, :3] = -100
    output = model(ids, mask, labels=labels)
    kept = (labels >= 0) & mask.bool()
    reference = torch.nn.functional.binary_cross_entropy_with_logits(output.logits[kept], labels[kept].float())
    torch.testing.assert_close(output.loss, reference)
    count = mask.sum(1)
    packed = model.forward_packed(ids[mask.bool()], count.cumsum(0) - count, labels=labels[mask.bool()])
    torch.testing.assert_close(packed.loss, reference)
    torch.testing.assert_close(packed.logits, output.logits[mask.bool()])


def test_labels_of_another_shape():
    ids, mask = tokens([5, 3])
    for cls in (DebertaV2ForMaskedLM, DebertaV2ForReplacedTokenDetection):
        with pytest.raises(DataError, match=r"labels have shape \(2, 4\)"):
            build(cls=cls)(ids, mask, labels=ids[:, :4])
