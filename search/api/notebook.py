"""Show a run in a notebook: plain HTML, with an inline drawing."""

import html

from search.evaluation.objective import objective_named
from search.overview.run_rows import RunReport
from search.process.printable import printable
from search.process.wording import counted, duration_in_words

SHOWN = 10  # configurations
_WIDTH, _HEIGHT, _LEFT, _BELOW = 640, 160, 44, 18  # of the drawing, in pixels


def as_html(report: RunReport) -> str:
    """Give the best configurations as a table, and the scores by trial as a drawing."""
    head = (
        f"{report.run}: {report.algo}, {counted(report.finished, 'trial')} finished, "
        f"{counted(report.data.images, 'image')} of "
        f"{counted(len(report.data.class_names), 'class')}"
    )
    columns = ("", report.objective, "epochs", "time", "configuration")
    titles = "".join(f"<th>{_text(title)}</th>" for title in columns)
    rows = []
    for place, row in enumerate(report.configurations[:SHOWN], start=1):
        score = "–" if row.score is None else f"{row.score:.4f}"
        cells = (str(place), score, str(row.epochs), duration_in_words(row.seconds), row.summary)
        rows.append("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>")
    more = len(report.configurations) - SHOWN
    rest = f"<p>and {more} more</p>" if more > 0 else ""
    words = "".join(f"<p>{_text(sentence)}</p>" for sentence in report.insights.words)
    return (
        f"<div><strong>{_text(head)}</strong><table><thead><tr>{titles}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>{rest}{_drawn(report)}{words}</div>"
    )


def _drawn(report: RunReport) -> str:
    """The score of each configuration, in the order in which they were begun, and the best."""
    scored = sorted(
        (row for row in report.configurations if row.score is not None and row.images is None),
        key=lambda row: (len(row.configuration), row.configuration),
    )
    scores = [row.score for row in scored if row.score is not None]
    if len(scores) < 2:
        return ""
    low, high = min(scores), max(scores)
    span = (high - low) or 1.0

    def place(number: int, score: float) -> tuple[float, float]:
        across = _LEFT + number * (_WIDTH - _LEFT - 6) / (len(scores) - 1)
        return across, 6 + (high - score) / span * (_HEIGHT - _BELOW - 12)

    best_of = objective_named(report.objective).best
    best = [best_of(scores[: number + 1]) for number in range(len(scores))]
    line = " ".join("{:.1f},{:.1f}".format(*place(n, score)) for n, score in enumerate(best))
    dots = "".join(
        '<circle cx="{:.1f}" cy="{:.1f}" r="2.5" fill="#888"/>'.format(*place(n, score))
        for n, score in enumerate(scores)
    )
    labels = "".join(
        f'<text x="{_LEFT - 6}" y="{place(0, score)[1] + 4:.1f}" text-anchor="end" '
        f'font-size="11" fill="currentColor">{score:.3f}</text>'
        for score in dict.fromkeys((low, high))
    )
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="{_text(report.objective)} of each configuration, and the best so far">'
        f'<polyline points="{line}" fill="none" stroke="#3b6fd4" stroke-width="2"/>{dots}{labels}'
        f'<text x="{_LEFT}" y="{_HEIGHT - 4}" font-size="11" fill="currentColor">'
        f"configurations in the order in which they were begun; the line is the best so far"
        f"</text></svg>"
    )


def _text(words: str) -> str:
    return html.escape(printable(words))
