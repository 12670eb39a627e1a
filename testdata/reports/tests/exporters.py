"""Writes the numbers of the same classifier with other tools: python -m tests.exporters"""
import csv
import statistics
import time

import tomli_w
import yaml
from prometheus_client import CollectorRegistry, Gauge, Histogram, Summary, write_to_textfile

from tests.test_evaluation import POINTS, classify

registry = CollectorRegistry()
accuracy = Gauge("model_accuracy_ratio", "Share of right answers", ["split"], registry=registry)
latency = Histogram("inference_latency_seconds", "Time of 600 points", registry=registry,
                    buckets=(0.0001, 0.00011, 0.00012, 0.00015, 0.001))
batch = Summary("batch_latency_seconds", "Time of 600 points", registry=registry)
samples = []
for _ in range(50):
    start = time.perf_counter()
    for x, _ in POINTS:
        classify(x)
    samples.append(time.perf_counter() - start)
    latency.observe(samples[-1])
    batch.observe(samples[-1])
right = sum(classify(x) == c for x, c in POINTS) / len(POINTS)
accuracy.labels(split="test").set(right)
write_to_textfile("metrics.prom", registry)

metrics = {
    "model": "nearest-mean",
    "test": {"accuracy": right, "latency_p95_ms": round(statistics.quantiles(samples, n=20)[-1] * 1000, 4)},
    "batch_us": [round(s * 1e6, 1) for s in samples[:3]],
}
with open("metrics.toml", "wb") as f:
    tomli_w.dump(metrics, f)
metrics["test"]["perplexity"] = float("nan")
with open("metrics.yaml", "w") as f:
    yaml.safe_dump(metrics, f)
with open("runs.csv", "w", newline="") as f:
    rows = csv.writer(f)
    rows.writerow(["run", "split", "accuracy", "latency_ms"])
    rows.writerows([i, "test", right, round(s * 1000, 4)] for i, s in enumerate(samples[:3]))
