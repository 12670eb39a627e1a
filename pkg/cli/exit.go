package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/mlflow"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/publish"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/scan/vulndb"
	"github.com/org/ai-ship/pkg/sign"
)

// The exit codes, which are part of the command line's contract.
const (
	exitShipped     = 0
	exitUnexpected  = 1
	exitUsage       = 2
	exitRefused     = 3
	exitRegistry    = 4
	exitSigning     = 5
	exitInput       = 6
	exitInterrupted = 130
)

// exitHelp is the table as --help prints it.
func exitHelp() string {
	var b strings.Builder
	b.WriteString("\nExit codes:\n")
	for _, row := range []struct {
		code  int
		means string
	}{
		{exitShipped, "shipped, or nothing against it in a dry run"},
		{exitUnexpected, "unexpected"},
		{exitUsage, "the command line or the config is wrong"},
		{exitRefused, "a gate or a channel's terms refused"},
		{exitRegistry, "a registry, another server or the network failed"},
		{exitSigning, "signing or verification failed"},
		{exitInput, "a build input is missing or unsafe"},
		{exitInterrupted, "interrupted"},
	} {
		fmt.Fprintf(&b, "  %3d  %s\n", row.code, row.means)
	}
	return strings.TrimRight(b.String(), "\n")
}

// exitError is an error whose code is known where it arises.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// misuse is a wrong command line or config.
func misuse(err error) error {
	if err == nil {
		return nil
	}
	return exitError{err, exitUsage}
}

func usage(cmd *cobra.Command, err error) error {
	return misuse(hint.Wrap(err, fmt.Sprintf("%s --help lists what it takes", cmd.CommandPath())))
}

// exitCode is the only place where errors become numbers.
func exitCode(ctx context.Context, err error) int {
	var (
		stage   *pipeline.StageError
		known   exitError
		bad     *name.ErrBadName
		answer  *transport.Error
		tracked *mlflow.Error
		pulled  *vulndb.PullError
		request *url.Error
		network *net.OpError
		lost    release.ErrLostRace
	)
	switch {
	case err == nil:
		return exitShipped
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.Is(err, pipeline.ErrRefused), errors.Is(err, attest.ErrVerdict), errors.Is(err, release.ErrOlder),
		errors.Is(err, release.ErrOvertaken), errors.Is(err, release.ErrNotReady), errors.Is(err, release.ErrNothingBefore):
		return exitRefused
	case errors.As(err, &known):
		return known.code
	case errors.Is(err, sign.ErrUnproven), errors.Is(err, release.ErrUnproven), errors.As(err, &stage) && stage.Stage == pipeline.StageSign:
		return exitSigning
	case errors.Is(err, plan.ErrConfig), errors.As(err, &bad), strings.HasPrefix(err.Error(), "unknown command"):
		return exitUsage
	case errors.Is(err, base.ErrPlatform), errors.Is(err, base.ErrFile):
		return exitInput
	case errors.As(err, &answer), errors.As(err, &tracked), errors.As(err, &pulled), errors.As(err, &request), errors.As(err, &network), errors.As(err, &lost), errors.Is(err, publish.ErrDenied), errors.Is(err, context.DeadlineExceeded):
		return exitRegistry
	case errors.Is(err, build.ErrInput):
		return exitInput
	case errors.As(err, &stage) && (stage.Stage == pipeline.StagePublish || stage.Stage == pipeline.StageTag):
		return exitRegistry
	default:
		return exitUnexpected
	}
}

// refusedAccess says whether a registry let nobody in with what it was given.
func refusedAccess(err error) bool {
	var answer *transport.Error
	return errors.Is(err, publish.ErrDenied) ||
		errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden)
}

// complain prints an error and its hints.
func (p Process) complain(err error) {
	fmt.Fprintf(p.Err, "ai-ship: %v\n", err)
	for _, h := range hint.Of(err) {
		fmt.Fprintf(p.Err, "  hint: %s\n", h)
	}
}
