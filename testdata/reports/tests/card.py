"""A model card and evaluation results by huggingface_hub: python -m tests.card"""
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from tests.test_evaluation import POINTS, classify

accuracy = sum(classify(x) == c for x, c in POINTS) / len(POINTS)
hits = sum(classify(x) == 3 == c for x, c in POINTS)
f1 = 2 * hits / (sum(classify(x) == 3 for x, _ in POINTS) + sum(c == 3 for _, c in POINTS))
where = dict(task_type="tabular-classification", task_name="Tabular Classification", dataset_type="acme/points",
             dataset_name="Points", dataset_config="default", dataset_split="test")
data = ModelCardData(language="en", license="apache-2.0", tags=["points"], model_name="nearest-mean", eval_results=[
    EvalResult(metric_type="accuracy", metric_name="Test accuracy", metric_value=accuracy, **where),
    EvalResult(metric_type="f1", metric_name="Test F1", metric_value=f"{100 * f1:.1f} ± 1.2", **where),
    EvalResult(metric_type="wer", metric_value=12.4, task_type="automatic-speech-recognition",
               dataset_type="acme/spoken-points", dataset_name="Spoken Points", verified=True, verify_token="token"),
])
ModelCard(f"---\n{data.to_yaml()}\n---\n\n# nearest-mean\n\n---\n\nA classifier of points.\n").save("model-card.md")
