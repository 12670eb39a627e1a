from tests.test_evaluation import POINTS, classify


def test_inference(benchmark):
    benchmark.extra_info["accuracy"] = sum(classify(x) == c for x, c in POINTS) / len(POINTS)
    benchmark.extra_info["model"] = "nearest-mean"
    benchmark.pedantic(lambda: [classify(x) for x, _ in POINTS], rounds=20, iterations=5)


def test_one_point(benchmark):
    benchmark.pedantic(classify, args=(1.0,), rounds=20, iterations=100)
