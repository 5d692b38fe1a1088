"""What extractive answers can reach at all, and what answering without a model reaches, on a file in SQuAD's layout.

    python benchmarks/reading.py KorQuAD_v1.0_dev.json [--vocab-size 8000] [--seed 42] [--run DIR]

First table: the gold answers put together from whole pieces of a tokenizer trained on the file, over an analyser's
morphs and without one. No extractive model over those pieces can score more. Second table: on the fifth of the articles
that `korsci run reading/korquad nano` holds back, the answer that is most frequent in the rest; a random run of words
as long as a random answer of the rest; the first sentence of the context; the one that shares most character pairs with
the question; with --run, a finished run of that launcher. Scores are KorQuAD's exact match and character F1.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from korscideberta.data.features import Limits
from korscideberta.data.questions import Question, read_squad
from korscideberta.data.windows import encode_questions
from korscideberta.evaluation.tables import text_table
from korscideberta.metrics.reading import korquad, means, question_scores
from korscideberta.tokenization import train_tokenizer
from korscideberta.training.finetune import SPLIT_SEED
from korscideberta.training.kinds.reading import ReadingKind


def scores(answers: Sequence[str], questions: Sequence[Question]) -> list[str]:
    """Mean exact match and F1, in per cent."""
    figures = means(question_scores(korquad, answers, [question.gold for question in questions]))
    return [f"{100 * value:.2f}" for value in figures.values()]


def reachable(questions: Sequence[Question], engine: str, vocab_size: int) -> list[str]:
    """What the gold answers score when they are widened to whole pieces, and how fast contexts are encoded."""
    texts = list(dict.fromkeys(text for question in questions for text in (question.question, question.context)))
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = train_tokenizer(texts, Path(folder), vocab_size=vocab_size, engine=engine)
    start = time.perf_counter()
    features = encode_questions(questions, tokenizer, Limits(max_length=384, doc_stride=128), labelled=True)
    rate = sum(map(len, texts)) / (time.perf_counter() - start)
    widened, exact = [], 0
    for question, context in zip(questions, features.contexts, strict=True):
        places = context.places(question.answers[0])
        assert places is not None, question.id
        start_place, end_place = int(context.spans[places[0], 0]), int(context.spans[places[1], 1])
        widened.append(question.context[start_place:end_place])
        exact += (start_place, end_place) == question.answers[0]
    whole = f"{exact:,} of {len(questions):,}"
    return [engine, whole, *scores(widened, questions), f"{len(features):,}", f"{rate:,.0f}"]


def without_a_model(train: Sequence[Question], seed: int) -> dict[str, Callable[[Question], str]]:
    """Ways of answering, by name."""
    draw = random.Random(seed)
    frequent = Counter(question.gold[0] for question in train).most_common(1)[0][0]
    lengths = [len(question.gold[0].split()) for question in train]

    def random_words(question: Question) -> str:
        words = question.context.split()
        length = min(draw.choice(lengths), len(words))
        first = draw.randint(0, len(words) - length)
        return " ".join(words[first : first + length])

    def nearest_sentence(question: Question) -> str:
        asked = pairs(question.question)
        return max(sentences(question.context), key=lambda sentence: (asked & pairs(sentence)).total())

    return {
        f"most frequent answer ({frequent})": lambda question: frequent,
        "random words": random_words,
        "first sentence": lambda question: sentences(question.context)[0],
        "sentence most like the question": nearest_sentence,
    }


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return [part for part in re.split(r"(?<=[.!?])\s+", text) if part.strip()]


def pairs(text: str) -> Counter[str]:
    """How often each pair of neighbouring characters occurs."""
    return Counter(first + second for first, second in pairwise(text))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--vocab-size", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--run", type=Path, help="a finished run, whose figures on dev are shown too")
    options = parser.parse_args()
    questions = read_squad(options.file, labelled=True, some_impossible=False)
    rows = [reachable(questions, engine, options.vocab_size) for engine in ("mecab", "none")]
    header = ["analyser", "answers of whole pieces", "EM at most", "F1 at most", "windows", "characters/s"]
    print(text_table([header, *rows]), end="\n\n")

    train, held = ReadingKind.hold_out(questions, 0.2, SPLIT_SEED)
    print(f"{len(train):,} questions to learn from, {len(held):,} held back, no article in both")
    table = [["", "EM", "F1"]]
    for name, answer in without_a_model(train, options.seed).items():
        table.append([name, *scores([answer(question) for question in held], held)])
    if options.run is not None:
        figures = json.loads((options.run / "metrics.json").read_text(encoding="utf-8"))["dev"]
        table.append([str(options.run), *(f"{100 * figures[name]:.2f}" for name in ("em", "f1"))])
    print(text_table(table))


if __name__ == "__main__":
    main()
