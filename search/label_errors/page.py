"""Make one page of the likeliest label errors: it needs no script and no network.

Images are part of the file. Names are the user's, or those of whoever sent the images: they
are shown and never obeyed, and a policy in the page forbids it to fetch or run anything.
"""

import base64
from collections.abc import Sequence
from html import escape

from search.label_errors.suspect_rows import Suspect, SuspectReport
from search.process.printable import printable
from search.process.wording import in_percent

CAUTION = (
    "These are suspicions, not errors: about half of such flags are wrong in the literature, "
    "where people looked at them (Northcutt, Athalye & Mueller 2021: 51 of 100 were right), and "
    "nearly all where labels are good. Nothing was changed."
)

# Part of the page, so that the policy must allow inline styles; no name stands in it.
_STYLE = """
:root { color-scheme: light dark; --page: #f6f6f4; --card: #fff; --ink: #1c1c1a; --soft: #5f5f5a;
  --line: #dcdcd6; --mark: #9a3412; }
@media (prefers-color-scheme: dark) { :root { --page: #161614; --card: #222220; --ink: #ecece8;
  --soft: #a8a8a0; --line: #3a3a36; --mark: #fdba74; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 80rem; background: var(--page);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
p { margin: 0 0 .6rem; max-width: 46rem; overflow-wrap: anywhere; }
.caution { border-left: 4px solid var(--mark); padding: .2rem 0 .2rem .8rem; }
.soft, code { color: var(--soft); font-size: .85rem; }
ol { list-style: none; margin: 1.5rem 0 0; padding: 0; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(14rem, 100%), 1fr)); }
li { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  overflow: hidden; display: flex; flex-direction: column; }
img { width: 100%; height: 13rem; object-fit: contain; background: var(--line); display: block; }
dl { margin: 0; padding: .7rem .8rem .2rem; display: grid; grid-template-columns: auto 1fr auto;
  gap: .1rem .6rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
dd.share { text-align: right; font-variant-numeric: tabular-nums; }
.likelier { font-weight: 650; }
.place { padding: .1rem .8rem .7rem; margin: 0; overflow-wrap: anywhere; }
.flag { color: var(--mark); }
"""


def remedy(report: SuspectReport) -> str:
    """What to do about the suspects."""
    return (
        f"To correct labels, run 'tune labels {printable(report.argument)} --serve', or move a "
        "file into the folder of its class; then start a new run."
    )


def suspects_page(report: SuspectReport, images: Sequence[bytes]) -> str:
    """Make the whole page, HTML.

    Args:
        report: of the suspects to show.
        images: JPEG of each of its suspects.
    """
    title = f"Labels of {_text(report.run)} that may be wrong"
    cards = "\n".join(
        _card(place, row, jpeg)
        for place, (row, jpeg) in enumerate(zip(report.suspects, images, strict=True), start=1)
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p class="caution">{escape(CAUTION)} {escape(remedy(report))}</p>
<p>{escape(summary(report))}</p>
<p class="soft">Each image was judged by models that were trained without it
 ({report.folds} folds, {_text(report.configuration)}). Images lie in
 {_text(report.root)}.</p>
<ol>
{cards}
</ol>
</body>
</html>
"""


def summary(report: SuspectReport) -> str:
    """Say how many labels are in doubt, as plain text."""
    if not report.doubted:
        return f"No label of {report.images:,} is in doubt: none is less likely than another."
    apart = (
        f" {report.dealt_apart:,} images are of groups of near-copies, as the frames of a video "
        "are, too large for one fold: these vouch for one another's labels."
        if report.dealt_apart
        else ""
    )
    listed = len(report.suspects)
    which = "all of these" if listed == report.doubted else f"the first {listed:,} of these"
    return (
        f"{report.flagged:,} of {report.images:,} labels are flagged by confident "
        f"learning; of {report.doubted:,} another class is likelier than the label. "
        f"Listed: {which}, the least credible label first.{apart}"
    )


def _card(place: int, row: Suspect, jpeg: bytes) -> str:
    image = base64.b64encode(jpeg).decode()
    flag = '<span class="flag">flagged</span> · ' if row.flagged else ""
    return f"""<li>
<img src="data:image/jpeg;base64,{image}" alt="suspect {place}">
<dl>
<dt>label</dt><dd>{_text(row.given)}</dd>
<dd class="share">{escape(in_percent(row.probability_given))}</dd>
<dt>likelier</dt><dd class="likelier">{_text(row.suggested)}</dd>
<dd class="share">{escape(in_percent(row.probability_suggested))}</dd>
</dl>
<p class="place"><span class="soft">{place} · {flag}{_text(row.split)}</span><br>
<code>{_text(row.path)}</code></p>
</li>"""


def _text(name: str) -> str:
    # Escaped last: what is added before cannot be markup.
    return escape(printable(name))
