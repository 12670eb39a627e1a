package testreport

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/unit"
)

const maxLabels = 64 // of one series

// prometheus gathers the series of histograms and summaries, which are several
// lines each.
type prometheus struct {
	*collector
	types map[string]string // of each family that has a TYPE line
	seen  map[string]bool   // names and labels of series
	sets  map[string]*distribution
	order []*distribution
}

// readPrometheus reads the Prometheus text format 0.0.4. A gauge, a counter or
// an untyped series is a value. A summary's quantiles are statistics, and so
// are the mean, median, p90, p95 and p99 of a histogram; see buckets.
func (c *collector) readPrometheus(data []byte) error {
	c.report.Format = formatPrometheus
	p := &prometheus{collector: c, types: make(map[string]string), seen: make(map[string]bool), sets: make(map[string]*distribution)}
	for number, line := range numbered(data) {
		line = strings.TrimSpace(line)
		if number > MaxElements {
			return fmt.Errorf("holds more than %d lines", MaxElements)
		}
		if err := p.line(line); err != nil {
			return fmt.Errorf("line %d: is no Prometheus text: %w", number, err)
		}
	}
	for _, d := range p.order {
		if err := p.distribution(d); err != nil {
			return err
		}
	}
	return nil
}

func (p *prometheus) line(line string) error {
	if line == "" {
		return nil
	}
	if line[0] == '#' {
		return p.comment(strings.Fields(line[1:]))
	}
	s, err := parseSeries(line)
	if err != nil {
		return err
	}
	sorted := slices.SortedFunc(slices.Values(s.labels), func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	key := notation(s.name, sorted)
	if p.seen[key] {
		return fmt.Errorf("%s stands twice", cut(key, 80))
	}
	p.seen[key] = true
	for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
		family, ok := strings.CutSuffix(s.name, suffix)
		kind := p.types[family]
		if !ok || kind != "histogram" && kind != "summary" || suffix == "_bucket" && kind == "summary" {
			continue
		}
		return p.part(family, kind, suffix, s)
	}
	return p.value(s)
}

// comment reads a TYPE; every other comment is passed over.
func (p *prometheus) comment(words []string) error {
	if len(words) == 0 || words[0] != "TYPE" {
		return nil
	}
	if len(words) != 3 {
		return fmt.Errorf("found a TYPE of %d words, expected a name and a type", len(words)-1)
	}
	switch words[2] {
	case "counter", "gauge", "histogram", "summary", "untyped":
	default:
		return fmt.Errorf("found the type %q, expected counter, gauge, histogram, summary or untyped", cut(words[2], 20))
	}
	if p.types[words[1]] != "" {
		return fmt.Errorf("the type of %q stands twice", cut(words[1], 80))
	}
	p.types[words[1]] = words[2]
	return nil
}

// part adds a line to the histogram or the summary that it belongs to.
func (p *prometheus) part(family, kind, suffix string, s series) error {
	bound := map[string]string{"histogram": "le", "summary": "quantile"}[kind]
	labels, at := s.without(bound)
	key := notation(family, slices.SortedFunc(slices.Values(labels), func(a, b Label) int { return strings.Compare(a.Name, b.Name) }))
	d := p.sets[key]
	if d == nil {
		d = &distribution{family: family, labels: labels}
		p.sets[key] = d
		p.order = append(p.order, d)
	}
	switch suffix {
	case "_sum":
		d.sum = &s.value
	case "_count":
		d.count = &s.value
	case "_bucket":
		le, err := strconv.ParseFloat(at, 64)
		if err != nil {
			return fmt.Errorf("found a bucket with le=%q, expected a number", cut(at, 20))
		}
		d.buckets = append(d.buckets, bucket{le, s.value})
	default:
		if kind == "histogram" {
			return fmt.Errorf("found the histogram %q as one value, expected its buckets", cut(family, 80))
		}
		stat, err := ParseStat("p" + hundredfold(at))
		if err != nil {
			return fmt.Errorf("found a summary with quantile=%q, expected a number from 0 to 1", cut(at, 20))
		}
		return p.stat(d, stat, s.value)
	}
	return nil
}

// hundredfold moves a quantile's decimal point: 0.999 is 99.9, which floating
// point arithmetic would miss.
func hundredfold(quantile string) string {
	percent, err := strconv.ParseFloat(quantile+"e2", 64)
	if err != nil || percent < 0 {
		return ""
	}
	return strconv.FormatFloat(percent, 'f', -1, 64)
}

// value adds a series that stands alone.
func (p *prometheus) value(s series) error {
	f, aliases := promField(s.name)
	place := pointer([]string{notation(s.name, s.labels)})
	for i, l := range s.labels {
		if f.name == "gpu_memory" && l.Name == "gpu_uuid" {
			s.labels[i].Name = "gpu"
		}
	}
	return p.number(f, s.value, s.labels, place, aliases)
}

func (p *prometheus) number(f field, value float64, labels []Label, place string, aliases []string) error {
	m, ok := f.metric(strconv.FormatFloat(value, 'g', -1, 64))
	if !ok {
		return nil
	}
	m.Labels = labels
	return p.add(m, place, aliases...)
}

// stat adds one statistic of a histogram or a summary.
func (p *prometheus) stat(d *distribution, stat string, value float64) error {
	f, aliases := promField(d.family)
	f.stat = stat
	if stat == "mean" || len(d.buckets) > 0 { // a summary's quantiles are of its last minutes only
		f.count = d.many()
	}
	return p.number(f, value, d.labels, pointer([]string{notation(d.family, d.labels)}), aliases)
}

// promField names a family as gates do, and returns the further names: the
// family's, whole and without what an exporter puts before it.
func promField(family string) (field, []string) {
	switch family {
	case "DCGM_FI_DEV_FB_USED": // dcgm-exporter: framebuffer, MiB
		return plain("gpu_memory", "").in("MiB"), []string{family}
	case "nv_gpu_memory_used_bytes": // Triton
		return plain("gpu_memory", "").in("B"), []string{family}
	}
	f := parseField(family)
	aliases := []string{family, f.name}
	server, name, ok := strings.Cut(f.name, ":")
	if !ok || server != "vllm" && server != "sglang" {
		return f, aliases
	}
	switch name {
	case "e2e_request_latency":
		f.name = "latency"
		aliases = append(aliases, twin(f.name))
	case "gen_throughput":
		f.name = "tokens_per_second"
	case "time_to_first_token", "time_per_output_token", "inter_token_latency":
		f.name = name
	}
	return f, aliases
}

// distribution adds what a histogram's or a summary's lines say together.
func (p *prometheus) distribution(d *distribution) (err error) {
	f, aliases := promField(d.family)
	place := pointer([]string{notation(d.family, d.labels)})
	if d.count != nil {
		name := d.family + "_count"
		count := field{name: name, one: unit.Quantity{Value: 1}}
		if err := p.number(count, *d.count, d.labels, pointer([]string{notation(name, d.labels)}), nil); err != nil {
			return err
		}
	}
	if d.sum != nil && d.count != nil && *d.count > 0 {
		if err := p.stat(d, "mean", *d.sum / *d.count); err != nil {
			return err
		}
	}
	if len(d.buckets) == 0 {
		return nil
	}
	if why := d.check(); why != "" {
		return p.add(Metric{Name: f.name, Unit: f.one.Unit, Labels: d.labels, Invalid: why}, place, aliases...)
	}
	for _, stat := range []string{"median", "p90", "p95", "p99"} {
		q := 0.5
		if percent, ok := percentile(stat); ok {
			q = percent / 100
		}
		value, known := d.quantile(q)
		if known {
			err = p.stat(d, stat, value)
		} else {
			beyond := Metric{Name: f.name, Stat: stat, Unit: f.one.Unit, Labels: d.labels, Invalid: "above the highest bucket"}
			err = p.add(beyond, place, aliases...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
