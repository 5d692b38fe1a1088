"""What 33, 372 and 2,898 fields cost, one level at a time and all at once, and whether sampling them would pay.

usage: python benchmarks/levels.py [--quick] [--layers 12] [--texts 32] [--tokens 128] [--rounds 5] [--rows 5000]
                                   [--json FILE]

step: forward, loss, backward and AdamW update of a 12 x 768 model with a vocabulary of 128,100 and random weights, on
--texts texts of --tokens random tokens with made fields, float32; memory is the most MiB resident above what is before
the first step. head: of that step the classifier, its loss and their gradients alone, on hidden states that are given;
the peer is the same with a softmax over the gold field and 256 that are drawn anew each time, corrected for how often
they are drawn (Jean et al. 2015, arXiv 1412.2007): where the ratio is below 1, drawing takes less time. evaluation:
figures and predictions of --rows rows from their logits. Medians over the rounds, both sides in turn.

--quick: 2 layers, 8 texts, 1,000 rows.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from _measure import compared, in_turn, memory_is_told, peak_mib, seconds
from _table import Row, Table, add_options
from korscideberta import DebertaV2Config, DebertaV2ForSequenceClassification
from korscideberta.data.batching import Batch
from korscideberta.data.examples import Example
from korscideberta.tasks.papers import papers_at
from korscideberta.tasks.taxonomy import LARGE, LEVELS, Field, Taxonomy
from korscideberta.training.kinds import kind_of
from korscideberta.training.kinds.sequence import SequenceKind
from korscideberta.training.settings import TrainSettings

MIDDLE, SMALL = 372, 2898
SAMPLED = 256
FIRST_PIECE = 5


def made_fields() -> Taxonomy:
    """As many fields at each level as the national classification has."""
    middle = [Field(f"{(top := LARGE[i % len(LARGE)].code)}{i // len(LARGE):02}", f"중{i}", top) for i in range(MIDDLE)]
    small = [Field(f"{(top := middle[i % MIDDLE].code)}{i // MIDDLE:02}", f"소{i}", top) for i in range(SMALL)]
    return Taxonomy([*LARGE, *middle, *small])


def kind_at(level: str, fields: Taxonomy) -> SequenceKind:
    """The kind of head for a level, with every field in the training rows."""
    task = papers_at(level, fields)
    train = [Example(id=label, text="", labels=(label,)) for label in task.labels or ()]
    kind = kind_of(task).learn(task, train, "made")
    assert isinstance(kind, SequenceKind)
    return kind


def made_batch(kind: SequenceKind, texts: int, tokens: int, vocab_size: int) -> Batch:
    """Texts of random tokens, each with a random field."""
    random = torch.Generator().manual_seed(0)
    gold = torch.randint(len(kind.labels), (texts,), generator=random)
    ids = torch.randint(FIRST_PIECE, vocab_size, (texts * tokens,), generator=random)
    starts = torch.arange(texts) * tokens
    targets = F.one_hot(gold, len(kind.labels)).float()
    return Batch(input_ids=ids, token_type_ids=torch.zeros_like(ids), starts=starts, targets=targets)


def whole_step(kind: SequenceKind, config: DebertaV2Config, texts: int, tokens: int) -> Callable[[], None]:
    """A training step of a model with the kind's head."""
    torch.manual_seed(0)
    changed = config.with_labels(kind.model_labels).with_changes(**kind.config_changes)
    model = DebertaV2ForSequenceClassification(changed).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    batch = made_batch(kind, texts, tokens, config.vocab_size)
    objective = kind.objective(TrainSettings())

    def step() -> None:
        (objective(model(**batch.inputs).logits, batch) / objective.weight(batch)).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def head_alone(kind: SequenceKind, texts: int, hidden: int) -> Callable[[], None]:
    """Classifier and loss of a step."""
    state_BD = torch.randn(texts, hidden).requires_grad_()
    classifier = torch.nn.Linear(hidden, len(kind.model_labels))
    batch = made_batch(kind, texts, 1, FIRST_PIECE + 1)
    objective = kind.objective(TrainSettings())
    return lambda: objective(classifier(state_BD), batch).backward()


def sampled_head(kind: SequenceKind, texts: int, hidden: int) -> Callable[[], None]:
    """The same with a softmax over the gold fields and some that are drawn."""
    state_BD = torch.randn(texts, hidden).requires_grad_()
    weight_CD = torch.nn.Parameter(torch.randn(len(kind.labels), hidden))
    bias_C = torch.nn.Parameter(torch.zeros(len(kind.labels)))
    gold_B = torch.randint(len(kind.labels), (texts,))

    def run() -> None:
        drawn_S = torch.randint(len(kind.labels), (SAMPLED,))
        place_BS = F.linear(state_BD, weight_CD[drawn_S], bias_C[drawn_S])
        hit_BS = drawn_S == gold_B[:, None]
        correction = np.log(SAMPLED / len(kind.labels))
        others_BS = (place_BS - correction).masked_fill(hit_BS, -torch.inf)
        own_B: Tensor = (state_BD * weight_CD[gold_B]).sum(dim=1) + bias_C[gold_B]
        logits = torch.cat([own_B[:, None], others_BS], dim=1)
        F.cross_entropy(logits, torch.zeros(texts, dtype=torch.long), reduction="sum").backward()

    return run


def evaluation(kind: SequenceKind, rows: int) -> Callable[[], None]:
    """Figures and predictions from logits."""
    random = np.random.default_rng(0)
    logits = torch.from_numpy(random.standard_normal((rows, len(kind.model_labels))).astype(np.float32))
    examples = [
        Example(id=str(row), text="", labels=(kind.labels[place],))
        for row, place in enumerate(random.integers(len(kind.labels), size=rows).tolist())
    ]

    def run() -> None:
        outputs = kind.of_labels(logits).numpy()
        kind.figures(examples, outputs, 3)
        kind.predictions(examples, outputs, 3)

    return run


def measured(call: Callable[[], None], rounds: int, scale: float) -> tuple[float, float | None]:
    """The median time of a call, and its peak memory where the system tells."""
    memory = peak_mib(call, above=True) if memory_is_told() else call()
    return scale * statistics.median(seconds(call) for _ in range(rounds)), memory


def main() -> None:
    """Measure every level."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--texts", type=int)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int)
    add_options(parser, "2 layers, 8 texts, 1,000 rows")
    options = parser.parse_args()
    layers = options.layers or (2 if options.quick else 12)
    texts = options.texts or (8 if options.quick else 32)
    rows = options.rows or (1000 if options.quick else 5000)
    config = DebertaV2Config(num_hidden_layers=layers)
    about = f"{layers} x 768, {texts} texts of {options.tokens} tokens, {rows:,} rows, {options.rounds} rounds"
    table = Table("levels", about, options)
    fields = made_fields()
    kinds = {level: kind_at(level, fields) for level in (*LEVELS, "all")}
    for level, kind in kinds.items():
        name = f"--level {level}, {len(kind.model_labels):,} logits"
        both = {
            "peer": sampled_head(kind, texts, config.hidden_size),
            "ours": head_alone(kind, texts, config.hidden_size),
        }
        for call in both.values():
            call()
        calls = {who: partial(seconds, call) for who, call in both.items()}
        times = [{who: 1000 * took for who, took in one.items()} for one in in_turn(calls, 10 * options.rounds)]
        table.add(Row(name=f"head, {name}", unit="ms", against="sampled", **compared(times, less_is_better=True)))
        took, memory = measured(whole_step(kind, config, texts, options.tokens), options.rounds, 1000)
        table.add(Row(name=f"step, {name}", unit="ms", ours=took, ours_mib=memory))
        took, memory = measured(evaluation(kind, rows), options.rounds, 1)
        table.add(Row(name=f"evaluation, {name}", unit="s", ours=took, ours_mib=memory))


if __name__ == "__main__":
    main()
