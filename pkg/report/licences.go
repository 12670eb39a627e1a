package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// licence is a licence with all that is under it.
type licence struct {
	name, category string
	severity       scan.Severity
	holders        []string // packages, and paths of models, once each, sorted
}

// licences are those of the findings, the strictest category first, then the
// most used.
func (r Report) licences() []licence {
	type key struct{ name, category string }
	at := make(map[key]int)
	var all []licence
	for _, l := range r.Findings.Licenses {
		k := key{l.Name, l.Category}
		i, known := at[k]
		if !known {
			i = len(all)
			at[k], all = i, append(all, licence{name: l.Name, category: l.Category, severity: l.Severity})
		}
		all[i].holders = append(all[i].holders, cmp.Or(l.Package, l.Path))
	}
	for i := range all {
		slices.Sort(all[i].holders)
		all[i].holders = slices.Compact(all[i].holders)
	}
	slices.SortStableFunc(all, func(a, b licence) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(len(b.holders), len(a.holders)), strings.Compare(a.name, b.name))
	})
	return all
}

// licensed counts licences by category, the strictest first.
func (r Report) licensed() string {
	counts := make(map[string]int)
	var order []string
	for _, l := range r.licences() {
		if counts[l.category] == 0 {
			order = append(order, l.category)
		}
		counts[l.category]++
	}
	var parts []string
	for _, category := range order {
		parts = append(parts, fmt.Sprintf("%d %s", counts[category], category))
	}
	return strings.Join(parts, " · ")
}
