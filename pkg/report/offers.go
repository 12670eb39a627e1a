package report

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/unit"
)

// Offers writes what the reports offer as the gates section of a config, which
// the values of now pass exactly. What no gate can pass on, and the times that
// tests took, are comments.
func Offers(w io.Writer, reports []testreport.Report, offers []gate.Offer) error {
	var b strings.Builder
	b.WriteString("gates:\n  metrics:\n")
	for _, r := range reports {
		fmt.Fprintf(&b, "    # %s (%s)%s\n", comment(r.Path), r.Format, tested(r))
		for _, o := range offers {
			if o.Source.File == r.Path {
				b.WriteString(offerLine(o))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func tested(r testreport.Report) string {
	text := TestReport{Tests: r.Tests, Failures: len(r.Failures)}.counted()
	if text == "" {
		return ""
	}
	return ": " + text
}

// offerLine is one gate as a flow mapping, with its source behind it.
func offerLine(o gate.Offer) string {
	if o.Problem != "" {
		return fmt.Sprintf("    # %s\n", comment(o.Problem))
	}
	prefix, notes := "    - ", []string{o.Source.Pointer}
	if o.Duration {
		prefix = "    # - "
		notes = append(notes, "the time of a test")
	}
	if o.Samples > 0 {
		notes = append(notes, unit.Count(o.Samples, "sample", "samples"))
	}
	if o.Guess {
		notes = append(notes, "or min, if more is better")
	}
	return fmt.Sprintf("%s%s  # %s\n", prefix, OfferedGate(o), comment(strings.Join(notes, ", ")))
}

// OfferedGate is an offer without a problem as an item of gates.metrics, in one
// line of YAML.
func OfferedGate(o gate.Offer) string {
	var fields []string
	add := func(key, value string) {
		if value != "" {
			fields = append(fields, key+": "+Scalar(value))
		}
	}
	add("name", o.Name)
	add("stat", o.Stat)
	if len(o.Where) > 0 {
		var labels []string
		for _, key := range slices.Sorted(maps.Keys(o.Where)) {
			labels = append(labels, Scalar(key)+": "+Scalar(o.Where[key]))
		}
		fields = append(fields, "where: {"+strings.Join(labels, ", ")+"}")
	}
	add("report", o.Report)
	add("pointer", o.Pointer)
	key, limit := "max", o.Max
	if o.Min != nil {
		key, limit = "min", o.Min
	}
	return "{" + strings.Join(append(fields, key+": "+written(*limit)), ", ") + "}"
}

// written is a limit as a config takes it, to the last digit. A ratio is
// written in plain, for one that came as 0.97 reads best so.
func written(q unit.Quantity) string {
	if q.Unit == unit.Ratio {
		return strconv.FormatFloat(q.Value, 'g', -1, 64)
	}
	return q.Precise()
}

var plainScalar = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./*-]*$`)

// Scalar quotes a YAML scalar unless it is certain to be read as itself.
func Scalar(s string) string {
	if plainScalar.MatchString(s) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(s)) {
		return s
	}
	quoted, _ := json.Marshal(s) // JSON's strings are YAML's; text cannot fail
	return string(quoted)
}

// comment is text in one line that cannot end the comment.
func comment(s string) string { return clean(s) }

// OffersJSON writes the offers as one JSON array.
func OffersJSON(w io.Writer, offers []gate.Offer) error {
	type offer struct {
		Name    string            `json:"name"`
		Stat    string            `json:"stat,omitempty"`
		Where   map[string]string `json:"where,omitempty"`
		Report  string            `json:"report,omitempty"`
		Pointer string            `json:"pointer,omitempty"`
		Value   *float64          `json:"value"`
		Unit    unit.Unit         `json:"unit"`
		Samples int               `json:"samples,omitempty"`
		Problem string            `json:"problem,omitempty"`
		Source  testreport.Source `json:"source"`
	}
	all := []offer{}
	for _, o := range offers {
		row := offer{Name: o.Name, Stat: o.Stat, Where: o.Where, Report: o.Report, Pointer: o.Pointer,
			Unit: o.Value.Unit, Samples: o.Samples, Problem: o.Problem, Source: o.Source}
		if o.Problem == "" {
			row.Value = finite(&o.Value.Value)
		}
		all = append(all, row)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(all)
}
