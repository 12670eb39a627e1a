package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	modelPath   = "../models/digits.safetensors"
	heldoutPath = "../data/heldout.csv"
)

// What scikit-learn computes from the same predictions: 439 of 450 right.
const (
	wantAccuracy = "0.9755555555555555"
	wantF1       = "0.9751913786081868"
	images       = 450
)

// start runs the command and returns its exit code and output.
func start(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

func readJSON(t *testing.T, dir string) document {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, jsonName))
	if err != nil {
		t.Fatal(err)
	}
	var doc document
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func readXML(t *testing.T, dir string) suite {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, xmlName))
	if err != nil {
		t.Fatal(err)
	}
	var all suites
	if err := xml.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all.Suite
}

func number(t *testing.T, text json.Number) float64 {
	t.Helper()
	value, err := text.Float64()
	if err != nil || math.IsInf(value, 0) || math.IsNaN(value) {
		t.Fatalf("%q is no number", text)
	}
	return value
}

func TestRunWritesTwoReportsThatAgree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	code, stdout, stderr := start(t, "-model", modelPath, "-data", heldoutPath, "-out", dir, "-rounds", "3")
	if code != 0 || stderr != "" || !strings.Contains(stdout, "accuracy "+wantAccuracy) {
		t.Fatalf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	doc, junit := readJSON(t, dir), readXML(t, dir)

	if doc.Accuracy != wantAccuracy || doc.F1 != wantF1 {
		t.Errorf("accuracy %s, F1 %s; want %s, %s", doc.Accuracy, doc.F1, wantAccuracy, wantF1)
	}
	if doc.Model.Path != modelPath || doc.Model.Parameters != 4810 || len(doc.Model.SHA256) != 64 {
		t.Errorf("model is %+v", doc.Model)
	}
	wantProperties := []property{
		{"accuracy", wantAccuracy}, {"f1", wantF1},
		{"model_sha256", doc.Model.SHA256}, {"samples", strconv.Itoa(images)},
	}
	if diff := cmp.Diff(wantProperties, junit.Properties.Properties); diff != "" {
		t.Errorf("properties: -want +got\n%s", diff)
	}
	checkTimes(t, doc)
	checkCases(t, junit)
	checkNothingElse(t, dir, jsonName, xmlName)
}

func checkTimes(t *testing.T, doc document) {
	t.Helper()
	if doc.InferenceTime.Unit != "s" || len(doc.InferenceTime.Samples) != 3*images {
		t.Fatalf("%d samples in %q, want %d in s", len(doc.InferenceTime.Samples), doc.InferenceTime.Unit, 3*images)
	}
	total := 0.0
	for _, sample := range doc.InferenceTime.Samples {
		value := number(t, sample)
		if value < 0 || value > 10 {
			t.Errorf("one image took %v s", value)
		}
		total += value
	}
	if doc.Throughput == nil || doc.Throughput.Unit != "1/s" {
		t.Fatalf("throughput is %+v, want it in 1/s", doc.Throughput)
	}
	want := 3 * images / total
	if got := number(t, doc.Throughput.Value); math.Abs(got-want) > want*1e-6 {
		t.Errorf("throughput %v, the samples give %v", got, want)
	}
}

func checkCases(t *testing.T, junit suite) {
	t.Helper()
	names := []string{
		"accuracy", "latency", "digit_0", "digit_1", "digit_2", "digit_3",
		"digit_4", "digit_5", "digit_6", "digit_7", "digit_8", "digit_9",
	}
	if junit.Tests != len(names) || len(junit.Cases) != len(names) || junit.Failures+junit.Errors+junit.Skipped != 0 {
		t.Fatalf("suite counts are wrong: %+v", junit)
	}
	digits := 0.0
	for i, test := range junit.Cases {
		took := number(t, test.Time)
		if test.Name != names[i] || test.Classname != "digits" || took <= 0 {
			t.Errorf("case %d is %+v, want %q and a time above 0", i, test, names[i])
		}
		if i < 2 {
			continue
		}
		digits += took
		if test.Properties == nil || len(test.Properties.Properties) != 1 || test.Properties.Properties[0].Name != "recall" {
			t.Fatalf("case %q has the properties %+v, want recall", test.Name, test.Properties)
		}
		recall := number(t, json.Number(test.Properties.Properties[0].Value))
		if recall < 0.86 || recall > 1 {
			t.Errorf("case %q has the recall %v", test.Name, recall)
		}
	}
	if latency := number(t, junit.Cases[1].Time); math.Abs(latency-digits) > 1e-6 {
		t.Errorf("latency took %v s, its digits %v s", latency, digits)
	}
}

func checkNothingElse(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files in the output directory: -want +got\n%s", diff)
	}
}

func TestRunRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("not weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown flag", []string{"-speed"}, 2, "flag provided but not defined: -speed"},
		{"argument", []string{"now"}, 2, `unexpected argument "now"`},
		{"no round", []string{"-rounds", "0"}, 2, "-rounds is 0, want 1 to 20"},
		{"too many rounds", []string{"-rounds", "21"}, 2, "-rounds is 21, want 1 to 20"},
		{"no model", []string{"-model", file + ".missing"}, 1, "no such file"},
		{"bad model", []string{"-model", file}, 1, "loading network"},
		{"no data", []string{"-data", file + ".missing"}, 1, "no such file"},
		{"bad data", []string{"-data", file}, 1, "loading images"},
		{"output is a file", []string{"-out", file}, 1, "making the report directory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			args := append([]string{"-model", modelPath, "-data", heldoutPath, "-out", dir}, tc.args...)
			code, stdout, stderr := start(t, args...)
			if code != tc.code || stdout != "" || !strings.Contains(stderr, tc.want) {
				t.Errorf("exit %d, stdout %q, stderr %q; want %d and %q", code, stdout, stderr, tc.code, tc.want)
			}
			checkNothingElse(t, dir)
		})
	}
}

func TestRunExplainsItself(t *testing.T) {
	code, _, stderr := start(t, "-h")
	if code != 0 || !strings.Contains(stderr, "-rounds") {
		t.Errorf("exit %d, stderr %q; want 0 and the flags", code, stderr)
	}
}

func TestRunStopsWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := filepath.Join(t.TempDir(), "out")
	var out, err bytes.Buffer
	code := run(ctx, []string{"-model", modelPath, "-data", heldoutPath, "-out", dir}, &out, &err)
	if code != 1 || !strings.Contains(err.String(), "measuring round 1 of 4: context canceled") {
		t.Errorf("exit %d, stderr %q", code, err.String())
	}
	checkNothingElse(t, dir)
}

func TestRunReplacesOldReports(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{jsonName, xmlName} {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte("old"), 1<<16), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, stderr := start(t, "-model", modelPath, "-data", heldoutPath, "-out", dir, "-rounds", "1"); code != 0 {
		t.Fatalf("exit %d, stderr %q", code, stderr)
	}
	if doc := readJSON(t, dir); doc.Accuracy.String() != readXML(t, dir).Properties.Properties[0].Value {
		t.Error("the reports do not agree")
	}
	checkNothingElse(t, dir, jsonName, xmlName)
}

func TestRunLeavesNoTemporaryFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, jsonName), 0o700); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := start(t, "-model", modelPath, "-data", heldoutPath, "-out", dir)
	if code != 1 || !strings.Contains(stderr, "writing") {
		t.Errorf("exit %d, stderr %q; want 1 and a file that is not written", code, stderr)
	}
	checkNothingElse(t, dir, jsonName)
}
