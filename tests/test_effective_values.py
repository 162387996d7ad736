from searching import trial_record

from search.trial.effective_values import effective_values

VALUES = {"batch_size": 32, "learning_rate": 1e-3}


def test_a_smaller_batch_scales_the_learning_rate_and_leaves_the_proposal_alone():
    smaller = trial_record(values=VALUES, batch_size=8)
    assert effective_values(smaller) == {"batch_size": 8, "learning_rate": 2.5e-4}
    assert smaller.values == VALUES
    sgd = trial_record(values={"batch_size": 16, "sgd_learning_rate": 0.1}, batch_size=8)
    assert effective_values(sgd)["sgd_learning_rate"] == 0.05
    assert effective_values(trial_record(values=VALUES)) is VALUES
