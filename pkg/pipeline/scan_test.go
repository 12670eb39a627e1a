package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/scan"
)

var old = scan.Finding{ID: "CVE-2026-0001", Severity: scan.Critical, Package: "pillow", Version: "9.0.0"}

// onlyNew is a rig whose image has one vulnerability, and whose gate asks whether
// production has it.
func onlyNew(t *testing.T, pushed func(v1.Platform) (scan.Findings, error)) *rig {
	r := newRig(t)
	image, err := name.NewDigest(r.plan.Target.Name() + "@sha256:" + strings.Repeat("a", 64))
	if err != nil {
		t.Fatal(err)
	}
	r.plan.Current = &plan.Current{Channel: "production", Image: image}
	r.plan.Gates.Scan = &gate.Scan{Vulnerabilities: &gate.Vulnerabilities{FailOn: scan.High, OnlyNew: true}}
	r.engines.Scanner = scan.Func(func(context.Context, scan.Target) (scan.Findings, error) {
		return scan.Findings{Ran: true, Vulnerabilities: []scan.Finding{old}}, nil
	})
	r.engines.Pushed = func(_ context.Context, asked name.Digest, p v1.Platform) (scan.Findings, error) {
		if asked != image {
			return scan.Findings{}, fmt.Errorf("asked for %s, want %s", asked, image)
		}
		return pushed(p)
	}
	return r
}

func TestOnlyNew(t *testing.T) {
	has := scan.Findings{Ran: true, Vulnerabilities: []scan.Finding{old}}
	r := onlyNew(t, func(v1.Platform) (scan.Findings, error) { return has, nil })
	outcome, err := pipeline.Scan(t.Context(), r.plan, r.engines)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range outcome.Findings.Vulnerabilities {
		if v.Ignored == nil || !v.Ignored.Known || v.Ignored.Reason != "production has it already" || v.Ignored.By != r.plan.Current.Image.Name() {
			t.Errorf("found %+v", v.Ignored)
		}
	}
	if n := len(outcome.Findings.Vulnerabilities); n != 2 {
		t.Errorf("%d findings, want one for each platform", n)
	}

	// What the channel has for one platform says nothing of another.
	r = onlyNew(t, func(p v1.Platform) (scan.Findings, error) {
		if p.Architecture == "arm64" {
			return scan.Findings{}, fmt.Errorf("opening: %w", base.ErrPlatform)
		}
		return has, nil
	})
	outcome, err = pipeline.Scan(t.Context(), r.plan, r.engines)
	if !errors.Is(err, pipeline.ErrRefused) {
		t.Errorf("error is %v, want a refusal", err)
	}
	if got := outcome.Findings.Skipped; len(got) != 1 || !strings.Contains(got[0].Reason, "production has no image for linux/arm64 to compare with") {
		t.Errorf("skipped %+v", got)
	}
}

// A channel's image that cannot be scanned lets nothing pass.
func TestOnlyNewFailsClosed(t *testing.T) {
	lying := scan.Findings{Ran: true, Vulnerabilities: []scan.Finding{old}, Incomplete: []scan.Incomplete{{ID: "unverified-layer", Detail: "the layer's content is another"}}}
	for want, pushed := range map[string]func(v1.Platform) (scan.Findings, error){
		"scan: scanning what production points to, to tell what is new: it is gone":                     func(v1.Platform) (scan.Findings, error) { return scan.Findings{}, errors.New("it is gone") },
		"scan: scanning what production points to, to tell what is new: the layer's content is another": func(v1.Platform) (scan.Findings, error) { return lying, nil },
	} {
		r := onlyNew(t, pushed)
		outcome, err := pipeline.Scan(t.Context(), r.plan, r.engines)
		if err == nil || err.Error() != want || outcome.Verdict.Passed {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}
