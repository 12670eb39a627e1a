package ci

import (
	"fmt"
	"regexp"
	"time"
)

// unnamed is what GitLab takes in no section's name.
var unnamed = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// Section begins a part of the log that people can fold; end ends it. Sections
// do not nest (GitHub's cannot). The title is one of ours, and no stranger's.
func (j *Job) Section(title string) (end func()) {
	switch j.provider {
	case GitHub:
		j.say(command("group", title))
		return func() { j.say(command("endgroup", "")) }
	case GitLab:
		// docs.gitlab.com, "Custom collapsible sections".
		name := "ai-ship_" + unnamed.ReplaceAllString(title, "_")
		j.say(fmt.Sprintf("\x1b[0Ksection_start:%d:%s\r\x1b[0K%s", time.Now().Unix(), name, title))
		return func() { j.say(fmt.Sprintf("\x1b[0Ksection_end:%d:%s\r\x1b[0K", time.Now().Unix(), name)) }
	}
	return func() {}
}
