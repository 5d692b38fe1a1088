"""Whether probabilities mean what they say."""

from __future__ import annotations

from korscideberta.evaluation.report.charts.reliability import reliability
from korscideberta.evaluation.report.html import Markup, join, tag
from korscideberta.evaluation.report.runs import ReportedRun
from korscideberta.evaluation.report.words import Words
from korscideberta.metrics.calibration import BINS, calibration_error, equal_mass_bins


def calibration(run: ReportedRun, key: str, words: Words) -> Markup:
    """Return the reliability diagram of the first labels' probabilities, and the expected calibration error."""
    predictions = run.split.predictions
    confidence, correct = predictions.shares[:, 0], predictions.correct
    told = {
        "ece": f"{calibration_error(confidence, correct):.3f}",
        "confidence": f"{confidence.mean():.3f}",
        "accuracy": f"{correct.mean():.3f}",
    }
    drawn = reliability(
        f"{key}-reliability",
        words("reliability"),
        words("reliability_about", **told),
        equal_mass_bins(confidence, correct),
        x_label=words("confidence"),
        y_label=words("share_right"),
        ideal=words("ideal"),
        about=words.template("bin_about"),
    )
    return join(
        [
            tag("figure", tag("figcaption", words("reliability")), drawn),
            tag("p", words.markup("calibration_note", bins=BINS, **told)),
        ]
    )
