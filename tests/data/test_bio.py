from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Entities

from korscideberta.data.bio import labels_of, to_bio
from korscideberta.errors import DataError

# Entities in the order of the text: how many tokens lie before each, how many it has, its type.
layouts = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from(["PS", "OG"])), max_size=5)


def written(layout, scheme):
    """The tags of a layout in a scheme."""
    tags: list[str] = []
    before = None
    for gap, length, label in layout:
        tags += ["O"] * gap
        if scheme == "IOB1":
            first = "B" if before == label and not gap else "I"
            tags += [f"{first}-{label}", *[f"I-{label}"] * (length - 1)]
        elif scheme == "BIO" or length > 1:
            last = {"BIO": "I", "IOBES": "E", "BILOU": "L"}[scheme]
            inner = [f"I-{label}"] * (length - 2) + [f"{last}-{label}"] if length > 1 else []
            tags += [f"B-{label}", *inner]
        else:
            tags.append(f"{'S' if scheme == 'IOBES' else 'U'}-{label}")
        before = label
    return [*tags, "O"]


def located(sentences):
    return [[(tag, f"f:{row}:{place}") for place, tag in enumerate(line)] for row, line in enumerate(sentences)]


@pytest.mark.parametrize(("scheme", "peer"), [("BIO", IOB2), ("IOB1", IOB1), ("IOBES", IOBES), ("BILOU", BILOU)])
@given(st.lists(layouts, min_size=1, max_size=4))
def test_every_scheme_becomes_bio_with_the_same_entities(scheme, peer, layout):
    sentences = [written(line, scheme) for line in layout]
    read = Entities(sentences, peer).entities
    assert Entities(to_bio(located(sentences)), IOB2).entities == read


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        ([["B-PS", "O"], ["O", "I-OG"]], "f:1:1: the tag 'I-OG' begins an entity"),
        ([["B-PS", "I-OG"]], "f:0:1: the tag 'I-OG' begins"),
        ([["O", "PS"]], "f:0:1: the tag is 'PS'"),
        ([["O", "B"]], "f:0:1: the tag is 'B'"),
        ([["O", "o"]], "f:0:1: the tag is 'o'"),
        ([["B-PS", "O", "S-PS"]], "f:0:1: the tag 'O' stands where the entity 'PS' is not yet closed"),
        ([["O", "E-PS"]], "f:0:1: the tag 'E-PS' continues no entity"),
        ([["S-PS", "B-PS"]], "f:0:1: the sentence ends before the entity 'PS' is closed"),
        ([["S-PS"], ["U-PS"]], "f:0:0: tags of IOBES and of BILOU"),
    ],
)
def test_tags_out_of_place_are_refused(sentences, message):
    with pytest.raises(DataError, match=message):
        to_bio(located(sentences))


def test_labels_have_an_order():
    assert labels_of(["PS", "OG", "PS"]) == ("O", "B-OG", "I-OG", "B-PS", "I-PS")
