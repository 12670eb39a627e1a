package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plain"
)

// Status is what a check came to.
type Status string

// The states, from the best to the worst.
const (
	OK   Status = "ok"
	Warn Status = "warn" // a run goes on, and somebody should look
	Fail Status = "fail" // a run would end here
)

// Finding is what a check found where it did not fail.
type Finding struct {
	Found  string // one line
	Advice string // what to do about it; "" where nothing has to be done
}

// Check is one question. Its error is a failure, with what to do as its hints.
type Check struct {
	Name string
	Look func(context.Context) (Finding, error)
}

// Result is a check's answer.
type Result struct {
	Name    string   `json:"name"`
	Status  Status   `json:"status"`
	Found   string   `json:"found"`
	Do      []string `json:"do,omitempty"`
	Seconds float64  `json:"seconds"`
	Err     error    `json:"-"` // of a failure
}

// Examine runs the checks at once, each for at most limit, and passes the results
// to each in the order of the checks, as soon as they are there. A check that does
// not heed its context is left behind when its time is over.
func Examine(ctx context.Context, checks []Check, limit time.Duration, each func(Result)) []Result {
	answers := make([]chan Result, len(checks))
	for i, check := range checks {
		answers[i] = make(chan Result, 1)
		go func() { answers[i] <- check.within(ctx, limit) }()
	}
	results := make([]Result, len(checks))
	for i := range checks {
		results[i] = <-answers[i]
		each(results[i])
	}
	return results
}

// within is the check's answer, or that it took too long.
func (c Check) within(ctx context.Context, limit time.Duration) Result {
	late := hint.Wrap(fmt.Errorf("no answer within %s: %w", limit, context.DeadlineExceeded), "see whether the network, a proxy or a firewall is in the way")
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	type answer struct {
		Finding
		error
	}
	start := time.Now()
	done := make(chan answer, 1)
	go func() {
		finding, err := c.Look(ctx)
		done <- answer{finding, err}
	}()
	var got answer
	select {
	case got = <-done:
		if got.error != nil && ctx.Err() != nil {
			got.error = context.Cause(ctx)
		}
	case <-ctx.Done():
		got.error = context.Cause(ctx)
	}
	r := Result{Name: c.Name, Status: OK, Found: clean(got.Found), Seconds: time.Since(start).Seconds()}
	switch {
	case got.error != nil:
		r.Status, r.Found, r.Err = Fail, clean(got.Error()), got.error
		for _, h := range hint.Of(got.error) {
			r.Do = append(r.Do, clean(h))
		}
	case got.Advice != "":
		r.Status, r.Do = Warn, []string{clean(got.Advice)}
	}
	return r
}

// clean is text of others, fit to be printed. It may have lines: a config's errors do.
func clean(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(plain.Text(line), " ")
	}
	return strings.Join(lines, "\n")
}

// First is the first failure, nil when there is none.
func First(results []Result) error {
	for _, r := range results {
		if r.Status == Fail {
			return r.Err
		}
	}
	return nil
}

// Text writes one result: its line, and what to do below.
func (r Result) Text(w io.Writer) error {
	const indent = "\n                   " // below the text
	text := fmt.Sprintf("%-4s  %-12s %s", r.Status, r.Name, strings.ReplaceAll(r.Found, "\n", indent))
	for _, do := range r.Do {
		text += indent + "-> " + strings.ReplaceAll(do, "\n", indent+"   ")
	}
	_, err := io.WriteString(w, text+"\n")
	return err
}

// JSON writes all results as one document; exit is the code of the process.
func JSON(w io.Writer, results []Result, exit int) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		Passed bool     `json:"passed"`
		Exit   int      `json:"exit"`
		Checks []Result `json:"checks"`
	}{First(results) == nil, exit, results})
}
