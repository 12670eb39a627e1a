package source

import "time"

// Revision is the state of a git repository. Its zero value means that the
// folder is in none.
type Revision struct {
	Commit string    // 40 hex digits
	Time   time.Time // committer time, UTC
	Branch string    // short name; "" when HEAD is detached
	Tags   []string  // tags that point to Commit, sorted
	// Nearest is the highest semver tag that Commit descends from (its own
	// included), "" when there is none; Distance counts the commits since.
	Nearest  string
	Distance int
	Remote   string // https URL of origin without credentials and .git; "" when there is none
}
