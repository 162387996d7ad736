"""The browser of the other tests sees what it is there to see."""

import pytest
from browser import assert_quiet, opened

CLEAN = """<!doctype html><title>clean</title><style>p { color: rgb(1, 2, 3) }
@media (prefers-color-scheme: dark) { p { color: rgb(4, 5, 6) } }</style><p>hello</p>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAAC">"""
POLICY = (
    """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:">"""
)

pytestmark = pytest.mark.slow


def page_of(folder, body):
    path = folder / "page.html"
    path.write_text(body, encoding="utf-8")
    return path


def test_a_clean_page_is_quiet(browser, tmp_path):
    with opened(browser, page_of(tmp_path, CLEAN), width=500, height=400) as shown:
        assert shown.page.inner_text("p") == "hello"
        assert shown.page.evaluate("[innerWidth, innerHeight]") == [500, 400]
        assert len(shown.requests) >= 1
        assert_quiet(shown)


@pytest.mark.parametrize(("dark", "color"), [(False, "rgb(1, 2, 3)"), (True, "rgb(4, 5, 6)")])
def test_a_page_is_shown_light_or_dark(browser, tmp_path, dark, color):
    with opened(browser, page_of(tmp_path, CLEAN), dark=dark) as shown:
        found = shown.page.evaluate("getComputedStyle(document.querySelector('p')).color")
    assert found == color


@pytest.mark.parametrize(
    "body",
    [
        "<script>console.error('ours')</script>",
        "<script>throw new Error('ours')</script>",
        "<script>Promise.reject(new Error('ours'))</script>",
        POLICY + "<script>1</script>",
        POLICY + "<p style='color: red'>x</p>",
        "<img src='absent.png'>",
    ],
)
def test_what_a_page_complains_of_is_caught(browser, tmp_path, body):
    with opened(browser, page_of(tmp_path, body)) as shown:
        shown.page.wait_for_timeout(100)  # a rejected promise is told of a little later
        with pytest.raises(AssertionError, match="complains"):
            assert_quiet(shown)


@pytest.mark.parametrize(
    "body",
    [
        "<img src='http://example.invalid/a.png'>",
        "<link rel=stylesheet href='https://example.invalid/a.css'>",
        "<iframe src='http://example.invalid/'></iframe>",
        "<script>fetch('http://example.invalid/').catch(() => 0)</script>",
        "<script>new WebSocket('ws://example.invalid/')</script>",
        "<script>new Worker(URL.createObjectURL(new Blob(["
        "'fetch(\"http://example.invalid/\").catch(() => 0)'])))</script>",
    ],
)
def test_what_a_page_asks_for_outside_is_caught(browser, tmp_path, body):
    with opened(browser, page_of(tmp_path, body)) as shown:
        shown.page.wait_for_timeout(300)
        assert [url.split("//")[1].split("/")[0] for url in shown.outside] == ["example.invalid"]
        shown.errors.clear()
        with pytest.raises(AssertionError, match="asks outside"):
            assert_quiet(shown)


def test_what_is_allowed_outside_is_left_out(browser, tmp_path):
    body = "<script>fetch('http://example.invalid/a').catch(() => 0)</script>"
    allow = ["http://example.invalid/"]
    with opened(browser, page_of(tmp_path, body), allow=allow) as shown:
        assert shown.requests[-1] == "http://example.invalid/a"
        assert shown.outside == []
