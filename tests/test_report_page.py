"""The report in a browser: drawn, silent, readable on a phone, in light and dark."""

import pytest
from browser import assert_quiet, opened
from reported import NAMES, export, reported_run
from stopping import NEVER
from waiting import wait_until

from search.process.progress import Silent
from search.report.write import Wanted, write_report

CHARTS = "[data-chart] canvas"
OPTION = (
    "id => echarts.getInstanceByDom(document.querySelector(`[data-chart='${id}']`)).getOption()"
)


@pytest.fixture(scope="module")
def file(scratch, tmp_path_factory):
    run = reported_run(scratch, tmp_path_factory.mktemp("report"))
    export(run, scratch)
    return write_report(run, Wanted(measure=20.0), stop=NEVER, progress=Silent())


@pytest.fixture
def page(browser, file):
    with opened(browser, file) as shown:
        shown.page.wait_for_selector(CHARTS)
        yield shown


def visible(page):
    return page.evaluate(
        "[...document.querySelectorAll('[data-chart]')].filter(e => e.offsetWidth)"
        ".map(e => e.dataset.chart)"
    )


def drawn(page):
    """Charts that have something on their canvas."""
    return page.evaluate(
        """[...document.querySelectorAll('[data-chart] canvas')].filter(canvas => {
             const {data} = canvas.getContext('2d')
               .getImageData(0, 0, canvas.width, canvas.height);
             return data.some(value => value);
           }).map(canvas => canvas.closest('[data-chart]').dataset.chart)"""
    )


def test_every_chart_is_drawn_and_nothing_is_asked_of_anyone(page, file):
    wanted = ["time", "curves", "parallel-cnn", "size", "latency", "confusion"]
    assert set(wanted) <= set(visible(page.page))
    wait_until(lambda: page.page.locator(CHARTS).count() >= len(visible(page.page)))
    page.page.wait_for_timeout(1500)  # they grow from nothing
    assert set(drawn(page.page)) == set(visible(page.page))
    assert_quiet(page)
    assert [url for url in page.requests if not url.startswith("data:")] == [file.as_uri()]


def test_parallel_coordinates_have_a_line_a_configuration(page):
    option = page.page.evaluate(OPTION, "parallel-cnn")
    assert len(option["series"][0]["data"]) == 2
    assert option["parallelAxis"][-1]["name"] == "accuracy"


def test_dragging_along_an_axis_picks_configurations(page):
    place = page.page.locator("[data-chart='parallel-cnn']")
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    right, top = box["x"] + box["width"] - 64, box["y"] + 100  # the upper end of the accuracies
    page.page.mouse.move(right, top)
    page.page.mouse.down()
    page.page.mouse.move(right, top + 100, steps=10)
    page.page.mouse.up()
    active = (
        "echarts.getInstanceByDom(document.querySelector(`[data-chart='parallel-cnn']`))"
        ".getModel().getSeriesByIndex(0).getRawIndicesByActiveState('active')"
    )
    wait_until(lambda: page.page.evaluate(active))
    assert page.page.evaluate(active) == [1]  # the best is drawn last


def test_another_familys_tab_is_shown_when_it_is_chosen(page):
    page.page.click("#tab-xception")
    assert page.page.is_visible("#family-xception")
    assert "parallel-cnn" not in visible(page.page)
    page.page.keyboard.press("ArrowLeft")
    assert page.page.get_attribute("#tab-cnn", "aria-selected") == "true"
    assert_quiet(page)


def test_the_heat_map_lies_over_a_mistake_when_it_is_asked_for(page):
    heat = page.page.locator("img.heat").first
    assert not heat.is_visible()
    page.page.check("#heat")
    assert heat.is_visible()
    page.page.uncheck("#heat")
    assert not heat.is_visible()


def test_names_are_text(page):
    assert NAMES[0] in page.page.inner_text("#data")
    option = page.page.evaluate(OPTION, "confusion")
    assert tuple(option["xAxis"][0]["data"]) == NAMES
    told = page.page.evaluate(
        """id => {
             const chart = echarts.getInstanceByDom(document.querySelector(`[data-chart='${id}']`));
             chart.dispatchAction({type: 'showTip', seriesIndex: 0, dataIndex: 0});
             return chart.getOption().tooltip[0].formatter({name: "{b|AT&T's}"});
           }""",
        "confusion",
    )
    assert told == "{\u200bb|AT&T's}"
    assert page.page.locator("#data b").count() == 0


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_scrolls_one_way_only(browser, file, dark):
    with opened(browser, file, width=390, height=844, dark=dark) as shown:
        shown.page.wait_for_selector(CHARTS)
        wide, window = shown.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide == window == 390
        option = shown.page.evaluate(OPTION, "parallel-cnn")
        assert option["parallel"][0]["layout"] == "vertical"
        # Rows of tables are lists there: each cell is whole, beside the name of its column.
        cut = shown.page.evaluate(
            "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth)"
            ".length"
        )
        assert cut == 0
        cell = shown.page.locator("#search td[data-label='configuration']").first
        assert cell.evaluate("e => getComputedStyle(e.parentElement).display") == "block"
        assert cell.evaluate("e => getComputedStyle(e, '::before').content") == '"configuration"'
        assert_quiet(shown)


def test_a_window_that_was_narrow_can_be_made_wide_again(page):
    def layout():
        return page.page.evaluate(OPTION, "parallel-cnn")["parallel"][0]["layout"]

    for width, expected in ((400, "vertical"), (1200, "horizontal")):
        page.page.set_viewport_size({"width": width, "height": 800})
        wait_until(lambda: layout() == expected)  # noqa: B023
        assert layout() == expected


def test_charts_change_colour_with_the_system(page):
    def ink():
        return page.page.evaluate(OPTION, "time")["legend"][0]["textStyle"]["color"]

    assert ink() == "#1c1c1a"
    page.page.emulate_media(color_scheme="dark")
    wait_until(lambda: ink() == "#ecece8")
    assert_quiet(page)


def test_a_script_put_into_the_file_is_not_run(browser, file, tmp_path):
    tampered = tmp_path / "tampered.html"
    text = file.read_text("utf-8").replace("</main>", "</main><script>window.ran = 1</script>")
    tampered.write_text(text, "utf-8")
    with opened(browser, tampered) as shown:
        assert shown.page.evaluate("window.ran") is None
        assert any("Content Security Policy" in error for error in shown.errors)
