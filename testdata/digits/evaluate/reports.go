package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/org/ai-ship/testdata/digits/network"
)

// Names of the reports in the output directory.
const (
	xmlName  = "evaluation.xml"
	jsonName = "evaluation.json"
)

// decimal writes the shortest digits that read back as the same float64. Both
// reports take their numbers from it, so that they agree to the last digit.
func decimal(value float64) json.Number {
	return json.Number(strconv.FormatFloat(value, 'f', -1, 64))
}

func seconds(d time.Duration) json.Number { return decimal(d.Seconds()) }

// document is evaluation.json.
type document struct {
	Model         modelFile   `json:"model"`
	Accuracy      json.Number `json:"accuracy"` // 0 to 1
	F1            json.Number `json:"f1"`       // macro, 0 to 1
	InferenceTime durations   `json:"inference_time"`
	Throughput    *rate       `json:"throughput,omitempty"`

	images int
	median json.Number // seconds
}

type modelFile struct {
	Path       string `json:"path"` // as the command line gave it, with slashes
	SHA256     string `json:"sha256"`
	Parameters int    `json:"parameters"`
}

type durations struct {
	Unit    string        `json:"unit"`
	Samples []json.Number `json:"samples"`
}

type rate struct {
	Unit  string      `json:"unit"`
	Value json.Number `json:"value"`
}

func newDocument(path string, net *network.Network, s scores, t timings) *document {
	doc := &document{
		Model:         modelFile{Path: filepath.ToSlash(path), SHA256: net.SHA256(), Parameters: net.Parameters()},
		Accuracy:      decimal(s.accuracy()),
		F1:            decimal(s.f1()),
		InferenceTime: durations{Unit: "s"},
		median:        seconds(t.median()),
	}
	for digit := range s {
		doc.images += s.support(digit)
	}
	for _, sample := range t.samples {
		doc.InferenceTime.Samples = append(doc.InferenceTime.Samples, seconds(sample))
	}
	if value, ok := t.throughput(); ok {
		doc.Throughput = &rate{Unit: "1/s", Value: decimal(value)}
	}
	return doc
}

// suites is evaluation.xml, JUnit as pytest writes it.
type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suite   suite    `xml:"testsuite"`
}

type suite struct {
	Name       string      `xml:"name,attr"`
	Tests      int         `xml:"tests,attr"`
	Failures   int         `xml:"failures,attr"`
	Errors     int         `xml:"errors,attr"`
	Skipped    int         `xml:"skipped,attr"`
	Time       json.Number `xml:"time,attr"` // seconds
	Properties properties  `xml:"properties"`
	Cases      []testcase  `xml:"testcase"`
}

type properties struct {
	Properties []property `xml:"property"`
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type testcase struct {
	Classname  string      `xml:"classname,attr"`
	Name       string      `xml:"name,attr"`
	Time       json.Number `xml:"time,attr"` // seconds, the sum over the case's predictions
	Properties *properties `xml:"properties,omitempty"`
	Skipped    *skipped    `xml:"skipped,omitempty"`
}

type skipped struct {
	Message string `xml:"message,attr"`
}

// newSuites reports without judging: a gate decides what is good enough, so
// that no case fails here.
func newSuites(doc *document, s scores, t timings) *suites {
	all := suite{
		Name: "digits",
		Time: seconds(t.warmUp + t.total),
		Properties: properties{[]property{
			{"accuracy", doc.Accuracy.String()},
			{"f1", doc.F1.String()},
			{"model_sha256", doc.Model.SHA256},
			{"samples", strconv.Itoa(doc.images)},
		}},
		Cases: []testcase{
			{Classname: "digits", Name: "accuracy", Time: seconds(t.warmUp)},
			{Classname: "digits", Name: "latency", Time: seconds(t.total)},
		},
	}
	for digit := range s {
		test := testcase{Classname: "digits", Name: fmt.Sprintf("digit_%d", digit), Time: seconds(t.digits[digit])}
		if recall, ok := s.recall(digit); ok {
			test.Properties = &properties{[]property{{"recall", decimal(recall).String()}}}
		} else {
			test.Skipped = &skipped{Message: "no image shows this digit"}
			all.Skipped++
		}
		all.Cases = append(all.Cases, test)
	}
	all.Tests = len(all.Cases)
	return &suites{Suite: all}
}

// write puts both reports into dir, which it makes where missing.
func write(dir string, doc *document, junit *suites) error {
	asJSON, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", jsonName, err)
	}
	asXML, err := xml.MarshalIndent(junit, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", xmlName, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the report directory: %w", err)
	}
	return replaceAll(dir, []content{
		{jsonName, append(asJSON, '\n')},
		{xmlName, append([]byte(xml.Header), append(asXML, '\n')...)},
	})
}
