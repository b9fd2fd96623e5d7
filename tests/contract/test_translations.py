"""Every text that people read is there in every language, and one id has one translation everywhere."""

import re

import pytest

from tests.contract import texts

BOTH = pytest.mark.parametrize("language", texts.LANGUAGES)
OWNER = pytest.mark.parametrize("owner", list(texts.owners()))


@BOTH
@OWNER
def test_every_text_has_its_translation(owner, language):
    """In core's files, or in the plugin's own."""
    known = {**texts.catalog("core", language), **texts.catalog(owner, language)}
    missing = {id: place for id, place in texts.ids(owner).items() if not known.get(id)}
    assert missing == {}


@BOTH
def test_one_text_has_one_translation(language):
    """A person who has learnt a word on one page meets it again on the next."""
    different = {id: sorted(found) for id, found in texts.all_texts(language).items() if len(found) > 1}
    assert different == {}


@BOTH
@OWNER
def test_a_translation_keeps_the_values(owner, language):
    """What stands in braces in the id stands in braces in the translation."""
    wrong = {id: text for id, text in texts.catalog(owner, language).items() if text and _broken(id, text)}
    assert wrong == {}


def _broken(id: str, text: str) -> bool:
    try:
        return texts.places(text) != texts.places(id)
    except ValueError:
        return "{" not in id


@BOTH
@OWNER
def test_no_translation_is_left_over(owner, language):
    """A text that no code uses any more goes out of the files too."""
    used = set().union(*(texts.ids(one) for one in texts.owners())) if owner == "core" else texts.ids(owner)
    assert [id for id in texts.catalog(owner, language) if id not in used and id not in texts.literals()] == []


@OWNER
def test_the_languages_translate_the_same(owner):
    """Simplified and traditional Chinese have the same entries."""
    simplified, traditional = (texts.catalog(owner, language) for language in texts.LANGUAGES)
    assert simplified.keys() ^ traditional.keys() == set()


ONLY_SIMPLIFIED = re.compile("[门车东书长马鸟见贝风页进还这录单审报签员产质货订购销财务结认证记统计维护设备检验标们对错时间动态级级载输导发复续终]")
"""Characters that traditional Chinese writes otherwise: enough to catch a file that was copied."""


@OWNER
def test_traditional_chinese_is_traditional(owner):
    """A copied simplified text gives itself away by its characters."""
    wrong = {id: text for id, text in texts.catalog(owner, "zh_TW").items() if ONLY_SIMPLIFIED.search(text)}
    assert wrong == {}
