package publish

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	fault "github.com/org/ai-ship/pkg/internal/faultproxy"
)

const tooLarge = "request body is too large and exceeds the maximum permissible limit of 4.00MiB"

// faults are the ways in which one request goes wrong. Those that are not
// final are recovered from when they happen once.
func faults() []fault.Action {
	actions := []fault.Action{
		fault.Cut(0), fault.Cut(1), fault.Cut(100_000), fault.Drop(), fault.Hold(),
		fault.Answer(429, "", "Retry-After", "0"),
		fault.Named("answer 503 later", fault.Answer(503, "", "Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT")),
		fault.Named("answer 503 garbage", fault.Answer(503, "<html>", "Retry-After", "35µs")),
		fault.Answer(400, `{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"invalid upload"}]}`),
		fault.Answer(401, ""), fault.Answer(403, `{"errors":[{"code":"DENIED","message":"no"}]}`),
		fault.Answer(404, `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"unknown upload"}]}`),
		fault.Answer(416, tooLarge), fault.Swallow(416, tooLarge),
		fault.Swallow(500, "oops"), fault.Swallow(202, ""), fault.Answer(302, ""),
		fault.Named("location absolute", fault.Change(func(r *http.Response) error {
			if l := r.Header.Get("Location"); strings.HasPrefix(l, "/") {
				r.Header.Set("Location", "http://"+r.Request.Host+l)
			}
			return nil
		})),
		fault.Named("location none", fault.Location(func(string) string { return "" })),
		fault.Named("location garbage", fault.Location(func(string) string { return "::not a url" })),
		fault.Named("location lost", fault.Location(func(string) string { return "/v2/acme/digits/blobs/uploads/lost" })),
		fault.Named("range wrong", fault.Change(func(r *http.Response) error {
			r.Header.Set("Range", "0-7")
			return nil
		})),
		fault.Named("digest wrong", fault.Change(func(r *http.Response) error {
			r.Header.Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))
			return nil
		})),
	}
	for _, status := range []int{408, 425, 500, 502, 504} {
		actions = append(actions, fault.Answer(status, ""))
	}
	return actions
}

// steps are the requests of a push.
func steps() map[string]fault.Rule {
	return map[string]fault.Rule{
		"ping":          {Method: "GET", Path: uri(`^/v2/$`)},
		"blob HEAD":     {Method: "HEAD", Path: uri(`/blobs/`)},
		"POST":          {Method: "POST"},
		"PATCH":         {Method: "PATCH"},
		"blob PUT":      {Method: "PUT", Path: uri(`/uploads/`)},
		"manifest PUT":  {Method: "PUT", Path: uri(`/manifests/`)},
		"manifest HEAD": {Method: "HEAD", Path: uri(`/manifests/`)},
	}
}

// with is the rule for one cell; cells run in parallel.
func with(rule fault.Rule, nth int, do fault.Action) fault.Rule {
	rule.Nth, rule.Do = nth, do
	return rule
}

// matrixArtifact is an index of two images, with layers of every kind: known
// and unknown, small and large, shared.
func matrixArtifact(t testing.TB) v1.ImageIndex {
	shared := newView(1, 300_000)
	return index(
		image(t, shared, newView(2, 200_000).known(t), newView(3, 5_000).known(t)),
		image(t, shared, newView(4, 150_000)),
	)
}

// TestFaultMatrix breaks every step of a push in every way: once, later, and
// for good. Whatever happens, the push ends with the intended digest and all of
// its bytes, or with an error; never with a tag.
func TestFaultMatrix(t *testing.T) {
	want := digestOf(t, mustPushed(t))
	nths := []int{1, 2, 0}
	if testing.Short() {
		nths = nths[:1]
	}
	var outcomes outcomes
	t.Cleanup(func() { t.Logf("%+v", outcomes.total()) })
	for kind, open := range kinds() {
		for step, rule := range steps() {
			for _, action := range faults() {
				for _, nth := range nths {
					t.Run(fmt.Sprintf("%s/%s/%s/%d", kind, step, action.Name, nth), func(t *testing.T) {
						t.Parallel()
						got := checkFault(t, newStand(t, open(t), with(rule, nth, action)), want)
						outcomes.add(got)
						if nth == 1 && got == "failed" && recoverable(kind, step, action.Name) {
							t.Error("the push failed")
						}
					})
				}
			}
		}
	}
}

// checkFault pushes through a broken stand and judges the outcome.
func checkFault(t *testing.T, s stand, want v1.Hash) string {
	r := quick()
	if strings.Contains(t.Name(), "/hold/") || strings.HasSuffix(t.Name(), "/hold") {
		r.patience = patience{stall: 200 * time.Millisecond, answer: 200 * time.Millisecond}
		r.Retry.Attempts = 3
	}
	result, err := r.Push(t.Context(), s.repo, matrixArtifact(t))
	noTags(t, s.upstream)
	if err != nil {
		if result.Digest.String() != "" && result.Digest.DigestStr() != "" {
			t.Errorf("a failed push has the digest %s", result.Digest)
		}
		if !strings.Contains(err.Error(), s.repo.RegistryStr()) {
			t.Errorf("error names no registry: %v", err)
		}
		return "failed"
	}
	if result.Digest.DigestStr() != want.String() {
		t.Errorf("digest = %s, want %s", result.Digest, want)
	}
	pull(t, s.upstream, want)
	if s.proxy.Faults() == 0 {
		return "untouched"
	}
	return "recovered"
}

func mustPushed(t *testing.T) v1.ImageIndex {
	t.Helper()
	a := matrixArtifact(t)
	if _, err := quick().Push(t.Context(), newStand(t, newOlareg(t)).repo, a); err != nil {
		t.Fatal(err)
	}
	return a
}

// recoverable says whether one fault at a step says nothing final. What a
// registry says about a ping, a POST or a manifest with a 4xx is final; about
// an upload it only means that the upload is lost.
func recoverable(kind, step, action string) bool {
	switch {
	case action == "answer 401", action == "answer 403", action == "digest wrong":
		return false
	case kind == "ggcr" && step == "PATCH" && action == "location lost":
		return false // it takes any upload for an empty one, and then the digest is wrong
	case strings.HasPrefix(action, "answer 4") && action != "answer 408" && action != "answer 425" && action != "answer 429",
		action == "swallow 416":
		return step == "PATCH" || step == "blob PUT" || step == "blob HEAD" && (action == "answer 400" || action == "answer 404") ||
			step == "manifest HEAD" && action == "answer 404"
	case action == "answer 302", action == "swallow 202":
		return false // only that it never corrupts
	}
	return true
}

func TestRefusedCredentials(t *testing.T) {
	for step, rule := range steps() {
		for _, status := range []int{401, 403} {
			t.Run(fmt.Sprint(step, status), func(t *testing.T) {
				t.Parallel()
				action := fault.Swallow(status, `{"errors":[{"code":"DENIED","message":"no\n::error::x"}]}`)
				s := newStand(t, newOlareg(t), with(rule, 0, action))
				r := quick()
				r.Retry = Retry{Base: time.Hour} // a retry would never end
				_, err := r.Push(t.Context(), s.repo, matrixArtifact(t))
				if step == "ping" && status == 401 {
					return // that is how a registry asks for credentials
				}
				if !errors.Is(err, ErrDenied) {
					t.Fatalf("error = %v, want ErrDenied", err)
				}
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("error has several lines: %q", err)
				}
				wantHint(t, err, "log in with: docker login "+s.repo.RegistryStr())
			})
		}
	}
}

// TestChaos pushes many times with a fault in one of ten requests.
func TestChaos(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	want := digestOf(t, mustPushed(t))
	var outcomes outcomes
	t.Cleanup(func() { t.Logf("%+v", outcomes.total()) })
	for kind, open := range kinds() {
		for seed := range rounds {
			t.Run(fmt.Sprint(kind, seed), func(t *testing.T) {
				t.Parallel()
				var rules []fault.Rule
				for _, action := range []fault.Action{fault.Cut(50_000), fault.Cut(0), fault.Drop(), fault.Answer(503, ""), fault.Swallow(500, "")} {
					rules = append(rules, fault.Rule{Chance: 0.02, Do: action})
				}
				got := checkFault(t, newSeededStand(t, open(t), uint64(seed), rules...), want)
				outcomes.add(got)
				if got == "failed" {
					t.Errorf("the push failed")
				}
			})
		}
	}
}
