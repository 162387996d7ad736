"""The values that a trial is trained with, where memory allowed a smaller batch."""

from search.run_folder.records import TrialSpec, Values


def effective_values(spec: TrialSpec) -> Values:
    """The values it is trained with: the learning rate is scaled down with the batch."""
    if spec.batch_size is None or spec.batch_size == (asked := int(spec.values["batch_size"])):
        return spec.values
    values = {**spec.values, "batch_size": spec.batch_size}
    for name in ("learning_rate", "sgd_learning_rate"):
        if name in values:
            values[name] = float(values[name]) * spec.batch_size / asked
    return values
