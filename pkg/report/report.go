package report

import (
	"math"
	"slices"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/layer"
	"github.com/org/ai-ship/pkg/scan"
)

// Schema is the version of the JSON document. It grows only when a field
// changes its meaning or goes away; a new field does not change it.
const Schema = 1

// Report is a whole run. Sizes are bytes, times are seconds, digests are
// written sha256:HEX unless a field says otherwise. A nil slice is printed as
// an empty one.
type Report struct {
	Schema int `json:"schema"` // filled by the writers
	// Generator is the version of ai-ship that made the report; "" when not known.
	Generator string   `json:"generator,omitempty"`
	Passed    bool     `json:"passed"` // no gate refused; false when the gates were never reached
	Exit      int      `json:"exit"`   // the process's exit code
	Error     string   `json:"error,omitempty"`
	Hints     []string `json:"hints"` // what to do about Error, outermost first

	Image      string `json:"image"`      // repository@digest; "" when nothing was pushed
	Repository string `json:"repository"` // where the image is or would have gone, without tag; "" when not known yet
	Digest     string `json:"digest"`     // of the image or index; "" when none was built
	Version    string `json:"version"`
	Channel    string `json:"channel"` // "" when the event moves none
	// Tags are the tags that point to the image; with DryRun, those that would.
	Tags  []string `json:"tags"`
	Moves []Move   `json:"moves"` // where each of them pointed before

	Base      Base     `json:"base"`
	Platforms []string `json:"platforms"`
	// Layers are in the manifest's order, platform after platform.
	Layers   []Layer   `json:"layers"`
	Size     Size      `json:"size"`     // of an index: its largest image
	Contents *Contents `json:"contents"` // nil: no image was built
	Baseline *Baseline `json:"baseline"` // nil: there is nothing to compare with yet
	// History are images that the channel pointed to before, as far as their
	// verdicts are known, the oldest first.
	History  []Former `json:"history"`
	Transfer Transfer `json:"transfer"`

	Gates    []gate.Result `json:"gates"` // in the policy's order
	Reports  []TestReport  `json:"reports"`
	Findings scan.Findings `json:"findings"`

	Signature    *Signature    `json:"signature"` // nil: not signed
	Attestations []Attestation `json:"attestations"`

	Stages []Stage  `json:"stages"` // in the order of the flow
	DryRun bool     `json:"dryRun"`
	Next   []string `json:"next"` // commands, each a whole line for a shell
}

// Move is one tag put onto the report's digest.
type Move struct {
	Tag  string `json:"tag"`
	From string `json:"from"` // digest; "" when the tag is new
	To   string `json:"to"`   // digest
}

// Base is the image that this one stands on.
type Base struct {
	Ref    string `json:"ref"` // as the config names it
	Digest string `json:"digest"`
}

// Origin says how a layer came to be where it is.
type Origin string

const (
	Built    Origin = "built"    // made in this run and not moved (a dry run)
	Reused   Origin = "reused"   // known by its recipe, not even read
	Mounted  Origin = "mounted"  // the registry linked it from another repository
	Skipped  Origin = "skipped"  // the registry had it already
	Uploaded Origin = "uploaded" // sent in this run
)

// Layer is one layer of one platform's image.
type Layer struct {
	Digest    string     `json:"digest"`
	MediaType string     `json:"mediaType"`
	Size      int64      `json:"size"`     // compressed, as the registry stores it
	Unpacked  int64      `json:"unpacked"` // as the tar archive; 0 when not known
	Kind      layer.Kind `json:"kind"`
	Name      string     `json:"name"`   // what it holds, for people; "" of a base's layer
	Recipe    string     `json:"recipe"` // "" when the layer has none
	Origin    Origin     `json:"origin"`
	Paths     int        `json:"paths"` // files in the layer; 0 when it was not read
	Platform  string     `json:"platform,omitempty"`
}

// Size is an image's size.
type Size struct {
	Compressed int64 `json:"compressed"`
	Unpacked   int64 `json:"unpacked"`
}

// Baseline is the image that the channel pointed to before this run, or the
// file that stood in for it.
type Baseline struct {
	Ref        string `json:"ref"`        // repository:channel@digest, or the file's path
	Compressed int64  `json:"compressed"` // 0 when not known
}

// Transfer counts the bytes of blobs that a run moved, or did not have to.
type Transfer struct {
	Uploaded   int64 `json:"uploaded"`
	Mounted    int64 `json:"mounted"`
	Skipped    int64 `json:"skipped"`
	Downloaded int64 `json:"downloaded"`
	Read       int64 `json:"read"` // from local files
}

// TestReport is a report that gates may have taken values from.
type TestReport struct {
	Path     string `json:"path"`
	Format   string `json:"format"`
	SHA256   string `json:"sha256"` // bare hex
	Tests    int    `json:"tests"`
	Failures int    `json:"failures"`
}

// Signature is who signed the digest, and where that can be looked up.
type Signature struct {
	Identity string `json:"identity"` // "" when a key signed
	Issuer   string `json:"issuer"`
	Key      string `json:"key"` // "" when an identity signed
	Log      string `json:"log"` // place in the transparency log; "" when not logged
}

// Attestation is one statement bound to the digest.
type Attestation struct {
	Type   string `json:"type"` // predicate type
	Digest string `json:"digest"`
}

// Stage is one step of the flow.
type Stage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Skipped string  `json:"skipped,omitempty"` // why it did not run; "" when it ran
}

// normal returns r as it is written: the schema's number set, no nil slice and
// no number that JSON cannot hold. r itself is left alone.
func (r Report) normal() Report {
	r.Schema = Schema
	r.Hints = full(r.Hints)
	r.Tags = full(r.Tags)
	r.Moves = full(r.Moves)
	r.Platforms = full(r.Platforms)
	r.Layers = full(r.Layers)
	r.Reports = full(r.Reports)
	r.Attestations = full(r.Attestations)
	r.Next = full(r.Next)
	r.Findings = normalFindings(r.Findings)
	r.Gates = normalGates(r.Gates)
	r.History = normalHistory(r.History)
	if r.Contents != nil {
		c := *r.Contents
		c.Kinds, c.Layers, c.Largest, c.Grown, c.Waste = full(c.Kinds), full(c.Layers), full(c.Largest), full(c.Grown), slices.Clone(full(c.Waste))
		for i := range c.Waste {
			c.Waste[i].Paths = full(c.Waste[i].Paths)
		}
		r.Contents = &c
	}
	r.Stages = slices.Clone(full(r.Stages))
	for i := range r.Stages {
		if s := &r.Stages[i]; finite(&s.Seconds) == nil {
			s.Seconds = 0
		}
	}
	return r
}

func normalGates(all []gate.Result) []gate.Result {
	all = slices.Clone(full(all))
	for i := range all {
		g := &all[i]
		g.Value, g.Baseline, g.Margin = finite(g.Value), finite(g.Baseline), finite(g.Margin)
		if g.Limit != nil && finite(&g.Limit.Value) == nil {
			g.Limit = nil
		}
		if finite(&g.Noise) == nil {
			g.Noise = 0
		}
		if s := g.Spread; s != nil && (finite(&s.Min) == nil || finite(&s.Max) == nil) {
			g.Spread = nil
		}
		if h := g.Histogram; h != nil && (finite(&h.From) == nil || finite(&h.To) == nil) {
			g.Histogram = nil
		} else if h != nil {
			g.Histogram = &gate.Histogram{From: h.From, To: h.To, Counts: full(h.Counts)}
		}
	}
	return all
}

func full[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// finite returns v, or nil when JSON has no number for it.
func finite(v *float64) *float64 {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return nil
	}
	return v
}
