// Package hint carries advice for the user along an error chain, and finds what
// a mistyped name may have meant.
//
// An error says what happened; a hint says what to do about it. Only the
// command line prints hints, on lines of their own.
package hint

type hinted struct {
	err  error
	hint string
}

func (h hinted) Error() string { return h.err.Error() }
func (h hinted) Unwrap() error { return h.err }

// Wrap attaches advice to err without changing its message. A nil err stays nil.
func Wrap(err error, advice string) error {
	if err == nil {
		return nil
	}
	return hinted{err: err, hint: advice}
}

// Of returns the hints in err's tree, outermost first, without repeats.
func Of(err error) []string {
	var hints []string
	seen := make(map[string]bool)
	var walk func(error)
	walk = func(err error) {
		switch e := err.(type) { //nolint:errorlint // it walks the tree itself
		case hinted:
			if !seen[e.hint] {
				seen[e.hint] = true
				hints = append(hints, e.hint)
			}
			walk(e.err)
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				walk(inner)
			}
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		}
	}
	walk(err)
	return hints
}
