package pipeline_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/ci"
	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/internal/notary"
	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/publish"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/sign"
	"github.com/org/ai-ship/pkg/testreport"
)

const text = `
image: ghcr.io/acme/digits
base: scratch
version: 1.0.0
app: [src]
models: [m/w.bin]
reports: [r.json]
platforms: [linux/amd64, linux/arm64]
gates: {size: {unpacked: 1MB}, metrics: [{name: accuracy, min: 0.95}]}
`

// rig is a project, a plan for it and engines that really push.
type rig struct {
	root    *os.Root
	ask     plan.Ask
	plan    plan.Plan
	engines pipeline.Engines
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	for _, f := range []struct{ name, text string }{{"src/main.py", "print()"}, {"m/w.bin", "weights"}, {"r.json", `{"accuracy": 0.97}`}} {
		path := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "m/w.bin"), old, old); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	r := &rig{root: root}
	r.ask = plan.Ask{File: attest.File{Name: "ai-ship.yaml", SHA256: strings.Repeat("c", 64)}, Event: ci.Event{Provider: ci.Local}, Registry: strings.TrimPrefix(server.URL, "http://"), Channel: "staging"}
	r.again(t, text)
	r.engines = pipeline.Engines{Project: root, Publish: r.push, Tagger: release.Registry{}, Now: time.Now}
	return r
}

// again plans anew, with another config.
func (r *rig) again(t *testing.T, text string) {
	t.Helper()
	var err error
	if r.ask.Config, err = config.Parse("ai-ship.yaml", []byte(text), func(string) string { return "" }); err != nil {
		t.Fatal(err)
	}
	if r.plan, err = plan.New(t.Context(), r.ask, plan.Sources{Project: r.root, Keychain: authn.DefaultKeychain}); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) push(ctx context.Context, a publish.Artifact) (pipeline.Published, error) {
	done, err := publish.Registry{}.Push(ctx, r.plan.Target, a)
	return pipeline.Published{Digest: &done.Digest, Transfer: done.Transfer, Origins: done.Origins}, err
}

func (r *rig) tagged(t *testing.T) map[string]string {
	t.Helper()
	tags := make(map[string]string)
	for _, n := range r.plan.Release.Names() {
		if d, err := remote.Head(r.plan.Target.Tag(n)); err == nil {
			tags[n] = d.Digest.String()
		}
	}
	return tags
}

// The engines of tests: functions that stand where an engine will.
type scanner func(context.Context, scan.Target) (scan.Findings, error)

func (s scanner) Scan(ctx context.Context, t scan.Target) (scan.Findings, error) { return s(ctx, t) }

// signed gives the rig what signs.
func (r *rig) signed() *notary.Notary {
	n := &notary.Notary{}
	r.engines.Signer, r.engines.Version = n, "v0"
	r.engines.Verify = func(sign.Identity) (sign.Verifier, error) { return n, nil }
	r.engines.Channels = func(v sign.Verifier) pipeline.Channels { return release.Mover{Signer: n, Verifier: v, Now: time.Now} }
	return n
}

func TestRun(t *testing.T) {
	r := newRig(t)
	var scanned int
	r.engines.Scanner = scanner(func(context.Context, scan.Target) (scan.Findings, error) {
		scanned++
		return scan.Findings{Ran: true, Models: []scan.Finding{{ID: "pickle"}}}, nil
	})
	out, err := pipeline.Run(t.Context(), r.plan, r.engines)
	if err != nil {
		t.Fatal(err)
	}
	if scanned != 2 || !out.Findings.Ran || len(out.Findings.Models) != 2 {
		t.Errorf("%d scans found %+v, want one for each platform", scanned, out.Findings)
	}
	got := r.tagged(t)
	if want := strings.Join(r.plan.Release.Names(), " "); len(got) != 5 || got["staging"] != out.Published.Digest.DigestStr() {
		t.Errorf("tags %v, want %s on %s", got, want, out.Published.Digest)
	}
	if out.Proof.Signed() || out.Proof.Note() != "sign is not set in ai-ship.yaml" {
		t.Errorf("proof %+v", out.Proof)
	}

	rep, err := out.Report()
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := out.Product.Artifact().Digest()
	if !rep.Passed || rep.Digest != digest.String() || !strings.HasSuffix(rep.Image, "@"+rep.Digest) || len(rep.Moves) != 5 {
		t.Errorf("report %+v", rep)
	}
	var rows []string
	for _, l := range rep.Layers {
		rows = append(rows, l.Platform+" "+string(l.Kind)+" "+string(l.Origin))
	}
	want := []string{
		"linux/amd64 config uploaded", "linux/amd64 model uploaded", "linux/amd64 app uploaded",
		"linux/arm64 config uploaded", "linux/arm64 model uploaded", "linux/arm64 app uploaded",
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	var stages []string
	for _, s := range rep.Stages {
		stages = append(stages, s.Name)
	}
	if diff := cmp.Diff([]string{"build", "scan", "gate", "publish", "sign", "tag"}, stages); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
}

// Whatever stage fails, no tag moves, and what was found out is reported.
func TestFailureLeavesNoTag(t *testing.T) {
	boom := errors.New("boom")
	for _, tc := range []struct {
		stage  string
		breaks func(*testing.T, *rig)
		want   error
	}{
		{pipeline.StageBuild, func(t *testing.T, r *rig) { r.plan.Build.App[0].From = "none" }, build.ErrInput},
		{pipeline.StageScan, func(t *testing.T, r *rig) {
			r.engines.Scanner = scanner(func(context.Context, scan.Target) (scan.Findings, error) { return scan.Findings{}, boom })
		}, boom},
		{pipeline.StageGate, func(t *testing.T, r *rig) { write(t, r, "r.json", `{"accuracy": 0.5}`) }, pipeline.ErrRefused},
		{pipeline.StageGate, func(t *testing.T, r *rig) { write(t, r, "r.json", `<html/>`) }, build.ErrInput},
		{pipeline.StageGate, func(t *testing.T, r *rig) { r.plan.Reports = []string{"none/*.xml"} }, pipeline.ErrRefused},
		{pipeline.StageGate, func(t *testing.T, r *rig) {
			r.plan.Reports, r.plan.Gates.Metrics = []string{"none/*.xml"}, nil
		}, build.ErrInput},
		{pipeline.StagePublish, func(t *testing.T, r *rig) {
			r.engines.Publish = func(context.Context, publish.Artifact) (pipeline.Published, error) { return pipeline.Published{}, boom }
		}, boom},
		{pipeline.StageSign, func(t *testing.T, r *rig) {
			r.signed().Fail(boom)
		}, boom},
		{pipeline.StageSign, func(t *testing.T, r *rig) { // what was written is not what is read back
			r.signed()
			r.engines.Verify = func(sign.Identity) (sign.Verifier, error) { return &notary.Notary{}, nil }
		}, sign.ErrUnproven},
	} {
		t.Run(tc.stage, func(t *testing.T) {
			r := newRig(t)
			tc.breaks(t, r)
			out, err := pipeline.Run(t.Context(), r.plan, r.engines)
			var stage *pipeline.StageError
			if !errors.Is(err, tc.want) || !errors.As(err, &stage) || stage.Stage != tc.stage {
				t.Errorf("Run: %v, want %v in %s", err, tc.want, tc.stage)
			}
			if got := r.tagged(t); len(got) != 0 {
				t.Errorf("tags %v", got)
			}
			rep, err := out.Report()
			if err != nil || rep.Stages[len(rep.Stages)-1].Name != tc.stage || len(rep.Tags) != 0 {
				t.Errorf("report %+v, %v", rep, err)
			}
		})
	}
}

// The second image is compared with the first: its numbers with those that the
// first recorded, its contents with what it was made of.
func TestRunAgainstABaseline(t *testing.T) {
	r := newRig(t)
	compared := strings.Replace(text, "min: 0.95", "min: 0.95, regression: 1%", 1)
	r.again(t, compared)
	if _, err := pipeline.Run(t.Context(), r.plan, r.engines); err != nil {
		t.Fatal(err)
	}
	write(t, r, "src/main.py", strings.Repeat("print('longer')\n", 100))
	write(t, r, "r.json", `{"accuracy": 0.99}`)
	r.again(t, compared)
	out, err := pipeline.Run(t.Context(), r.plan, r.engines)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := out.Report()
	if err != nil {
		t.Fatal(err)
	}
	if rep.Baseline == nil || rep.Contents == nil || len(rep.Contents.Grown) == 0 || rep.Contents.Grown[0].Path != "app/main.py" || rep.Contents.Baseline != rep.Baseline.Ref {
		t.Errorf("baseline %+v, contents %+v", rep.Baseline, rep.Contents)
	}
	write(t, r, "r.json", `{"accuracy": 0.96}`)
	r.again(t, compared)
	if out, err = pipeline.Run(t.Context(), r.plan, r.engines); !errors.Is(err, pipeline.ErrRefused) {
		t.Errorf("3 %% worse than the channel's image: %v, %+v", err, out.Verdict.Results)
	}
}

// tracked is a server that knows one run.
type tracked struct{ err error }

func (tracked) Knows(entry string) bool { return entry == "runs:/1" }

func (s tracked) Report(context.Context, string) (testreport.Report, error) {
	return testreport.Report{Path: "runs:/1"}, s.err
}

func TestMeasured(t *testing.T) {
	r := newRig(t)
	t.Chdir(r.root.Name())
	down := errors.New("the server is down")
	for what, tc := range map[string]struct {
		m     pipeline.Measured
		count int
		want  error
	}{
		"files and a run":                   {pipeline.Measured{Tracker: tracked{}, Reports: []string{"*.json", "runs:/1"}}, 2, nil},
		"the server fails":                  {pipeline.Measured{Tracker: tracked{down}, Reports: []string{"runs:/1"}}, 0, down},
		"named from a shell in the project": {pipeline.Measured{Reports: []string{"r.json"}, Outside: "."}, 1, nil},
		"named outside of it":               {pipeline.Measured{Reports: []string{filepath.Join(r.root.Name(), "r.json")}, Outside: t.TempDir()}, 1, nil},
		"none, and no gate needs any":       {pipeline.Measured{Reports: []string{"*.xml"}}, 0, testreport.ErrNoReport},
		"none, and a gate refuses":          {pipeline.Measured{Reports: []string{"*.xml"}, Policy: r.plan.Gates}, 0, nil},
	} {
		tc.m.Project = r.root
		got, err := tc.m.Read(t.Context())
		if !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) || len(got) != tc.count {
			t.Errorf("%s: %d reports, %v; want %d, %v", what, len(got), err, tc.count, tc.want)
		}
	}
}

// A signed run has its statements on the index and on each image, and a record
// of the channel's move.
func TestRunSigned(t *testing.T) {
	r := newRig(t)
	n := r.signed()
	r.engines.Scanner = scanner(func(_ context.Context, target scan.Target) (scan.Findings, error) {
		return scan.Findings{Ran: true, Engine: "1", Database: &scan.Database{}, Documents: []scan.Document{{Name: "sbom.cdx.json", Data: []byte(`{"platform": "` + target.Platform + `"}`)}}}, nil
	})
	out, err := pipeline.Run(t.Context(), r.plan, r.engines)
	if err != nil {
		t.Fatal(err)
	}
	if !out.Proof.Signed() || len(out.Signed.Attestations) != 8 {
		t.Fatalf("signed %+v", out.Signed)
	}
	for _, img := range out.Product.Images {
		digest, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		e, err := n.Verify(t.Context(), r.plan.Target.Digest(digest.String()))
		if err != nil || len(e.Signatures) != 1 {
			t.Fatalf("%s: %+v, %v", img.Platform, e, err)
		}
		var types []string
		for _, a := range e.Attestations {
			types = append(types, a.PredicateType)
			if a.PredicateType == attest.SBOM && string(a.Predicate) != `{"platform":"`+img.Platform.String()+`"}` {
				t.Errorf("SBOM of %s: %s", img.Platform, a.Predicate)
			}
		}
		if want := []string{attest.Verdict, attest.TestResult, attest.Provenance, attest.Vulnerabilities, attest.SBOM, attest.Models}; !slices.Equal(types, want) {
			t.Errorf("statements of %s: %q", img.Platform, types)
		}
	}
	h, err := r.engines.Channels(n).(release.Mover).History(t.Context(), r.plan.Target, "staging")
	if err != nil || len(h.Entries) != 1 || h.Entries[0].Record.Action != release.Ship || len(h.Problems) != 0 {
		t.Errorf("history %+v, %v", h, err)
	}
	rep, err := out.Report()
	if err != nil || rep.Signature == nil || rep.Signature.Key != notary.By().Key || len(rep.Attestations) != 8 || rep.Tags[len(rep.Tags)-1] != "staging" {
		t.Errorf("report %+v, %v", rep.Signature, err)
	}
}

func write(t *testing.T, r *rig, name, text string) {
	t.Helper()
	if err := r.root.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSkips(t *testing.T) {
	r := newRig(t)
	r.engines.Publish = nil
	out, err := pipeline.Run(t.Context(), r.plan, r.engines)
	if err != nil {
		t.Fatal(err)
	}
	skipped := func() map[string]string {
		m := make(map[string]string)
		for _, s := range out.Stages {
			m[s.Name] = s.Skipped
		}
		return m
	}
	if s := skipped(); s["publish"] != "dry run" || s["tag"] != "nothing was pushed to a registry" || s["gate"] != "" {
		t.Errorf("dry run skipped %v", s)
	}
	r.engines.Publish = r.push
	r.plan.Release = release.Plan{Why: "a pull request never moves a tag"}
	if out, err = pipeline.Run(t.Context(), r.plan, r.engines); err != nil {
		t.Fatal(err)
	}
	if s := skipped(); s["tag"] != "a pull request never moves a tag" {
		t.Errorf("pull request skipped %v", s)
	}
}

func TestCancel(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	push := r.engines.Publish
	r.engines.Publish = func(c context.Context, a publish.Artifact) (pipeline.Published, error) {
		defer cancel()
		return push(c, a)
	}
	if _, err := pipeline.Run(ctx, r.plan, r.engines); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if got := r.tagged(t); len(got) != 0 {
		t.Errorf("tags %v after the end of the context", got)
	}
}

// What a report has is what was known: a report of a dry run reads no model.
func TestReportReadsNothing(t *testing.T) {
	r := newRig(t)
	write(t, r, "m/w.bin", strings.Repeat("w", plainSize))
	write(t, r, "r.json", `{"accuracy": 0.97}`)
	r.plan.Gates.Size.Unpacked = nil
	r.engines.Publish = nil
	out, err := pipeline.Run(t.Context(), r.plan, r.engines)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := out.Report()
	if err != nil {
		t.Fatal(err)
	}
	if rep.Digest != "" || rep.Layers[1].Kind != layer.KindModel || rep.Layers[1].Digest != "" || rep.Layers[1].Size < plainSize {
		t.Errorf("digest %q, layers %+v", rep.Digest, rep.Layers)
	}
}

// plainSize is more than a layer that is compressed.
const plainSize = 17 << 20
