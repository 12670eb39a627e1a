package gate

import (
	"cmp"
	"slices"
	"strings"
)

const maxNear = 3 // names that a reason proposes

// didYouMean proposes the names nearest to what was asked for, or nothing.
func didYouMean(want string, names []string) string {
	distances := make(map[string]int)
	for _, name := range names {
		if _, seen := distances[name]; seen || len(name) > maxWord {
			continue
		}
		if d, ok := distance(want, name); ok {
			distances[name] = d
		}
	}
	var near []string
	for name := range distances {
		near = append(near, name)
	}
	slices.SortFunc(near, func(a, b string) int {
		return cmp.Or(cmp.Compare(distances[a], distances[b]), cmp.Compare(a, b))
	})
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(near[:min(len(near), maxNear)], " or ") + "?"
}

// distance returns how far name is from what was asked for, and whether that
// is near: at most a third of the letters differ, or one holds the other.
func distance(want, name string) (int, bool) {
	a, b := strings.ToLower(want), strings.ToLower(name)
	if len(a) > maxWord || a == "" || b == "" {
		return 0, false
	}
	allowed := max(1, len(a)/3)
	if apart := len(a) - len(b); -allowed <= apart && apart <= allowed {
		if d := edits(a, b); d <= allowed {
			return d, true
		}
	}
	if strings.Contains(b, a) || (len(b) > 2 && strings.Contains(a, b)) {
		return maxWord + max(len(a), len(b)), true // after those with a typing error, the shortest first
	}
	return 0, false
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
