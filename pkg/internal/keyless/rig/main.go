// Command rig runs the keyless rig for tests that start programs: it prints
// one line of JSON (Services) and serves on loopback until its standard input
// ends.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/org/ai-ship/pkg/internal/keyless"
)

// past is how far the services' clock is set back: certificates have expired
// when they are issued, so that what verifies them has to look at the time that
// was vouched for.
const past = -time.Hour

// Services is where everything is. Tokens are good for ten minutes.
type Services struct {
	Fulcio, Timestamp, Rekor string            // URLs; the log is of version 2
	TrustedRoot              json.RawMessage   // vouches for all of them
	Env                      map[string]string // of a GitHub job that may ask for tokens of Job
	Job                      Identity          // a workflow of acme/digits
	Other                    Identity          // the same of somebody else
}

// Identity is who may sign.
type Identity struct{ Subject, Issuer, Token string }

func main() {
	if err := serve(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "serve: %v\n", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	rig, err := keyless.Start(ctx)
	if err != nil {
		return err
	}
	defer rig.Stop()
	rig.Shift(past)
	job := rig.GitHub("acme/digits", "ship.yml", "refs/heads/main")
	identity := func(w keyless.Workload) Identity {
		return Identity{Subject: w.Subject, Issuer: w.Issuer, Token: rig.Token(w)}
	}
	err = json.NewEncoder(out).Encode(Services{
		Fulcio: rig.Fulcio.URL, Timestamp: rig.TSA.URL, Rekor: rig.Rekor.URL, TrustedRoot: rig.TrustedRoot(),
		Env: rig.ActionsEnv(job), Job: identity(job), Other: identity(rig.GitHub("example/digits", "ship.yml", "refs/heads/main")),
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}
