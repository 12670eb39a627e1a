package cli

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/plan"
)

func TestAwaitLeavesAStageThatDoesNotEnd(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("cancelled")
	block := make(chan struct{})
	defer close(block)
	decided := plan.Plan{Withheld: "this plan"}
	got, err := await(ctx, decided, 10*time.Millisecond, func() (pipeline.Outcome, error) {
		cancel(why)
		<-block
		return pipeline.Outcome{}, nil
	})
	if !errors.Is(err, why) || got.Plan.Withheld != "this plan" {
		t.Errorf("got %+v, %v", got.Plan, err)
	}
	if code := exitCode(ctx, err); code != exitInterrupted {
		t.Errorf("exit code is %d, want %d", code, exitInterrupted)
	}
	// One that ends in time has its say.
	got, err = await(ctx, decided, time.Minute, func() (pipeline.Outcome, error) {
		return pipeline.Outcome{Known: "mine"}, ctx.Err()
	})
	if got.Known != "mine" || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v", got, err)
	}
}
