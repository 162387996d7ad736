from search.report.front import Offer, pareto_front


def numbers(*offers):
    return [offer.number for offer in pareto_front(Offer(*values) for values in offers)]


def test_what_is_dearer_and_no_better_is_not_on_the_front():
    assert numbers((5, 0.9, 0), (1, 0.6, 1), (7, 0.8, 2), (9, 0.95, 3)) == [1, 0, 3]


def test_of_equal_accuracy_the_cheaper_is_taken_and_of_equal_cost_the_better():
    assert numbers((2, 0.9, 0), (1, 0.9, 1), (1, 0.7, 2)) == [1]


def test_nothing_has_no_front():
    assert numbers() == []
