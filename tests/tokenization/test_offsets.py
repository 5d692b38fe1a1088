"""Spans against the truth that normalising what they cut out of the text gives what the pieces spell."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
import sentencepiece
from hypothesis import example, given, settings
from hypothesis import strategies as st

from korscideberta import normalize
from korscideberta.tokenization import DebertaV2Tokenizer, Recipe, offsets
from korscideberta.tokenization.mecab import WINDOW, is_installed
from korscideberta.tokenization.offsets import Aligned
from korscideberta.tokenization.pieces import Pieces, SpecialToken

SNIPPETS = [
    *(
        "나노입자",
        "촉매를 ",
        "미세플라스틱",
        "합성하였다.",
        "漢字",
        "論文 ",
        "catalyst ",
        "COVID-19",
        "İstanbul",
        "ΑΣ",
        "ß",
    ),
    *("\u1112\u1161\u11ab\u1100\u1173\u11af", "ㅋㅋㅠㅠ", "\u110f\u110f", "\u1161\u1161", "\u11ab", "\uac00\u11a8"),
    *("H₂O", "x²+y²=½", "㎏", "ﬃ", "𝒳", "™", "…", "。  ", "．", "（주）", "１２％", "《글》", "―", "´", "\u2329"),
    *(
        "😀",
        "👨\u200d👩\u200d👧",
        "e\u0301",
        "a\u0307\u0323",
        "a\u0323\u0307",
        "\u0958",
        "\u0344",
        "\u0f73",
        "\u0338",
        "=",
    ),
    *(
        " ",
        "   ",
        "\t",
        "\r\n",
        "\u3000",
        "\xa0",
        "\u200b",
        "\ufeff",
        "\0",
        "\x07",
        "\x85",
        "\ud800",
        "\udfff",
        "\ufffd",
    ),
    *("[CLS]", "[SEP]", "[MASK]", "<s>", "[UNK]", "<0xE3>", "▁", "▁▁", "."),
]
TEXT = st.lists(st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=4)), max_size=12).map("".join)

KINDS = [
    "bpe over mecab",
    "bpe over the fork",
    "bytes over mecab",
    "unigram",
    "bytes, lower case",
    "joined by a sign",
    "readable specials",
]


@pytest.fixture(scope="module")
def tokenizers(corpus: list[str], tokenizer: DebertaV2Tokenizer) -> dict[str, DebertaV2Tokenizer]:
    """Tokenizers of every kind, by the names in `KINDS`."""

    def build(recipe: Recipe, *, lower_case: bool = False, **options: Any) -> DebertaV2Tokenizer:
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus),
            model_writer=model,
            hard_vocab_limit=False,
            pad_id=0,
            bos_id=1,
            eos_id=2,
            unk_id=3,
            pad_piece="[PAD]",
            bos_piece="[CLS]",
            eos_piece="[SEP]",
            unk_piece="[UNK]",
            minloglevel=2,
            **options,
        )
        pieces = Pieces(model.getvalue())
        spellings = {"pad": "[PAD]", "cls": "[CLS]", "sep": "[SEP]", "unk": "[UNK]", "mask": "[MASK]"}
        found = {role: (token, pieces.id_of(token)) for role, token in spellings.items()}
        specials = {role: SpecialToken(token, index) for role, (token, index) in found.items() if index is not None}
        return DebertaV2Tokenizer(pieces, specials, recipe, lower_case=lower_case)

    bytes_too = {"model_type": "bpe", "vocab_size": 460, "byte_fallback": True}
    return {
        "bpe over mecab": tokenizer,
        "bpe over the fork": DebertaV2Tokenizer(
            tokenizer.pieces,
            tokenizer.special_tokens,
            Recipe(engine="mecab-ko" if is_installed("mecab-ko") else "none"),
        ),
        "bytes over mecab": build(Recipe(), **bytes_too),
        "unigram": build(Recipe(engine="none", normalization="none"), model_type="unigram", vocab_size=150),
        "bytes, lower case": build(Recipe(), lower_case=True, **bytes_too),
        "joined by a sign": build(Recipe(joiner=" @@ "), model_type="bpe", vocab_size=220),
        "readable specials": build(
            Recipe(engine="none"), model_type="bpe", vocab_size=220, user_defined_symbols=["[MASK]", "▁▁"]
        ),
    }


def surfaces(processor: sentencepiece.SentencePieceProcessor, line: str) -> list[bytes]:
    """What each piece of a line spells, without word marks; bytes, because byte pieces spell less than a character."""
    spelled = []
    for index, name in zip(processor.encode(line), processor.encode(line, out_type=str), strict=True):
        spelled.append(bytes([int(name[3:5], 16)]) if processor.is_byte(index) else name.replace("▁", "").encode())
    return spelled


def groups(spans: list[tuple[int, int]]) -> Iterator[list[int]]:
    """Indices of pieces that share characters, in one group each; pieces with an empty span left out."""
    group: list[int] = []
    end = 0
    for index, span in enumerate(spans):
        if span[0] == span[1]:
            continue
        if group and span[0] >= end:
            yield group
            group = []
        group.append(index)
        end = max(end, span[1])
    if group:
        yield group


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=60)
@given(text=TEXT)
@example(text="a\u0323\u0307\u0307 \u0f73\u0344")
@example(text="\uac00\u11a8\u0344")
@example(text="나노입자▁ 漢字")
@example(text="…[CLS]…\u1161\u1161\u1161")
def test_spans_cut_out_what_pieces_spell(tokenizers: dict[str, DebertaV2Tokenizer], kind: str, text: str) -> None:
    if kind == "bpe over the fork" and not is_installed("mecab-ko"):
        pytest.skip("the fork is not installed")
    tokenizer = tokenizers[kind]
    processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.pieces.model)
    row = tokenizer(text, return_offsets_mapping=True)
    assert row.input_ids == tokenizer(text).input_ids
    assert row.offset_mapping[0] == row.offset_mapping[-1] == (0, 0)
    spans = row.offset_mapping[1:-1]
    (line,) = tokenizer.prepare([text])
    assert tokenizer.prepare_aligned([text])[0].text == line
    spelled = surfaces(processor, line)
    joiner = tokenizer.recipe.joiner.strip()

    def standard(part: str) -> str:
        """`part` through the whole pipeline but the analyser, without spaces; the two small sigmas are one."""
        part = normalize.normalization(tokenizer.recipe.normalization)(part.lower() if tokenizer.lower_case else part)
        return processor.normalize(part).replace("▁", "").replace("ς", "σ")

    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert [start for start, _ in spans] == sorted(start for start, _ in spans)
    visible = [end for start, end in spans if start < end]
    assert visible == sorted(visible)
    covered = set()
    for group in groups(spans):
        start, end = spans[group[0]][0], spans[group[-1]][1]
        piece = b"".join(spelled[index] for index in group).decode()
        piece = piece.replace(joiner, "") if joiner else piece
        assert standard(text[start:end]) == piece.replace("ς", "σ")
        assert text[start:end].strip(" ") == text[start:end]
        covered |= set(range(start, end))
    for (start, end), surface in zip(spans, spelled, strict=True):
        if start == end:
            assert surface.decode().replace(joiner, "") == "" if joiner else surface == b""
    left = "".join(character if index not in covered else "\n" for index, character in enumerate(text))
    assert standard(left) == ""


@pytest.mark.parametrize(
    ("text", "cut_out"),
    [
        ("\u1102\u1161\u1102\u1169입자\u3000…", ["\u1102\u1161\u1102\u1169", "입자", "…", "…", "…"]),
        (" “COVID-19”\t백신 ", ["“", "COVID", "-", "19", "”", "백신"]),
        ("촉매\u200b를。  합성", ["촉매", "를", "。", "합성"]),
        ("[CLS]", ["[", "C", "L", "S", "]"]),
    ],
)
def test_what_spans_cut_out(tokenizer: DebertaV2Tokenizer, text: str, cut_out: list[str]) -> None:
    spans = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True).offset_mapping
    found = [text[start:end] for start, end in spans if start < end]
    # Pieces differ with the model; what they cut out of a morph adds up.
    assert "".join(found) == "".join(cut_out)


def test_a_lone_word_mark_stands_before_what_follows(tokenizers: dict[str, DebertaV2Tokenizer]) -> None:
    tokenizer = tokenizers["bytes over mecab"]
    text = "  𝒳  𝒴"
    row = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    assert tokenizer.tokenize(text)[0] == "▁"
    empty = [span for span in row.offset_mapping if span[0] == span[1]]
    assert empty == [(2, 2), (5, 5)]


@pytest.mark.parametrize("unit", ["나노입자", "😀", "합성 하였다 ", "\u1112\u1161\u11ab"])
def test_texts_longer_than_the_analysers_window(tokenizer: DebertaV2Tokenizer, unit: str) -> None:
    text = unit * (2 * WINDOW // len(unit) + 7) + " 촉매"
    row = tokenizer(text, return_offsets_mapping=True)
    assert row.input_ids == tokenizer.encode(text)
    covered = [place for start, end in row.offset_mapping for place in range(start, end)]
    assert covered == [place for place, character in enumerate(text) if character != " "]
    start, _ = next(span for span in row.offset_mapping[::-1] if text[slice(*span)].startswith("촉"))
    assert text[start:] == "촉매"


@given(TEXT)
def test_composition_is_followed_stretch_by_stretch(text: str) -> None:
    aligned = offsets.composed(Aligned.identity(text))
    assert aligned.text == unicodedata.normalize("NFC", text)
    assert list(aligned.starts) == sorted(aligned.starts)
    assert list(aligned.ends) == sorted(aligned.ends)
    spans = list(zip(aligned.starts, aligned.ends, strict=True))
    for span in set(spans):
        same = "".join(character for character, other in zip(aligned.text, spans, strict=True) if other == span)
        assert unicodedata.normalize("NFD", same) == unicodedata.normalize("NFD", text[slice(*span)])


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("\u1100\u1161\u1161\u1161", [(0, 2), (2, 3), (3, 4)]),
        ("e\u0301e", [(0, 2), (2, 3)]),
        ("xa\u0307\u0323y", [(0, 1), (1, 4), (1, 4), (4, 5)]),
        ("\u0958", [(0, 1), (0, 1)]),
    ],
)
def test_composition_is_followed_closely(text: str, spans: list[tuple[int, int]]) -> None:
    aligned = offsets.composed(Aligned.identity(text))
    assert list(zip(aligned.starts, aligned.ends, strict=True)) == spans
