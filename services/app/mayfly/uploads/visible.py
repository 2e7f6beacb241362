"""Text of strangers as people see it: without characters that are invisible, or that reorder or break a line."""

from unicodedata import bidirectional, category, combining

# Unicode shows these as nothing, like category Cf and the variation selectors:
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point. U+2800 is the Braille cell without dots.
BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2065\u2800\u3164\uffa0" + "".join(map(chr, range(0xFFF0, 0xFFF9))))
SUPPLEMENT = range(0xE0000, 0xE1000)
# Those of Mongolian, of symbols and emoji, and of ideographs.
SELECTORS = frozenset(
    "\u180b\u180c\u180d\u180f" + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
)
LINE_BREAKS = frozenset({"Cc", "Zl", "Zp"})
NON_JOINER, JOINER, KEYCAP = "\u200c", "\u200d", "\u20e3"
# Scripts whose letters and symbols take variation selectors begin here: Mongolian, then Han and emoji.
FIRST_VARIED = 0x1800
VIRAMA = 9  # the combining class of the sign that joins two consonants of an Indic script


def visible(text: str) -> str:
    """The text without characters that let it look like another one. Those that break a line become `_`.

    Joiners and variation selectors stay where a script or an emoji needs them: next to Arabic letters, Indic
    viramas, ideographs and symbols. There they change what people see. None stays after an ASCII letter or a dot, so
    that no file extension can hold one.
    """
    kept: list[str] = []
    for place, character in enumerate(text):
        if category(character) in LINE_BREAKS:
            kept.append("_")
        elif not _is_invisible(character) or _is_needed(character, kept[-1:], text[place + 1 : place + 2]):
            kept.append(character)
    return "".join(kept)


def _is_invisible(character: str) -> bool:
    return category(character) == "Cf" or character in BLANKS or ord(character) in SUPPLEMENT or _is_selector(character)


def _is_selector(character: str) -> bool:
    return character in SELECTORS


def _is_needed(character: str, before: list[str], after: str) -> bool:
    """Whether this invisible character shapes the one kept before it, or joins it with the one after it."""
    if not before:
        return False
    previous = before[0]
    if _is_selector(character):
        keycap = previous in "0123456789#*" and character == "\ufe0f" and after == KEYCAP
        return keycap or (ord(previous) >= FIRST_VARIED and category(previous) in ("Lo", "So", "Sm"))
    if character not in (NON_JOINER, JOINER) or not after or _is_invisible(after):
        return False
    return (
        _is_indic(previous, after)
        or (bidirectional(previous) in ("AL", "NSM") and bidirectional(after) == "AL")
        or (character == JOINER and _is_emoji(previous) and _is_emoji(after))
    )


def _is_indic(previous: str, after: str) -> bool:
    letters = all(character > "\u08ff" and category(character)[0] in "LM" for character in (previous, after))
    return letters and VIRAMA in (combining(previous), combining(after))


def _is_emoji(character: str) -> bool:
    return character == "\ufe0f" or (ord(character) >= FIRST_VARIED and category(character) in ("So", "Sm", "Sk"))
