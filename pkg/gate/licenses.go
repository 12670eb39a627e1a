package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// Licenses limits what packages and models may be licensed under.
type Licenses struct {
	// Deny are SPDX identifiers, which cover their -only and -or-later too where
	// they have neither, and categories, as scan.License has them.
	Deny []string
}

func (l Licenses) judge(f scan.Findings) Result {
	var names, deny []string
	ignored := 0
	for _, one := range f.Licenses {
		switch {
		case !l.denies(one):
		case one.Ignored != nil:
			ignored++
		default:
			names = append(names, licensed(one))
		}
	}
	for _, d := range l.Deny {
		deny = append(deny, short(d))
	}
	r := tally("licenses", CheckLicenses, len(names))
	if len(names) > 0 {
		r.Reason = fmt.Sprintf("licenses: %s; packages and models under none of deny: (%s) would have passed", list(names), strings.Join(deny, ", "))
		return r
	}
	r.Outcome = Passed
	r.Reason = fmt.Sprintf("none of %s is denied: (%s)%s", count(len(f.Licenses), "licence"), strings.Join(deny, ", "), ignoring(ignored))
	return r
}

// denies says whether the licence leaves no choice but one that is denied.
func (l Licenses) denies(one scan.License) bool {
	if slices.ContainsFunc(l.Deny, func(d string) bool { return strings.EqualFold(d, one.Category) }) {
		return true
	}
	choices := one.Choices
	if len(choices) == 0 {
		choices = [][]string{{one.Name}}
	}
	return !slices.ContainsFunc(choices, func(together []string) bool { return !slices.ContainsFunc(together, l.names) })
}

func (l Licenses) names(id string) bool {
	return slices.ContainsFunc(l.Deny, func(d string) bool {
		return strings.EqualFold(id, d) || strings.EqualFold(id, d+"-only") || strings.EqualFold(id, d+"-or-later")
	})
}

// licensed names a licence and what is under it.
func licensed(l scan.License) string {
	if l.Package == "" {
		return fmt.Sprintf("%s (%s) of %s", short(l.Name), l.Category, short(l.Path))
	}
	return fmt.Sprintf("%s (%s) of %s %s%s", short(l.Name), l.Category, short(l.Package), short(l.Version), inLayer(l.Layer))
}
