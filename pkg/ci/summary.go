package ci

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// MaxSummary is how large the summary of a step may be, in bytes: GitHub shows
// nothing of a larger one (actions/runner, FileCommandManager.cs).
const MaxSummary = 1 << 20

const cutNotice = "\n\n*Cut here: the summary would be larger than GitHub shows. The whole report is in ai-ship-out.*\n"

// Summary adds Markdown to the step's summary, which GitHub alone has. What does
// not fit beside what is there already is cut at the end of a line, with a
// notice.
func (j *Job) Summary(markdown []byte) error {
	file := j.getenv("GITHUB_STEP_SUMMARY")
	if j.provider != GitHub || file == "" {
		return nil
	}
	err := appendTo(file, func(size int64) ([]byte, error) { return fit(markdown, MaxSummary-size), nil })
	if err != nil {
		return fmt.Errorf("writing the step's summary: %w", err)
	}
	return nil
}

// fit cuts text at the end of a line when it is longer than room.
func fit(text []byte, room int64) []byte {
	if int64(len(text)) <= room {
		return text
	}
	room -= int64(len(cutNotice))
	if room < 0 {
		return nil
	}
	end := bytes.LastIndexByte(text[:room], '\n')
	return append(bytes.Clone(text[:max(end, 0)]), cutNotice...)
}

// appendTo adds what make returns to a file, at once; make is told how large
// the file is. The runner has made it, so a missing one is an error.
func appendTo(file string, content func(size int64) ([]byte, error)) (err error) {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	data, err := content(info.Size())
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return err
}
