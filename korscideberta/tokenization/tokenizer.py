"""`DebertaV2Tokenizer`: text → normalised text → morphs → SentencePiece ids → `[CLS] A [SEP] (B [SEP])`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from korscideberta.errors import ConfigError, DataError, ModelError
from korscideberta.files import replacing, write_json
from korscideberta.hub import locate
from korscideberta.normalize import normalization
from korscideberta.tokenization.batch import (
    PADDED_KEYS,
    BatchEncoding,
    Padding,
    ReturnTensors,
    Truncation,
    kept_lengths,
    pad_rows,
    padding_strategy,
    truncation_strategy,
)
from korscideberta.tokenization.fingerprint import fingerprint
from korscideberta.tokenization.mecab import SharedAnalyser, is_installed
from korscideberta.tokenization.pieces import (
    MODEL_FILE,
    ROLES,
    Pieces,
    SpecialToken,
    added_tokens,
    find_special_tokens,
    read_json,
)
from korscideberta.tokenization.recipe import CONFIG_KEY, Recipe
from korscideberta.unicode import compatibility_jamos

logger = logging.getLogger(__name__)

DEFAULT_MAX_LENGTH = 512


class DebertaV2Tokenizer:
    """The tokenizer of Korean science DeBERTa-v2 models.

    Built by `from_pretrained` or `train_tokenizer`. A special token's spelling inside a text is ordinary text: only the
    tokenizer itself puts special ids into a row. Pickles, and works in forked and spawned processes; each opens its own
    analyser.
    """

    model_input_names = PADDED_KEYS
    padding_side = "right"

    def __init__(
        self,
        pieces: Pieces,
        special_tokens: Mapping[str, SpecialToken],
        recipe: Recipe,
        *,
        model_max_length: int = DEFAULT_MAX_LENGTH,
        lower_case: bool = False,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.pieces = pieces
        self.recipe = recipe
        self.model_max_length = model_max_length
        self.lower_case = lower_case
        self._specials = dict(special_tokens)
        self._config = dict(config or {})
        self._analyser = SharedAnalyser(recipe.engine, recipe.dictionary)
        self.pad_token, self.pad_token_id = special_tokens["pad"].token, special_tokens["pad"].id
        self.cls_token, self.cls_token_id = special_tokens["cls"].token, special_tokens["cls"].id
        self.sep_token, self.sep_token_id = special_tokens["sep"].token, special_tokens["sep"].id
        self.unk_token, self.unk_token_id = special_tokens["unk"].token, special_tokens["unk"].id
        self._token_of_special = {special.id: special.token for special in special_tokens.values()}
        self._id_of_special = {special.token: special.id for special in special_tokens.values()}
        # Spellings that the model would read from a text as the special token (user-defined pieces, in its words).
        self._readable_specials = [
            special.token
            for special in special_tokens.values()
            if special.id != self.unk_token_id and special.id in pieces.encode([special.token])[0]
        ]

    @classmethod
    def from_pretrained(
        cls, source: str | Path, *, engine: str | None = None, revision: str | None = None
    ) -> DebertaV2Tokenizer:
        """The tokenizer of a folder or hub repository: `spm.model` and the JSON files beside it.

        `source` and `revision` are those of `hub.locate`.

        `engine` (`mecab`, `mecab-ko`, `none`) overrides the recorded analyser. A folder without a recorded
        recipe is taken for the released model's kind: analyser `mecab-ko` where it is installed, else
        `mecab` with a warning. With `engine="none"` such a folder is plain SentencePiece, not even
        normalised.

        Raises ModelError for a missing or damaged file, ConfigError for impossible settings, DependencyError where the
        analyser or its dictionary is not installed.
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
            _recipe(config, engine),
            model_max_length=_max_length(config, folder),
            lower_case=bool(config.get("do_lower_case", False)),
            config=config,
        )
        tokenizer._analyser.open()
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
                CONFIG_KEY: self.recipe.to_dict(),
            },
        )

    def __call__(
        self,
        text: str | Sequence[str],
        text_pair: str | Sequence[str | None] | None = None,
        *,
        padding: Padding = False,
        truncation: Truncation = False,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        return_tensors: ReturnTensors = None,
        return_token_type_ids: bool = True,
        return_attention_mask: bool = True,
        add_special_tokens: bool = True,
    ) -> BatchEncoding:
        """Encode one text (or pair) or a list of them.

        A None in a list of second texts makes that row a single text. Token types are 0 up to the first
        `[SEP]` and 1 after it. Returns `input_ids`, `token_type_ids` and `attention_mask`: lists for one
        text, lists of lists for several, and (B, L) tensors with `return_tensors` (B = 1 for one text).
        `max_length` defaults to `model_max_length`.

        Raises ConfigError for options that exclude each other or a `max_length` that special tokens alone
        exceed, DataError for a text that is not a string or that a truncation strategy cannot shorten
        enough.
        """
        single = isinstance(text, str)
        firsts = self._encode_texts([text] if isinstance(text, str) else text, "text")
        seconds = self._encode_pairs(text_pair, len(firsts), single)
        pad = padding_strategy(padding)
        cut = truncation_strategy(truncation)
        if max_length is not None and cut is None and pad != "max_length":
            raise ConfigError(f"max_length={max_length} has no effect; add truncation=True or padding='max_length'")
        length = self.model_max_length if max_length is None else max_length
        if cut is not None:
            _truncate(firsts, seconds, length, cut, add_special_tokens)
        columns = self._rows(firsts, seconds, add_special_tokens, return_token_type_ids, return_attention_mask)
        columns = pad_rows(
            columns,
            pad_id=self.pad_token_id,
            strategy=pad,
            max_length=length,
            multiple_of=pad_to_multiple_of,
            return_tensors=return_tensors,
        )
        if single and return_tensors is None:
            columns = {key: column[0] for key, column in columns.items()}
        return BatchEncoding(columns)

    def encode(self, text: str, text_pair: str | None = None, **options: Any) -> Any:
        """The `input_ids` of one text or pair; the options are those of calling the tokenizer."""
        return self(text, text_pair, **options)["input_ids"]

    def tokenize(self, text: str) -> list[str]:
        """The pieces of one text, without special tokens."""
        return [self.pieces.piece_of(index) for index in self._encode_texts([text], "text")[0]]

    def pad(
        self,
        rows: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]],
        *,
        padding: Padding = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        return_tensors: ReturnTensors = None,
    ) -> BatchEncoding:
        """Pad encoded rows, given as one mapping of columns or as a list of mappings, on the right to one length.

        `attention_mask` is added where it is missing; columns other than `model_input_names` are passed on unpadded.
        """
        if not isinstance(rows, Mapping | BatchEncoding):
            rows = {key: [row[key] for row in rows] for key in (rows[0] if rows else ())}
        columns = dict(rows)
        if "input_ids" not in columns:
            raise DataError(f"nothing to pad: no input_ids among {', '.join(columns) or 'no columns'}")
        if "attention_mask" not in columns:
            columns["attention_mask"] = [[1] * len(row) for row in columns["input_ids"]]
        return BatchEncoding(
            pad_rows(
                columns,
                pad_id=self.pad_token_id,
                strategy=padding_strategy(padding),
                max_length=self.model_max_length if max_length is None else max_length,
                multiple_of=pad_to_multiple_of,
                return_tensors=return_tensors,
            )
        )

    def decode(self, ids: Any, skip_special_tokens: bool = False) -> str:
        """The text of one row of ids (a list, an array or a tensor).

        Morphs stay apart, with the recipe's joiner between them: the original spacing is not in the ids. Special tokens
        are written as their spelling between spaces, or left out with `skip_special_tokens`. Raises DataError for an id
        outside the vocabulary.
        """
        return self.batch_decode([ids], skip_special_tokens)[0]

    def batch_decode(self, rows: Iterable[Any], skip_special_tokens: bool = False) -> list[str]:
        """The text of each row of ids; see `decode`."""
        listed = [self._checked_ids(row) for row in rows]
        if skip_special_tokens:
            kept = [[index for index in row if index not in self._token_of_special] for row in listed]
            return [compatibility_jamos(text) for text in self.pieces.decode(kept)]
        return [self._decode_with_specials(row) for row in listed]

    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> Any:
        """The id of one token, or a list of ids; a token that is no piece has the id of the unknown one."""
        if isinstance(tokens, str):
            index = self._id_of_special.get(tokens)
            index = self.pieces.id_of(tokens) if index is None else index
            return self.unk_token_id if index is None else index
        return [self.convert_tokens_to_ids(token) for token in tokens]

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """The token of one id, or a list of tokens. Raises DataError for an id outside the vocabulary."""
        if isinstance(ids, int):
            return self._token(self._checked_ids([ids])[0])
        return [
            self._token(index)
            for index in self._checked_ids(ids)
            if not (skip_special_tokens and index in self._token_of_special)
        ]

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many special tokens a row of one text, or of a pair, gets."""
        return 3 if pair else 2

    @property
    def mask_token(self) -> str:
        """The spelling of the mask token; ModelError where the model has none."""
        return self._mask().token

    @property
    def mask_token_id(self) -> int:
        """The id of the mask token; ModelError where the model has none."""
        return self._mask().id

    @property
    def all_special_ids(self) -> list[int]:
        """The ids of the special tokens, in ascending order."""
        return sorted(self._token_of_special)

    @property
    def vocab_size(self) -> int:
        """How many pieces the SentencePiece model has; `len(tokenizer)` counts added tokens too."""
        return len(self.pieces)

    def __len__(self) -> int:
        return max(len(self.pieces), *(index + 1 for index in self._token_of_special))

    def get_vocab(self) -> dict[str, int]:
        """Every token with its id, added ones included."""
        return {**{self.pieces.piece_of(index): index for index in range(len(self.pieces))}, **self._id_of_special}

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
        analyser = self._analyser.open()
        normalise, joiner = normalization(self.recipe.normalization), self.recipe.joiner
        lines = []
        for text in texts:
            line = joiner.join(analyser.morphs(normalise(text.lower() if self.lower_case else text)))
            for token in self._readable_specials:
                line = line.replace(token, f"{token[0]} {token[1:]}")
            lines.append(line)
        return lines

    def _encode_texts(self, texts: Sequence[str], argument: str) -> list[list[int]]:
        for row, text in enumerate(texts):
            if not isinstance(text, str):
                raise DataError(f"{argument} of row {row} is {text!r} ({type(text).__name__}), not a string")
        return self.pieces.encode(self.prepare(texts))

    def _encode_pairs(
        self, text_pair: str | Sequence[str | None] | None, count: int, single: bool
    ) -> list[list[int] | None]:
        if text_pair is None:
            return [None] * count
        if single != isinstance(text_pair, str):
            raise DataError("text and text_pair must both be strings or both be lists")
        texts = [text_pair] if isinstance(text_pair, str) else text_pair
        if len(texts) != count:
            raise DataError(f"text has {count} rows and text_pair {len(texts)}")
        encoded = iter(self._encode_texts([text for text in texts if text is not None], "text_pair"))
        return [None if text is None else next(encoded) for text in texts]

    def _rows(
        self,
        firsts: list[list[int]],
        seconds: list[list[int] | None],
        add_special_tokens: bool,
        token_types: bool,
        mask: bool,
    ) -> dict[str, Any]:
        head = [self.cls_token_id] if add_special_tokens else []
        tail = [self.sep_token_id] if add_special_tokens else []
        rows, types = [], []
        for first, second in zip(firsts, seconds, strict=True):
            row = [*head, *first, *tail]
            kinds = [0] * len(row)
            if second is not None:
                row += [*second, *tail]
                kinds += [1] * (len(row) - len(kinds))
            rows.append(row)
            types.append(kinds)
        columns: dict[str, Any] = {"input_ids": rows}
        if token_types:
            columns["token_type_ids"] = types
        if mask:
            columns["attention_mask"] = [[1] * len(row) for row in rows]
        return columns

    def _mask(self) -> SpecialToken:
        if "mask" not in self._specials:
            raise ModelError(f"{self.pieces.origin} has no mask token; name one in tokenizer_config.json (mask_token)")
        return self._specials["mask"]

    def _token(self, index: int) -> str:
        return self._token_of_special.get(index) or self.pieces.piece_of(index)

    def _checked_ids(self, ids: Any) -> list[int]:
        row: list[int] = ids.tolist() if hasattr(ids, "tolist") else list(ids)
        for index in row:
            if not (0 <= index < len(self.pieces) or index in self._token_of_special):
                raise DataError(f"id {index} is outside the vocabulary of {len(self)} tokens")
        return row

    def _decode_with_specials(self, row: list[int]) -> str:
        parts: list[str] = []
        stretch: list[int] = []
        for index in [*row, None]:
            if index is not None and index not in self._token_of_special:
                stretch.append(index)
                continue
            if stretch:
                parts.append(compatibility_jamos(self.pieces.decode([stretch])[0]).strip())
                stretch = []
            if index is not None:
                parts.append(self._token_of_special[index])
        return " ".join(parts)


def _recipe(config: Mapping[str, Any], engine: str | None) -> Recipe:
    recorded = config.get(CONFIG_KEY)
    if recorded is not None:
        if not isinstance(recorded, dict):
            raise ConfigError(f"{CONFIG_KEY!r} in tokenizer_config.json is {recorded!r}, not an object")
        return Recipe.from_dict(recorded if engine is None else {**recorded, "engine": engine})
    if engine is not None:
        return Recipe(engine=engine, normalization="none" if engine == "none" else "released-1")
    if is_installed("mecab-ko"):
        return Recipe(engine="mecab-ko")
    logger.warning(
        "the released model was pretrained with the analyser mecab-ko, which is not installed; mecab is used and cuts "
        "1.7 %% of sentences differently (4.2 %% of news headlines): pip install korscideberta[mecab-ko]"
    )
    return Recipe(engine="mecab")


def _max_length(config: Mapping[str, Any], folder: Path) -> int:
    value = config.get("model_max_length", DEFAULT_MAX_LENGTH)
    # transformers writes 1e30 for "no limit"; a model of this kind is trained with 512 positions.
    if isinstance(value, float) or (isinstance(value, int) and value > 2**31):
        return DEFAULT_MAX_LENGTH
    if not isinstance(value, int) or value < 3:
        raise ConfigError(f"{folder / 'tokenizer_config.json'}: model_max_length={value!r} is not a usable length")
    return value


def _truncate(
    firsts: list[list[int]], seconds: list[list[int] | None], length: int, strategy: str, add_special_tokens: bool
) -> None:
    """Shorten the rows in place to `length` ids, special tokens counted."""
    for row, (first, second) in enumerate(zip(firsts, seconds, strict=True)):
        specials = (2 if second is None else 3) if add_special_tokens else 0
        if length < specials or length < 1:
            raise ConfigError(f"max_length={length} leaves no room for {specials} special tokens")
        if second is None:
            # A single text is the first and the longest; nothing else could be shortened.
            del first[length - specials :]
            continue
        keep_first, keep_second = kept_lengths(len(first), len(second), length - specials, strategy)
        firsts[row], seconds[row] = first[:keep_first], second[:keep_second]
