"""The words of a report, in Korean and English."""

from __future__ import annotations

from korscideberta.errors import ConfigError
from korscideberta.evaluation.report.html import Markup, join
from korscideberta.nearest import nearest

LANGUAGES = ("ko", "en")

_FIGURES = {
    "accuracy": (
        "정확도",
        "첫째로 답한 라벨이 정답인 문서의 비율",
        "Accuracy",
        "share of documents whose first label is the gold one",
    ),
    "f1_macro": (
        "F1-macro",
        "라벨마다 구한 F1의 평균. 문서가 적은 라벨도 똑같이 센다",
        "F1-macro",
        "mean of the F1 of every label; rare labels count as much as common ones",
    ),
    "f1_micro": (
        "F1-micro",
        "정답 분야(최대 셋) 가운데 하나라도 상위 {k}개 안에 있는 문서의 비율",
        "F1-micro",
        "share of documents with at least one of their gold fields (three at most) among the first {k}",
    ),
    "f1_strict": (
        "F1-strict",
        "정답 수만큼 답했을 때 찾아낸 정답의 비율",
        "F1-strict",
        "share of gold fields found when a document is given as many fields as it has gold ones",
    ),
    "top1_accuracy": (
        "1순위 정확도",
        "1순위 답이 대표 정답인 문서의 비율",
        "Top-1 accuracy",
        "share of documents whose first label is their primary gold one",
    ),
    "topk_accuracy": (
        "상위 {k} 정확도",
        "상위 {k}개 안에 정답이 있는 문서의 비율",
        "Top-{k} accuracy",
        "share of documents with a gold label among the first {k}",
    ),
    "mrr": ("MRR", "가장 앞선 정답 순위의 역수 평균", "MRR", "mean of 1 / rank of the best-ranked gold label"),
    "hierarchical_precision": (
        "계층 정밀도",
        "답한 분야와 그 상위 분야 가운데 정답이거나 정답의 상위인 것의 비율",
        "Hierarchical precision",
        "share of the fields named and those above them that are gold or above a gold one",
    ),
    "hierarchical_recall": (
        "계층 재현율",
        "정답 분야와 그 상위 분야 가운데 답했거나 답의 상위인 것의 비율",
        "Hierarchical recall",
        "share of the gold fields and those above them that were named or are above a named one",
    ),
    "hierarchical_f1": ("계층 F1", "위 둘의 조화 평균", "Hierarchical F1", "the harmonic mean of these two"),
}
_LEVELS = {"large_": ("대분류", "Large fields:"), "middle_": ("중분류", "Middle fields:")}
"""Beginnings of the figures of a level."""

_WORDS = {
    "split_oof": ("폴드 밖", "out of fold"),
    "folds": ("교차검증", "Cross-validation"),
    "fold": ("폴드", "Fold"),
    "folds_count": ("폴드 수", "folds"),
    "folds_note": (
        "모든 문서를 그 문서가 든 폴드를 빼고 학습한 모델로 한 번씩 시험했습니다. 거의 같은 문서는 한 폴드에 "
        "두었고, 구간도 그런 묶음을 통째로 다시 뽑아 얻었습니다.",
        "Every document was tested once, by a model trained without its fold. Near-duplicates stay in one fold, "
        "and intervals resample such groups whole.",
    ),
    "groups": ("묶음", "groups"),
    "documents_in_groups": ("둘 이상의 묶음에 든 문서", "documents in groups of two or more"),
    "largest_group": ("가장 큰 묶음의 문서", "documents in the largest group"),
    "near_duplicate_pairs": ("거의 같은 문서의 짝", "pairs of near-duplicates"),
    "leaked_if_ungrouped": (
        "묶지 않았다면 학습 문서에 짝이 있었을 문서",
        "documents that folds without groups would have leaked",
    ),
    "no_model": ("기준선이라 물어볼 모델이 없습니다.", "A baseline: there is no model to ask."),
    "title": ("분류 모델 평가 보고서", "Classification report"),
    "runs": ("실행", "Runs"),
    "run": ("실행", "Run"),
    "task": ("과제", "Task"),
    "split": ("분할", "Split"),
    "split_train": ("학습", "train"),
    "split_dev": ("개발", "dev"),
    "split_test": ("시험", "test"),
    "documents": ("문서", "Documents"),
    "labels": ("라벨", "Labels"),
    "contents": ("차례", "Contents"),
    "sort_hint": ("표의 열 제목을 누르면 그 열로 정렬됩니다.", "A click on a table's heading sorts by its column."),
    "figures": ("주요 지표", "Headline figures"),
    "figure": ("지표", "Figure"),
    "value": ("값", "Value"),
    "interval": ("95 % 구간", "95 % interval"),
    "majority": ("최빈 분류", "Majority class"),
    "on_scale": ("0에서 1까지", "From 0 to 1"),
    "undecided": (
        "—: 저장된 예측은 문서마다 앞선 라벨 몇 개뿐이어서 구간을 정할 수 없습니다.",
        "—: the predictions kept name only the best labels, which does not decide an interval.",
    ),
    "figures_note": (
        "구간은 문서를 {resamples:,}번 다시 뽑은 부트스트랩 백분위수입니다. 어떤 문서로 시험했느냐에 따른 우연을 "
        "말할 뿐, 학습의 우연은 담지 않습니다. 그림의 세로줄은 늘 가장 흔한 라벨부터 답하는 최빈 분류입니다.",
        "Intervals are percentiles of {resamples:,} bootstrap samples of the documents: they tell of chance in "
        "the choice of documents, not in training. The upright mark is the majority class: always naming the most "
        "frequent labels.",
    ),
    "dev_note": (
        "개발 분할은 {metric} 값으로 저장할 모델을 고르는 데 쓰였으므로 그 지표는 실제보다 좋게 나옵니다.",
        "The dev split selected the checkpoint, by {metric}, so its figures flatter the model.",
    ),
    "comparison": ("실행 비교", "Comparison of the runs"),
    "comparison_note": (
        "{split} 분할, 굵은 글씨는 열에서 가장 큰 값입니다. 구간이 겹치면 차이를 말할 수 없고, 겹치지 않아도 같은 "
        "문서로 짝지은 검정은 korsci compare로 하십시오.",
        "Figures of the {split} split; the largest of a column is bold. Overlapping intervals do not decide which "
        "run is better; a paired test on the same documents does: korsci compare.",
    ),
    "different_documents": (
        "주의: 실행마다 시험한 문서가 다릅니다. 아래 지표를 서로 견줄 수 없습니다.",
        "Careful: the runs were not tested on the same documents. Their figures cannot be held against each other.",
    ),
    "differences": ("서로 다른 설정", "Settings that differ"),
    "no_differences": ("설정이 모두 같습니다.", "All settings are the same."),
    "setting": ("설정", "Setting"),
    "curves": ("학습 곡선", "Learning curves"),
    "loss_curve": ("학습 손실", "Training loss"),
    "dev_curve": ("개발 분할 {figure}", "{figure} on dev"),
    "step": ("단계", "step"),
    "loss": ("손실", "loss"),
    "loss_about": (
        "{first}단계 {start:.3f}에서 {last}단계 {end:.3f}까지.",
        "From {start:.3f} at step {first} to {end:.3f} at step {last}.",
    ),
    "dev_about": (
        "{step}단계에서 가장 높은 {value:.3f}. 고리가 그 점입니다.",
        "Highest at step {step}: {value:.3f}, the point with a ring.",
    ),
    "no_curves": ("metrics.jsonl에 기록이 없습니다.", "metrics.jsonl holds no records."),
    "confusion": ("혼동 행렬", "Confusion matrix"),
    "confusion_note": (
        "행은 정답, 열은 1순위 답입니다. 칸의 수는 문서 수, 짙기는 행에서 차지하는 비율, 테두리 칸은 맞힌 "
        "문서입니다. 정답이 여럿이면 답이 그 가운데 하나일 때 맞힌 것으로, 아니면 대표 정답의 행에 셉니다.",
        "Rows are gold labels, columns the labels named first. A cell's number counts documents, its shade is the "
        "share of the row, framed cells are right answers. Of several gold labels any one counts as right; an "
        "error stands in the row of the primary one.",
    ),
    "confusion_about": (
        "{documents:,}개 문서 가운데 {right:,}개({share:.0%})가 대각선 위에 있습니다.",
        "{right:,} of {documents:,} documents ({share:.0%}) are on the diagonal.",
    ),
    "collapsed_parents": (
        "라벨이 {labels}개라 상위 {groups}개로 묶어 보입니다. 같은 상위 안의 혼동은 대각선에 들어갑니다.",
        "{labels} labels are shown as their {groups} parents; confusion within a parent is on the diagonal.",
    ),
    "collapsed_most": (
        "라벨이 {labels}개라 오류에 가장 많이 걸린 {groups}개만 보이고 나머지는 ‘그 밖’으로 묶었습니다.",
        "Of {labels} labels the {groups} that take part in the most errors are shown; the rest is ‘other’.",
    ),
    "other": ("그 밖", "other"),
    "pairs": ("가장 자주 혼동한 짝", "Most confused pairs"),
    "no_errors": ("오류가 없습니다.", "There are no errors."),
    "gold": ("정답", "gold"),
    "predicted": ("답", "predicted"),
    "errors": ("오류", "Errors"),
    "of_gold": ("정답 문서에서 차지하는 비율", "Share of the gold label"),
    "per_label": ("라벨별 성능", "Every label"),
    "per_label_note": (
        "1순위 답만 셉니다. 학습 문서가 적은 라벨일수록 F1이 낮은지 보십시오. 문서가 적은 라벨의 값은 우연에 크게 "
        "흔들립니다.",
        "Only the label named first counts. Look whether F1 falls where training documents are few. Figures of "
        "labels with few documents owe much to chance.",
    ),
    "f1_chart": ("F1과 학습 문서 수", "F1 against training documents"),
    "f1_chart_test": ("F1과 시험 문서 수", "F1 against tested documents"),
    "f1_about": (
        "점 하나가 라벨 하나입니다. {zero}개 라벨의 F1이 0입니다.",
        "A point is a label. The F1 of {zero} labels is 0.",
    ),
    "label": ("라벨", "Label"),
    "train_documents": ("학습 문서", "Training documents"),
    "tested_documents": ("정답 문서", "Gold documents"),
    "named": ("답한 문서", "Named for"),
    "precision": ("정밀도", "Precision"),
    "recall": ("재현율", "Recall"),
    "never_seen": (
        "이 분할에 나오지 않은 라벨 {count}개는 표에 없습니다.",
        "{count} labels that do not occur in this split are left out.",
    ),
    "calibration": ("확률의 신뢰도", "Calibration"),
    "calibration_note": (
        "기대 보정 오차(ECE, 문서 수가 같은 {bins}구간): <b>{ece}</b>. 점이 점선 아래면 모델이 실제보다 자신하고, "
        "위면 덜 자신합니다. 1순위 확률의 평균은 {confidence}, 맞힌 비율은 {accuracy}입니다.",
        "Expected calibration error (ECE, {bins} bins of equal mass): <b>{ece}</b>. Points below the dotted line "
        "mean overconfidence, points above it too little. The mean probability of the first label is "
        "{confidence}, the share that is right {accuracy}.",
    ),
    "reliability": ("신뢰도 그림", "Reliability diagram"),
    "reliability_about": (
        "ECE {ece}: 1순위 확률 평균 {confidence}, 맞힌 비율 {accuracy}.",
        "ECE {ece}: mean probability {confidence}, share right {accuracy}.",
    ),
    "confidence": ("1순위 확률", "probability of the first label"),
    "share_right": ("맞힌 비율", "share right"),
    "ideal": ("확률 = 맞힌 비율", "probability = share right"),
    "bin_about": (
        "확률 평균 {confidence:.3f}, 맞힌 비율 {accuracy:.3f}, 문서 {documents:,}개",
        "mean probability {confidence:.3f}, share right {accuracy:.3f}, {documents:,} documents",
    ),
    "lengths": ("글 길이와 정확도", "Length of texts"),
    "lengths_note": (
        "문서 수가 비슷하도록 나눈 토큰 수 구간과, 그 안에서 1순위 답이 정답인 비율입니다(막대 위 선은 95 % 윌슨 "
        "구간). 모델의 한도는 {limit}토큰이며, {cut:,}개 문서({share:.1%})가 잘렸습니다.",
        "Bins of like numbers of documents by their tokens, and the share whose first label is right (whiskers: "
        "95 % Wilson intervals). The model's limit is {limit} tokens; {cut:,} documents ({share:.1%}) were cut.",
    ),
    "length_chart": ("토큰 수에 따른 정확도", "Accuracy by number of tokens"),
    "length_about": (
        "가장 짧은 구간 {first:.2f}, 가장 긴 구간 {last:.2f}.",
        "{first:.2f} for the shortest texts, {last:.2f} for the longest.",
    ),
    "tokens": ("토큰", "tokens"),
    "count_documents": ("{count:,}개", "{count:,} docs"),
    "examples": ("가장 자신 있게 틀린 문서", "Surest errors"),
    "examples_note": (
        "1순위 확률이 높은 차례로 {count}개입니다(전체 오류 {errors:,}개). 모델의 실수일 수도, 정답이 잘못된 것일 "
        "수도 있습니다.",
        "{count} of {errors:,} errors, by the probability of the wrong label. Some are the model's faults, some "
        "may be those of the gold labels.",
    ),
    "attribution_note": (
        "<mark class='for w3'>굵은 밑줄</mark> 낱말은 틀린 답 쪽으로, <mark class='against w3'>점선 밑줄</mark> "
        "낱말은 정답 쪽으로 기울게 한 것입니다(두 라벨 로짓 차이에 대한 기울기 × 입력을 낱말별로 더한 값). "
        "백분율은 그 크기의 합에서 차지하는 몫입니다.",
        "Words <mark class='for w3'>underlined boldly</mark> spoke for the wrong label, <mark class='against "
        "w3'>dotted</mark> ones for the gold one (gradient × input of the difference of the two logits, summed "
        "over the tokens of a word). Percentages are shares of the sum of their sizes.",
    ),
    "words_for": ("‘{label}’ 쪽 낱말", "For ‘{label}’"),
    "no_texts": (
        "글을 읽을 수 없어 오류 예와 길이별 정확도는 없습니다. 까닭은 korsci report가 화면에 알립니다.",
        "The texts could not be read, so there are no error examples and no accuracy by length. The terminal said why.",
    ),
    "left_out": ("요청에 따라 글을 싣지 않았습니다.", "Texts were left out, as asked."),
    "source": ("자료와 토크나이저", "Data and tokenizer"),
    "data": ("자료", "Data"),
    "file": ("파일", "File"),
    "tokenizer": ("토크나이저", "Tokenizer"),
    "part": ("항목", "Part"),
    "settings": ("설정과 버전", "Settings and versions"),
    "repeat": ("같은 실행 되풀이하기", "Repeating the run"),
    "repeat_files": (
        "파일은 마지막 이름만 적었습니다. 위의 SHA-256이 같은 파일을 쓰십시오.",
        "Files are given by their last names: use those with the SHA-256 above.",
    ),
    "repeat_config": (
        "실행 폴더가 있으면 <code>korsci train --config run.json --out DIR</code>도 같습니다.",
        "With the run directory at hand, <code>korsci train --config run.json --out DIR</code> is the same.",
    ),
    "made_with": (
        "korscideberta {version}으로 만들었습니다. 이 파일은 네트워크에 접속하지 않습니다.",
        "Made with korscideberta {version}. This file asks nothing of the network.",
    ),
    "yes": ("예", "yes"),
    "no": ("아니요", "no"),
}


class Words:
    """The words in one language.

    Raises ConfigError for a language that is not there.
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise ConfigError(f"--language {language}: {nearest(language, LANGUAGES)}")
        self.language = language
        self._index = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text called `key`, with `values` put in."""
        return _WORDS[key][self._index].format(**values)

    def template(self, key: str) -> str:
        """The text called `key`, its places for values left open."""
        return _WORDS[key][self._index]

    def markup(self, key: str, **values: object) -> Markup:
        """The text called `key`, which holds markup; `values` are escaped."""
        return Markup(_WORDS[key][self._index].format(**{name: join([str(value)]) for name, value in values.items()}))

    def figure(self, name: str, k: int) -> str:
        """What people call a figure; a name that is not known stays as it is."""
        for beginning, level in _LEVELS.items():
            if name.startswith(beginning):
                return f"{level[self._index]} {self.figure(name.removeprefix(beginning), k)}"
        known = _FIGURES.get(name)
        return name if known is None else known[2 * self._index].format(k=k)

    def figure_about(self, name: str, k: int) -> str:
        """What a figure is, in a phrase; empty where it is not known."""
        known = _FIGURES.get(name)
        return "" if known is None else known[2 * self._index + 1].format(k=k)

    def split(self, name: str) -> str:
        """What people call a split."""
        key = f"split_{name}"
        return self(key) if key in _WORDS else name
