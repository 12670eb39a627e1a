package ci

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Level is how bad an annotation is, by GitHub's names.
type Level string

// The levels.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Notice  Level = "notice"
)

// GitHub's limits (actions/runner, ExecutionContext.cs).
const (
	maxAnnotations = 10   // per level and step; it drops what is more
	maxAnnotation  = 4096 // characters of a message
)

// Annotation is a remark that the CI shows beside the run or, with a File,
// beside the line of it.
type Annotation struct {
	Level        Level
	Title        string // may be empty
	Message      string
	File         string // relative to the repository, with slashes; "" for none
	Line, Column int    // from 1; 0 for none
}

// Annotate shows remarks, at most ten of a level in all the job's time: where
// there are more, the last one says how many are left out. They are a copy of
// what the log says; nowhere but on GitHub they are shown at all.
func (j *Job) Annotate(all ...Annotation) {
	if j.provider != GitHub {
		return
	}
	for _, level := range []Level{Error, Warning, Notice} {
		var some []Annotation
		for _, a := range all {
			if a.Level == level {
				some = append(some, a)
			}
		}
		for _, a := range j.fitting(level, some) {
			j.say(a.command())
		}
	}
}

// fitting are the annotations of a level that there is room for.
func (j *Job) fitting(level Level, all []Annotation) []Annotation {
	j.mu.Lock()
	defer j.mu.Unlock()
	room := maxAnnotations - j.annotated[level]
	if len(all) > room && room > 0 {
		more := len(all) - room + 1
		all = append(all[:room-1:room-1], Annotation{Level: level, Message: fmt.Sprintf("and %d more, which the log has", more)})
	}
	all = all[:min(len(all), room)]
	j.annotated[level] += len(all)
	return all
}

func (a Annotation) command() string {
	fields := []field{{name: "title", value: shorten(oneLine(a.Title))}}
	if a.File != "" {
		fields = append(fields, field{"file", oneLine(a.File)}, field{"line", number(a.Line)}, field{"col", number(a.Column)})
	}
	return command(string(a.Level), shorten(clean(a.Message, true)), fields...)
}

func oneLine(text string) string { return strings.ReplaceAll(clean(text, true), "\n", " ") }

func number(n int) string {
	if n < 1 {
		return ""
	}
	return strconv.Itoa(n)
}

// shorten cuts a text after maxAnnotation characters.
func shorten(text string) string {
	if utf8.RuneCountInString(text) <= maxAnnotation {
		return text
	}
	return string([]rune(text)[:maxAnnotation-1]) + "…"
}
