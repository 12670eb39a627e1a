"""scikit-learn's report on its own digits, with noise: python -m tests.classification > classification-report.json"""
import json
import sys

import numpy
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split

digits = load_digits(n_class=3)
x, rest, y, right = train_test_split(digits.data, digits.target, test_size=0.5, random_state=7)
model = LogisticRegression(max_iter=3).fit(x, y)
noisy = rest + numpy.random.default_rng(7).normal(0, 6, rest.shape)
report = classification_report(right, model.predict(noisy), target_names=["zero", "big one", "two"], output_dict=True)
json.dump(report, sys.stdout, indent=1)
print()
