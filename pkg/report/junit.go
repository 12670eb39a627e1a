package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/gate"
)

// className is what CIs group the gates' test cases under.
const className = "ai-ship.gates"

// The elements of JUnit XML that Jenkins' and GitLab's readers know. Text and
// attributes are clean: XML has no way to write control characters.
type (
	junitSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		junitCounts
		Suite junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		junitCounts
		Cases []junitCase `xml:"testcase"`
	}
	junitCounts struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Time     string `xml:"time,attr"` // seconds
	}
	junitCase struct {
		Class      string           `xml:"classname,attr"`
		Name       string           `xml:"name,attr"`
		Properties *junitProperties `xml:"properties"`
		Failure    *junitMessage    `xml:"failure"`
		Error      *junitMessage    `xml:"error"`
		Skipped    *junitMessage    `xml:"skipped"`
		Out        string           `xml:"system-out,omitempty"`
	}
	junitProperties struct {
		All []junitProperty `xml:"property"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the gates as JUnit XML, one test case each: a refused gate is a
// failure, a warned one passes and says so on its output, and one that had
// nothing to judge is skipped. A run that ended otherwise, before its gates or
// after, has a test case with its error, so that the file is never greener than
// the run. Numbers are in the unit that stands beside them.
func JUnit(w io.Writer, r Report) error {
	suite := junitSuite{junitCounts: junitCounts{Name: className}}
	names := make(map[string]int)
	for _, g := range r.Gates {
		c := newCase(g)
		if names[c.Name]++; names[c.Name] > 1 {
			c.Name += fmt.Sprintf(" (%d)", names[c.Name])
		}
		suite.add(c)
	}
	switch {
	case r.outcome() == failed:
		suite.add(junitCase{Class: className, Name: "run", Error: failure(r)})
	case len(r.Gates) == 0: // an empty file is an error to Jenkins
		suite.add(junitCase{Class: className, Name: "gates", Skipped: &junitMessage{Message: "no gate is configured"}})
	}
	var took float64
	for _, s := range r.normal().Stages {
		took += s.Seconds
	}
	suite.Time = strconv.FormatFloat(took, 'f', 3, 64)
	all := junitSuites{junitCounts: suite.junitCounts, Suite: suite}
	all.Name = "ai-ship"
	text, err := xml.MarshalIndent(all, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	}
	if err != nil {
		return fmt.Errorf("writing the gates as JUnit XML: %w", err)
	}
	return nil
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func newCase(g gate.Result) junitCase {
	c := junitCase{Class: className, Name: clean(fullName(g)), Properties: properties(g)}
	reason := sentence(g)
	switch {
	case outcomeOf(g) == gate.Refused:
		c.Failure = &junitMessage{Message: cleanTo(reason, maxSentence), Type: "refused", Text: printable(reason)}
	case outcomeOf(g) == gate.Warned:
		c.Out = "warning: " + printable(reason)
	case unmeasured(g):
		c.Skipped = &junitMessage{Message: cleanTo(reason, maxSentence)}
	}
	return c
}

// failure is why the run did not pass.
func failure(r Report) *junitMessage {
	text := r.Error
	if text == "" {
		text = "the run did not pass"
	}
	m := &junitMessage{Message: clean(text), Type: "failed", Text: strings.Join(cleanLines(text, maxError), "\n")}
	for _, hint := range r.Hints {
		m.Text += "\nhint: " + clean(hint)
	}
	return m
}

func properties(g gate.Result) *junitProperties {
	var all []junitProperty
	add := func(name, value string) {
		if value != "" {
			all = append(all, junitProperty{name, clean(value)})
		}
	}
	add("value", number(g.Value))
	add("unit", string(g.Unit))
	if g.Limit != nil {
		add("limit", strings.TrimSpace(g.Limit.Op+" "+number(&g.Limit.Value)))
	}
	add("baseline", number(g.Baseline))
	add("rule", g.Rule)
	if s := g.Source; s != nil {
		add("source", strings.TrimSpace(s.File+" "+s.Pointer))
		add("sha256", s.SHA256)
	}
	if len(all) == 0 {
		return nil
	}
	return &junitProperties{all}
}

// number is a value as machines read it, "" for none.
func number(v *float64) string {
	if v = finite(v); v == nil {
		return ""
	}
	text, _ := json.Marshal(*v) // a finite number always can be
	return string(text)
}
