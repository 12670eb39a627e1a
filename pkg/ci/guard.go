package ci

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxHeld is how much of a line a guard holds until it ends, in bytes.
const maxHeld = 64 << 10

// Guard is a writer into a CI's log for text that strangers have a say in:
// names of tests, files and branches, errors of servers. None of it can be a
// workflow command, end or begin a section, or move the cursor:
//
//   - GitHub's runner takes for a command what begins a line with ::, after
//     white space, and ##[ anywhere. Both get a blank in their middle.
//   - Lines end at LF, CR and both, as the runner's do; other characters that
//     may be taken for an end are a blank.
//   - Of escape sequences, colours stay, which can do no harm.
//   - Secrets become ***, where the CI does not see to it.
//
// It writes whole lines. Flush writes a last one that has no end.
type Guard struct {
	job  *Job
	to   io.Writer
	data bool
	held []byte
	// inside says that the line that is held goes on from what was written.
	inside bool
}

// Guard returns a guard of w. Locally it hands on what it gets.
func (j *Job) Guard(w io.Writer) *Guard { return &Guard{job: j, to: w} }

// Data tells the guard that what comes is JSON. It stays the same document: in
// a string, ##[ is written #\u0023[, and no line of it begins with ::.
func (g *Guard) Data() { g.data = true }

// Write implements io.Writer.
func (g *Guard) Write(p []byte) (int, error) {
	if g.job.provider == Local {
		return g.to.Write(p)
	}
	g.job.mu.Lock()
	defer g.job.mu.Unlock()
	g.held = append(g.held, p...)
	end := bytes.LastIndexByte(g.held, '\n') + 1
	if end == 0 && len(g.held) > maxHeld {
		end = len(g.held) - unfinished(g.held)
	}
	if end == 0 {
		return len(p), nil
	}
	err := g.pass(string(g.held[:end]))
	g.held = append(g.held[:0], g.held[end:]...)
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what is held.
func (g *Guard) Flush() error {
	g.job.mu.Lock()
	defer g.job.mu.Unlock()
	text := string(g.held)
	g.held = nil
	if text == "" {
		return nil
	}
	return g.pass(text)
}

// pass writes a text, of whole lines if it can be.
func (g *Guard) pass(text string) error {
	ended := strings.HasSuffix(text, "\n")
	switch {
	case g.data:
		text = strings.ReplaceAll(text, "##[", `#\u0023[`)
	default:
		text = clean(text, !g.inside)
		if g.job.provider == GitLab {
			for _, secret := range g.job.secrets {
				text = strings.ReplaceAll(text, secret, "***")
			}
		}
	}
	g.inside = !ended
	_, err := io.WriteString(g.to, text)
	return err
}

// unfinished is the length of what may be the beginning of more than it shows:
// a character, an escape sequence, or ##[.
func unfinished(text []byte) int {
	tail := text[max(0, len(text)-32):]
	for i := range tail {
		rest := tail[i:]
		if !utf8.FullRune(rest) || bytes.Equal(rest, []byte("#")) || bytes.Equal(rest, []byte("##")) || begun.Match(rest) {
			return len(rest)
		}
	}
	return 0
}

var (
	// colour is an escape sequence that sets colours.
	colour = regexp.MustCompile("^\x1b\\[[0-9;]{0,20}m")
	begun  = regexp.MustCompile("^\x1b(\\[[0-9;]{0,20})?$")
)

// clean makes text harmless in a log. Start says that it begins a line.
func clean(text string, start bool) string {
	var b strings.Builder
	b.Grow(len(text))
	for i := 0; i < len(text); {
		rest := text[i:]
		if text[i] == '\x1b' {
			if length := len(colour.FindString(rest)); length > 0 {
				b.WriteString(rest[:length])
				i += length
				continue
			}
		}
		r, size := utf8.DecodeRuneInString(rest)
		i += size
		switch {
		case r == '\r' && strings.HasPrefix(text[i:], "\n"):
			continue
		case r == '\r' || r == '\n':
			b.WriteByte('\n')
			start = true
			continue
		case r == '\t' || r == ' ':
			b.WriteRune(r)
			continue
		case unicode.IsSpace(r):
			b.WriteByte(' ')
			continue
		case !unicode.IsPrint(r): // to the runner, some of them are nothing at all
			b.WriteRune(utf8.RuneError)
			continue
		case strings.HasPrefix(rest, "##["):
			b.WriteString("## [")
			i += len("##[") - size
		case start && strings.HasPrefix(rest, "::"):
			b.WriteString(": :")
			i += len("::") - size
		default:
			b.WriteRune(r)
		}
		start = false
	}
	return b.String()
}
