package plan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/ci"
	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/internal/notary"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/sign"
	"github.com/org/ai-ship/pkg/source"
)

const smallest = `
image: ghcr.io/acme/digits
base: scratch
app: [src]
version: 1.2.3
`

const commit = "0123456789abcdef0123456789abcdef01234567"

func ask(t *testing.T, text, host string) plan.Ask {
	t.Helper()
	c, err := config.Parse("ai-ship.yaml", []byte(text), func(string) string { return host })
	if err != nil {
		t.Fatal(err)
	}
	return plan.Ask{Config: c, Event: ci.Event{Provider: ci.Local}, Registry: host}
}

func sources(t *testing.T) plan.Sources {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return plan.Sources{Project: root, Keychain: authn.DefaultKeychain}
}

func serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// push puts a random linux/amd64 image under the tag and gives its digest.
func push(t *testing.T, ref string) v1.Hash {
	t.Helper()
	img, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file.OS, file.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, file); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	h, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func newPlan(t *testing.T, a plan.Ask) plan.Plan {
	t.Helper()
	p, err := plan.New(t.Context(), a, sources(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tags(p plan.Plan) string { return strings.Join(p.Release.Names(), " ") }

// The CI's event wins over git's state; without a CI, git says what is shipped.
func TestEventOrGit(t *testing.T) {
	host := serve(t)
	revision := source.Revision{Commit: commit, Branch: "develop", Tags: []string{"nice", "v2.0.0"}, Nearest: "v2.0.0", Remote: "https://github.com/acme/digits"}
	plain := strings.Replace(smallest, "version: 1.2.3", "", 1)
	for _, tc := range []struct {
		name, text string
		event      ci.Event
		revision   source.Revision
		want       string
	}{
		{"local tag", plain, ci.Event{Provider: ci.Local}, revision, "2.0.0 v2.0.0 2.0 2 latest sha-0123456 production"},
		{"local branch", plain, ci.Event{Provider: ci.Local}, source.Revision{Commit: commit, Branch: "develop", Nearest: "v1.0.0", Distance: 3},
			"sha-0123456 develop-0123456 staging"},
		{"branch in CI at a tagged commit", plain, ci.Event{Provider: ci.GitHub, Branch: "main", Commit: commit}, revision, "sha-0123456 main-0123456"},
		{"explicit version", smallest, ci.Event{Provider: ci.GitLab, Branch: "develop", Commit: commit}, revision,
			"1.2.3 1.2 1 latest sha-0123456 develop-0123456 staging"},
		{"pull request", smallest, ci.Event{Provider: ci.GitHub, PullRequest: 7, Commit: commit}, revision, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := ask(t, tc.text, host)
			a.Event, a.Revision = tc.event, tc.revision
			if got := tags(newPlan(t, a)); got != tc.want {
				t.Errorf("tags %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAnnotations(t *testing.T) {
	host := serve(t)
	digest := push(t, host+"/acme/python:3.11")
	a := ask(t, strings.Replace(smallest, "base: scratch", "base: "+host+"/acme/python:3.11\nlabels: {org.opencontainers.image.version: mine, team: acme}", 1), host)
	a.Revision = source.Revision{Commit: commit, Branch: "main", Time: time.Unix(1700000000, 0), Remote: "https://github.com/acme/digits"}
	p := newPlan(t, a)
	want := map[string]string{
		"org.opencontainers.image.version":  "1.2.3",
		"org.opencontainers.image.created":  "2023-11-14T22:13:20Z",
		"org.opencontainers.image.revision": commit,
		"org.opencontainers.image.source":   "https://github.com/acme/digits",

		"org.opencontainers.image.base.name":   host + "/acme/python:3.11",
		"org.opencontainers.image.base.digest": digest.String(),
	}
	if diff := cmp.Diff(want, p.Build.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if p.Build.Config.Labels["org.opencontainers.image.version"] != "mine" || p.Build.Config.Labels["team"] != "acme" {
		t.Errorf("labels %v", p.Build.Config.Labels)
	}
	a.Created = time.Unix(1, 0)
	if got := newPlan(t, a).Build.Annotations["org.opencontainers.image.created"]; got != "1970-01-01T00:00:01Z" {
		t.Errorf("created %s, want SOURCE_DATE_EPOCH", got)
	}
	a.Config.Platforms = []string{"linux/arm64"}
	if _, err := plan.New(t.Context(), a, sources(t)); !errors.Is(err, base.ErrPlatform) {
		t.Errorf("platform that the base lacks: %v", err)
	}
}

func TestPredecessors(t *testing.T) {
	host := serve(t)
	production := push(t, host+"/acme/digits:production")
	staging := push(t, host+"/acme/digits:staging")
	cache := push(t, host+"/acme/other:cache")
	a := ask(t, smallest+"cache-from: ["+host+"/acme/other:cache, "+host+"/acme/other:none]\n", host)
	a.Channel = "staging"
	p := newPlan(t, a)
	repo := host + "/acme/digits"
	want := []string{
		repo + ":staging@" + staging.String(), repo + ":production@" + production.String(),
		host + "/acme/other:cache@" + cache.String(),
	}
	if diff := cmp.Diff(want, p.ReuseFrom); diff != "" {
		t.Errorf("reused from (-want +got):\n%s", diff)
	}
	if p.Baseline == nil || p.Baseline.Ref != want[0] || p.Baseline.Compressed == 0 {
		t.Errorf("baseline %+v, want the channel that moves", p.Baseline)
	}
	if len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "other:none") {
		t.Errorf("notes %q", p.Notes)
	}
	a.Channel = ""
	if p := newPlan(t, a); p.Baseline == nil || p.Baseline.Ref != want[1] {
		t.Errorf("baseline without a channel %+v, want production", p.Baseline)
	}
	a.Config.CacheFrom = []string{"UPPER"}
	if _, err := plan.New(t.Context(), a, sources(t)); !errors.Is(err, plan.ErrConfig) {
		t.Errorf("bad cache-from: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	_, err := plan.New(t.Context(), ask(t, smallest+"gates: {rules: [{name: a, rule: size.groth < 1}]}\n", serve(t)), sources(t))
	if !errors.Is(err, plan.ErrConfig) || !strings.Contains(err.Error(), "gates.rules[0].rule: ") || !slices.Contains(hint.Of(err), "did you mean size.growth?") {
		t.Errorf("bad rule: %v, hints %q", err, hint.Of(err))
	}
	a := ask(t, smallest, "not a host")
	if _, err := plan.New(t.Context(), a, sources(t)); !errors.Is(err, plan.ErrConfig) {
		t.Errorf("bad registry: %v", err)
	}
}

// A project that signs takes layers and numbers only from what its signers
// signed: the numbers from the verdict, whatever the annotation says.
func TestTrustedPredecessors(t *testing.T) {
	host := serve(t)
	current := push(t, host+"/acme/digits:staging")
	repo, err := name.NewRepository(host + "/acme/digits")
	if err != nil {
		t.Fatal(err)
	}
	digest := repo.Digest(current.String())
	a := ask(t, smallest+"sign: {key: cosign.key}\n", host)
	a.Channel = "staging"
	n := &notary.Notary{}
	verdict := attest.Judgement{
		Run:     attest.Run{Finished: time.Unix(1e9, 0)},
		Verdict: gate.Verdict{Passed: true, Record: []gate.Measurement{{Name: "accuracy", Value: 0.9}}},
	}
	statement, err := verdict.Statement()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		what    string
		prepare func()
		note    string
		reused  int
	}{
		{"nobody is trusted", func() {}, "nothing is taken from " + repo.Tag("staging").Name() + ": verify does not say", 0},
		{"unsigned", func() { a.Config.CacheFrom = nil }, "it has no signature by the notary", 0},
		{"signed", func() {
			if _, err := n.Sign(t.Context(), digest, []sign.Statement{statement}); err != nil {
				t.Fatal(err)
			}
		}, "", 1},
	} {
		t.Run(tc.what, func(t *testing.T) {
			tc.prepare()
			from := sources(t)
			if tc.what != "nobody is trusted" {
				from.Verifier = n
			}
			p, err := plan.New(t.Context(), a, from)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.ReuseFrom) != tc.reused || !strings.Contains(strings.Join(p.Notes, "\n"), tc.note) {
				t.Errorf("reuse from %q, notes %q", p.ReuseFrom, p.Notes)
			}
			switch {
			case tc.reused == 0 && p.Baseline != nil:
				t.Errorf("baseline %+v of an image that is not trusted", p.Baseline)
			case tc.reused == 1 && (p.Baseline == nil || len(p.Baseline.Measurements) != 1 || p.Baseline.Measurements[0].Value != 0.9):
				t.Errorf("baseline %+v", p.Baseline)
			}
		})
	}
}

func TestSigning(t *testing.T) {
	parse := func(text string) *config.Config { return ask(t, smallest+text, "").Config }
	for _, tc := range []struct {
		text    string
		signing *plan.Signing
		trust   *plan.Trust
	}{
		{"", nil, nil},
		{"sign: {keyless: true}\n", &plan.Signing{Keyless: true, Bundle: true}, nil},
		{"sign: {key: cosign.key, format: both}\n", &plan.Signing{Key: "cosign.key", Bundle: true, Legacy: true, NoLog: true},
			&plan.Trust{Key: "cosign.key", Private: true, Require: []string{"verdict"}}},
		{"sign: {key: cosign.key, rekor: 'https://rekor.example.com', trusted-root: root.json}\nverify: {require: []}\n",
			&plan.Signing{Key: "cosign.key", Bundle: true, Rekor: "https://rekor.example.com", TrustedRoot: "root.json"},
			&plan.Trust{Key: "cosign.key", Private: true, Logged: true, TrustedRoot: "root.json", Require: []string{}}},
		{"verify: {identity-regexp: 'https://github.com/acme/.+', issuer: 'https://issuer.example.com'}\n", nil,
			&plan.Trust{IdentityRegexp: "https://github.com/acme/.+", Issuer: "https://issuer.example.com", Require: []string{"verdict"}}},
	} {
		c := parse(tc.text)
		if diff := cmp.Diff(tc.signing, plan.Signed(c)); diff != "" {
			t.Errorf("%s: signing (-want +got):\n%s", tc.text, diff)
		}
		if diff := cmp.Diff(tc.trust, plan.Trusted(c)); diff != "" {
			t.Errorf("%s: trust (-want +got):\n%s", tc.text, diff)
		}
	}
	c := parse("gates: {vulnerabilities: {fail-on: high}}\nchannels: {staging: {on: ['branch:d']}, production: {on: ['tag:v*'], after: staging, soak: 1h, scan-max-age: 24h}}\n")
	channel, err := plan.ChannelOf(c, "production")
	if want := (plan.Channel{Name: "production", After: "staging", Soak: time.Hour, ScanMaxAge: 24 * time.Hour}); err != nil || channel != want {
		t.Errorf("channel %+v, %v", channel, err)
	}
	if _, err := plan.ChannelOf(c, "prod"); !errors.Is(err, plan.ErrConfig) {
		t.Errorf("a channel that is none: %v", err)
	}
}

// A run never moves a channel that comes after another.
func TestHeldChannel(t *testing.T) {
	a := ask(t, smallest+"channels: {staging: {on: ['branch:main']}, production: {on: ['branch:main'], after: staging}}\n", serve(t))
	a.Event = ci.Event{Provider: ci.GitHub, Branch: "main", Commit: commit}
	p, err := plan.New(t.Context(), a, sources(t))
	if err != nil {
		t.Fatal(err)
	}
	if p.Release.Channel != "staging" || slices.Contains(p.Release.Names(), "production") || !strings.Contains(strings.Join(p.Notes, ""), "ai-ship promote --to production") {
		t.Errorf("tags %q, notes %q", p.Release.Names(), p.Notes)
	}
	a.Channel = "production"
	if _, err := plan.New(t.Context(), a, sources(t)); !errors.Is(err, plan.ErrConfig) || len(hint.Of(err)) != 1 {
		t.Errorf("forced: %v, hints %q", err, hint.Of(err))
	}
}

// A dry run goes on without the registry and says so; a run does not.
func TestLenient(t *testing.T) {
	a := ask(t, smallest, "127.0.0.1:1")
	if _, err := plan.New(t.Context(), a, sources(t)); err == nil || errors.Is(err, plan.ErrConfig) {
		t.Errorf("New without a registry: %v", err)
	}
	a.Lenient = true
	p := newPlan(t, a)
	if len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "tags are not known") || !strings.Contains(tags(p), "latest") {
		t.Errorf("notes %q, tags %q", p.Notes, tags(p))
	}
	a.Lenient, a.Offline = false, true
	if p := newPlan(t, a); len(p.Notes) != 0 {
		t.Errorf("offline: notes %q", p.Notes)
	}
}

func TestSpec(t *testing.T) {
	a := ask(t, `
image: acme/digits
base: scratch
version: 1.0.0
app: [{from: ./src/, to: /srv}]
models: [m/w.bin]
preset: pytorch
env: {PYTHONUNBUFFERED: "0"}
ports: [8000, 53/udp]
gates:
  size: {max: 1GB, growth: 10%}
  metrics: [{name: latency, stat: p95, max: 100ms, unit: ms}]
`, serve(t))
	p := newPlan(t, a)
	s := p.Build
	if s.App[0].From != "src" || s.App[0].To != "/srv" || s.App[0].Model || !s.Models[0].Model || s.Models[0].To != "/models" {
		t.Errorf("copies %v, %v", s.App, s.Models)
	}
	if s.Config.Env["PYTHONUNBUFFERED"] != "0" || s.Config.Env["TOKENIZERS_PARALLELISM"] != "false" {
		t.Errorf("env %v", s.Config.Env)
	}
	if diff := cmp.Diff([]string{"8000/tcp", "53/udp"}, s.Config.Ports); diff != "" {
		t.Error(diff)
	}
	m := p.Gates.Metrics[0]
	if !m.Required || m.Max.Value != 0.1 || m.Unit.Value != 0.001 || p.Gates.Size.Unpacked != nil || p.Gates.Size.Growth.Value != 0.1 {
		t.Errorf("gates %+v", p.Gates)
	}

	var text, doc bytes.Buffer
	if err := p.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"base       scratch", "copy       src -> /srv", "gates      size <= 1GB", "latency p95 <= 100ms"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("text has no %q:\n%s", want, text.String())
		}
	}
	if err := p.JSON(&doc); err != nil {
		t.Fatal(err)
	}
	var back plan.Document
	if err := json.Unmarshal(doc.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Document(), back); diff != "" {
		t.Errorf("document does not survive JSON:\n%s", diff)
	}
}
