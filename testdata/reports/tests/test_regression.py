def test_labels_are_sorted():
    labels = [0, 3, 1]
    assert labels == sorted(labels), "labels are not sorted"


def test_labels_are_known():
    assert {0, 3} <= {0, 1, 3}
