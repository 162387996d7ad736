"""Name hyperparameters and their values as people call them."""

from collections.abc import Sequence

from search.insights.space import Value

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def human(name: str, family: str | None = None) -> str:
    """Name a hyperparameter: "cnn/dense_units" is "dense units" where cnn is meant."""
    if family is not None:
        name = name.removeprefix(f"{family}/")
    return name.replace("/", " ").replace("_", " ").replace("sgd", "SGD")


def number(value: float) -> str:
    """Write a number with three digits: 0.25, 32, 1.2e-3."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    if 0.01 <= abs(value) < 1e4:
        return f"{value:.3g}"
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits.removesuffix('.0')}e{int(exponent)}"


def exact(value: float) -> str:
    """Write a number in as few characters as are read as the same number again."""
    short = number(value)
    return short if float(short) == value else repr(value)


def value_in_words(value: Value) -> str:
    """Write a value of any kind."""
    return str(value) if isinstance(value, bool | str) else number(value)


def count(number: int) -> str:
    """Write a small whole number in letters."""
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def listed(parts: Sequence[str]) -> str:
    """Join parts as a sentence does: "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
