"""The page of `tune serve` in a browser: photos in, answers and heat out, nothing astray."""

import base64
import re
from contextlib import contextmanager

import keras
import numpy as np
import pytest
from browser import assert_quiet, opened
from PIL import Image
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from served import encoded, grey, running, small_classifier

from search.inference.classifier import Classifier

# What Chromium itself writes for an answer that says that a file is no image.
EXPECTED = "the server responded with a status of 422"


@pytest.fixture(scope="module")
def client():
    with running(small_classifier(threshold=0.9)) as client:
        yield client


@contextmanager
def page_of(browser, client, **values):
    """The page when it is ready; in the end nothing must have gone wrong or outside."""
    with opened(browser, client.address, **values) as shown:
        shown.page.wait_for_selector("#about:not(:empty)")
        yield shown.page
        shown.errors[:] = [error for error in shown.errors if EXPECTED not in error]
        assert_quiet(shown)


def photo(name, content):
    return {"name": name, "mimeType": "image/png", "buffer": content}


def drop(page, *files):
    """Let go of files over the page, as a person's hand would."""
    page.evaluate(
        """files => {
            const carried = new DataTransfer();
            for (const [name, content] of files) {
                const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
                carried.items.add(new File([bytes], name));
            }
            for (const kind of ["dragover", "drop"]) {
                document.body.dispatchEvent(new DragEvent(kind,
                    {dataTransfer: carried, bubbles: true, cancelable: true}));
            }
        }""",
        [[name, base64.b64encode(content).decode()] for name, content in files],
    )


def answered(page, count):
    page.wait_for_selector(f".card[aria-busy=false] >> nth={count - 1}")
    return page.locator(".card")


def spotted():
    """An image whose upper right is bright."""
    picture = Image.new("L", (300, 200), 140)
    picture.paste(255, (200, 0, 300, 100))
    return encoded(picture)


def test_a_chosen_photo_is_shown_with_its_classes_and_its_heat(browser, client):
    with page_of(browser, client) as page:
        assert page.title() == "small – tune"
        assert page.inner_text("#about") == "2 classes: dark, bright"
        assert not page.is_visible("#controls")
        page.set_input_files("#files", [photo("a.png", grey(255, (300, 200)))])
        card = answered(page, 1)
        assert card.locator(".answer").inner_text() == "bright, 98.2 %"
        assert card.locator(".shares").inner_text().split("\n") == [
            *("bright", "98.2 %", "dark", "1.8 %"),
        ]
        widths = [bar.bounding_box()["width"] for bar in card.locator(".bar span").all()]
        assert widths[1] / widths[0] == pytest.approx(0.018 / 0.982, rel=0.1)
        shown = card.locator(".picture").evaluate("it => [it.naturalWidth, it.naturalHeight]")
        assert shown == [300, 200]
        assert card.locator(".heat").bounding_box() == card.locator(".picture").bounding_box()
        assert page.inner_text("#status") == "a.png: bright, 98.2 %"


def test_classes_that_are_named_by_numbers_come_by_what_the_model_says_of_them(browser):
    images = keras.Input((8, 8, 3))
    last = keras.layers.Dense(10, activation="softmax")
    model = keras.Model(images, last(keras.layers.GlobalAveragePooling2D()(images)))
    last.set_weights([np.zeros((3, 10)), np.arange(10.0)])
    digits = Classifier(model, tuple("0123456789"), (8, 8), "squeeze", threshold=0.9)
    with running(digits) as client, page_of(browser, client) as page:
        drop(page, ("a.png", grey(255)))
        card = answered(page, 1)
        assert card.locator(".shares .label").all_inner_texts() == list("98765432")
        assert card.locator(".answer").inner_text() == "unsure"
        assert card.locator(".note").inner_text().startswith("Likeliest is 9;")
        assert page.inner_text("#status") == "a.png: unsure, likeliest 9, 63.2 %"


def test_the_heat_can_be_faded_and_switched_off_by_keyboard(browser, client):
    opacity = "it => Number(getComputedStyle(it).opacity)"
    with page_of(browser, client) as page:
        page.emulate_media(reduced_motion="reduce")
        drop(page, ("a.png", spotted()))
        heat = answered(page, 1).locator(".heat")
        assert heat.is_visible()
        assert heat.evaluate(opacity) == 0.8
        page.focus("#opacity")
        page.keyboard.press("Home")
        assert heat.evaluate(opacity) == 0.1
        page.focus("#heat-on")
        page.keyboard.press("Space")
        assert heat.evaluate(opacity) == 0
        assert page.is_disabled("#opacity")
        page.keyboard.press("Space")
        assert heat.evaluate(opacity) == 0.1


def test_several_dropped_at_once_give_a_list_in_which_a_bad_one_says_why(browser, client):
    files = [
        ("a.png", grey(255)),
        ("words.txt", b"words"),
        ("c.png", grey(0)),
        ("d.png", grey(130)),
    ]
    with page_of(browser, client) as page:
        drop(page, *files)
        cards = answered(page, 4)
        assert cards.locator(".file").all_inner_texts() == [name for name, _ in files]
        answers = cards.locator(".answer").all_inner_texts()
        assert answers[0] == "bright, 98.2 %"
        assert answers[1].startswith("not an image; expected a whole JPEG")
        assert answers[2] == "dark, 98.2 %"
        assert answers[3] == "unsure"
        note = cards.nth(3).locator(".note").inner_text()
        assert note == "Likeliest is bright; an answer is given from 90.0 % on."
        assert not cards.nth(1).locator(".frame").is_visible()
        drop(page, ("e.png", grey(255)))  # and the page goes on, the newest first
        assert answered(page, 5).first.locator(".file").inner_text() == "e.png"
        page.click("#clear")
        assert page.locator(".card").count() == 0
        assert not page.is_visible("#controls")


def test_names_are_shown_and_not_obeyed(browser, client):
    name = "<img src=x onerror=alert(1)>.png"
    with page_of(browser, client) as page:
        drop(page, (name, grey(255)))
        assert answered(page, 1).locator(".file").inner_text() == name
        assert page.locator(".file img").count() == 0


def test_a_photo_is_pasted(browser, client):
    with page_of(browser, client) as page:
        page.evaluate(
            """content => {
                const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
                const carried = new DataTransfer();
                carried.items.add(new File([bytes], "pasted.png", {type: "image/png"}));
                document.body.dispatchEvent(new ClipboardEvent("paste",
                    {clipboardData: carried, bubbles: true}));
            }""",
            base64.b64encode(grey(255)).decode(),
        )
        assert answered(page, 1).locator(".answer").inner_text() == "bright, 98.2 %"


def opened_by_space(page):
    """The chooser of files; on a busy machine Chromium may miss a key that comes too soon."""
    for _ in range(5):
        try:
            with page.expect_file_chooser(timeout=10_000) as chooser:
                page.keyboard.press("Space")
        except PlaywrightTimeoutError:
            continue
        return chooser.value
    return pytest.fail("Space opens no chooser")


def test_files_are_chosen_with_the_keyboard_alone(browser, client):
    with page_of(browser, client) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "files"
        opened_by_space(page).set_files([photo("a.png", grey(0)), photo("b.png", grey(255))])
        assert answered(page, 2).locator(".answer").all_inner_texts() == [
            *("dark, 98.2 %", "bright, 98.2 %"),
        ]


def test_a_file_that_is_too_large_is_not_even_sent(browser, client):
    with opened(browser, client.address) as shown:
        page = shown.page
        page.evaluate(
            """() => {
                const carried = new DataTransfer();
                carried.items.add(new File([new Uint8Array(33 * 2 ** 20)], "huge.bin"));
                document.body.dispatchEvent(new DragEvent("drop",
                    {dataTransfer: carried, bubbles: true, cancelable: true}));
            }"""
        )
        assert answered(page, 1).locator(".answer").inner_text() == "larger than 32 MiB"
        assert not any("predict" in url for url in shown.requests)


@pytest.mark.parametrize(("dark", "width"), [(False, 390), (True, 1100)])
def test_it_is_light_or_dark_as_the_system_is_and_fits_a_phone(browser, client, dark, width):
    with page_of(browser, client, dark=dark, width=width) as page:
        drop(page, ("a-name-without-any-room-" * 6, spotted()), ("words.txt", b"words"))
        answered(page, 2)
        background, ink = (luminance(page, "body", name) for name in ("background-color", "color"))
        assert (background < ink) == dark
        assert contrast(background, ink) > 10
        soft = luminance(page, ".file >> nth=0", "color")
        card = luminance(page, ".card >> nth=0", "background-color")
        assert contrast(card, soft) > 4.5
        assert contrast(card, luminance(page, ".failed .answer", "color")) > 4.5
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def luminance(page, selector, name):
    """Relative luminance of a colour as WCAG 2 defines it."""
    text = page.locator(selector).evaluate(
        "(it, name) => getComputedStyle(it).getPropertyValue(name)", name
    )
    shares = [int(number) / 255 for number in re.findall(r"\d+", text)[:3]]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
