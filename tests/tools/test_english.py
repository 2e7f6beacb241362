"""The rules of `bin/english`, on texts of a few lines."""

import pytest

from tools.english import LONGEST_SENTENCE, WORDS, checked, faults, main
from tools.prose import Passage, catalogue, hashes, markdown, page, passages_of, python, script, sentences


def words(passages) -> list[tuple[int, str]]:
    """Every sentence of these passages, with its line."""
    return [found for passage in passages for found in sentences(passage)]


@pytest.mark.parametrize("opening", ["Of", "Who", "Whoever", "One that", "What"])
def test_a_headless_opening_is_found(opening):
    (fault,) = faults(f"{opening} is due goes first.")
    assert repr(opening) in fault


@pytest.mark.parametrize(
    "sentence",
    [
        "What does a preview cost?",
        "Office hours are nine to five.",
        "Whole files are sent.",
        "The sweep removes what is due.",
        "One upload is one row.",
    ],
)
def test_a_plain_sentence_has_no_fault(sentence):
    assert list(faults(sentence, measured=True)) == []


def test_a_long_sentence_is_found_in_measured_files_only():
    sentence = "word " * (LONGEST_SENTENCE + 1)
    assert len(list(faults(sentence, measured=True))) == 1
    assert list(faults(sentence)) == []
    assert checked("a.md", sentence, markdown) != []
    assert checked("a.py", f"# {sentence}", python) == []


def test_a_dash_is_not_a_word():
    assert list(faults("word - " * LONGEST_SENTENCE, measured=True)) == []


def test_sentences_end_before_a_capital_and_keep_their_line():
    passage = Passage(7, "The first, e.g. this one, ends here. The\nsecond goes on.\nA third?")
    assert list(sentences(passage)) == [
        (7, "The first, e.g. this one, ends here."),
        (7, "The\nsecond goes on."),
        (9, "A third?"),
    ]


def test_a_bold_opening_is_a_sentence_of_its_own():
    assert words(markdown("**Begin.** Web commits.")) == [(1, "Begin.**"), (1, "Web commits.")]


def test_code_ends_no_sentence():
    assert len(list(sentences(Passage(1, "Run `make. Up` and wait.")))) == 1


def test_markdown_gives_paragraphs_items_and_cells_without_code():
    text = "# Title\n\nOne\nparagraph.\n\n```\ncode here\n```\n- an item\n- another\n\n| a | b |\n|---|---|\n"
    assert sorted(words(markdown(text))) == [
        (1, "Title"),
        (3, "One\nparagraph."),
        (9, "an item"),
        (10, "another"),
        (12, "a"),
        (12, "b"),
    ]


def test_the_address_of_a_link_does_not_count():
    assert words(markdown("See [the page](https://example.org/a).")) == [(1, "See the page.")]


def test_python_gives_docstrings_and_comments():
    text = '"""Module.\n\nMore.\n"""\n\n# One comment\n# on two lines.\nx = "# no comment"  # trailing\n'
    assert sorted(words(python(text))) == [
        (1, "Module."),
        (3, "More."),
        (6, "One comment\non two lines."),
        (8, "trailing"),
    ]


def test_hashes_give_comments_without_variables_and_rulers():
    text = "#!/bin/sh\n# ---- Web ----\n# Two\n# lines.\n#PORT=8000\nrun: a b ## Run it\nurl=a#b\n"
    assert sorted(words(hashes(text))) == [(3, "Two\nlines."), (6, "Run it")]


def test_script_gives_comments_and_no_strings():
    text = 'const a = "// no"; // trailing\n// whole\n// lines\n/**\n * Block.\n */\nconst b = `/* no */`;\n'
    assert sorted(words(script(text))) == [(1, "trailing"), (2, "whole\nlines"), (5, "Block.")]


def test_a_page_gives_its_text_without_tags():
    text = "{% if a %}\n<p>Up to <b>{{ size }}</b>.</p>\n<script>var a;</script>\n<p>Second.</p>\n"
    assert sorted(words(page(text))) == [(2, "Up to           ."), (4, "Second.")]


def test_a_catalogue_gives_its_english_messages():
    text = 'msgid ""\nmsgstr "Language: es"\n\nmsgid "One "\n"two."\nmsgstr "x"\n'
    assert words(catalogue(text)) == [(4, "One two.")]


@pytest.mark.parametrize(
    ("path", "text", "extract"),
    [
        ("README.md", "", markdown),
        ("bin/a", "#!/usr/bin/env python3\n", python),
        ("bin/b", "#!/usr/bin/env bash\n", hashes),
        (".env.var", "", hashes),
        ("services/Dockerfile", "", hashes),
        ("LICENSE", "MIT", None),
    ],
)
def test_a_file_is_read_by_its_name_or_its_first_line(path, text, extract):
    assert passages_of(path, text) is extract


def test_a_long_test_name_is_found_in_tests_only():
    text = f"def test_{'a' * 66}():\n    pass\n"
    assert checked("tests/test_a.py", text, python) == [(1, "a test's name has 71 characters, of at most 70")]
    assert checked("services/a.py", text, python) == []


def test_a_limited_document_may_not_grow_longer():
    path, limit = next(iter(WORDS.items()))
    assert checked(path, "Word. " * limit, markdown) == []
    assert len(checked(path, "Word. " * (limit + 1), markdown)) == 1


def test_findings_are_printed_with_their_line(capsys, tmp_path):
    file = tmp_path / "a.md"
    file.write_text("Fine.\n\nWhat is due goes first.\n")
    assert main([str(file)]) == 1
    assert capsys.readouterr().out == f"{file}:3: a sentence begins with 'What': What is due goes first.\n"
    file.write_text("Fine.\n")
    assert main([str(file)]) == 0
