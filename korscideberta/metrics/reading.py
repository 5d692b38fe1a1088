"""How good an answer is beside the gold ones, as the official scripts of the reading tasks judge it.

Every score lies between 0 and 1 (the official scripts print per cent) and is the best over the gold answers.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import ArrayLike, NDArray

Judge = Callable[[str, Sequence[str]], Mapping[str, float]]
"""(answer, gold answers) → scores by name. No gold answers means that the question has none; the answer is then ''."""

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ENGLISH_ARTICLE = re.compile(r"\b(a|an|the)\b")
_KORQUAD_MARKS = str.maketrans(dict.fromkeys("'\"《》<>〈〉()‘’", " "))
# The class of marks that KLUE's script means to blank out is closed too early there: what it does blank out is one of
# these marks followed by the rest of the list, letter for letter. Figures can only be compared with that kept.
_KLUE_MARKS = re.compile("['\"《》<>〈〉]" + re.escape("()‘’"))


def normalise_english(text: str) -> str:
    """Lower case without ASCII punctuation and articles, words joined by single spaces (SQuAD, ReCoRD)."""
    return " ".join(_ENGLISH_ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def normalise_korquad(text: str) -> str:
    """Quotes and brackets to spaces, lower case, without other ASCII punctuation, single spaces (KorQuAD 1.0)."""
    return " ".join(text.translate(_KORQUAD_MARKS).lower().translate(_PUNCTUATION).split())


def normalise_klue(text: str) -> str:
    """Lower case without ASCII punctuation, single spaces (KLUE-MRC)."""
    return " ".join(_KLUE_MARKS.sub(" ", text.lower()).translate(_PUNCTUATION).split())


def squad(answer: str, gold: Sequence[str]) -> dict[str, float]:
    """`em` and the F1 of words, `f1`, of SQuAD 1.1 (Rajpurkar et al. 2016; evaluate-v1.1.py) and of ReCoRD's script."""
    return _best(answer, gold, normalise_english, lambda a, b: _overlap(a.split(), b.split()), "f1")


def squad2(answer: str, gold: Sequence[str]) -> dict[str, float]:
    """`em` and `f1` of SQuAD 2.0 (Rajpurkar et al. 2018; evaluate-v2.0.py).

    Unlike 1.1, gold answers that normalise to nothing do not count, and two empty answers have an F1 of 1.
    """

    def f1(one: str, other: str) -> float:
        return _overlap(one.split(), other.split()) if one and other else float(one == other)

    return _best(answer, [text for text in gold if normalise_english(text)], normalise_english, f1, "f1")


def korquad(answer: str, gold: Sequence[str]) -> dict[str, float]:
    """`em` and the F1 of characters without spaces, `f1`, of KorQuAD 1.0 (Lim et al. 2019; evaluate-v1.0.py)."""
    return _best(answer, gold, normalise_korquad, _characters, "f1")


def own(answer: str, gold: Sequence[str]) -> dict[str, float]:
    """`em` and `f1` as KorQuAD's, for questions some of which have no answer: two empty answers have an F1 of 1."""

    def f1(one: str, other: str) -> float:
        return _characters(one, other) if one and other else float(one == other)

    return _best(answer, gold, normalise_korquad, f1, "f1")


def klue_mrc(answer: str, gold: Sequence[str]) -> dict[str, float]:
    """`em` and `rouge_w` of KLUE-MRC (Park et al. 2021; klue_baseline/metrics/utils.py of KLUE-baseline).

    What KLUE calls ROUGE-W is the F1 of the longest run of characters, spaces included, that both answers have; the
    weighting function of ROUGE-W proper (Lin 2004) has no part in the script.
    """
    return _best(answer, gold, normalise_klue, longest_run_f1, "rouge_w")


def longest_run_f1(answer: str, gold: str) -> float:
    """F1 of the length of the longest common substring; where `gold` is empty, whether `answer` is."""
    if not gold:
        return float(not answer)
    # In gold answers of 200 characters and more, difflib starts no run at a frequent character; so does the official
    # script, which uses it too.
    run = SequenceMatcher(None, answer, gold).find_longest_match(0, len(answer), 0, len(gold)).size
    return 2 * run / (len(answer) + len(gold))


def _best(
    answer: str,
    gold: Sequence[str],
    normalise: Callable[[str], str],
    similarity: Callable[[str, str], float],
    name: str,
) -> dict[str, float]:
    mine = normalise(answer)
    theirs = [normalise(text) for text in gold] or [""]
    return {"em": float(mine in theirs), name: max(similarity(mine, text) for text in theirs)}


def _characters(answer: str, gold: str) -> float:
    return _overlap(answer.replace(" ", ""), gold.replace(" ", ""))


def _overlap(answer: Sequence[str], gold: Sequence[str]) -> float:
    """F1 of two bags; 0 where they have nothing in common, be they empty."""
    common = (Counter(answer) & Counter(gold)).total()
    return 2 * common / (len(answer) + len(gold)) if common else 0.0


def question_scores(
    judge: Judge, answers: Sequence[str], gold: Sequence[Sequence[str]]
) -> dict[str, NDArray[np.float64]]:
    """Return the scores of each question by name, (N,) each.

    Args:
        judge: how an answer is judged.
        answers: the answer of each question, '' for none.
        gold: the gold answers of each question; none where the question has no answer.

    Raises:
        ValueError: there are no questions, or not as many answers as questions.
    """
    if not gold or len(answers) != len(gold):
        raise ValueError(f"{len(answers)} answers to {len(gold)} questions")
    scores = [judge(answer, texts) for answer, texts in zip(answers, gold, strict=True)]
    return {name: np.array([score[name] for score in scores]) for name in scores[0]}


def means(scores: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """Return the mean of each score."""
    return {name: float(values.mean()) for name, values in scores.items()}


def means_by_answerable(scores: Mapping[str, NDArray[np.float64]], answerable: NDArray[np.bool_]) -> dict[str, float]:
    """Return the mean of each score over all questions and over those that have a gold answer and that have none.

    The latter are named `…_has_answer` and `…_no_answer`, HasAns and NoAns in SQuAD 2.0's script, and left out where
    there are no such questions.
    """
    figures = means(scores)
    for ending, kept in (("has_answer", answerable), ("no_answer", ~answerable)):
        if kept.any():
            figures |= {f"{name}_{ending}": float(values[kept].mean()) for name, values in scores.items()}
    return figures


def best_threshold(scores: ArrayLike, no_answer: ArrayLike, answerable: ArrayLike) -> tuple[float, float]:
    """Find above which no-answer score a question had better be left unanswered, as SQuAD 2.0's script does.

    Args:
        scores: for each question what its answer scores when it is given.
        no_answer: for each question how much speaks against answering it, in any unit.
        answerable: for each question whether it has a gold answer.

    Returns:
        The threshold and the mean score with it. Questions whose no-answer score is above the threshold are left
        unanswered, which scores 1 where there is no gold answer and 0 elsewhere. Of equally good thresholds the lowest;
        if nothing should be answered, one below all no-answer scores.
    """
    order = np.argsort(np.asarray(no_answer, dtype=np.float64), kind="stable")
    ranked = np.asarray(no_answer, dtype=np.float64)[order]
    unanswerable = ~np.asarray(answerable, dtype=bool)[order]
    nothing_answered = float(unanswerable.sum())
    totals = nothing_answered + np.cumsum(np.asarray(scores, dtype=np.float64)[order] - unanswerable)
    # A threshold cannot part questions of equal no-answer scores.
    totals[:-1][ranked[:-1] == ranked[1:]] = -np.inf
    best = int(np.argmax(totals))
    if totals[best] <= nothing_answered:
        return float(ranked[0]) - 1.0, nothing_answered / len(order)
    return float(ranked[best]), float(totals[best]) / len(order)
