"""Tokens to ids, ids to tokens and to text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from korscideberta.errors import DataError, ModelError
from korscideberta.tokenization.pieces import Pieces, SpecialToken
from korscideberta.unicode import compatibility_jamos


class Vocabulary:
    """The pieces of a SentencePiece model and the special tokens among or beside them."""

    def __init__(self, pieces: Pieces, special_tokens: Mapping[str, SpecialToken]) -> None:
        self.pieces = pieces
        self._specials = dict(special_tokens)
        self.pad_token, self.pad_token_id = special_tokens["pad"].token, special_tokens["pad"].id
        self.cls_token, self.cls_token_id = special_tokens["cls"].token, special_tokens["cls"].id
        self.sep_token, self.sep_token_id = special_tokens["sep"].token, special_tokens["sep"].id
        self.unk_token, self.unk_token_id = special_tokens["unk"].token, special_tokens["unk"].id
        self._token_of_special = {special.id: special.token for special in special_tokens.values()}
        self._id_of_special = {special.token: special.id for special in special_tokens.values()}

    def __len__(self) -> int:
        return max(len(self.pieces), *(index + 1 for index in self._token_of_special))

    @property
    def vocab_size(self) -> int:
        """How many pieces the SentencePiece model has; `len(tokenizer)` counts added tokens too."""
        return len(self.pieces)

    @property
    def mask_token(self) -> str:
        """The spelling of the mask token; ModelError where the model has none."""
        return self._mask().token

    @property
    def mask_token_id(self) -> int:
        """The id of the mask token; ModelError where the model has none."""
        return self._mask().id

    @property
    def special_tokens(self) -> dict[str, SpecialToken]:
        """The special tokens by role: `pad cls sep unk` and, where the model has one, `mask`."""
        return dict(self._specials)

    @property
    def all_special_ids(self) -> list[int]:
        """The ids of the special tokens, in ascending order."""
        return sorted(self._token_of_special)

    @property
    def all_special_tokens(self) -> list[str]:
        """The spellings of the special tokens, in the order of their ids."""
        return [self._token_of_special[index] for index in self.all_special_ids]

    def get_vocab(self) -> dict[str, int]:
        """Every token with its id, added ones included."""
        return {**{self.pieces.piece_of(index): index for index in range(len(self.pieces))}, **self._id_of_special}

    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> Any:
        """The id of one token, or a list of ids; a token that is no piece has the id of the unknown one."""
        if isinstance(tokens, str):
            index = self._id_of_special.get(tokens)
            index = self.pieces.id_of(tokens) if index is None else index
            return self.unk_token_id if index is None else index
        return [self.convert_tokens_to_ids(token) for token in tokens]

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """The token of one id, or a list of tokens. Raises DataError for an id outside the vocabulary."""
        row = self._checked_ids(ids)
        if isinstance(ids, int):
            return self._token(row[0])
        return [self._token(index) for index in row if not (skip_special_tokens and index in self._token_of_special)]

    def convert_tokens_to_string(self, tokens: Sequence[str]) -> str:
        """The text of a row of tokens; special tokens are written as they are spelled."""
        return self.decode(self.convert_tokens_to_ids(tokens))

    def decode(self, ids: Any, skip_special_tokens: bool = False) -> str:
        """The text of one row of ids (a list, an array or a tensor), or of one id.

        Not in the ids are what normalisation changed, what the model has no piece for, and where the text had spaces:
        morphs stay apart, with the recipe's joiner between them. With engine `none` the decoded text is the normalised
        one, and encoding it gives the same ids, unless an unknown piece is among them. For the words of a text as it
        was written use its offsets. Special tokens, the unknown one too, are written as their spelling between spaces,
        or left out with `skip_special_tokens`. Raises DataError for an id outside the vocabulary.
        """
        return self.batch_decode([ids], skip_special_tokens)[0]

    def batch_decode(self, rows: Iterable[Any], skip_special_tokens: bool = False) -> list[str]:
        """The text of each row of ids; see `decode`."""
        listed = [self._checked_ids(row) for row in rows]
        if skip_special_tokens:
            kept = [[index for index in row if index not in self._token_of_special] for row in listed]
            return [compatibility_jamos(text) for text in self.pieces.decode(kept)]
        return [self._decode_with_specials(row) for row in listed]

    def build_inputs_with_special_tokens(
        self, token_ids_0: Sequence[int], token_ids_1: Sequence[int] | None = None
    ) -> list[int]:
        """`[CLS] A [SEP]`, or `[CLS] A [SEP] B [SEP]`, of ids without special tokens."""
        second = [] if token_ids_1 is None else [*token_ids_1, self.sep_token_id]
        return [self.cls_token_id, *token_ids_0, self.sep_token_id, *second]

    def get_special_tokens_mask(
        self,
        token_ids_0: Sequence[int],
        token_ids_1: Sequence[int] | None = None,
        already_has_special_tokens: bool = False,
    ) -> list[int]:
        """1 for a special token, 0 for any other, of the row that `build_inputs_with_special_tokens` makes.

        With `already_has_special_tokens` the ids are such a row, and every special id counts, the unknown one too.
        Raises DataError where a second row is given with it.
        """
        if already_has_special_tokens:
            if token_ids_1 is not None:
                raise DataError("a row that already has its special tokens holds both texts; give token_ids_0 alone")
            return [int(index in self._token_of_special) for index in token_ids_0]
        second = [] if token_ids_1 is None else [*[0] * len(token_ids_1), 1]
        return [1, *[0] * len(token_ids_0), 1, *second]

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many special tokens a row of one text, or of a pair, gets."""
        return 3 if pair else 2

    def _mask(self) -> SpecialToken:
        if "mask" not in self._specials:
            raise ModelError(f"{self.pieces.origin} has no mask token; name one in tokenizer_config.json (mask_token)")
        return self._specials["mask"]

    def _token(self, index: int) -> str:
        return self._token_of_special.get(index) or self.pieces.piece_of(index)

    def _checked_ids(self, ids: Any) -> list[int]:
        row = ids.tolist() if hasattr(ids, "tolist") else ids
        row = [row] if isinstance(row, int) else list(row)
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
