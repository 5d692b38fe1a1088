"""Settings of a small corpus, and what a prepared one holds."""

from __future__ import annotations

from korscideberta.pretraining.cleaning import Cleaning
from korscideberta.pretraining.documents import DocumentFormat
from korscideberta.pretraining.work import PrepareSettings
from korscideberta.tokenization.corpus import CorpusFormat

NO_CLEANING = Cleaning(
    control_characters=False, broken_spacing=False, min_hangul=0.0, boilerplate=0, duplicates=False,
    near_duplicates=False,
)  # fmt: skip


def settings(*, cleaning=NO_CLEANING, valid_share=0.2, document="line", skip_bad=False, field="text", **options):
    form = DocumentFormat(reading=CorpusFormat(field=field, skip_bad=skip_bad), document=document)
    return PrepareSettings(form=form, cleaning=cleaning, valid_share=valid_share, **options)


def tokens_of(corpus, split="train"):
    """The tokens of every document of a split, as lists."""
    documents = []
    for shard in corpus.shards(split):
        ends = [*shard.starts[1:].tolist(), len(shard.ids)]
        documents += [shard.ids[start:end].tolist() for start, end in zip(shard.starts.tolist(), ends, strict=True)]
    return documents


def texts_of(corpus, tokenizer, split="train"):
    return [tokenizer.decode(ids) for ids in tokens_of(corpus, split)]


def files_of(folder):
    """The content of every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
