package doctor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/org/ai-ship/pkg/doctor"
	"github.com/org/ai-ship/pkg/hint"
	embedded "github.com/org/ai-ship/pkg/registry"
)

func found(text, advice string) func(context.Context) (doctor.Finding, error) {
	return func(context.Context) (doctor.Finding, error) { return doctor.Finding{Found: text, Advice: advice}, nil }
}

func TestExamine(t *testing.T) {
	broken := hint.Wrap(errors.New("no\x1b[31m entry"), "knock")
	deaf := make(chan struct{})
	defer close(deaf)
	var order []string
	start := time.Now()
	results := doctor.Examine(t.Context(), []doctor.Check{
		{Name: "slow", Look: func(ctx context.Context) (doctor.Finding, error) { <-ctx.Done(); return doctor.Finding{}, ctx.Err() }},
		{Name: "deaf", Look: func(context.Context) (doctor.Finding, error) { <-deaf; return doctor.Finding{}, nil }},
		{Name: "good", Look: found("all", "")},
		{Name: "so so", Look: found("some", "do more")},
		{Name: "broken", Look: func(context.Context) (doctor.Finding, error) { return doctor.Finding{}, broken }},
	}, 200*time.Millisecond, func(r doctor.Result) { order = append(order, r.Name) })
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %s: checks do not run at once, or are waited for", took)
	}
	var out bytes.Buffer
	for _, r := range results[2:] {
		if err := r.Text(&out); err != nil {
			t.Fatal(err)
		}
	}
	want := "ok    good         all\n" +
		"warn  so so        some\n                   -> do more\n" +
		"fail  broken       no\ufffd[31m entry\n                   -> knock\n"
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
	if !slices.Equal(order, []string{"slow", "deaf", "good", "so so", "broken"}) {
		t.Errorf("the order was %q", order)
	}
	for _, r := range results[:2] {
		if r.Status != doctor.Fail || !errors.Is(r.Err, context.DeadlineExceeded) || len(r.Do) == 0 {
			t.Errorf("%s: %+v, want a failure that says its time was over", r.Name, r)
		}
	}
	if err := doctor.First(results); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the first failure is %v", err)
	}
	out.Reset()
	if err := doctor.JSON(&out, results, 4); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Passed bool
		Exit   int
		Checks []struct {
			Name, Status, Found string
			Do                  []string
		}
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil || doc.Passed || doc.Exit != 4 || len(doc.Checks) != 5 || doc.Checks[4].Do[0] != "knock" {
		t.Errorf("%+v, %v", doc, err)
	}
}

// server is a registry that answers as the test says, and remembers what it was asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func serve(t *testing.T, answer http.HandlerFunc) (*server, doctor.Registry) {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		if r.URL.Path == "/v2/" {
			w.WriteHeader(http.StatusOK)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s, at(t, strings.TrimPrefix(s.URL, "http://"))
}

func at(t *testing.T, host string) doctor.Registry {
	t.Helper()
	repo, err := name.NewRepository(host + "/acme/digits")
	if err != nil {
		t.Fatal(err)
	}
	return doctor.Registry{Repo: repo, Keychain: authn.NewMultiKeychain(), Now: time.Now}
}

func TestUpload(t *testing.T) {
	const uploads = "/v2/acme/digits/blobs/uploads/"
	begun := func(location string, end int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete {
				w.WriteHeader(end)
				return
			}
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusAccepted)
		}
	}
	refuse := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = w.Write([]byte(`{"errors":[{"code":"DENIED","message":"no"}]}`))
		}
	}
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		found  string
		asked  string // the last request
		fails  int
		hint   string
	}{
		{"given up", begun(uploads+"1?_state=x", http.StatusNoContent), "may push to ", "DELETE " + uploads + "1", 0, ""},
		{"a relative location", begun("2", http.StatusNoContent), "may push to ", "DELETE " + uploads + "2", 0, ""},
		{"a registry that ends nothing", begun(uploads+"3", http.StatusMethodNotAllowed), "gives no upload up by request", "DELETE " + uploads + "3", 0, ""},
		{"another host gets nothing", begun("http://127.0.0.1:1/upload", 0), "the upload is left to 127.0.0.1:1", "POST " + uploads, 0, ""},
		{"no location", begun("", 0), "says no Location", "", -1, ""},
		{"not logged in", refuse(http.StatusUnauthorized), "", "", http.StatusUnauthorized, "docker login"},
		{"not allowed", refuse(http.StatusForbidden), "", "", http.StatusForbidden, "the right to push to acme/digits"},
		{"broken", refuse(http.StatusInternalServerError), "", "", http.StatusInternalServerError, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, r := serve(t, tc.answer)
			r.Transport = http.DefaultTransport // ggcr's waits between its tries
			got, err := r.Upload(t.Context())
			var answer *transport.Error
			switch {
			case tc.fails > 0 && (!errors.As(err, &answer) || answer.StatusCode != tc.fails || !strings.Contains(strings.Join(hint.Of(err), ""), tc.hint)):
				t.Errorf("%v, hints %q; want status %d and %q", err, hint.Of(err), tc.fails, tc.hint)
			case tc.fails < 0 && (err == nil || !strings.Contains(err.Error(), tc.found)):
				t.Errorf("%v, want %q", err, tc.found)
			case tc.fails == 0 && (err != nil || !strings.Contains(got.Found, tc.found)):
				t.Errorf("%+v, %v; want %q", got, err, tc.found)
			case tc.fails == 0 && s.asked[len(s.asked)-1] != tc.asked:
				t.Errorf("asked %q, want %q last", s.asked, tc.asked)
			}
		})
	}
}

// Nothing is left of an upload, or of anything else, in a registry that is real.
func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	s, err := embedded.Serve(t.Context(), dir, "")
	if err != nil {
		t.Fatal(err)
	}
	r := at(t, s.Addr())
	if got, err := r.Upload(t.Context()); err != nil || got.Found != "may push to "+r.Repo.Name() {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := r.Referrers(t.Context()); err != nil || !strings.Contains(got.Found, "lists what refers") {
		t.Errorf("%+v, %v", got, err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		// The registry itself notes that the repository was asked for: an index of nothing.
		if err == nil && !d.IsDir() && !slices.Contains([]string{"lock", "index.json", "oci-layout"}, strings.TrimPrefix(filepath.Base(path), ".")) {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReferrersFallBack(t *testing.T) {
	_, r := serve(t, http.NotFound)
	if got, err := r.Referrers(t.Context()); err != nil || !strings.Contains(got.Found, "no referrers API") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestClock(t *testing.T) {
	_, r := serve(t, http.NotFound)
	for _, off := range []time.Duration{0, time.Minute, -time.Hour} {
		r.Now = func() time.Time { return time.Now().Add(off) }
		if skew, err := r.Clock(t.Context()); err != nil || (skew-off).Abs() > 2*time.Second {
			t.Errorf("a clock that is %s off is found %s off, %v", off, skew, err)
		}
	}
	if skew, err := at(t, "127.0.0.1:1").Clock(t.Context()); err == nil {
		t.Errorf("a server that is not there has a clock: %s", skew)
	}
}

func TestDockerConfig(t *testing.T) {
	missing := func(string) (string, error) { return "", exec.ErrNotFound }
	there := func(string) (string, error) { return "/bin/true", nil }
	for _, tc := range []struct {
		name, text string
		look       func(string) (string, error)
		found      string
		hint       string
	}{
		{"none", "", missing, "0 logins and 0 helpers", ""},
		{"a login", `{"auths":{"ghcr.io":{"auth":"eDp5"}}}`, missing, "1 logins and 0 helpers", ""},
		{"a helper that is there", `{"credsStore":"desktop","credHelpers":{"gcr.io":"gcloud"}}`, there, "0 logins and 2 helpers", ""},
		{"a store that is not", `{"credsStore":"desktop"}`, missing, "names the helper docker-credential-desktop, which is not installed", "install docker-credential-desktop"},
		{"a helper that is not", `{"credHelpers":{"gcr.io":"gcloud"}}`, missing, "credHelpers of gcr.io", "install docker-credential-gcloud"},
		{"no JSON", `{`, there, "reading Docker's config", "repair the file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := doctor.Docker{Folder: t.TempDir(), LookPath: tc.look}
			if tc.text != "" {
				if err := os.WriteFile(filepath.Join(d.Folder, "config.json"), []byte(tc.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := d.Config(t.Context())
			if tc.hint == "" && (err != nil || !strings.Contains(got.Found, tc.found)) {
				t.Errorf("%+v, %v; want %q", got, err, tc.found)
			}
			if tc.hint != "" && (err == nil || !strings.Contains(err.Error(), tc.found) || !strings.Contains(strings.Join(hint.Of(err), ""), tc.hint)) {
				t.Errorf("%v, hints %q; want %q and %q", err, hint.Of(err), tc.found, tc.hint)
			}
		})
	}
}

func TestMachineAndDisk(t *testing.T) {
	if got, err := doctor.Machine(t.Context()); err != nil || !strings.Contains(got.Found, "CPUs") {
		t.Errorf("%+v, %v", got, err)
	}
	got, err := doctor.Disk(filepath.Join(t.TempDir(), "not", "there"))(t.Context())
	if err != nil && !strings.Contains(err.Error(), "only ") || err == nil && !strings.Contains(got.Found, "there") {
		t.Errorf("%+v, %v", got, err)
	}
}
