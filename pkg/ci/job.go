package ci

import (
	"io"
	"sync"
)

// Job is the CI job around a run, and all that it takes from one: outputs, a
// summary, annotations, sections of the log and secrets to hide. Locally it
// takes nothing, and every method does nothing.
//
// What it says to the CI goes to the log as whole lines. It is safe for
// concurrent use.
type Job struct {
	provider Provider
	getenv   func(string) string

	mu        sync.Mutex // of everything below, and of each line of the log
	log       io.Writer
	annotated map[Level]int
	secrets   []string // forms that are hidden; the CI was told of each
}

// NewJob is the job that the environment tells of. Log is where workflow
// commands go: a stream that the CI reads and that carries no data, as standard
// error does.
func NewJob(getenv func(string) string, log io.Writer) *Job {
	return &Job{provider: providerOf(getenv), getenv: getenv, log: log, annotated: make(map[Level]int)}
}

// Provider is the CI that the job runs in.
func (j *Job) Provider() Provider { return j.provider }

// say writes one line to the log.
func (j *Job) say(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, _ = io.WriteString(j.log, line+"\n") // a log that is gone has no reader to tell
}
