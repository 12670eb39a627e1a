package ci

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// minLine is the length in bytes from which a line of a secret of several
// lines is one by itself: a bracket of a JSON key would hide every bracket.
const minLine = 4

// Mask hides secrets in the log from now on, line by line, and their base64
// and URL-encoded forms. GitHub is told to; GitLab takes no such word, so that
// the job's guards do it. Empty secrets are none.
func (j *Job) Mask(secrets ...string) {
	if j.provider == Local {
		return
	}
	for _, secret := range secrets {
		for _, form := range forms(secret) {
			j.mask(form)
		}
	}
}

func (j *Job) mask(form string) {
	j.mu.Lock()
	known := slices.Contains(j.secrets, form)
	if !known {
		j.secrets = append(j.secrets, form)
		// The longest first, so that none is left of one that holds another.
		slices.SortFunc(j.secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	}
	j.mu.Unlock()
	if !known && j.provider == GitHub {
		j.say(command("add-mask", form))
	}
}

// forms are the lines that a secret may appear as.
func forms(secret string) []string {
	if strings.TrimSpace(secret) == "" {
		return nil
	}
	all := []string{base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret))}
	lines := strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || len(lines) > 1 && len(line) < minLine {
			continue
		}
		all = append(all, line, base64.StdEncoding.EncodeToString([]byte(line)), url.QueryEscape(line), url.PathEscape(line))
	}
	for i, form := range all {
		all[i] = strings.TrimRight(form, "=") // of base64, where the padding may be left out
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(form string) bool { return form == "" })
}
