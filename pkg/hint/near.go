package hint

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

const (
	maxNear = 3   // names that are proposed
	maxWord = 100 // bytes of a name that is compared
)

// Near returns up to three of the names that want may have meant, the nearest
// first, each once.
func Near(want string, names []string) []string {
	distances := make(map[string]int)
	for _, name := range names {
		if _, seen := distances[name]; seen || len(name) > maxWord {
			continue
		}
		if d, ok := distance(want, name); ok {
			distances[name] = d
		}
	}
	near := slices.Collect(maps.Keys(distances))
	slices.SortFunc(near, func(a, b string) int {
		return cmp.Or(cmp.Compare(distances[a], distances[b]), cmp.Compare(a, b))
	})
	return near[:min(len(near), maxNear)]
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
