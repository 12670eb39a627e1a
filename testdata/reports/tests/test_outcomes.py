"""Every outcome that a test can have, with the numbers that the plugins keep: only for the JSON reports."""
import time

import pytest

from tests.test_evaluation import POINTS, classify


@pytest.fixture
def device():
    raise RuntimeError("no device")


def timed():
    start = time.perf_counter()
    for x, _ in POINTS:
        classify(x)
    return (time.perf_counter() - start) * 1000


class TestSpeed:
    @pytest.mark.parametrize("device", ["cpu::32"])
    def test_batch(self, device, record_property):
        record_property("gpu_memory_mib", 512)
        record_property("latency_p95_ms", sorted(timed() for _ in range(20))[18])


def test_accuracy(request):
    accuracy = sum(classify(x) == c for x, c in POINTS) / len(POINTS)
    if request.config.pluginmanager.hasplugin("pytest_jsonreport"):
        request.getfixturevalue("json_metadata").update(accuracy=accuracy, latency_p95_ms=timed(), dataset="points")
    assert accuracy > 0.9


def test_f1():
    hits = sum(classify(x) == 3 == c for x, c in POINTS)
    assert hits / len(POINTS) > 0.9, "f1 fell\nto half"


def test_gpu(device):
    pass


def test_later():
    pytest.skip("later")


@pytest.mark.xfail(reason="a known gap", strict=False)
def test_known_gap():
    assert classify(1.4) == 3
