"""Write durations and sizes in words."""


def duration_in_words(seconds: float | None) -> str:
    """A duration as people say it: `45 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds is None:
        return "not known yet"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def about_in_words(seconds: float) -> str:
    """An estimated duration, no finer than it is known: `about 40 s`, `about 1 h 20 min`."""
    if seconds < 95:
        return f"about {max(round(seconds, -1), 10):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    return f"about {duration_in_words(round(minutes, -1) * 60)}"


def counted(number: int, thing: str) -> str:
    """A number of things: `1 trial`, `1,234 trials`."""
    ending = "" if number == 1 else "es" if thing.endswith("s") else "s"
    return f"{number:,} {thing}{ending}"


def time_left(seconds: float | None) -> str:
    """The time that is left: `45 s left`; None where it is not known yet."""
    return "time left not known yet" if seconds is None else f"{duration_in_words(seconds)} left"


def in_percent(share: float, digits: int = 1) -> str:
    """A share of 1 as `87.3 %`, `<0.1 %` or `>99.9 %`; 0 and 100 are said of none and all alone."""
    least, shown = 10.0**-digits, 100 * share
    if 0 < shown < least:
        return f"<{least:.{digits}f} %"
    if 100 - least < shown < 100:
        return f">{100 - least:.{digits}f} %"
    return f"{shown:.{digits}f} %"


def bytes_in_words(count: int) -> str:
    """Bytes as people say them: `12 MB`, `3.4 GB`."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def megabytes(size: int) -> str:
    """Bytes as `4.1 MB`, `12 KB` where there are few, or `3.4 GB` where there are many."""
    if size >= 1e9:
        return bytes_in_words(size)
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} KB"
