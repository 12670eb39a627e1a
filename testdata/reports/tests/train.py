"""Trains a small classifier of points with the Trainer: python -m tests.train"""
import numpy
import torch
from transformers import Trainer, TrainingArguments

from tests.test_evaluation import POINTS


class Data(torch.utils.data.Dataset):
    def __len__(self):
        return len(POINTS)

    def __getitem__(self, i):
        x, c = POINTS[i]
        return {"x": torch.tensor([x]), "labels": int(c == 3)}


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 2)

    def forward(self, x, labels=None):
        logits = self.layer(x)
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def score(prediction):
    said, right = numpy.argmax(prediction.predictions, axis=-1), prediction.label_ids
    both = 2 * ((said == 1) & (right == 1)).sum()
    return {"accuracy": float((said == right).mean()), "f1": float(both / ((said == 1).sum() + (right == 1).sum()))}


torch.manual_seed(7)
arguments = TrainingArguments(
    output_dir=".", num_train_epochs=3, learning_rate=0.1, report_to="none", save_strategy="no",
    skip_memory_metrics=False, use_cpu=True, disable_tqdm=True, per_device_train_batch_size=32)
trainer = Trainer(model=Model(), args=arguments, train_dataset=Data(), eval_dataset=Data(), compute_metrics=score)
trained = trainer.train().metrics | {"train_samples": len(POINTS)}
trainer.save_metrics("train", trained)
trainer.save_metrics("eval", trainer.evaluate() | {"eval_samples": len(POINTS)})
