package policy

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/template"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/release"
)

// conditions are what must be true of a statement s of a type, in Rego.
func (d Demand) conditions(predicateType string) []string {
	var about []string
	if !d.AnyRepository {
		about = []string{"count(s.subject) == 1", "s.subject[0].name == " + quoted(d.Repository)}
	}
	return append(about, d.says(predicateType)...)
}

// says is the part of conditions that is about the predicate.
func (d Demand) says(predicateType string) []string {
	switch {
	case predicateType == attest.Verdict:
		return []string{"s.predicate.passed == true"}
	case predicateType == release.PromotionPredicate && d.Channel != "":
		return []string{"s.predicate.channel == " + quoted(d.Channel), `s.predicate.to == concat(":", ["sha256", s.subject[0].digest.sha256])`}
	case predicateType == attest.Vulnerabilities && d.ScanMaxAge > 0:
		return []string{fmt.Sprintf("time.now_ns() - time.parse_rfc3339_ns(s.predicate.metadata.scanFinishedOn) <= %d", d.ScanMaxAge.Nanoseconds())}
	}
	return nil
}

// quoted is a text as Rego has it, which is as JSON has it.
func quoted(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		return `""` // a string is always JSON
	}
	return string(out)
}

// fill fills a template.
func fill(text string, data any) (string, error) {
	t, err := template.New("").Funcs(template.FuncMap{"quoted": quoted}).Parse(text)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, data)
	return out.String(), err
}
