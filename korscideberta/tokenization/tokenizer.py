"""`DebertaV2Tokenizer`: text → normalised text → morphs → SentencePiece ids → `[CLS] A [SEP] (B [SEP])`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from korscideberta.errors import ConfigError, DataError
from korscideberta.files import replacing, write_json
from korscideberta.hub import locate
from korscideberta.normalize import normalization
from korscideberta.tokenization.batch import (
    MODEL_INPUTS,
    BatchEncoding,
    Layout,
    Padding,
    PaddingSide,
    ReturnTensors,
    checked_side,
    pad_rows,
    padding_strategy,
)
from korscideberta.tokenization.fingerprint import FINGERPRINT_KEY, fingerprint, refuse_difference
from korscideberta.tokenization.offsets import Aligned, broken_up, joined, lowered, normalized, piece_spans
from korscideberta.tokenization.pieces import (
    MODEL_FILE,
    ROLES,
    Pieces,
    SpecialToken,
    added_tokens,
    find_special_tokens,
    read_json,
)
from korscideberta.tokenization.ragged import Ragged
from korscideberta.tokenization.recipe import CONFIG_KEY, Recipe
from korscideberta.tokenization.rows import EncodedText, Truncation, columns, joined_words, plan_rows, word_ids
from korscideberta.tokenization.stored import load_recipe, store_recipe
from korscideberta.tokenization.truncation import truncation_strategy
from korscideberta.tokenization.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

DEFAULT_MAX_LENGTH = 512

Texts = str | Sequence[str] | Sequence[Sequence[str]]
PairTexts = str | Sequence[str | None] | Sequence[Sequence[str] | None] | None


class DebertaV2Tokenizer(Vocabulary):
    """The tokenizer of Korean science DeBERTa-v2 models.

    Built by `from_pretrained` or `train_tokenizer`. A special token's spelling inside a text is ordinary text: only the
    tokenizer itself puts special ids into a row. Pickles, and works in forked and spawned processes; each opens its own
    analyser. transformers' data collators and Trainer take it as their tokenizer.
    """

    model_input_names = MODEL_INPUTS
    is_fast = True
    """What transformers asks before it asks for offsets."""

    def __init__(
        self,
        pieces: Pieces,
        special_tokens: Mapping[str, SpecialToken],
        recipe: Recipe,
        *,
        model_max_length: int = DEFAULT_MAX_LENGTH,
        lower_case: bool = False,
        padding_side: PaddingSide = "right",
        config: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(pieces, special_tokens)
        self.recipe = recipe
        self.model_max_length = model_max_length
        self.lower_case = lower_case
        self.padding_side = padding_side
        self.deprecation_warnings: dict[str, bool] = {}
        """Where transformers' data collators note which of its warnings were given."""
        self._config = dict(config or {})
        self._analyser = recipe.analyser()
        # Spellings that the model would read from a text as the special token (user-defined pieces, in its words).
        self._readable_specials = [
            special.token
            for special in special_tokens.values()
            if special.id != self.unk_token_id and special.id in pieces.encode([special.token])[0]
        ]

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        *,
        engine: str | None = None,
        revision: str | None = None,
        user_dictionary: str | Path | None = None,
        ignore_user_dictionary: bool = False,
        allow_mismatch: bool = False,
    ) -> DebertaV2Tokenizer:
        """The tokenizer of a folder or hub repository: `spm.model` and the JSON files beside it.

        `source` and `revision` are those of `hub.locate`.

        `engine` (`mecab`, `mecab-ko`, `none`) overrides the recorded analyser. A folder without a recorded
        recipe is taken for the released model's kind: analyser `mecab-ko` where it is installed, else
        `mecab` with a warning. With `engine="none"` such a folder is plain SentencePiece, not even
        normalised.

        `user_dictionary` takes the place of the recorded one, `ignore_user_dictionary` goes without.
        What is not overridden so must be what the folder's fingerprint records; `allow_mismatch` makes a
        difference, or a part that this machine lacks, a warning.

        Raises ModelError for a missing, damaged or changed file and for another fingerprint than recorded, ConfigError
        for impossible settings, DependencyError where the analyser or its dictionary is not installed.
        """
        folder = locate(source, "tokenizer", revision=revision)
        pieces = Pieces.load(folder / MODEL_FILE)
        config = read_json(folder / "tokenizer_config.json")
        if config.get("split_by_punct"):
            raise ConfigError(f"{folder / 'tokenizer_config.json'}: split_by_punct is not supported")
        specials = find_special_tokens(pieces, folder)
        spellings = {special.token for special in specials.values()}
        ignored = [token for token in added_tokens(folder, config) if token not in spellings]
        if ignored:
            logger.warning("%s: added tokens are not recognised in texts: %s", folder, ", ".join(ignored))
        tokenizer = cls(
            pieces,
            specials,
            load_recipe(
                config,
                folder,
                engine=engine,
                user_dictionary=user_dictionary,
                ignore_user_dictionary=ignore_user_dictionary,
                allow_mismatch=allow_mismatch,
            ),
            model_max_length=_max_length(config, folder),
            lower_case=bool(config.get("do_lower_case", False)),
            padding_side=checked_side(config.get("padding_side", "right")),
            config=config,
        )
        tokenizer._analyser.open()
        overridden = {"engine", "dictionary"} if engine == "none" else {"engine"} if engine else set()
        if user_dictionary or ignore_user_dictionary or engine == "none":
            overridden |= {"user_dictionary"}
        refuse_difference(
            config.get(FINGERPRINT_KEY),
            tokenizer.fingerprint(),
            owner=str(source),
            ignored=overridden,
            allowed=allow_mismatch,
        )
        return tokenizer

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the tokenizer's files into `folder`, each whole or not at all; other files there are left alone.

        Raises DataError where the folder cannot be written to.
        """
        folder = Path(folder)
        names = {f"{role}_token": self._specials[role].token for role in ROLES if role in self._specials}
        with replacing(folder / MODEL_FILE) as path:
            path.write_bytes(self.pieces.model)
        added = {special.token: special.id for special in self._specials.values() if special.id >= len(self.pieces)}
        if added:
            write_json(folder / "added_tokens.json", added)
        write_json(folder / "special_tokens_map.json", names)
        write_json(
            folder / "tokenizer_config.json",
            {
                **self._config,
                **names,
                "tokenizer_class": "DebertaV2Tokenizer",
                "vocab_type": "spm",
                "do_lower_case": self.lower_case,
                "model_max_length": self.model_max_length,
                **({"padding_side": self.padding_side} if self.padding_side != "right" else {}),
                CONFIG_KEY: store_recipe(self.recipe, folder),
                FINGERPRINT_KEY: self.fingerprint(),
            },
        )

    def __call__(
        self,
        text: Texts,
        text_pair: PairTexts = None,
        *,
        padding: Padding = False,
        truncation: bool | str | None = False,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: ReturnTensors = None,
        return_token_type_ids: bool = True,
        return_attention_mask: bool = True,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        add_special_tokens: bool = True,
    ) -> BatchEncoding:
        """Encode one text (or pair) or a list of them.

        A None in a list of second texts makes that row a single text. Token types are 0 up to the first `[SEP]` and 1
        after it. Returns `input_ids`, `token_type_ids` and `attention_mask`: lists for one text, lists of lists for
        several, and (B, L) tensors with `return_tensors` (B = 1 for one text). `max_length` defaults to
        `model_max_length`, `padding_side` to the tokenizer's own.

        With `is_split_into_words` a text is a list of words. Each is encoded by itself, so no piece and no morph is cut
        across two words; `word_ids()` of the result tells which word a token belongs to.

        With `return_overflowing_tokens` what truncation cuts off makes further rows, each opening with the last
        `stride` tokens of the one before, and `overflow_to_sample_mapping` tells which text a row comes from; there are
        lists of lists for one text too. Rows and their order are those of transformers' fast tokenizers.

        `return_offsets_mapping` adds `offset_mapping`, for each token the half-open span `(start, end)`, in characters,
        of the text as given (of the word, with `is_split_into_words`) that it stands for: through normalisation,
        analyser and SentencePiece's own normaliser, white space at both ends left out. Tokens that share a character
        have its span each; a token that stands for nothing visible has an empty span; a special token has (0, 0).

        `return_special_tokens_mask` adds 1 for special tokens and pads, `return_length` the number of tokens of each
        row, pads not counted.

        Raises ConfigError for options that exclude each other or a `max_length` that special tokens alone exceed,
        DataError for a text that is not a string or that a truncation strategy cannot shorten enough.
        """
        pad, side = padding_strategy(padding), checked_side(padding_side or self.padding_side)
        strategy = truncation_strategy(truncation)
        if stride and (strategy is None or not return_overflowing_tokens):
            raise ConfigError(f"stride={stride} has no effect; add truncation=True and return_overflowing_tokens=True")
        if max_length is not None and strategy is None and pad != "max_length":
            raise ConfigError(f"max_length={max_length} has no effect; add truncation=True or padding='max_length'")
        length = self.model_max_length if max_length is None else max_length
        single = _is_single(text, is_split_into_words)
        firsts = self._encoded([text] if single else text, "text", is_split_into_words, return_offsets_mapping)
        if text_pair is None:
            seconds: list[EncodedText | None] = [None] * len(firsts)
        else:
            seconds = self._encoded_pairs(text_pair, len(firsts), single, is_split_into_words, return_offsets_mapping)
        rows = plan_rows(
            firsts,
            seconds,
            specials=add_special_tokens,
            truncation=None
            if strategy is None
            else Truncation(strategy=strategy, max_length=length, stride=stride, overflow=return_overflowing_tokens),
        )
        entries = columns(
            rows,
            firsts,
            seconds,
            cls_id=self.cls_token_id,
            sep_id=self.sep_token_id,
            token_types=return_token_type_ids,
            attention_mask=return_attention_mask,
            special_tokens_mask=return_special_tokens_mask,
            offsets=return_offsets_mapping,
            length=return_length,
        )
        if return_overflowing_tokens:
            entries["overflow_to_sample_mapping"] = [row.sample for row in rows]
        entries = pad_rows(
            entries,
            pad_id=self.pad_token_id,
            strategy=pad,
            side=side,
            max_length=length,
            multiple_of=pad_to_multiple_of,
            return_tensors=return_tensors,
        )
        layout = Layout(
            rows,
            word_ids(rows, firsts, seconds) if is_split_into_words else None,
            None if pad is None or not rows else len(entries["input_ids"][0]),
            side,
        )
        if single and return_tensors is None and not return_overflowing_tokens:
            entries = {key: column[0] for key, column in entries.items()}
        return BatchEncoding(entries, layout)

    def encode(self, text: Any, text_pair: Any = None, **options: Any) -> Any:
        """The `input_ids` of one text or pair; the options are those of calling the tokenizer."""
        return self(text, text_pair, **options)["input_ids"]

    def tokenize(self, text: str) -> list[str]:
        """The pieces of one text, without special tokens."""
        return [self.pieces.piece_of(index) for index in self._encoded([text], "text", False, False)[0].ids]

    def pad(
        self,
        rows: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]],
        *,
        padding: Padding = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool = True,
        return_tensors: ReturnTensors = None,
    ) -> BatchEncoding:
        """Pad encoded rows, given as one mapping of columns, as a list of mappings, or as the mapping of one row.

        Rows may be lists, arrays or tensors. `attention_mask` is added where it is missing. Padded are the entries that
        this tokenizer returns; others (`labels`) are passed on, as transformers' data collators expect.
        """
        if not isinstance(rows, Mapping | BatchEncoding):
            rows = {key: [row[key] for row in rows] for key in (rows[0] if rows else ())}
        entries = {key: _plain(column) for key, column in rows.items()}
        if "input_ids" not in entries:
            raise DataError(f"nothing to pad: no input_ids among {', '.join(entries) or 'no columns'}")
        ids = entries["input_ids"]
        single = len(ids) > 0 and isinstance(ids[0], int)
        if single:
            entries = {key: [column] for key, column in entries.items()}
        if return_attention_mask and "attention_mask" not in entries:
            entries["attention_mask"] = [[1] * len(row) for row in entries["input_ids"]]
        padded = pad_rows(
            entries,
            pad_id=self.pad_token_id,
            strategy=padding_strategy(padding),
            side=checked_side(padding_side or self.padding_side),
            max_length=self.model_max_length if max_length is None else max_length,
            multiple_of=pad_to_multiple_of,
            return_tensors=return_tensors,
        )
        return BatchEncoding({key: column[0] for key, column in padded.items()} if single else padded)

    def fingerprint(self) -> dict[str, Any]:
        """What decides which ids a text gets, and its `digest`; equal digests mean equal ids."""
        return fingerprint(
            self.recipe,
            model_sha256=self.pieces.sha256(),
            special_ids={role: special.id for role, special in sorted(self._specials.items())},
            lower_case=self.lower_case,
        )

    def prepare(self, texts: Iterable[str]) -> list[str]:
        """The lines that SentencePiece is given for `texts`: normalised, cut into morphs, joined."""
        return self.cut(self.normalise(texts))

    def normalise(self, texts: Iterable[str]) -> list[str]:
        """The texts as the analyser is given them."""
        normalise = normalization(self.recipe.normalization)
        return [normalise(text.lower() if self.lower_case else text) for text in texts]

    def cut(self, normalised: Iterable[str]) -> list[str]:
        """The lines that SentencePiece is given for normalised texts."""
        analyser, joiner = self._analyser.open(), self.recipe.joiner
        lines = []
        for text in normalised:
            line = analyser.spaced(text) if joiner == " " else joiner.join(analyser.morphs(text))
            for token in self._readable_specials:
                line = line.replace(token, f"{token[0]} {token[1:]}")
            lines.append(line)
        return lines

    def encode_flat(self, texts: Sequence[str]) -> Ragged:
        """The ids of each text, without special tokens, in one array: the fastest way for many texts."""
        return self.pieces.encode_flat(self.prepare(texts))

    def prepare_aligned(self, texts: Iterable[str]) -> list[Aligned]:
        """The lines of `prepare`, each knowing where its characters stand in its text."""
        analyser = self._analyser.open()
        lines = []
        for text in texts:
            line = Aligned.identity(text)
            line = normalized(lowered(line) if self.lower_case else line, self.recipe.normalization)
            line = joined(line, analyser.morphs(line.text), self.recipe.joiner)
            for token in self._readable_specials:
                line = broken_up(line, token)
            lines.append(line)
        return lines

    def _encoded(self, texts: Any, argument: str, split: bool, offsets: bool) -> list[EncodedText]:
        if not split:
            return self._encode_strings(_checked_texts(texts, argument), offsets)
        lists = _checked_words(texts, argument)
        encoded = iter(self._encode_strings([word for words in lists for word in words], offsets))
        return [joined_words([next(encoded) for _ in words], offsets) for words in lists]

    def _encode_strings(self, texts: Sequence[str], offsets: bool) -> list[EncodedText]:
        if not offsets:
            return [EncodedText(ids) for ids in self.pieces.encode(self.prepare(texts))]
        return [EncodedText(*piece_spans(line, self.pieces)) for line in self.prepare_aligned(texts)]

    def _encoded_pairs(
        self, text_pair: Any, count: int, single: bool, split: bool, offsets: bool
    ) -> list[EncodedText | None]:
        if single != _is_single(text_pair, split):
            raise DataError("text and text_pair must both be single texts or both be lists of texts")
        texts = [text_pair] if single else text_pair
        if len(texts) != count:
            raise DataError(f"text has {count} rows and text_pair {len(texts)}")
        encoded = iter(self._encoded([text for text in texts if text is not None], "text_pair", split, offsets))
        return [None if text is None else next(encoded) for text in texts]


def _is_single(text: Any, split: bool) -> bool:
    """Whether `text` is one text, not a list of them; a list without words or texts is one text of no words."""
    if not split:
        return isinstance(text, str)
    return not isinstance(text, str) and (len(text) == 0 or isinstance(text[0], str))


def _checked_texts(texts: Any, argument: str) -> Sequence[str]:
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"{argument} of row {row} is {text!r} ({type(text).__name__}), not a string")
    return cast(Sequence[str], texts)


def _checked_words(texts: Any, argument: str) -> Sequence[Sequence[str]]:
    if isinstance(texts, str):
        raise DataError(f"{argument} is a string; with is_split_into_words it is a list of words, or of such lists")
    for row, words in enumerate(texts):
        if isinstance(words, str) or not isinstance(words, Sequence):
            raise DataError(f"{argument} of row {row} is {words!r} ({type(words).__name__}), not a list of words")
        for place, word in enumerate(words):
            if not isinstance(word, str):
                raise DataError(
                    f"word {place} of {argument} of row {row} is {word!r} ({type(word).__name__}), not a string"
                )
    return cast(Sequence[Sequence[str]], texts)


def _plain(column: Any) -> Any:
    """A column of a batch, or one row, with arrays and tensors turned into lists."""
    if hasattr(column, "tolist"):
        return column.tolist()
    return [item.tolist() if hasattr(item, "tolist") else item for item in column]


def _max_length(config: Mapping[str, Any], folder: Path) -> int:
    value = config.get("model_max_length", DEFAULT_MAX_LENGTH)
    # transformers writes 1e30 for "no limit"; a model of this kind is trained with 512 positions.
    if isinstance(value, float) or (isinstance(value, int) and value > 2**31):
        return DEFAULT_MAX_LENGTH
    if not isinstance(value, int) or value < 3:
        raise ConfigError(f"{folder / 'tokenizer_config.json'}: model_max_length={value!r} is not a usable length")
    return value
