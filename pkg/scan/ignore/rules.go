package ignore

import "time"

// Rules are a file's entries, by what they are about.
type Rules struct {
	Vulnerabilities, Misconfigurations, Secrets, Licenses []Rule
}

// Rule takes findings of one ID out of the count.
type Rule struct {
	ID       string    // CVE-2026-0001, or a secret's rule
	Paths    []string  // doublestar patterns, of which one must match; none: everywhere
	Packages []string  // package URLs, of which one must match; none: all
	Ends     time.Time // from when it does not count any more; zero: never
	Reason   string
}

// LastDay is the last day on which a rule that ends at t counts, YYYY-MM-DD, or
// "" of one that does not end: a date in a file is the midnight at which that
// day has ended.
func LastDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Add(-time.Nanosecond).UTC().Format(time.DateOnly)
}

// Prune returns the rules that count at now, and of those that ended before one
// for each ID and end.
func (r Rules) Prune(now time.Time) (live Rules, ended []Rule) {
	type key struct {
		id   string
		ends int64
	}
	seen := make(map[key]bool)
	prune := func(list []Rule) (live []Rule) {
		for _, rule := range list {
			if rule.Ends.IsZero() || !rule.Ends.Before(now) {
				live = append(live, rule)
			} else if k := (key{rule.ID, rule.Ends.UnixNano()}); !seen[k] {
				seen[k] = true
				ended = append(ended, rule)
			}
		}
		return live
	}
	return Rules{
		prune(r.Vulnerabilities), prune(r.Misconfigurations), prune(r.Secrets), prune(r.Licenses),
	}, ended
}
