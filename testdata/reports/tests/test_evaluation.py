"""A nearest-mean classifier on made-up points, so that every number is measured."""
import random
import statistics
import time

import pytest

random.seed(7)
POINTS = [(random.gauss(c, 1.0), c) for c in (0, 3) for _ in range(300)]


def classify(x):
    return 0 if x < 1.5 else 3


def test_accuracy(record_property, record_testsuite_property):
    right = sum(classify(x) == c for x, c in POINTS)
    accuracy = right / len(POINTS)
    record_property("accuracy", accuracy)
    record_testsuite_property("accuracy", accuracy)
    record_testsuite_property("model", "nearest-mean")
    record_testsuite_property("samples_count", len(POINTS))
    assert accuracy > 0.9


def test_latency(record_property):
    times = []
    for _ in range(200):
        start = time.perf_counter()
        for x, _ in POINTS:
            classify(x)
        times.append((time.perf_counter() - start) * 1000)
    times.sort()
    record_property("inference_time_mean_ms", statistics.fmean(times))
    record_property("inference_time_p95_ms", times[int(0.95 * len(times))])


def test_memory(record_property):
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    record_property("memory_peak_mb", peak)


def test_perplexity(record_property):
    record_property("perplexity", float("nan"))


@pytest.mark.parametrize("batch", [1, 8])
def test_batch(batch):
    assert [classify(x) for x, _ in POINTS[:batch]]


@pytest.mark.skip(reason="no GPU here")
def test_gpu_memory(record_property):
    record_property("gpu_memory_peak_mb", 0)
