package pipeline

import (
	"maps"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/scan/bom"
	"github.com/org/ai-ship/pkg/sign"
)

// describe adds what was learned of the models to the SBOMs. The files of the
// report and what is attested are one.
func (r *run) describe(known bom.Known) error {
	described := make(map[string][]byte)
	for _, s := range r.out.Scans {
		for i := range s.Findings.Documents {
			d := &s.Findings.Documents[i]
			if !strings.HasSuffix(d.Name, bom.Name) {
				continue
			}
			var err error
			if d.Data, err = bom.Describe(d.Data, known); err != nil {
				return err
			}
			described[d.Name] = d.Data
		}
	}
	for i := range r.out.Findings.Documents {
		if d := &r.out.Findings.Documents[i]; described[d.Name] != nil {
			d.Data = described[d.Name]
		}
	}
	return nil
}

// performance are the values that the gates show, as model cards have them.
func performance(v gate.Verdict) (known bom.Known) {
	for _, m := range gate.Merge(v.Record, gate.Measurements(v.Results)) {
		var slice []string
		for _, label := range slices.Sorted(maps.Keys(m.Where)) {
			slice = append(slice, label+"="+m.Where[label])
		}
		known.Metrics = append(known.Metrics, bom.Metric{
			Type: strings.TrimSpace(m.Name + " " + m.Stat), Unit: string(m.Unit), Slice: strings.Join(slice, ", "), Value: m.Value, Noise: m.Noise,
		})
	}
	return known
}

// weigh has the SBOMs say what the files of the models are, as sending them
// taught.
func (r *run) weigh() error {
	files, err := build.ModelFiles(r.out.Product.Images)
	if err != nil {
		return err
	}
	known := bom.Known{Hashes: make(map[string]string, len(files))}
	for _, f := range files {
		known.Hashes[f.Path] = f.SHA256
	}
	for i := range r.out.Findings.Inventory {
		if m := &r.out.Findings.Inventory[i]; m.SHA256 == "" {
			m.SHA256 = known.Hashes[m.Path]
		}
	}
	return r.describe(known)
}

// models is the statement about the images' model files; none without models.
func models(images []*build.Image) ([]func() (sign.Statement, error), error) {
	files, err := build.ModelFiles(images)
	if err != nil || len(files) == 0 {
		return nil, err
	}
	var all []attest.ModelFile
	for _, f := range files {
		all = append(all, attest.ModelFile{Path: f.Path, SHA256: f.SHA256})
	}
	return []func() (sign.Statement, error){func() (sign.Statement, error) { return attest.ModelStatement(all) }}, nil
}
