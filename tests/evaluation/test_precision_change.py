from __future__ import annotations

import numpy as np
import pytest

from korscideberta.data.examples import Example
from korscideberta.evaluation.precision_change import change, change_text
from korscideberta.tasks import get
from korscideberta.training.kinds import kind_of


def test_logits_and_first_answers_are_compared():
    task = get("nsmc")
    kind = kind_of(task)(task, task.labels, ())
    examples = [Example(id=str(row), text="글", labels=(task.labels[0],)) for row in range(4)]
    reference = np.array([[1.0, 0.0], [0.0, 1.0], [0.2, 0.1], [3.0, 0.0]], dtype=np.float32)
    outputs = reference + np.array([[0.1, 0.0], [0.0, 0.0], [0.0, 0.3], [0.0, 0.0]], dtype=np.float32)
    found = change(kind, examples, outputs, reference)
    assert found["agreement"] == 0.75
    assert found["max_logit_difference"] == pytest.approx(0.3)
    assert found["mean_logit_difference"] == pytest.approx(0.05)
    assert change_text("int8", found) == (
        "int8 against float32: the same first answer for 75.00% of the rows; "
        "logits differ by 0.05 on average, 0.3 at most"
    )


def test_of_a_number_only_the_difference_is_told():
    task = get("klue-sts")
    kind = kind_of(task)(task, task.labels)
    examples = [Example(id="1", text="글", text_pair="글", labels=())] * 2
    found = change(kind, examples, np.array([[1.5], [2.0]]), np.array([[1.0], [2.0]]))
    assert found == {"agreement": None, "max_logit_difference": 0.5, "mean_logit_difference": 0.25}
    assert change_text("bf16", found) == "bf16 against float32: logits differ by 0.25 on average, 0.5 at most"
