package cli

import (
	"context"
	"fmt"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/mlflow"
	"github.com/org/ai-ship/pkg/testreport"
)

// tracker reads MLflow with the variables that MLflow's own client knows.
func (p Process) tracker() tracker {
	return tracker{mlflow.Client{
		URI:      p.Getenv("MLFLOW_TRACKING_URI"),
		Username: p.Getenv("MLFLOW_TRACKING_USERNAME"),
		Password: p.Getenv("MLFLOW_TRACKING_PASSWORD"),
		Token:    p.Getenv("MLFLOW_TRACKING_TOKEN"),
	}}
}

type tracker struct{ client mlflow.Client }

func (t tracker) Knows(entry string) bool { return mlflow.Is(entry) }

func (t tracker) Report(ctx context.Context, ref string) (testreport.Report, error) {
	if t.client.URI == "" {
		return testreport.Report{}, misuse(hint.Wrap(fmt.Errorf("reading report %q: no MLflow server is named", ref),
			"set MLFLOW_TRACKING_URI to the server's address"))
	}
	return t.client.Report(ctx, ref)
}
