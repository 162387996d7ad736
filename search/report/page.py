"""Make the report one HTML file: style, script, charts and images are part of it.

A policy in the file forbids it to fetch anything, and to run any script but the two that it was
written with. Names are the user's, or those of whoever sent the images: they are shown and
never obeyed.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from search.algorithms.registry import make_plan
from search.overview.comparison import Comparison
from search.overview.race import race_in_words, standings
from search.process.printable import printable
from search.process.wording import duration_in_words, in_percent, megabytes
from search.report.album import SetAside
from search.report.charts.learning_curves import CURVES
from search.report.contents import Contents, most_confused
from search.report.drawn import CLASSES, every_chart, families, importance_of
from search.report.mistakes import Mistake
from search.run_folder.command_line import command
from search.run_folder.config import objective_of
from search.run_folder.exported.figures import figures
from search.run_folder.origins import ORIGINS

ROWS = 15  # configurations in the table
FILES = 100  # files set aside that are named


def report_page(
    contents: Contents,
    *,
    samples: Mapping[str, Sequence[bytes]],
    aside: Sequence[SetAside],
    mistakes: Sequence[Mistake],
    beside: Comparison | None = None,
) -> str:
    """Make the whole page, HTML.

    Args:
        contents: what was read of the run.
        samples: JPEGs of each class; may be empty.
        aside: files that were not used.
        mistakes: to be shown; may be empty.
        beside: the run and others; None for no comparison.
    """
    scripts = [_asset("echarts/echarts.min.js"), _asset("page.js")]
    drawn = every_chart(contents)
    return _template().render(
        contents=contents,
        run=contents.run.name,
        argument=contents.run.argument,
        made=f"{datetime.now():%Y-%m-%d %H:%M}",
        style=_asset("page.css"),
        scripts=scripts,
        policy=_policy(scripts),
        drawn=drawn,
        charts=json_for_html(drawn),
        plan=make_plan(contents.config),
        command=command(contents.config),
        figures=figures(contents.metrics) if contents.metrics else [],
        endings=_endings(contents),
        race=race_in_words(standings(contents.race, sign=objective_of(contents.config).sign)),
        spent=[(ORIGINS[part.origin], part) for part in contents.spent],
        export_time=contents.metrics.time if contents.metrics else None,
        reasons=Counter(file.reason.split(":")[0] for file in aside).most_common(),
        families=families(contents),
        importance=importance_of(contents),
        confused=_confused(contents),
        limits={"rows": ROWS, "classes": CLASSES, "files": FILES, "curves": CURVES},
        samples=samples,
        aside=aside,
        mistakes=mistakes,
        beside=beside,
    )


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("search.report", "assets"),
        autoescape=True,  # names of files and classes may hold markup
        undefined=StrictUndefined,  # a misspelt name is an error, not an empty place
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "shown": lambda name: printable(str(name)),
        "data_uri": _data_uri,
        "duration": duration_in_words,
        "percent": in_percent,
        "megabytes": megabytes,
    }
    environment.filters.update(filters)
    return environment.get_template("page.html")


def _asset(name: str) -> str:
    return files("search.report").joinpath("assets", name).read_text(encoding="utf-8")


def _policy(scripts: Sequence[str]) -> str:
    """Make a Content-Security-Policy: these scripts and no others, images of the file itself."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src 'unsafe-inline'; script-src {allowed}"
    )


def json_for_html(value: Any) -> str:
    """Write JSON that cannot end the script element that it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _data_uri(content: bytes) -> str:
    kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _endings(contents: Contents) -> list[tuple[str, int]]:
    """Count how trials ended: (in words, how many)."""
    counts = Counter(
        "ended early, with no chance to win" if end.record.stopped_early else end.record.status
        for end in contents.ends
    )
    return counts.most_common()


def _confused(contents: Contents) -> list[tuple[str, ...]]:
    if contents.answers is None:
        return []
    return most_confused(contents.answers.confusion_matrix, contents.data.class_names, 10)
