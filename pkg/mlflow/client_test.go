package mlflow_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/mlflow"
	"github.com/org/ai-ship/pkg/testreport"
)

const (
	api     = "/api/2.0/mlflow/"
	runID   = "217811daafe547b5a2078ea3c3ff1e9a"
	modelID = "m-3a3e2a981e9746079bbe53e36dfcbfa9"
)

// sample is what a real server answered (testdata/reports/README.md).
func sample(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("../../testdata/reports/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// tracking serves answers by path and query, and notes what was asked.
type tracking struct {
	*httptest.Server
	answers map[string]string
	asked   []string // request URI and Authorization
}

func serve(t *testing.T, answers map[string]string) *tracking {
	t.Helper()
	s := &tracking{answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked = append(s.asked, strings.TrimSpace(r.URL.RequestURI()+" "+r.Header.Get("Authorization")))
		text, ok := s.answers[r.URL.RequestURI()]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			text = `{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such thing"}`
		}
		fmt.Fprint(w, text)
	}))
	t.Cleanup(s.Close)
	return s
}

func version(run, model, source string) string {
	return fmt.Sprintf(`{"model_version": {"name": "digits", "version": "1", "run_id": %q, "model_id": %q, "source": %q}}`, run, model, source)
}

func metric(t *testing.T, report testreport.Report, name string) testreport.Metric {
	t.Helper()
	for _, m := range report.Metrics {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no metric %q in %+v", name, report.Metrics)
	return testreport.Metric{}
}

func TestReportOfARun(t *testing.T) {
	body := sample(t, "mlflow-run.json")
	s := serve(t, map[string]string{"/proxied/at" + api + "runs/get?run_id=" + runID: body})
	ref := "runs:/" + runID
	report, err := mlflow.Client{URI: s.URL + "/proxied/at/"}.Report(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	if report.Path != ref || report.SHA256 != hex.EncodeToString(sum[:]) || !report.Modified.Equal(time.UnixMilli(1767323048000)) || report.Format != "mlflow" {
		t.Errorf("report = %+v", report)
	}
	m := metric(t, report, "inference_time")
	want := testreport.Source{File: ref, Pointer: "/run/data/metrics/1/value", SHA256: report.SHA256}
	if m.Value != 0.08025 || m.Unit != "s" || m.Stat != "p95" || m.Source != want {
		t.Errorf("metric = %+v", m)
	}
}

func TestReportOfAModel(t *testing.T) {
	runPath, modelPath := api+"runs/get?run_id="+runID, api+"logged-models/"+modelID
	for _, tc := range []struct{ ref, path, version, then string }{
		{"models:/digits/1", "model-versions/get?name=digits&version=1", version(runID, "", "models:/"+modelID), runPath},
		{"models:/digits@champion", "registered-models/alias?alias=champion&name=digits", version(runID, modelID, ""), runPath},
		{"models:/a/b &ü?/12", "model-versions/get?name=a%2Fb+%26%C3%BC%3F&version=12", version(runID, "", ""), runPath},
		{"models:/a b@é&name=c", "registered-models/alias?alias=%C3%A9%26name%3Dc&name=a+b", version(runID, "", ""), runPath},
		{"models:/digits/2", "model-versions/get?name=digits&version=2", version("", modelID, "s3://acme/x"), modelPath},
		{"models:/digits/3", "model-versions/get?name=digits&version=3", version("", "", "models:/"+modelID), modelPath},
		{"models:/" + modelID, "", "", modelPath},
	} {
		s := serve(t, map[string]string{runPath: sample(t, "mlflow-run.json"), modelPath: sample(t, "mlflow-logged-model.json"), api + tc.path: tc.version})
		report, err := mlflow.Client{URI: s.URL}.Report(t.Context(), tc.ref)
		if err != nil {
			t.Errorf("%s: %v", tc.ref, err)
			continue
		}
		want := []string{tc.then}
		if tc.path != "" {
			want = []string{api + tc.path, tc.then}
		}
		if diff := cmp.Diff(want, s.asked); diff != "" || report.Path != tc.ref {
			t.Errorf("%s: path %q, asked (-want +got):\n%s", tc.ref, report.Path, diff)
		}
		if m := metric(t, report, "inference_time"); m.Value != 0.08025 || m.Source.File != tc.ref {
			t.Errorf("%s: metric = %+v", tc.ref, m)
		}
	}
}

// MLflow's own client prefers a user name with a password, and so do we.
func TestAuthorization(t *testing.T) {
	const path = api + "runs/get?run_id=" + runID
	answers := map[string]string{path: sample(t, "mlflow-run.json")}
	for _, tc := range []struct {
		client   mlflow.Client
		userinfo *url.Userinfo
		want     string
	}{
		{mlflow.Client{}, nil, ""},
		{mlflow.Client{Username: "u", Password: "p", Token: "t"}, nil, " Basic dTpw"},
		{mlflow.Client{Username: "u", Password: "p"}, url.UserPassword("x", "y"), " Basic dTpw"},
		{mlflow.Client{Token: "t"}, url.UserPassword("u", "p"), " Basic dTpw"},
		{mlflow.Client{Username: "u", Token: " t\n"}, nil, " Bearer t"},
		{mlflow.Client{Token: "t"}, url.User("u"), " Bearer t"},
		{mlflow.Client{Username: "u"}, nil, ""},
	} {
		s := serve(t, answers)
		tc.client.URI = strings.Replace(s.URL, "://", "://"+strings.TrimPrefix(tc.userinfo.String()+"@", "@"), 1)
		if _, err := tc.client.Report(t.Context(), "runs:/"+runID); err != nil || s.asked[0] != path+tc.want {
			t.Errorf("%+v: asked %q, %v, want %q", tc.client, s.asked, err, tc.want)
		}
	}
}

func TestReportRefusesTheConfiguration(t *testing.T) {
	const noServer = "the tracking URI is no server's address; expected http://… or https://…"
	for uri, want := range map[string]string{
		"":                         "no MLflow server is configured",
		"sqlite:///mlflow.db":      noServer,
		"databricks":               noServer,
		"admin:secret@host:5000":   noServer,
		"https://admin:secret@":    noServer,
		"https://admin:secret@h:x": noServer,
		"https://secret@h/?token=": "the tracking URI has a query or a fragment; expected scheme, host and path",
	} {
		_, err := mlflow.Client{URI: uri}.Report(t.Context(), "runs:/a")
		if err == nil || err.Error() != `reading report "runs:/a": `+want {
			t.Errorf("URI %q: %v, want %s", uri, err, want)
		}
		if got := strings.Join(hint.Of(err), "\n"); !strings.Contains(got, "MLFLOW_TRACKING_URI") && !strings.Contains(want, "query") {
			t.Errorf("URI %q: hint %q", uri, got)
		}
	}
	_, err := mlflow.Client{}.Report(t.Context(), "models:/digits/Staging")
	if err == nil || !strings.HasPrefix(err.Error(), `reading report "models:/digits/Staging": "Staging" is no version`) {
		t.Error(err)
	}
}

// Answers that are whole and well-formed, but not what was asked for.
func TestReportRefusesTheAnswer(t *testing.T) {
	const path = api + "runs/get?run_id=a"
	run := func(info, metrics string) string {
		return `{"run": {"info": {"run_id": "a", "status": "FINISHED", "lifecycle_stage": "active"` + info + `}, "data": {"metrics": [` + metrics + `]}}}`
	}
	const one = `{"key": "accuracy", "value": 1}`
	for _, tc := range []struct{ ref, path, answer, want string }{
		{"runs:/a", path, `{"accuracy": 0.99}`, "the server's answer describes neither a run nor a model"},
		{"runs:/a", path, strings.Replace(run("", one), `"a"`, `"b"`, 1), "the server's answer is not about a"},
		{"runs:/a", path, sample(t, "mlflow-logged-model.json"), "the server's answer is not about a"},
		{"models:/m-a", api + "logged-models/m-a", sample(t, "mlflow-logged-model.json"), "the server's answer is not about m-a"},
		{"runs:/a", path, run("", `{"key": "accuracy", "value": 1, "timestamp": "soon"}`), `reading the times in the server's answer: "soon" is no number of milliseconds`},
		{"runs:/a", path, run("", one+","+one), `/run/data/metrics/1: has the metric "accuracy" a second time`},
		{"runs:/a", path, strings.Replace(run("", one), "FINISHED", "RUNNING", 1), `/run/info/status: is the text "RUNNING", expected FINISHED, for the run has not ended (mlflow.end_run)`},
		{"runs:/a", path, run("", ""), "holds no test that ran and no number"},
		{"models:/digits/1", api + "model-versions/get?name=digits&version=1", version("", "", "s3://acme/digits"), "the version names neither a run nor a logged model, so it has no metrics"},
		{"models:/digits/1", api + "model-versions/get?name=digits&version=1", version("../x", "m-a", ""), "the version names neither a run nor a logged model, so it has no metrics"},
		{"models:/digits/1", api + "model-versions/get?name=digits&version=1", "{}", "the server's answer describes no version of a model (SERVER/api/2.0/mlflow/model-versions/get)"},
	} {
		s := serve(t, map[string]string{tc.path: tc.answer})
		report, err := mlflow.Client{URI: s.URL}.Report(t.Context(), tc.ref)
		want := fmt.Sprintf("reading report %q: %s", tc.ref, strings.Replace(tc.want, "SERVER", s.URL, 1))
		if err == nil || err.Error() != want || report.Metrics != nil {
			t.Errorf("%s answered %s: %+v, %v\nwant %s", tc.ref, tc.answer, report, err, want)
		}
	}
}

func TestModifiedWithoutTimes(t *testing.T) {
	for end, want := range map[string]int64{`"1767323054000"`: 1767323054000, "1767323054000": 1767323054000, "null": 0} {
		s := serve(t, map[string]string{api + "runs/get?run_id=a": `{"run": {"info": {"run_id": "a", "status": "FINISHED", "lifecycle_stage": "active", "end_time": ` +
			end + `}, "data": {"metrics": [{"key": "accuracy", "value": 1}]}}}`})
		report, err := mlflow.Client{URI: s.URL}.Report(t.Context(), "runs:/a")
		if err != nil || !report.Modified.Equal(time.UnixMilli(want)) {
			t.Errorf("end_time %s: modified %s, %v", end, report.Modified, err)
		}
	}
}
