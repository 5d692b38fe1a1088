"""Registers this package's tokenizer with transformers: importing the module is all there is to do.

    import korscideberta.hf
    transformers.pipeline("text-classification", model=folder)

After that `AutoTokenizer.from_pretrained` and what builds on it (pipelines, Trainer) read a folder of ours, or of the
released model, with `DebertaV2Tokenizer` of this package. Without it transformers 5 reads the SentencePiece model of
any DeBERTa-v2 folder as a unigram model and leaves out the model's own normaliser, which for a BPE model gives other
ids without a word. Folders of other DeBERTa-v2 models are left to transformers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from korscideberta.errors import ConfigError, DependencyError
from korscideberta.tokenization import DebertaV2Tokenizer as NativeTokenizer
from korscideberta.tokenization.batch import MODEL_INPUTS, checked_side
from korscideberta.tokenization.batch import BatchEncoding as NativeBatch
from korscideberta.tokenization.model_file import model_settings
from korscideberta.tokenization.pieces import MODEL_FILE, read_json
from korscideberta.tokenization.recipe import CONFIG_KEY

try:
    import transformers
    from transformers.models.deberta_v2 import DebertaV2Tokenizer as TransformersTokenizer
    from transformers.tokenization_utils_base import (
        AddedToken,
        BatchEncoding,
        PaddingStrategy,
        PreTrainedTokenizerBase,
        TruncationStrategy,
    )
except ImportError as error:
    raise DependencyError(f"korscideberta.hf needs transformers: pip install 'korscideberta[hf]' ({error})") from error

_PADDING = {
    PaddingStrategy.DO_NOT_PAD: False,
    PaddingStrategy.LONGEST: "longest",
    PaddingStrategy.MAX_LENGTH: "max_length",
}


class Batch(BatchEncoding):
    """A batch of transformers that also knows the sequences and words of its rows."""

    def __init__(self, batch: NativeBatch, tokenizer: NativeTokenizer) -> None:
        super().__init__(batch.data)
        self._native = batch
        self._tokenizer = tokenizer

    @property
    def is_fast(self) -> bool:
        """True: sequences, words and offsets can be asked for."""
        return True

    def tokens(self, batch_index: int = 0) -> list[str]:
        """The tokens of one row."""
        ids = self.data["input_ids"]
        row = ids if len(ids) == 0 or isinstance(ids[0], int) else ids[batch_index]
        tokens: list[str] = self._tokenizer.convert_ids_to_tokens(row)
        return tokens

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """See `korscideberta.tokenization.BatchEncoding.sequence_ids`."""
        return self._native.sequence_ids(batch_index)

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """See `korscideberta.tokenization.BatchEncoding.word_ids`."""
        return self._native.word_ids(batch_index)

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.data, "_native": self._native, "_tokenizer": self._tokenizer}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _encodings=None, _n_sequences=None)


class DebertaV2Tokenizer(PreTrainedTokenizerBase):
    """The tokenizer `native` of this package with the surface of a tokenizer of transformers.

    Ids, offsets and files are those of `native`. Special tokens spelled in a text stay text, as with
    `split_special_tokens`; tokens cannot be added.
    """

    vocab_files_names: ClassVar = {"vocab_file": MODEL_FILE}
    model_input_names: ClassVar = list(MODEL_INPUTS)
    is_fast = True

    def __init__(self, tokenizer: NativeTokenizer, **settings: Any) -> None:
        self.native = tokenizer
        names = {f"{role}_token": special.token for role, special in tokenizer.special_tokens.items()}
        super().__init__(
            **{
                "model_max_length": tokenizer.model_max_length,
                "padding_side": tokenizer.padding_side,
                "backend": "sentencepiece",
                **names,
                **settings,
            }
        )

    @classmethod
    def _from_pretrained(
        cls, resolved_vocab_files: dict[str, str | None], name: Any, init_configuration: Any, *args: Any, **kwargs: Any
    ) -> Any:
        model = resolved_vocab_files.get("vocab_file")
        fast_file = resolved_vocab_files.get("tokenizer_file")
        if model is None or not is_read_here(Path(model).parent, fast_file is not None):
            # Another class than the one asked for, as AutoTokenizer would have chosen it.
            return TransformersTokenizer._from_pretrained(
                resolved_vocab_files, name, init_configuration, *args, **kwargs
            )
        for key in ("token", "cache_dir", "local_files_only", "_is_local", "trust_remote_code"):
            kwargs.pop(key, None)
        tokenizer = NativeTokenizer.from_pretrained(Path(model).parent, engine=kwargs.pop("engine", None))
        return cls(tokenizer, name_or_path=str(name), **kwargs)

    def save_pretrained(self, save_directory: Any, **options: Any) -> tuple[str, ...]:
        """Write the files that `korscideberta.DebertaV2Tokenizer.save_pretrained` writes; returns their paths.

        Raises ConfigError for `push_to_hub`, which is a method.
        """
        if options.get("push_to_hub"):
            raise ConfigError("save_pretrained only writes files; call push_to_hub on the tokenizer")
        self.native.model_max_length = self.model_max_length
        self.native.padding_side = checked_side(self.padding_side)
        self.native.save_pretrained(save_directory)
        return tuple(str(Path(save_directory) / file) for file in (MODEL_FILE, "tokenizer_config.json"))

    @property
    def vocab_size(self) -> int:
        """How many pieces the SentencePiece model has."""
        return self.native.vocab_size

    def __len__(self) -> int:
        return len(self.native)

    def get_vocab(self) -> dict[str, int]:
        """Every token with its id."""
        return self.native.get_vocab()

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        """The special tokens by id."""
        specials = self.native.special_tokens.values()
        return {special.id: AddedToken(special.token, special=True, normalized=False) for special in specials}

    @property
    def added_tokens_encoder(self) -> dict[str, int]:
        """The ids of the special tokens."""
        return {special.token: special.id for special in self.native.special_tokens.values()}

    def get_added_vocab(self) -> dict[str, int]:
        """The ids of the special tokens."""
        return self.added_tokens_encoder

    def _add_tokens(self, new_tokens: Any, special_tokens: bool = False) -> int:
        raise ConfigError("the vocabulary is that of the SentencePiece model; no tokens can be added to it")

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """See `korscideberta.DebertaV2Tokenizer.convert_tokens_to_ids`."""
        return self.native.convert_tokens_to_ids(tokens)

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """See `korscideberta.DebertaV2Tokenizer.convert_ids_to_tokens`."""
        return self.native.convert_ids_to_tokens(ids, skip_special_tokens)

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """See `korscideberta.DebertaV2Tokenizer.convert_tokens_to_string`."""
        return self.native.convert_tokens_to_string(tokens)

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many special tokens a row of one text, or of a pair, gets."""
        return self.native.num_special_tokens_to_add(pair)

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """`[CLS] A [SEP]`, or `[CLS] A [SEP] B [SEP]`."""
        return self.native.build_inputs_with_special_tokens(token_ids_0, token_ids_1)

    def get_special_tokens_mask(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None, already_has_special_tokens: bool = False
    ) -> list[int]:
        """See `korscideberta.DebertaV2Tokenizer.get_special_tokens_mask`."""
        return self.native.get_special_tokens_mask(token_ids_0, token_ids_1, already_has_special_tokens)

    def tokenize(
        self, text: str, pair: str | None = None, add_special_tokens: bool = False, **options: Any
    ) -> list[str]:
        """The tokens of one text or pair."""
        batch: Batch = self(text, pair, add_special_tokens=add_special_tokens, **options)
        return batch.tokens()

    def _encode_plus(
        self,
        text: Any,
        text_pair: Any = None,
        padding_strategy: PaddingStrategy = PaddingStrategy.DO_NOT_PAD,
        truncation_strategy: TruncationStrategy = TruncationStrategy.DO_NOT_TRUNCATE,
        max_length: int | None = None,
        stride: int = 0,
        padding_side: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        verbose: bool = True,
        split_special_tokens: bool = True,
        **options: Any,
    ) -> Batch:
        cut = truncation_strategy != TruncationStrategy.DO_NOT_TRUNCATE
        if cut and self.truncation_side != "right":
            raise ConfigError(f"truncation_side={self.truncation_side!r} is not supported; texts are cut at their end")
        padding: Any = _PADDING[padding_strategy]
        if text_pair is None and not options.get("is_split_into_words"):
            text, text_pair = _unzipped(text)
        batch = self.native(
            text,
            text_pair,
            padding=padding,
            truncation=truncation_strategy.value if cut else False,
            max_length=max_length if cut or padding == "max_length" else None,
            # Without further rows to overlap it has no effect, which transformers lets pass.
            stride=stride if cut and return_overflowing_tokens else 0,
            padding_side=padding_side or self.padding_side,
            return_token_type_ids=_wanted("token_type_ids", return_token_type_ids, self.model_input_names),
            return_attention_mask=_wanted("attention_mask", return_attention_mask, self.model_input_names),
            return_overflowing_tokens=return_overflowing_tokens,
            **options,
        )
        return Batch(batch, self.native)

    def _decode(self, token_ids: Any, skip_special_tokens: bool = False, **_: Any) -> str:
        return self.native.decode(token_ids, skip_special_tokens)


def is_read_here(folder: Path, has_tokenizer_json: bool) -> bool:
    """Whether the tokenizer in `folder` is for this package: it records our recipe, or transformers would misread it.

    That is the case for a BPE model without a tokenizer.json, which the released model's folder has.
    """
    if CONFIG_KEY in read_json(folder / "tokenizer_config.json"):
        return True
    return not has_tokenizer_json and model_settings((folder / MODEL_FILE).read_bytes()).model_type == "bpe"


def _wanted(entry: str, asked: bool | None, usual: list[str]) -> bool:
    return entry in usual if asked is None else asked


def _unzipped(texts: Any) -> tuple[Any, Any]:
    """First and second texts of a list of pairs, which transformers takes too; anything else as it is."""
    if isinstance(texts, (list, tuple)) and texts and isinstance(texts[0], (list, tuple)):
        return [first for first, _ in texts], [second for _, second in texts]
    return texts, None


transformers.AutoTokenizer.register(transformers.DebertaV2Config, tokenizer_class=DebertaV2Tokenizer, exist_ok=True)
