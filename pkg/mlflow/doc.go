// Package mlflow reads the metrics of an MLflow run, or of the run or model
// behind a version in its registry, as a test report.
//
// # References
//
//	runs:/RUN_ID            a run
//	models:/NAME/VERSION    the run that a registered version came from, or else its logged model
//	models:/NAME@ALIAS      the same of the version that the alias points to
//	models:/m-MODEL_ID      a logged model of MLflow 3
//
// They are written as in MLflow, without escapes. "latest" and stages are
// refused: neither names a version that somebody chose.
//
// # Credentials
//
// As in MLflow's own client, a user name with a password wins over a token, and
// both are sent over plain http too, since servers inside a cluster often have
// nothing else. They go to the tracking server's scheme, host and port only:
// another redirect is an error. Errors never show them, not even where the
// server repeats them.
//
// # Limits
//
// A request takes at most 30 s and is tried at most five times, where what went
// wrong may pass (408, 429, 500, 502, 503, 504, a broken connection). A pause,
// Retry-After included, is at most 30 s. The answer is bounded.
package mlflow
