//go:build linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/mlflow"
	"github.com/org/ai-ship/pkg/testreport"
)

const (
	mlflowVersion = "3.17.2"
	// installTime bounds the download of some 250 MB of Python packages.
	installTime = 10 * time.Minute
	// mlflowTime is how long MLflow may take to make its database and answer.
	mlflowTime = 5 * time.Minute

	measuredAt = 1767323045000 // ms since 1970
)

// needMLflow is a Python that has MLflow, made once on a machine, or the end of
// the test.
func needMLflow(t *testing.T) string {
	t.Helper()
	python := need(t, "python3")
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cache = filepath.Join(cache, cacheDir)
	version := must(t, python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])")
	dir := filepath.Join(cache, "mlflow-"+mlflowVersion+"-python-"+version)
	if _, err := os.Stat(dir); err == nil {
		return filepath.Join(dir, "bin/python")
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	// Only a whole installation gets its name in the cache. Python finds what is
	// installed beside itself, so that it may be moved; its scripts would not.
	parts, err := os.MkdirTemp(cache, "making-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(parts)
	ctx, cancel := context.WithTimeout(t.Context(), installTime)
	defer cancel()
	for _, command := range [][]string{
		{python, "-m", "venv", parts},
		{filepath.Join(parts, "bin/python"), "-m", "pip", "install", "--quiet", "--no-input", "--only-binary=:all:", "mlflow[auth]==" + mlflowVersion},
	} {
		if _, err := output(ctx, command[0], command[1:]...); err != nil {
			missing(t, "installing MLflow: "+err.Error())
		}
	}
	if err := os.Rename(parts, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return filepath.Join(dir, "bin/python") // also when another process was faster
}

// tracking is an MLflow server of one test.
type tracking struct {
	*server
	uri  string
	user account // who asks, if anybody has to be
}

// startMLflow starts a server with a database of its own. It answers later. An
// account is that of the administrator, and makes the server ask for one.
func startMLflow(t *testing.T, python string, admin account) tracking {
	t.Helper()
	dir, addr := t.TempDir(), freeAddr(t)
	host, port, _ := strings.Cut(addr, ":")
	args := []string{"-m", "mlflow", "server", "--host", host, "--port", port, "--workers", "1",
		"--backend-store-uri", "sqlite:///" + filepath.Join(dir, "mlflow.db"), "--default-artifact-root", filepath.Join(dir, "artifacts")}
	env := append(os.Environ(), "MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true")
	if admin != (account{}) {
		args = append(args, "--app-name", "basic-auth")
		config := writeFile(t, filepath.Join(dir, "auth.ini"), fmt.Sprintf("[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///%s\n"+
			"admin_username = %s\nadmin_password = %s\nauthorization_function = mlflow.server.auth:authenticate_request_basic_auth\n",
			filepath.Join(dir, "auth.db"), admin.user, admin.password))
		env = append(env, "MLFLOW_AUTH_CONFIG_PATH="+config, "MLFLOW_FLASK_SERVER_SECRET_KEY=of-this-test")
	}
	cmd := exec.Command(python, args...)
	cmd.Dir, cmd.Env = dir, env
	s, err := start(cmd, filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return tracking{server: s, uri: "http://" + addr, user: admin}
}

func (s tracking) wait(t *testing.T) {
	t.Helper()
	if err := s.until(mlflowTime, func() bool { return answers(t, s.uri+"/health") }); err != nil {
		t.Fatal(err)
	}
}

// fields is a JSON object that is sent.
type fields map[string]any

// answered is what the tests need of MLflow's answers.
type answered struct {
	Run struct {
		Info struct {
			ID string `json:"run_id"`
		} `json:"info"`
	} `json:"run"`
	Model struct {
		Info struct {
			ID string `json:"model_id"`
		} `json:"info"`
	} `json:"model"`
}

// call sends a request of MLflow's REST API that has to succeed.
func (s tracking) call(t *testing.T, method, path string, body fields) answered {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, s.uri+"/api/2.0/mlflow/"+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if s.user != (account{}) {
		request.SetBasicAuth(s.user.user, s.user.password)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer answered
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s, %v: %s", method, path, response.Status, err, s.tail())
	}
	return answer
}

// evaluate logs a run that ends with the status, or goes on for "". of is the
// logged model that was measured, if any.
func (s tracking) evaluate(t *testing.T, status, of string) string {
	t.Helper()
	id := s.call(t, http.MethodPost, "runs/create", fields{"experiment_id": "0", "start_time": measuredAt}).Run.Info.ID
	var metrics []fields
	for step, m := range []struct {
		key   string
		value any
	}{
		{"accuracy", 0.5}, {"accuracy", 0.9655}, {"inference_time_p95_ms", 80.25}, {"perplexity", "NaN"}, {"loss", "Infinity"},
		{"system/gpu_0_memory_usage_megabytes", 1536.5}, {"errors", 0},
	} {
		metric := fields{"key": m.key, "value": m.value, "timestamp": measuredAt + step, "step": step}
		if of != "" {
			metric["model_id"] = of
		}
		metrics = append(metrics, metric)
	}
	s.call(t, http.MethodPost, "runs/log-batch", fields{"run_id": id, "metrics": metrics, "params": []fields{{"key": "batch_size", "value": "32"}}})
	if status != "" {
		s.call(t, http.MethodPost, "runs/update", fields{"run_id": id, "status": status, "end_time": measuredAt + 1000})
	}
	return id
}

// model makes a logged model, ready to be measured and registered.
func (s tracking) model(t *testing.T, run string) string {
	t.Helper()
	id := s.call(t, http.MethodPost, "logged-models", fields{"experiment_id": "0", "name": "digits", "source_run_id": run}).Model.Info.ID
	s.call(t, http.MethodPatch, "logged-models/"+id, fields{"model_id": id, "status": "LOGGED_MODEL_READY"})
	return id
}

// measured prints a report's metrics without their source.
func measured(report testreport.Report) []string {
	var all []string
	for _, m := range report.Metrics {
		line := strings.TrimSpace(m.Name+" "+m.Stat) + " " + strings.TrimSpace(fmt.Sprint(m.Value)+" "+string(m.Unit))
		if m.Invalid != "" {
			line = m.Name + " is " + m.Invalid
		}
		for _, label := range m.Labels {
			line += " " + label.Name + "=" + label.Value
		}
		all = append(all, line)
	}
	return all
}

// metricsOfRun are those that evaluate logs.
func metricsOfRun() []string {
	return []string{"accuracy 0.9655", "inference_time p95 0.08025 s", "perplexity is NaN",
		"loss is 1.7976931348623157e+308, which is how MLflow stores infinity", "gpu_memory 1.5365e+09 B gpu=0", "errors 0"}
}

// read is a report that has to be one.
func read(t *testing.T, c mlflow.Client, ref string) testreport.Report {
	t.Helper()
	report, err := c.Report(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestMLflow(t *testing.T) {
	python := needMLflow(t)
	admin := account{"admin", "correct horse battery"}
	open, closed := startMLflow(t, python, account{}), startMLflow(t, python, admin)
	open.wait(t)
	closed.wait(t)
	t.Run("runs", func(t *testing.T) { readsRuns(t, open) })
	t.Run("models", func(t *testing.T) { readsModels(t, open) })
	t.Run("basic", func(t *testing.T) { authenticatesBasic(t, closed) })
	t.Run("bearer", func(t *testing.T) { authenticatesBearer(t, open) })
}

func readsRuns(t *testing.T, s tracking) {
	c := mlflow.Client{URI: s.uri}
	ref := "runs:/" + s.evaluate(t, "FINISHED", "")
	report := read(t, c, ref)
	if diff := cmp.Diff(metricsOfRun(), measured(report)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	source := testreport.Source{File: ref, Pointer: "/run/data/metrics/1/value", SHA256: report.SHA256}
	if report.Metrics[1].Source != source || len(report.Failures) != 0 || !report.Modified.Equal(time.UnixMilli(measuredAt+6)) {
		t.Errorf("report = %+v", report)
	}
	failed := read(t, c, "runs:/"+s.evaluate(t, "FAILED", ""))
	if len(failed.Failures) != 1 || failed.Failures[0].Message != "ended as FAILED" {
		t.Errorf("failures of a failed run: %+v", failed.Failures)
	}
	for ref, want := range map[string]string{
		"runs:/" + s.evaluate(t, "", ""): `/run/info/status: is the text "RUNNING", expected FINISHED, for the run has not ended (mlflow.end_run)`,
		"runs:/0a1b":                     "GET " + s.uri + "/api/2.0/mlflow/runs/get: 404 Not Found: RESOURCE_DOES_NOT_EXIST: Run with id=0a1b not found",
		"models:/nobody/1":               "GET " + s.uri + "/api/2.0/mlflow/model-versions/get: 404 Not Found: RESOURCE_DOES_NOT_EXIST: Model Version (name=nobody, version=1) not found",
	} {
		_, err := c.Report(t.Context(), ref)
		if err == nil || err.Error() != fmt.Sprintf("reading report %q: %s", ref, want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func readsModels(t *testing.T, s tracking) {
	c := mlflow.Client{URI: s.uri}
	const name = "Größe & Ziffern?"
	s.call(t, http.MethodPost, "registered-models/create", fields{"name": name})
	// Version 1 comes from a run; version 2 was imported, and measured later.
	run := s.evaluate(t, "FINISHED", "")
	first, second := s.model(t, run), s.model(t, "")
	later := s.evaluate(t, "FINISHED", second)
	for _, id := range []string{first, second} {
		s.call(t, http.MethodPost, "model-versions/create", fields{"name": name, "source": "models:/" + id, "model_id": id})
	}
	s.call(t, http.MethodPost, "registered-models/alias", fields{"name": name, "alias": "champion", "version": "1"})
	for _, ref := range []string{"models:/" + name + "/1", "models:/" + name + "@champion"} {
		report := read(t, c, ref)
		if diff := cmp.Diff(metricsOfRun(), measured(report)); diff != "" || report.SHA256 != read(t, c, "runs:/"+run).SHA256 || report.Path != ref {
			t.Errorf("%s: path %q, metrics (-want +got):\n%s", ref, report.Path, diff)
		}
	}
	// A logged model answers 0 for NaN.
	const nothing = " is 0, which MLflow also answers where NaN was logged to a model"
	want := []string{"accuracy 0.9655 run=R", "inference_time p95 0.08025 s run=R", "perplexity" + nothing + " run=R",
		"loss is 1.7976931348623157e+308, which is how MLflow stores infinity run=R", "gpu_memory 1.5365e+09 B run=R gpu=0", "errors" + nothing + " run=R"}
	for _, ref := range []string{"models:/" + name + "/2", "models:/" + second} {
		got := strings.ReplaceAll(strings.Join(measured(read(t, c, ref)), "\n"), later, "R")
		if diff := cmp.Diff(want, strings.Split(got, "\n")); diff != "" {
			t.Errorf("%s: metrics (-want +got):\n%s", ref, diff)
		}
	}
	_, err := c.Report(t.Context(), "models:/"+name+"@nobody")
	if err == nil || !strings.HasSuffix(err.Error(), ": Registered model alias nobody not found.") {
		t.Error(err)
	}
}

func authenticatesBasic(t *testing.T, s tracking) {
	ref := "runs:/" + s.evaluate(t, "FINISHED", "")
	right := url.UserPassword(s.user.user, s.user.password).String()
	for name, c := range map[string]mlflow.Client{
		"fields":            {URI: s.uri, Username: s.user.user, Password: s.user.password},
		"fields over token": {URI: s.uri, Username: s.user.user, Password: s.user.password, Token: "wrong"},
		"URI":               {URI: strings.Replace(s.uri, "://", "://"+right+"@", 1)},
	} {
		if diff := cmp.Diff(metricsOfRun(), measured(read(t, c, ref))); diff != "" {
			t.Errorf("%s: metrics (-want +got):\n%s", name, diff)
		}
	}
	for name, c := range map[string]mlflow.Client{
		"nobody":         {URI: s.uri},
		"wrong password": {URI: s.uri, Username: s.user.user, Password: "wrong horse"},
		"token":          {URI: s.uri, Token: "wrong horse"},
	} {
		refuses(t, name, c, ref)
	}
}

// MLflow itself knows no bearer tokens: those who want them put a proxy before it.
func authenticatesBearer(t *testing.T, s tracking) {
	const token = "Bearer of-this-test"
	to, err := url.Parse(s.uri)
	if err != nil {
		t.Fatal(err)
	}
	behind := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Del("Authorization")
	}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != token {
			http.Error(w, "expected a token, found "+r.Header.Get("Authorization"), http.StatusUnauthorized)
			return
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	ref := "runs:/" + s.evaluate(t, "FINISHED", "")
	got := measured(read(t, mlflow.Client{URI: proxy.URL, Token: strings.TrimPrefix(token, "Bearer ")}, ref))
	if diff := cmp.Diff(metricsOfRun(), got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	refuses(t, "wrong token", mlflow.Client{URI: proxy.URL, Token: "wrong horse"}, ref)
	refuses(t, "no token", mlflow.Client{URI: proxy.URL}, ref)
}

// refuses expects an error about credentials that does not show them.
func refuses(t *testing.T, name string, c mlflow.Client, ref string) {
	t.Helper()
	_, err := c.Report(t.Context(), ref)
	answer := (*mlflow.Error)(nil)
	if !errors.As(err, &answer) || answer.Status != http.StatusUnauthorized || strings.Contains(err.Error(), "horse") {
		t.Errorf("%s: %v, want 401 Unauthorized", name, err)
	}
}
