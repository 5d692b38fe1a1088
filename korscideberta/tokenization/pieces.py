"""The SentencePiece model of a tokenizer and the ids of its special tokens.

SentencePiece itself is what cuts and what says which ids exist. Where a special token stands is read from
the model file and from the JSON files beside it, never assumed: released models differ.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import sentencepiece

from korscideberta.errors import ModelError
from korscideberta.tokenization.known_words import KnownWords
from korscideberta.tokenization.model_file import model_settings
from korscideberta.tokenization.ragged import Ragged
from korscideberta.tokenization.words import WORD_MARK, splits_at_spaces

MODEL_FILE = "spm.model"
ROLES = ("pad", "cls", "sep", "unk", "mask")

_CHUNK = 1024
"""Texts whose words are looked up together; the words not met before are encoded in one call."""
_FEW = 16
"""Texts that SentencePiece encodes sooner than their words are looked up."""

_SPELLINGS = {role: (f"[{role.upper()}]", f"<{role}>") for role in ROLES}


class Pieces:
    """A SentencePiece model in memory. Pickles as the bytes of its file.

    Raises ModelError where `model` is not a complete SentencePiece model; `origin` names it in messages.
    """

    def __init__(self, model: bytes, origin: str = MODEL_FILE) -> None:
        self.model = model
        self.origin = origin
        self._of_thread = threading.local()
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
            self.size: int = self._processor.get_piece_size() if model else 0
        except (RuntimeError, OSError) as error:
            raise ModelError(f"{origin} is not a SentencePiece model or is damaged; fetch it again") from error
        if self.size == 0:
            raise ModelError(f"{origin} is an empty file; fetch it again")

    @classmethod
    def load(cls, path: Path) -> Pieces:
        """The model in the file `path`; ModelError where it is missing, unreadable or damaged."""
        try:
            return cls(path.read_bytes(), str(path))
        except OSError as error:
            raise ModelError(f"cannot read the SentencePiece model {path}: {error.strerror}") from error

    def __reduce__(self) -> tuple[type[Pieces], tuple[bytes, str]]:
        return Pieces, (self.model, self.origin)

    def __len__(self) -> int:
        return self.size

    @property
    def unk_id(self) -> int:
        """The id that stands for what the model has no piece for."""
        return int(self._processor.unk_id())

    def id_of(self, piece: str) -> int | None:
        """The id of a piece, None where the model lacks it."""
        index = int(self._processor.piece_to_id(piece))
        return index if self._processor.id_to_piece(index) == piece else None

    def piece_of(self, index: int) -> str:
        """The piece with the id `index`, which must be below `len(pieces)`."""
        return str(self._processor.id_to_piece(index))

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, without special tokens: SentencePiece's own."""
        return self.encode_flat(texts).lists() if len(texts) > _FEW else _encode_whole(self._processor, texts)

    def encode_flat(self, texts: Sequence[str]) -> Ragged:
        """Ids of each text, as `encode` gives them.

        Where the model gives a text the ids of its words one after another (see `words`), those of words met before are
        looked up.
        """
        if not self._splits_at_spaces:
            return Ragged.of(_encode_whole(self._processor, texts))
        known = self._known
        return Ragged.join(known.rows(texts[start : start + _CHUNK]) for start in range(0, len(texts), _CHUNK))

    @property
    def _known(self) -> KnownWords:
        """The words that this thread has met."""
        if not hasattr(self._of_thread, "known"):
            self._of_thread.known = KnownWords(partial(_encode_whole, self._processor))
        known: KnownWords = self._of_thread.known
        return known

    @property
    def _splits_at_spaces(self) -> bool:
        # No functools.cached_property: before Python 3.12 that holds a lock, which a process forked then never gets.
        found: bool | None = self.__dict__.get("_splits")
        if found is None:
            found = splits_at_spaces(model_settings(self.model), map(self.piece_of, range(self.size)))
            self.__dict__["_splits"] = found
        return found

    def encode_with_ranges(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The ids of one text, as `encode` gives them, and the half-open range of `text` that each stands for.

        Ranges are counted in characters. What the model's own normaliser makes of a character has the range of that
        character, however many pieces it is cut into; so have the byte pieces that spell a character. Word marks at
        either end of a piece count for nothing, and a piece of word marks alone has an empty range at its end.
        """
        ids: list[int] = self._processor.encode(text, out_type=int)
        names: list[str] = self._processor.encode(text, out_type=str)
        normalized, offsets = self._processor.normalize(text, with_offsets=True)
        shown = _without_own_marks(text, normalized, offsets)
        starts, ends = _character_ranges(shown, offsets)
        ranges = []
        place = bytes_seen = 0
        for index, name in zip(ids, names, strict=True):
            first = place
            if self._processor.is_byte(index):
                bytes_seen += 1
                end = place + 1
                if bytes_seen == len(normalized[place].encode()):
                    place, bytes_seen = end, 0
            else:
                # The name of an unknown piece is the stretch of text it stands for.
                place = end = place + len(name)
            visible = shown[first:end].lstrip(WORD_MARK)
            first = end - len(visible)
            last = first + len(visible.rstrip(WORD_MARK))
            ranges.append((starts[first], ends[last - 1]) if first < last else (ends[end - 1], ends[end - 1]))
        if place != len(normalized):
            raise ModelError(f"{self.origin}: the pieces of {text[:40]!r} do not add up to the normalised text")
        return ids, ranges

    def decode(self, rows: Sequence[list[int]]) -> list[str]:
        """The text of each row of ids."""
        texts: list[str] = self._processor.decode(list(rows))
        return texts

    def sha256(self) -> str:
        """The digest of the model file's bytes."""
        return hashlib.sha256(self.model).hexdigest()


def _encode_whole(processor: Any, texts: Sequence[str]) -> list[list[int]]:
    # One thread: callers who want more run processes, and the threads would be taken from those.
    rows: list[list[int]] = processor.encode(list(texts), out_type=int, num_threads=1)
    return rows


_OWN_MARK = "\0"
"""Written for a word mark that the text itself has: like it, a character that the normaliser only ever leaves alone."""


def _without_own_marks(text: str, normalized: str, offsets: Sequence[int]) -> str:
    """The normalised text, in which every word mark stands for spaces."""
    if WORD_MARK not in text:
        return normalized
    return "".join(
        _OWN_MARK if character == text[source : source + 1] == WORD_MARK else character
        for character, source in zip(normalized, offsets, strict=False)
    )


def _character_ranges(shown: str, offsets: Sequence[int]) -> tuple[list[int], list[int]]:
    """Starts and ends, in the text given, of the characters of what SentencePiece's normaliser made of it.

    `offsets` has where each character comes from and, at the end, where the last one ends. Characters that come from
    one place are the expansion of what stands there.
    """
    starts, ends = list(offsets[:-1]), list(offsets[1:])
    end = 0
    for place in range(len(ends) - 1, -1, -1):
        if shown[place] == _OWN_MARK:
            # Spaces after it were dropped, and are none of it.
            ends[place] = starts[place] + 1
        elif ends[place] > starts[place]:
            end = ends[place]
        elif shown[place] != WORD_MARK:
            ends[place] = end
    return starts, ends


@dataclass(frozen=True)
class SpecialToken:
    """A special token's spelling and id."""

    token: str
    id: int


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file, {} where there is no such file; ModelError where it cannot be read as one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is not readable JSON: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds a {type(content).__name__} where an object is expected")
    return content


def find_special_tokens(pieces: Pieces, folder: Path) -> dict[str, SpecialToken]:
    """The special tokens of the model in `folder`, by role (`pad cls sep unk mask`).

    A spelling comes from tokenizer_config.json or special_tokens_map.json (`cls_token` …), else the usual
    ones (`[CLS]`, `<cls>`) are tried. Its id comes from the SentencePiece model, else from the tokens added
    to it (`added_tokens_decoder`, added_tokens.json); failing a spelling, from config.json (`pad_token_id`
    …). `unk` is always SentencePiece's own. `mask` may be missing from the answer.

    Raises ModelError for a role that cannot be settled.
    """
    config = read_json(folder / "tokenizer_config.json")
    named = {**read_json(folder / "special_tokens_map.json"), **config}
    added = added_tokens(folder, config)
    model_config = read_json(folder / "config.json")
    found = {"unk": SpecialToken(pieces.piece_of(pieces.unk_id), pieces.unk_id)}
    for role in ROLES:
        if role == "unk":
            continue
        special = _find(role, pieces, named, added, model_config)
        if special is not None:
            found[role] = special
        elif role != "mask":
            raise ModelError(
                f"{pieces.origin} has no {' or '.join(_SPELLINGS[role])}; name the piece that serves as "
                f"{role} in {folder / 'tokenizer_config.json'} under {role}_token"
            )
    return found


def added_tokens(folder: Path, config: Mapping[str, Any]) -> dict[str, int]:
    """Tokens that the JSON files of `folder` add to the model's pieces, with their ids."""
    try:
        added = {str(token): int(index) for token, index in read_json(folder / "added_tokens.json").items()}
        decoder = config.get("added_tokens_decoder") or {}
        added.update({_spelling(token): int(index) for index, token in decoder.items()})
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"the added tokens of {folder} are not pairs of a token and an id: {error}") from error
    return added


def _find(
    role: str, pieces: Pieces, named: Mapping[str, Any], added: Mapping[str, int], model_config: Mapping[str, Any]
) -> SpecialToken | None:
    name = named.get(f"{role}_token")
    for token in [_spelling(name)] if name is not None else _SPELLINGS[role]:
        index = pieces.id_of(token)
        index = added.get(token) if index is None else index
        if index is not None:
            return SpecialToken(token, index)
    if name is not None:
        raise ModelError(f"{role}_token is {_spelling(name)!r}, which neither {pieces.origin} nor an added token has")
    index = model_config.get(f"{role}_token_id")
    if isinstance(index, int) and 0 <= index < len(pieces):
        return SpecialToken(pieces.piece_of(index), index)
    return None


def _spelling(token: Any) -> str:
    """A token as transformers writes it: a string, or an object with its `content`."""
    return str(token["content"] if isinstance(token, dict) else token)
