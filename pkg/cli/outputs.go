package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/ci"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/report"
)

// made is what outputs say about an image and the report does not.
type made struct {
	imageID             string
	labels, annotations map[string]string
}

func madeOf(o pipeline.Outcome) (m made, err error) {
	m.labels, m.annotations = o.Plan.Build.Config.Labels, o.Plan.Build.Annotations
	if o.Product == nil || len(o.Product.Images) != 1 || !o.Product.Images[0].Known() {
		return m, nil
	}
	id, err := o.Product.Images[0].ConfigName()
	m.imageID = id.String()
	return m, err
}

// metadata is the output of that name, with the keys that build-push-action
// has.
type metadata struct {
	Digest string `json:"containerimage.digest,omitempty"`
	Config string `json:"containerimage.config.digest,omitempty"`
	Name   string `json:"image.name,omitempty"`
}

// labelled is the output json, with the keys that metadata-action has.
type labelled struct {
	Tags        []string          `json:"tags"`
	Labels      map[string]string `json:"labels"`
	Annotations []string          `json:"annotations"`
}

// outputs are what later steps may want to know. docs/github.md describes each.
func outputs(to output, r report.Report) ([]ci.Output, error) {
	tags := []string{}
	for _, tag := range r.Tags {
		tags = append(tags, r.Repository+":"+tag)
	}
	m := to.made
	if m.imageID == "" {
		m.imageID = r.Digest
	}
	labels, annotations := lines("", m.labels), lines("manifest:", m.annotations)
	meta, err := document(metadata{Digest: r.Digest, Config: to.made.imageID, Name: strings.Join(tags, ",")})
	if err != nil {
		return nil, err
	}
	all, err := document(labelled{Tags: tags, Labels: m.labels, Annotations: annotations})
	if err != nil {
		return nil, err
	}
	values := []ci.Output{
		{Name: "image", Value: r.Image}, {Name: "digest", Value: r.Digest}, {Name: "imageid", Value: m.imageID},
		{Name: "version", Value: r.Version}, {Name: "channel", Value: r.Channel}, {Name: "tags", Value: strings.Join(tags, "\n")},
		{Name: "labels", Value: strings.Join(labels, "\n")}, {Name: "annotations", Value: strings.Join(annotations, "\n")},
		{Name: "metadata", Value: meta}, {Name: "json", Value: all},
		{Name: "size", Value: size(r.Size.Compressed)}, {Name: "passed", Value: strconv.FormatBool(r.Passed)}, {Name: "exit", Value: strconv.Itoa(r.Exit)},
	}
	return append(values, files(to, r)...), nil
}

// files are the outputs that name the files of a report.
func files(to output, r report.Report) []ci.Output {
	path := map[string]string{}
	if to.written {
		path = map[string]string{"report": report.JSONFile, "summary": report.SummaryFile, "gates": report.GatesFile}
		if r.Findings.Ran {
			path["sarif"] = report.SARIFFile
		}
		for _, d := range r.Findings.Documents {
			if strings.HasSuffix(d.Name, ".cdx.json") && path["sbom"] == "" {
				path["sbom"] = d.Name
			}
		}
	}
	var values []ci.Output
	for _, name := range []string{"report", "summary", "gates", "sarif", "sbom"} {
		value := ""
		if file := path[name]; file != "" {
			value = filepath.ToSlash(filepath.Join(to.folder(), file))
		}
		values = append(values, ci.Output{Name: name, Value: value})
	}
	return values
}

// lines are a map as key=value, sorted. A line that a value breaks would look
// like one more key.
func lines(prefix string, values map[string]string) []string {
	all := []string{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		all = append(all, strings.Join(strings.Fields(prefix+key+"="+values[key]), " "))
	}
	return all
}

func document(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("writing the outputs: %w", err)
	}
	return string(text), nil
}

func size(n int64) string {
	if n < 1 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
