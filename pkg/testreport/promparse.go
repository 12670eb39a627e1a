package testreport

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// series is one line of the Prometheus text format.
type series struct {
	name   string
	labels []Label
	value  float64
}

// without returns the series' labels but the one of that name, and its value.
func (s series) without(name string) (labels []Label, value string) {
	for _, l := range s.labels {
		if l.Name == name {
			value = l.Value
		} else {
			labels = append(labels, l)
		}
	}
	return labels, value
}

// notation writes a series as the text format does.
func notation(name string, labels []Label) string {
	if len(labels) == 0 {
		return name
	}
	var b strings.Builder
	b.WriteString(name)
	for i, l := range labels {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(l.Name)
		b.WriteString(`="`)
		b.WriteString(strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(l.Value))
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

// promScanner takes one line apart.
type promScanner struct{ rest string }

func (p *promScanner) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

func (p *promScanner) take(c byte) bool {
	p.space()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// name takes a metric's name, or a label's, which has no colon.
func (p *promScanner) name(colon bool) string {
	p.space()
	i := 0
	for i < len(p.rest) {
		c := p.rest[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || colon && c == ':'
		if !letter && (i == 0 || c < '0' || c > '9') {
			break
		}
		i++
	}
	name := p.rest[:i]
	p.rest = p.rest[i:]
	return name
}

// parseSeries reads a sample: a name, labels, a value and a timestamp, which is
// left out (Prometheus exposition formats, text format 0.0.4).
func parseSeries(line string) (series, error) {
	p := promScanner{line}
	s := series{name: p.name(true)}
	if s.name == "" {
		return series{}, fmt.Errorf("found %q, expected a metric's name", cut(line, 20))
	}
	if p.take('{') {
		var err error
		if s.labels, err = p.labels(); err != nil {
			return series{}, err
		}
	} else if p.rest != "" && p.rest[0] != ' ' && p.rest[0] != '\t' && len(p.rest)+len(s.name) == len(line) {
		return series{}, fmt.Errorf("found %q, expected a metric's name", cut(line, 20))
	}
	fields := strings.Fields(p.rest)
	if len(fields) == 0 || len(fields) > 2 {
		return series{}, fmt.Errorf("found %q, expected a value and at most a timestamp", cut(p.rest, 20))
	}
	value, err := strconv.ParseFloat(fields[0], 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || strings.ContainsAny(fields[0], "xXpP_") {
		return series{}, fmt.Errorf("found %q, expected a number", cut(fields[0], 20))
	}
	s.value = value
	if len(fields) == 2 {
		if _, err := strconv.ParseInt(fields[1], 10, 64); err != nil {
			return series{}, fmt.Errorf("found %q, expected a timestamp in milliseconds", cut(fields[1], 20))
		}
	}
	return s, nil
}

func (p *promScanner) labels() ([]Label, error) {
	var labels []Label
	for !p.take('}') {
		name := p.name(false)
		if name == "" || !p.take('=') || !p.take('"') {
			return nil, fmt.Errorf(`found %q, expected a label such as gpu="0"`, cut(p.rest, 20))
		}
		value, err := p.quoted()
		if err != nil {
			return nil, err
		}
		if len(labels) == maxLabels {
			return nil, fmt.Errorf("found more than %d labels", maxLabels)
		}
		for _, l := range labels {
			if l.Name == name {
				return nil, fmt.Errorf("the label %q stands twice", cut(name, 40))
			}
		}
		labels = append(labels, Label{name, value})
		if !p.take(',') {
			if !p.take('}') {
				return nil, fmt.Errorf("found %q, expected a comma or }", cut(p.rest, 20))
			}
			break
		}
	}
	return labels, nil
}

// quoted takes what stands up to the closing quote; it knows \\, \" and \n.
func (p *promScanner) quoted() (string, error) {
	var b strings.Builder
	for i := 0; i < len(p.rest); i++ {
		c := p.rest[i]
		switch {
		case c == '"':
			p.rest = p.rest[i+1:]
			return b.String(), nil
		case c != '\\':
			b.WriteByte(c)
			continue
		case i+1 == len(p.rest):
			return "", errors.New("found a label's value without its end")
		}
		i++
		switch p.rest[i] {
		case '\\', '"':
			b.WriteByte(p.rest[i])
		case 'n':
			b.WriteByte('\n')
		default:
			return "", fmt.Errorf(`found the escape \%c, expected \\, \" or \n`, p.rest[i])
		}
	}
	return "", errors.New("found a label's value without its end")
}
