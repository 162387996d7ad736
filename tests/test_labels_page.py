"""The page of suspected labels in a browser: seen, decided about, undone."""

import pytest
from browser import assert_quiet, opened
from label_questions import asking

from data_pipeline.listing.corrections import read_corrections


@pytest.fixture
def file(tmp_path):
    return tmp_path / "corrections.csv"


@pytest.fixture
def page(browser, file):
    with asking(file) as client, opened(browser, client.address) as shown:
        shown.page.wait_for_selector(".card >> nth=2")
        yield shown.page
        # What Chromium itself writes of an answer that says that nothing was saved.
        shown.errors[:] = [error for error in shown.errors if "a status of 500" not in error]
        assert_quiet(shown)


def decided(file):
    return {each.path: each.new for each in read_corrections(file).values()}


def card(page, number):
    return page.locator(".card").nth(number)


def said(page, number, words):
    card(page, number).locator(".decision", has_text=words).wait_for()


def test_an_image_is_kept_corrected_set_aside_and_the_last_of_it_undone(page, file):
    assert card(page, 0).locator(".keep").inner_text() == "Keep cat (10.0 %)"
    assert page.locator("#undo").is_disabled()
    card(page, 0).get_by_role("button", name="It is dog").click()
    said(page, 0, "Now dog")
    card(page, 1).get_by_role("button", name="Keep").click()
    said(page, 1, "Stays cat")
    card(page, 2).get_by_role("button", name="Set aside").click()
    said(page, 2, "Set aside")
    assert decided(file) == {"cat/0.png": "dog", "cat/1.png": "cat", "cat/2.png": ""}
    assert page.locator("#count").inner_text() == "3 of 3 decided"
    assert card(page, 0).locator(".change").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Undo").click()
    page.locator("#count", has_text="2 of 3 decided").wait_for()
    assert "cat/2.png" not in decided(file)


def test_another_class_is_chosen_and_its_name_obeyed_by_nobody(page, file):
    others = card(page, 0).get_by_label("Another")
    assert others.locator("option").count() == 1, "classes are listed when they are wanted"
    others.focus()
    listed = others.locator("option").all_inner_texts()
    others.blur()
    others.focus()
    assert others.locator("option").all_inner_texts() == listed, "once"
    others.select_option("<b>fox")
    said(page, 0, "Now <b>fox")
    assert decided(file) == {"cat/0.png": "<b>fox"}
    assert page.locator("b").count() == 0


def test_those_that_are_decided_can_be_hidden(page):
    card(page, 1).get_by_role("button", name="Keep").click()
    said(page, 1, "Stays cat")
    page.get_by_label("Open ones only").check()
    assert [card(page, number).is_visible() for number in range(3)] == [True, False, True]
    page.get_by_label("Open ones only").uncheck()
    assert card(page, 1).is_visible()


def test_images_and_names_fit_a_phone(page):
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")


def test_a_decision_that_cannot_be_saved_is_said_not_to_be(page, file):
    file.mkdir()
    card(page, 0).get_by_role("button", name="It is dog").click()
    said(page, 0, "Not saved: the server failed at this")
    assert page.locator("#count").inner_text() == "0 of 3 decided"
