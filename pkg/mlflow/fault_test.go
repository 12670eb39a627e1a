package mlflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/mlflow"
)

const (
	password = "correct horse"
	token    = "dapi-0123456789"
)

// faulty serves every request with handle, and counts them.
func faulty(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, number int)) (mlflow.Client, *atomic.Int32) {
	t.Helper()
	asked := new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handle(w, r, int(asked.Add(1)))
	}))
	t.Cleanup(s.Close)
	return mlflow.Client{URI: s.URL, Pause: time.Nanosecond}, asked
}

func status(code int, body string, header ...string) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

// cut promises more than it sends, and breaks the connection.
func cut(w http.ResponseWriter, _ *http.Request, _ int) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, `{"run": {`)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func huge(w http.ResponseWriter, _ *http.Request, _ int) {
	block := bytes.Repeat([]byte(" "), 1<<20)
	for range 40 {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

func TestFaultsThatStay(t *testing.T) {
	const page = "<!doctype html><title>Log in</title>"
	for _, tc := range []struct {
		name   string
		handle func(http.ResponseWriter, *http.Request, int)
		want   string // after the address
		hint   string
		asked  int
	}{
		{"no credentials", status(401, "You are not authenticated."), ": 401 Unauthorized: You are not authenticated.", "set MLFLOW_TRACKING_USERNAME", 1},
		{"forbidden", status(403, "Permission denied"), ": 403 Forbidden: Permission denied", "permission READ", 1},
		{"no such run", status(404, `{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Run with id=a\u001b[31m\nnot found"}`),
			": 404 Not Found: RESOURCE_DOES_NOT_EXIST: Run with id=a\uFFFD[31m not found", "look it up", 1},
		{"no such alias", status(400, `{"error_code": "INVALID_PARAMETER_VALUE", "message": "Registered model alias x not found."}`),
			": 400 Bad Request: INVALID_PARAMETER_VALUE: Registered model alias x not found.", "look it up", 1},
		{"not MLflow", status(404, page), ": 404 Not Found", "set MLFLOW_TRACKING_URI", 1},
		{"a page", status(200, page), ": the answer is a page and no JSON", "set MLFLOW_TRACKING_URI", 1},
		{"huge", huge, ": the answer is larger than 32 MiB", "set MLFLOW_TRACKING_URI", 1},
		{"long refusal", status(418, strings.Repeat("x", 1<<20)), ": 418 I'm a teapot: " + strings.Repeat("x", 299) + "…", "", 1},
		{"unknown status", status(599, ""), ": 599", "", 1},
		{"redirect to nowhere", status(302, ""), ": 302 Found", "", 1},
		{"redirect in circles", status(307, "", "Location", api+"runs/get?run_id=b"), ": redirects more than 5 times", "is the server running", 6},
		{"internal error", status(500, `{"error_code": "INTERNAL_ERROR", "message": ""}`), ": 500 Internal Server Error: INTERNAL_ERROR (tried 5 times)", "", 5},
		{"busy", status(503, "later", "Retry-After", "0"), ": 503 Service Unavailable: later (tried 5 times)", "", 5},
		{"busy until then", status(429, "", "Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT"), ": 429 Too Many Requests (tried 5 times)", "", 5},
		{"cut", cut, ": reading the answer: unexpected EOF (tried 5 times)", "is the server running", 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client, asked := faulty(t, tc.handle)
			report, err := client.Report(t.Context(), "runs:/a")
			want := `reading report "runs:/a": GET ` + client.URI + api + "runs/get" + tc.want
			if err == nil || err.Error() != want || report.Metrics != nil {
				t.Errorf("%+v, %v\nwant %s", report, err, want)
			}
			if got := strings.Join(hint.Of(err), "\n"); !strings.Contains(got, tc.hint) || tc.hint == "" && got != "" {
				t.Errorf("hint %q, want %q", got, tc.hint)
			}
			if many := int(asked.Load()); many != tc.asked {
				t.Errorf("asked %d times, want %d", many, tc.asked)
			}
			if known := (*mlflow.Error)(nil); !errors.As(err, &known) {
				t.Errorf("no *Error in %v", err)
			}
		})
	}
}

func TestFaultsThatPass(t *testing.T) {
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request, int){
		"500": status(500, "oops"), "502": status(502, ""), "503": status(503, "", "Retry-After", "0"), "504": status(504, ""), "429": status(429, ""),
		"cut":    cut,
		"broken": func(http.ResponseWriter, *http.Request, int) { panic(http.ErrAbortHandler) },
		"late":   func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			body := sample(t, "mlflow-run.json")
			client, asked := faulty(t, func(w http.ResponseWriter, r *http.Request, number int) {
				if number < 3 {
					fault(w, r, number)
					return
				}
				fmt.Fprint(w, body)
			})
			if name == "late" {
				client.Timeout = 200 * time.Millisecond
			}
			report, err := client.Report(t.Context(), "runs:/"+runID)
			if err != nil || len(report.Metrics) != 12 {
				t.Errorf("%d metrics, %v", len(report.Metrics), err)
			}
			if many := asked.Load(); many < 3 { // http.Transport also repeats a GET by itself
				t.Errorf("asked %d times", many)
			}
		})
	}
}

func TestNoServer(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	_, err := mlflow.Client{URI: s.URL, Pause: time.Nanosecond}.Report(t.Context(), "runs:/a")
	if err == nil || !strings.Contains(err.Error(), "connection refused (tried 5 times)") {
		t.Error(err)
	}
}

// A certificate that nobody vouches for does not get better by asking again.
func TestUntrustedServer(t *testing.T) {
	var asked atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	_, err := mlflow.Client{URI: s.URL, Token: token}.Report(t.Context(), "runs:/a")
	if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "tried") || asked.Load() != 0 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

// What a server or something before it repeats of the credentials is not shown,
// and they go nowhere else.
func TestCredentialsStay(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request, _ int) {
		_, given, _ := r.BasicAuth()
		http.Error(w, "refused "+r.Header.Get("Authorization")+" "+given, http.StatusUnauthorized)
	}
	var elsewhere []http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { elsewhere = append(elsewhere, r.Header) }))
	t.Cleanup(other.Close)
	away := func(w http.ResponseWriter, r *http.Request, _ int) {
		http.Redirect(w, r, strings.Replace(other.URL, "//", "//"+token+"@", 1)+"/login?state="+token, http.StatusFound)
	}
	for _, tc := range []struct {
		name   string
		handle func(http.ResponseWriter, *http.Request, int)
		client mlflow.Client
		want   string
		hint   string
	}{
		{"wrong password", echo, mlflow.Client{Username: "ci", Password: password}, ": 401 Unauthorized: refused Basic *** ***", "this user name and password"},
		{"wrong token", echo, mlflow.Client{Token: token}, ": 401 Unauthorized: refused Bearer ***", "this token"},
		{"redirect", away, mlflow.Client{Token: token}, ": redirects to another server, " + other.URL, "credentials are not sent"},
		{"redirect to https", func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, "https://"+r.Host+"/", http.StatusMovedPermanently)
		}, mlflow.Client{Token: token}, ": redirects to another server, https://HOST", "credentials are not sent"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client, asked := faulty(t, tc.handle)
			tc.client.URI = client.URI
			_, err := tc.client.Report(t.Context(), "runs:/a")
			want := `reading report "runs:/a": GET ` + client.URI + api + "runs/get" + strings.Replace(tc.want, "HOST", strings.TrimPrefix(client.URI, "http://"), 1)
			if err == nil || err.Error() != want || asked.Load() != 1 || len(elsewhere) != 0 {
				t.Errorf("asked %d times, elsewhere %v: %v\nwant %s", asked.Load(), elsewhere, err, want)
			}
			if got := strings.Join(hint.Of(err), "\n"); !strings.Contains(got, tc.hint) {
				t.Errorf("hint %q, want %q", got, tc.hint)
			}
		})
	}
}

func TestReportEndsWithTheContext(t *testing.T) {
	stopped := errors.New("stopped")
	for name, handle := range map[string]func(http.ResponseWriter, *http.Request, int){
		"in a request": func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() },
		"in a pause":   status(503, "", "Retry-After", "3600"),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			client, _ := faulty(t, func(w http.ResponseWriter, r *http.Request, n int) {
				time.AfterFunc(20*time.Millisecond, func() { cancel(stopped) })
				handle(w, r, n)
			})
			if _, err := client.Report(ctx, "models:/digits/1"); !errors.Is(err, stopped) || err.Error() != `reading report "models:/digits/1": stopped` {
				t.Error(err)
			}
		})
	}
}
