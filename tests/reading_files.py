"""Small files in the official layouts of the reading and multiple-choice tasks, learnable in a few steps."""

from __future__ import annotations

import json
from pathlib import Path

COLOURS = ("빨강", "파랑", "노랑", "초록")
PLACES = ("서울", "부산", "대구", "인천")


def context_of(number: int) -> str:
    return f"{PLACES[number % 4]}의 지붕은 {COLOURS[number % 4]} 색이다. 문은 {COLOURS[(number + 1) % 4]} 색이다."


def squad(questions: int = 16, *, articles: int = 4, key: str = "id", impossible: bool = False) -> dict:
    """Questions for the colour of the roof, the only words in the context that answer; every fourth has no answer."""
    data = []
    for article in range(articles):
        paragraphs = []
        for number in range(article, questions, articles):
            context, colour = context_of(number), COLOURS[number % 4]
            answers = [{"text": colour, "answer_start": context.index(colour)}]
            qa = {key: f"q{number}", "question": "지붕은 무슨 색인가?", "answers": answers}
            if impossible:
                qa["is_impossible"] = number % 4 == 3
                if qa["is_impossible"]:
                    qa |= {"question": "창문의 높이는?", "answers": []}
            paragraphs.append({"context": context, "qas": [qa]})
        data.append({"title": f"마을 {article}", "paragraphs": paragraphs})
    return {"version": "1", "data": data}


def record(count: int = 8) -> list[dict]:
    rows = []
    for number in range(count):
        text = f"{PLACES[number % 4]} 시장은 {PLACES[(number + 1) % 4]} 시장을 만났다"
        entities = [
            {"start": text.index(place), "end": text.index(place) + 1}
            for place in (PLACES[number % 4], PLACES[(number + 1) % 4])
        ]
        answer = {**entities[0], "text": PLACES[number % 4]}
        qas = [{"idx": number, "query": "@placeholder 시장이 손님을 맞았다", "answers": [answer]}]
        rows.append({"idx": number, "passage": {"text": text, "entities": entities}, "qas": qas})
    return rows


def copa(count: int = 8) -> list[dict]:
    return [
        {
            "idx": number, "premise": "비가 왔다.", "question": ("cause", "effect")[number % 2],
            "choice1": ("땅이 젖었다.", "해가 떴다.")[number // 2 % 2],
            "choice2": ("해가 떴다.", "땅이 젖었다.")[number // 2 % 2], "label": number // 2 % 2,
        }
        for number in range(count)
    ]  # fmt: skip


def race(count: int = 2, part: str = "high") -> list[dict]:
    return [
        {
            "id": f"{part}{number}.txt", "article": context_of(number),
            "questions": ["The roof is _ .", "The door is _ ."],
            "options": [list(COLOURS)] * 2, "answers": ["ABCD"[number % 4], "ABCD"[(number + 1) % 4]],
        }
        for number in range(count)
    ]  # fmt: skip


def alphanli(count: int = 8) -> list[dict]:
    right, wrong = "비가 왔다.", "해가 떴다."
    return [
        {
            "story_id": "s", "obs1": "길을 걸었다.", "obs2": "옷이 젖었다.",
            "hyp1": (right, wrong)[number % 2], "hyp2": (wrong, right)[number % 2],
        }
        for number in range(count)
    ]  # fmt: skip


def write_json(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def write_lines(path: Path, rows: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    return path


def write_alphanli(path: Path, rows: list[dict]) -> Path:
    labels = "".join(f"{1 if row['hyp1'].startswith('비') else 2}\n" for row in rows)
    write_lines(path, rows).with_name(f"{path.stem}-labels.lst").write_text(labels)
    return path


def write_all(folder: Path) -> Path:
    """Write every official file, in the folders the launchers look in."""
    for split in ("train", "dev"):
        write_json(folder / "squad" / f"{split}-v1.1.json", squad())
        write_json(folder / "squad" / f"{split}-v2.0.json", squad(impossible=True))
        write_json(folder / "korquad" / f"KorQuAD_v1.0_{split}.json", squad())
        klue = squad(key="guid", impossible=True)
        write_json(folder / "klue-mrc-v1.1" / f"klue-mrc-v1.1_{split}.json", klue)
        write_alphanli(folder / "alphanli" / f"{split}.jsonl", alphanli())
        for part in ("middle", "high"):
            write_lines(folder / "RACE" / f"{split}_{part}.jsonl", race(part=part))
    for split in ("train", "val"):
        write_lines(folder / "COPA" / f"{split}.jsonl", copa())
        write_lines(folder / "ReCoRD" / f"{split}.jsonl", record())
    return folder
