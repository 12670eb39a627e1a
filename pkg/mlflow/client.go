package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/testreport"
)

const (
	maxVersion = 1 << 20 // bytes of the answer about a model's version
	maxRefusal = 64 << 10

	format = "mlflow" // as testreport.Report has it

	wrongServer = "set MLFLOW_TRACKING_URI to the address of the MLflow server, such as https://mlflow.example"
)

// Client reads from one tracking server. Its zero value but for URI is usable
// where the server asks for no credentials.
type Client struct {
	// URI is the server's address, http or https, with the path below which its
	// API stands. A user name and password in it are used where Username or
	// Password is empty.
	URI                string
	Username, Password string
	Token              string // Bearer; used where there is no user name with password
	// Transport sends the requests; nil is http.DefaultTransport.
	Transport http.RoundTripper
	Timeout   time.Duration // of one request with its answer; 0 is 30 s
	Pause     time.Duration // before the second attempt, doubled before each further; 0 is 500 ms
}

// Report fetches the metrics that ref means (see the package). Its Path and
// every Source.File are ref as written, SHA256 and pointers are of the body that
// the server answered, and Modified is the time of the newest metric, or where
// there is none, of the run's end.
//
// Where the server gave another answer or none, the error has *Error in its
// chain. A run that has not ended or was deleted is an error; one that failed
// has a failure (testreport).
func (c Client) Report(ctx context.Context, ref string) (testreport.Report, error) {
	body, r, err := c.fetch(ctx, ref)
	if err != nil {
		return testreport.Report{}, fmt.Errorf("reading report %q: %w", shorten(ref), err)
	}
	report, err := testreport.ReadFile(ref, bytes.NewReader(body), time.Time{})
	if err != nil {
		return testreport.Report{}, err
	}
	if report.Modified, err = r.check(body, report.Format); err != nil {
		return testreport.Report{}, fmt.Errorf("reading report %q: %w", shorten(ref), err)
	}
	return report, nil
}

// fetch returns the answer about a run or a logged model, and which that is.
func (c Client) fetch(ctx context.Context, ref string) ([]byte, reference, error) {
	r, err := parse(ref)
	if err != nil {
		return nil, r, err
	}
	s, err := c.session()
	if err != nil {
		return nil, r, err
	}
	if r.name != "" {
		if r, err = s.resolve(ctx, r); err != nil {
			return nil, r, err
		}
	}
	var body []byte
	if r.run != "" {
		body, err = s.get(ctx, request{path: "runs/get", query: url.Values{"run_id": {r.run}}, limit: testreport.MaxSize})
	} else {
		body, err = s.get(ctx, request{path: "logged-models/" + r.model, limit: testreport.MaxSize})
	}
	return body, r, err
}

// resolve finds the run, or the logged model, behind a registered version.
func (s session) resolve(ctx context.Context, r reference) (reference, error) {
	ask := request{path: "model-versions/get", query: url.Values{"name": {r.name}, "version": {r.version}}, limit: maxVersion}
	if r.alias != "" {
		ask.path, ask.query = "registered-models/alias", url.Values{"name": {r.name}, "alias": {r.alias}}
	}
	body, err := s.get(ctx, ask)
	if err != nil {
		return reference{}, err
	}
	var answer struct {
		Version *struct {
			RunID   string `json:"run_id"`
			ModelID string `json:"model_id"`
			Source  string `json:"source"`
		} `json:"model_version"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Version == nil {
		return reference{}, hint.Wrap(fmt.Errorf("the server's answer describes no version of a model (%s)", s.place(ask.path)), wrongServer)
	}
	v := answer.Version
	// MLflow 3.17 has no model_id there, but names the model as the source.
	for _, id := range []string{v.ModelID, strings.TrimPrefix(v.Source, models)} {
		switch {
		case isID(v.RunID):
			return reference{run: v.RunID}, nil
		case v.RunID == "" && strings.HasPrefix(id, "m-") && isID(id):
			return reference{model: id}, nil
		}
	}
	return reference{}, hint.Wrap(errors.New("the version names neither a run nor a logged model, so it has no metrics"),
		"register the model from the run that evaluated it, or write runs:/ID")
}

// described is what check needs of an answer about a run or a logged model.
type described struct {
	Info struct {
		RunID   string `json:"run_id"`
		ModelID string `json:"model_id"`
		End     millis `json:"end_time"`
		Updated millis `json:"last_updated_timestamp_ms"`
	} `json:"info"`
	Data struct {
		Metrics []struct {
			Timestamp millis `json:"timestamp"`
		} `json:"metrics"`
	} `json:"data"`
}

// check holds the answer against what was asked, and returns when the newest
// metric was measured.
func (r reference) check(body []byte, found string) (time.Time, error) {
	var answer struct{ Run, Model *described }
	if found != format {
		return time.Time{}, hint.Wrap(errors.New("the server's answer describes neither a run nor a model"), wrongServer)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return time.Time{}, fmt.Errorf("reading the times in the server's answer: %w", err)
	}
	d := answer.Run
	if r.model != "" {
		d = answer.Model
	}
	if d == nil || r.run != "" && d.Info.RunID != r.run || r.model != "" && d.Info.ModelID != r.model {
		return time.Time{}, fmt.Errorf("the server's answer is not about %s", r.run+r.model)
	}
	newest := millis(0)
	for _, m := range d.Data.Metrics {
		newest = max(newest, m.Timestamp)
	}
	if newest == 0 {
		newest = max(d.Info.End, d.Info.Updated)
	}
	return time.UnixMilli(int64(newest)), nil
}

// millis is a time in milliseconds since 1970. Protocol Buffers writes such
// numbers as text, MLflow as numbers.
type millis int64

func (m *millis) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "null" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%.40q is no number of milliseconds", text)
	}
	*m = millis(n)
	return nil
}
