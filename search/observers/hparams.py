"""Define the columns of TensorBoard's HParams: hyperparameters, scores and costs."""

from typing import Any

from tensorboard.plugins.hparams import api

from search.evaluation.objective import MEASURED
from search.run_folder.records import Values

FOREMOST = ("family", "optimizer", "learning_rate", "batch_size", "augmentation/strength")
"""HParams shows five columns until the user ticks others: these, which every family has.

Its parallel coordinates leave out each configuration that lacks one of the columns shown.
"""
MOST_SCORES = 3  # HParams shows five columns of metrics by itself, and two are the cost
BEST, SECONDS, WEIGHTS = "best", "cost/seconds", "cost/weights"


class Foremost(api.Domain):
    """A domain whose column comes before the others: HParams sorts by `differs`, then by name."""

    def __init__(self, domain: Any):
        self.domain = domain

    @property
    def dtype(self) -> Any:
        """Return the type of its values."""
        return self.domain.dtype

    def sample_uniform(self, *args: Any) -> Any:
        """Draw a value of it."""
        return self.domain.sample_uniform(*args)

    def update_hparam_info(self, hparam_info: Any) -> None:
        """Write type, values and `differs` into HParams' message."""
        self.domain.update_hparam_info(hparam_info)
        hparam_info.differs = True


def hyperparameter_columns(space: Any) -> list[Any]:
    """Make a column for each hyperparameter; one declared in several scopes has one column."""
    domains = {parameter.name: _domain(parameter) for parameter in space.space}
    if "sgd_learning_rate" in domains:  # see `row`
        rates = (domains["learning_rate"], domains["sgd_learning_rate"])
        low, high = min(rate.min_value for rate in rates), max(rate.max_value for rate in rates)
        domains["learning_rate"] = api.RealInterval(low, high)
    return [_column(name, domain) for name, domain in domains.items()]


def metric_columns(objective: str) -> list[Any]:
    """Make the columns of scores at the best epoch, the objective first, and of costs."""
    others = [name for name in MEASURED if name != objective][: MOST_SCORES - 1]
    return [
        api.Metric(f"{BEST}/{objective}", display_name=f"best {objective}"),
        *(api.Metric(f"{BEST}/{name}", display_name=f"{name} at best") for name in others),
        api.Metric(SECONDS, display_name="seconds"),
        api.Metric(WEIGHTS, display_name="weights"),
    ]


def row(values: Values) -> Values:
    """Return the values of a configuration, SGD's learning rate in the shared column too."""
    if values.get("optimizer") != "sgd":
        return values
    return {**values, "learning_rate": values["sgd_learning_rate"]}


def _column(name: str, domain: Any) -> Any:
    # The page breaks a header at a blank, else inside a word: "augmentation/stren gth".
    label = name.replace("/", " ")
    return api.HParam(name, Foremost(domain) if name in FOREMOST else domain, display_name=label)


def _domain(parameter: Any) -> Any:
    """Turn a hyperparameter of KerasTuner into HParams' domain, to filter and sort by it."""
    config = parameter.get_config()
    if "values" in config:
        return api.Discrete(config["values"])
    if "min_value" in config:
        low, high = config["min_value"], config["max_value"]
        interval = api.IntInterval if isinstance(low, int) else api.RealInterval
        return interval(low, high)
    if parameter.__class__.__name__ == "Boolean":
        return api.Discrete([False, True])
    return api.Discrete([config["value"]])  # fixed
