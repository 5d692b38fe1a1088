from __future__ import annotations

import warnings

import pytest
import seqeval.metrics
from hypothesis import given
from hypothesis import strategies as st
from seqeval.scheme import IOB2, Entities
from sklearn.metrics import f1_score

from korscideberta.metrics.spans import character_f1, entities, entity_scores

TAGS = ["O", "B-PS", "I-PS", "B-OG", "I-OG", "B-X-Y", "I-X-Y"]
TYPES = ("PS", "OG", "X-Y", "absent")
pairs = st.lists(
    st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=8), min_size=1, max_size=6
)


def unzipped(problem):
    gold = [[true for true, _ in line] for line in problem]
    predicted = [[guess for _, guess in line] for line in problem]
    return gold, predicted


@given(pairs)
def test_default_reading_and_scores_are_seqevals(problem):
    gold, predicted = unzipped(problem)
    found = [[entities(line) for line in lines] for lines in (gold, predicted)]
    figures = entity_scores(*found, TYPES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # seqeval warns of empty denominators
        assert figures["f1_micro"] == pytest.approx(seqeval.metrics.f1_score(gold, predicted))
        assert figures["precision"] == pytest.approx(seqeval.metrics.precision_score(gold, predicted))
        assert figures["recall"] == pytest.approx(seqeval.metrics.recall_score(gold, predicted))
        if any(map(entities, gold + predicted)):  # seqeval's mean over no type is NaN
            assert figures["f1_macro"] == pytest.approx(seqeval.metrics.f1_score(gold, predicted, average="macro"))
            report = seqeval.metrics.classification_report(gold, predicted, output_dict=True)
            for label in TYPES:
                assert figures[f"f1_{label}"] == pytest.approx(report.get(label, {"f1-score": 0})["f1-score"])


@given(pairs)
def test_strict_reading_and_scores_are_seqevals(problem):
    gold, predicted = unzipped(problem)
    for line in gold:
        expected = [(entity.start, entity.end, entity.tag) for entity in Entities([line], IOB2).entities[0]]
        assert entities(line, strict=True) == expected
    figures = entity_scores(
        [entities(line, strict=True) for line in gold], [entities(line, strict=True) for line in predicted]
    )
    if any(tag.startswith("B") for line in gold + predicted for tag in line):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            strict = {"mode": "strict", "scheme": IOB2}
            assert figures["f1_micro"] == pytest.approx(seqeval.metrics.f1_score(gold, predicted, **strict))
            assert figures["f1_macro"] == pytest.approx(
                seqeval.metrics.f1_score(gold, predicted, average="macro", **strict)
            )


@given(pairs)
def test_character_f1_is_klues(problem):
    gold, predicted = unzipped(problem)
    # As the official script does it: characters of all texts in one list, each text between two special tokens.
    true, guess = ([TAGS.index(tag) for line in lines for tag in ("O", *line, "O")] for lines in (gold, predicted))
    expected = f1_score(true, guess, labels=list(range(len(TAGS))), average="macro", zero_division=True)
    assert character_f1(gold, predicted, TAGS, official=True) == pytest.approx(expected)
    named = TAGS[1:5]
    true, guess = ([tag for line in lines for tag in line] for lines in (gold, predicted))
    expected = f1_score(true, guess, labels=named, average="macro", zero_division=0)
    assert character_f1(gold, predicted, named, official=False) == pytest.approx(expected)


def test_without_the_outside_tag_a_model_that_finds_nothing_has_nothing():
    gold = [["B-PS", "I-PS", "O"]]
    assert character_f1(gold, [["O"] * 3], ["B-PS", "I-PS"], official=False) == 0
    assert character_f1(gold, gold, ["B-PS", "I-PS"], official=False) == 1


def test_adjacent_entities_of_one_type_are_two():
    assert entities(["B-PS", "B-PS", "I-PS"]) == [(0, 1, "PS"), (1, 3, "PS")]


@pytest.mark.parametrize("tag", ["X-PS", "B", "B-", "I", "", "PS"])
def test_other_tags_are_refused(tag):
    with pytest.raises(ValueError, match="tag 1 is"):
        entities(["O", tag])


def test_lists_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="1 predicted tags for 2 characters"):
        character_f1([["O", "O"]], [["O"]], TAGS, official=True)
    with pytest.raises(ValueError, match="zip"):
        entity_scores([[]], [[], []])
