"""Hangul arithmetic: jamo into syllables and back, and whether a syllable ends in a consonant.

A precomposed syllable is `0xAC00 + (onset * 21 + vowel) * 28 + coda` (The Unicode Standard, section 3.12).
Two sets of jamo exist. *Conjoining* jamo (U+1100…) state their place in the syllable. *Compatibility* jamo
(U+3131…), what a keyboard gives, do not, so joining them needs rules; see `join_jamos`.
"""

from __future__ import annotations

import re
import unicodedata

FIRST_SYLLABLE, LAST_SYLLABLE = 0xAC00, 0xD7A3

# Compatibility jamo in the order in which the syllable formula counts them.
ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
CODAS = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"

_ONSET = {jamo: index for index, jamo in enumerate(ONSETS)}
_VOWEL = {jamo: index for index, jamo in enumerate(VOWELS)}
_CODA = {jamo: index for index, jamo in enumerate(CODAS, start=1)}

_COMPATIBILITY_RUN = re.compile(f"[{ONSETS}{VOWELS}{CODAS}]{{2,}}")
_CONJOINING = re.compile("[\u1100-\u1112\u1161-\u1175\u11a8-\u11c2]")
_AS_COMPATIBILITY = {
    **{chr(0x1100 + index): jamo for index, jamo in enumerate(ONSETS)},
    **{chr(0x1161 + index): jamo for index, jamo in enumerate(VOWELS)},
    **{chr(0x11A8 + index): jamo for index, jamo in enumerate(CODAS)},
}


def is_syllable(character: str) -> bool:
    """Whether `character` is one precomposed Hangul syllable (가…힣)."""
    return len(character) == 1 and FIRST_SYLLABLE <= ord(character) <= LAST_SYLLABLE


def has_coda(word: str) -> bool:
    """Whether the last character of `word` is a Hangul syllable that ends in a consonant; False for anything else."""
    return is_syllable(word[-1:]) and (ord(word[-1]) - FIRST_SYLLABLE) % 28 != 0


def split_syllable(syllable: str) -> tuple[str, str, str]:
    """Onset, vowel and coda of one syllable as compatibility jamo; the coda is "" where there is none.

    Raises ValueError for anything but one precomposed syllable.
    """
    if not is_syllable(syllable):
        raise ValueError(f"{syllable!r} is not one Hangul syllable")
    rest, coda = divmod(ord(syllable) - FIRST_SYLLABLE, 28)
    onset, vowel = divmod(rest, 21)
    return ONSETS[onset], VOWELS[vowel], CODAS[coda - 1] if coda else ""


def split_syllables(text: str) -> str:
    """`text` with every Hangul syllable written as compatibility jamo; `join_jamos` is the way back."""
    return "".join("".join(split_syllable(character)) if is_syllable(character) else character for character in text)


def compatibility_jamos(text: str) -> str:
    """`text` with each lone conjoining jamo in its compatibility form (what readers and keyboards use).

    SentencePiece's NFKC turns ㅋㅋㅋ into the conjoining ᄏᄏᄏ; this undoes it for display.
    """
    return _CONJOINING.sub(lambda match: _AS_COMPATIBILITY[match[0]], text)


def join_jamos(text: str) -> str:
    """`text` with jamo sequences joined into syllables. Applying it twice changes nothing more.

    Conjoining jamo are joined as canonical composition (NFC) joins them. A run of compatibility jamo is
    read from the left as onset + vowel + optional coda, a consonant being a coda when no vowel follows it.
    Jamo that are repeated are meant as they stand and are left alone, ㅋㅋㅋ, ㅠㅠ and ㅋㅋㅠㅠ included; a
    consonant written twice before a vowel is a coda and the next onset (ㅇㅏㄴㄴㅕㅇ is 안녕). Consonants are not
    merged into clusters (ㅂㅅ) nor vowels into diphthongs (ㅗㅏ).

    The released pipeline does not join compatibility jamo before the analyser, and neither does `normalize`: only the
    conjoining kind is composed there. This function is for text typed or decomposed as compatibility jamo.
    """
    joined = _COMPATIBILITY_RUN.sub(lambda match: _join_run(match[0]), unicodedata.normalize("NFC", text))
    # A conjoining coda may now follow a syllable that it belongs to.
    return unicodedata.normalize("NFC", joined)


def _join_run(run: str) -> str:
    joined: list[str] = []
    place = 0
    after_coda = False
    while place < len(run):
        repeats_last = not after_coda and place > 0 and run[place - 1] == run[place]
        if repeats_last or not _opens_syllable(run, place):
            joined.append(run[place])
            place += 1
            after_coda = False
            continue
        coda = _coda_at(run, place + 2)
        joined.append(chr(FIRST_SYLLABLE + (_ONSET[run[place]] * 21 + _VOWEL[run[place + 1]]) * 28 + coda))
        after_coda = coda > 0
        place += 3 if after_coda else 2
    return "".join(joined)


def _opens_syllable(run: str, place: int) -> bool:
    """Whether an onset and a vowel that is not repeated stand at `place`."""
    return (
        run[place] in _ONSET and run[place + 1 : place + 2] in _VOWEL and run[place + 2 : place + 3] != run[place + 1]
    )


def _coda_at(run: str, place: int) -> int:
    """The coda's number in the syllable formula, 0 when what stands at `place` belongs to what follows."""
    if place >= len(run) or run[place] not in _CODA:
        return 0
    after = run[place + 1 : place + 2]
    if after in _VOWEL and run[place] in _ONSET:
        return 0
    if after == run[place] and not _opens_syllable(run, place + 1):
        return 0
    return _CODA[run[place]]
