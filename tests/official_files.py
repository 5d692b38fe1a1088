"""Tiny data sets in the layouts of the official files, made up for the tests.

Of each task a training, a dev and a test file, the test file as it is given to those who take part: without answers.
"""

from __future__ import annotations

import json
from pathlib import Path

SUBJECTS = ("the cat", "a dog", 'the "bird"', "one fish")
VERBS = ("sleeps", "runs", "sings", "swims")
ROWS = {"train": 12, "dev": 6, "test": 4}


def sentence(number: int) -> str:
    return f"{SUBJECTS[number % 4]} {VERBS[number // 4 % 4]} {number}"


def tsv(header, rows) -> str:
    lines = ([header] if header else []) + [list(map(str, row)) for row in rows]
    return "".join("\t".join(line) + "\n" for line in lines)


def jsonl(rows) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def cola(split, n):
    if split == "test":
        return tsv(["index", "sentence"], [(i, sentence(i)) for i in range(n)])
    return tsv(None, [("gj04", i % 2, "" if i % 2 else "*", sentence(i)) for i in range(n)])


def sst2(split, n):
    if split == "test":
        return tsv(["index", "sentence"], [(i, sentence(i)) for i in range(n)])
    return tsv(["sentence", "label"], [(sentence(i), i % 2) for i in range(n)])


def mrpc(split, n):
    first = "index" if split == "test" else "Quality"
    header = [first, "#1 ID", "#2 ID", "#1 String", "#2 String"]
    return tsv(
        header, [(i if split == "test" else i % 2, 70 + i, 90 + i, sentence(i), sentence(i + 1)) for i in range(n)]
    )


def stsb(split, n):
    header = ["index", "genre", "filename", "year", "old_index", "source1", "source2", "sentence1", "sentence2"]
    rows = [(i, "news", "MSR", 2012, i, "none", "none", sentence(i), sentence(i % 3)) for i in range(n)]
    if split == "test":
        return tsv(header, rows)
    return tsv([*header, "score"], [(*row, f"{row[0] % 6:.3f}") for row in rows])


def qqp(split, n):
    if split == "test":
        return tsv(["id", "question1", "question2"], [(i, sentence(i) + "?", sentence(i + 1)) for i in range(n)])
    rows = [(500 + i, i, i + 1, f'why "{sentence(i)}?', sentence(i + 1), i % 2) for i in range(n)]
    text = tsv(["id", "qid1", "qid2", "question1", "question2", "is_duplicate"], rows)
    return text + "999\t1\t2\ta row that was cut short\n" if split == "train" else text


def mnli(split, n):
    genres = ("fiction", "travel")
    header = ["index", "promptID", "pairID", "genre", "sentence1", "sentence2"]
    rows = [(i, 30 + i, f"{30 + i}e", genres[i % 2], sentence(i), sentence(i + 1)) for i in range(n)]
    if split == "test":
        return tsv(header, rows)
    label = ("contradiction", "neutral", "entailment")
    labelled = [(*row, label[row[0] % 3], label[row[0] % 3]) for row in rows]
    unsure = (n, 99, "99e", genres[0], sentence(n), sentence(n), "neutral", "-")
    return tsv([*header, "label1", "gold_label"], [*labelled, unsure])


def pairs_of(first, second, labels):
    def make(split, n):
        header = ["index", first, second]
        rows = [(i, sentence(i), sentence(i + 1)) for i in range(n)]
        if split == "test":
            return tsv(header, rows)
        return tsv([*header, "label"], [(*row, labels[row[0] % 2]) for row in rows])

    return make


def records(fields, labels, *, kept_back=True):
    """JSON Lines of fields(i), with a label unless that of the test file is kept back."""

    def make(split, n):
        known = split != "test" or not kept_back
        gold = [{"label": labels[i % len(labels)]} if known else {} for i in range(n)]
        return jsonl([{**fields(i), **gold[i]} for i in range(n)])

    return make


def wic(i):
    text = f"a {VERBS[i % 4]} and {SUBJECTS[i % 4]}"
    return {"word": VERBS[i % 4], "sentence1": text, "sentence2": text, "idx": i, "start1": 2, "start2": 2,
            "end1": 2 + len(VERBS[i % 4]), "end2": 2 + len(VERBS[i % 4])}  # fmt: skip


def multirc(split, n):
    def answer(i, j):
        return {"text": VERBS[j], "idx": 4 * i + j, **({} if split == "test" else {"label": (i + j) % 2})}

    return jsonl(
        {
            "idx": i,
            "passage": {
                "text": sentence(i),
                "questions": [{"question": "what does it do?", "idx": i, "answers": [answer(i, 0), answer(i, 1)]}],
            },
        }
        for i in range(n // 2)
    )


def korean(number: int) -> str:
    return f"{('고양이', '강아지', '참새', '붕어')[number % 4]}가 {('잔다', '뛴다', '운다')[number % 3]} {number}"


def klue(fields, label):
    """A KLUE list of objects; the answers of the test set are kept back."""

    def make(split, n):
        return json.dumps(
            [
                {"guid": f"klue-v1_{split}_{i:05}", **fields(i), **({} if split == "test" else label(i))}
                for i in range(n)
            ],
            ensure_ascii=False,
            indent=1,
        )

    return make


def relation(i):
    text = korean(i)
    return {
        "sentence": text,
        "subject_entity": {"word": text[:2], "start_idx": 0, "end_idx": 1, "type": "ORG"},
        "object_entity": {"word": text[-1], "start_idx": len(text) - 1, "end_idx": len(text) - 1, "type": "POH"},
    }


def korsts(split, n):
    header = ["genre", "filename", "year", "id", "score", "sentence1", "sentence2"]
    return tsv(header, [("news", "MSR", 2012, i, f"{i % 6:.3f}", korean(i), korean(i % 3)) for i in range(n)])


def nsmc(split, n):
    return tsv(["id", "document", "label"], [(i, "" if i == 5 else korean(i), i % 2) for i in range(n)])


def kornli(split, n):
    label = ("contradiction", "neutral", "entailment")
    return tsv(["sentence1", "sentence2", "gold_label"], [(korean(i), korean(i + 1), label[i % 3]) for i in range(n)])


RTE_LABELS = ("not_entailment", "entailment")
INFERENCES = ("contradiction", "neutral", "entailment")

FILES = {
    "glue/cola": ("cola", cola, "CoLA/train.tsv", "CoLA/dev.tsv", "CoLA/test.tsv"),
    "glue/sst2": ("sst2", sst2, "SST-2/train.tsv", "SST-2/dev.tsv", "SST-2/test.tsv"),
    "glue/mrpc": ("mrpc", mrpc, "MRPC/train.tsv", "MRPC/dev.tsv", "MRPC/test.tsv"),
    "glue/stsb": ("stsb", stsb, "STS-B/train.tsv", "STS-B/dev.tsv", "STS-B/test.tsv"),
    "glue/qqp": ("qqp", qqp, "QQP/train.tsv", "QQP/dev.tsv", "QQP/test.tsv"),
    "glue/mnli": ("mnli", mnli, "MNLI/train.tsv", "MNLI/dev_matched.tsv", "MNLI/test_matched.tsv"),
    "glue/qnli": ("qnli", pairs_of("question", "sentence", RTE_LABELS), "QNLI/train.tsv", "QNLI/dev.tsv",
                  "QNLI/test.tsv"),
    "glue/rte": ("rte", pairs_of("sentence1", "sentence2", RTE_LABELS), "RTE/train.tsv", "RTE/dev.tsv",
                 "RTE/test.tsv"),
    "glue/wnli": ("wnli", pairs_of("sentence1", "sentence2", "01"), "WNLI/train.tsv", "WNLI/dev.tsv",
                  "WNLI/test.tsv"),
    "glue/anli": ("anli", records(lambda i: {"uid": f"u{i}", "context": sentence(i), "hypothesis": sentence(i + 1)},
                                  "enc", kept_back=False), "anli_v1.0/R1/train.jsonl", "anli_v1.0/R1/dev.jsonl",
                  "anli_v1.0/R1/test.jsonl"),
    "superglue/boolq": ("boolq", records(lambda i: {"question": sentence(i), "passage": sentence(i + 1), "idx": i},
                                         (True, False)), "BoolQ/train.jsonl", "BoolQ/val.jsonl", "BoolQ/test.jsonl"),
    "superglue/cb": ("cb", records(lambda i: {"premise": sentence(i), "hypothesis": sentence(i + 1), "idx": i},
                                   INFERENCES), "CB/train.jsonl", "CB/val.jsonl", "CB/test.jsonl"),
    "superglue/rte": ("rte", records(lambda i: {"premise": sentence(i), "hypothesis": sentence(i + 1), "idx": i},
                                     RTE_LABELS), "RTE/train.jsonl", "RTE/val.jsonl", "RTE/test.jsonl"),
    "superglue/wic": ("wic", records(wic, (True, False)), "WiC/train.jsonl", "WiC/val.jsonl", "WiC/test.jsonl"),
    "superglue/multirc": ("multirc", multirc, "MultiRC/train.jsonl", "MultiRC/val.jsonl", "MultiRC/test.jsonl"),
    "klue/ynat": ("ynat", klue(lambda i: {"title": korean(i)}, lambda i: {"label": ("경제", "사회", "정치")[i % 3]}),
                  "klue/ynat-v1.1_train.json", "klue/ynat-v1.1_dev.json", "klue/ynat-v1.1_test.json"),
    "klue/sts": ("klue-sts", klue(lambda i: {"sentence1": korean(i), "sentence2": korean(i % 3)},
                                  lambda i: {"labels": {"label": i % 6 + 0.0, "real-label": i % 6, "binary-label": 0}}),
                 "klue/klue-sts-v1.1_train.json", "klue/klue-sts-v1.1_dev.json", "klue/klue-sts-v1.1_test.json"),
    "klue/nli": ("mnli", klue(lambda i: {"premise": korean(i), "hypothesis": korean(i + 1)},
                              lambda i: {"gold_label": INFERENCES[i % 3]}),
                 "klue/klue-nli-v1.1_train.json", "klue/klue-nli-v1.1_dev.json", "klue/klue-nli-v1.1_test.json"),
    "klue/re": ("klue-re", klue(relation, lambda i: {"label": ("no_relation", "per:title", "org:product")[i % 3]}),
                "klue/klue-re-v1.1_train.json", "klue/klue-re-v1.1_dev.json", "klue/klue-re-v1.1_test.json"),
    "korean/kornli": ("mnli", kornli, "KorNLI/multinli.train.ko.tsv", "KorNLI/xnli.dev.ko.tsv",
                      "KorNLI/xnli.test.ko.tsv"),
    "korean/korsts": ("korsts", korsts, "KorSTS/sts-train.tsv", "KorSTS/sts-dev.tsv", "KorSTS/sts-test.tsv"),
    "korean/nsmc": ("nsmc", nsmc, "nsmc/ratings_train.txt", None, "nsmc/ratings_test.txt"),
}  # fmt: skip
"""By launcher: the task, what makes a file, and the names of the training, dev and test file."""


def write_files(folder: Path, launcher: str) -> dict[str, Path]:
    """Write the files of a launcher's task and return them by split."""
    _, make, *names = FILES[launcher]
    paths = {}
    for split, name in zip(ROWS, names, strict=True):
        if name is not None:
            paths[split] = folder / name
            paths[split].parent.mkdir(parents=True, exist_ok=True)
            paths[split].write_text(make(split, ROWS[split]), encoding="utf-8")
    return paths
