package ci

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Bounds of outputs. GitHub takes 1 MiB of a job, counted in UTF-16; GitLab
// 5 KiB and 20 variables of a dotenv report, as it is installed.
const (
	maxOutputs   = 512 << 10 // bytes of a step's
	maxDotenv    = 5 << 10   // bytes
	maxVariables = 20
)

// DotenvFile is the file of a GitLab job's outputs: artifacts:reports:dotenv.
const DotenvFile = "ai-ship.env"

// Output is a value for later steps and jobs.
type Output struct {
	Name  string // of letters, digits, - and _, not beginning with a digit or -
	Value string // of any number of lines
}

var (
	outputName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
	// dotenvValue is what GitLab takes unquoted and as it is.
	dotenvValue = regexp.MustCompile(`^[A-Za-z0-9_./:@+,=-]+$`)
)

// Outputs gives values to later steps and jobs. GitHub's step gets all of them
// or none. In a GitLab job they become variables in the file DotenvFile of dir:
// SHIP_ and the name in capitals; those of several lines, with blanks or
// quotes are left out, as the format cannot hold them. A name twice is an error.
func (j *Job) Outputs(dir string, outputs []Output) error {
	seen := make(map[string]bool)
	for _, o := range outputs {
		if !outputName.MatchString(o.Name) || seen[o.Name] {
			return fmt.Errorf("setting output %q: expected a name of letters, digits, - and _ that no other output has", o.Name)
		}
		seen[o.Name] = true
	}
	switch j.provider {
	case GitHub:
		return j.github(outputs)
	case GitLab:
		if err := os.WriteFile(filepath.Join(dir, DotenvFile), dotenv(outputs), 0o644); err != nil {
			return fmt.Errorf("writing the job's outputs: %w", err)
		}
	}
	return nil
}

func (j *Job) github(outputs []Output) error {
	file := j.getenv("GITHUB_OUTPUT")
	if file == "" {
		return nil
	}
	err := appendTo(file, func(size int64) ([]byte, error) {
		var b bytes.Buffer
		for _, o := range outputs {
			text, err := heredoc(o, rand.Text)
			if err != nil {
				return nil, err
			}
			b.WriteString(text)
		}
		if size+int64(b.Len()) > maxOutputs {
			return nil, fmt.Errorf("found %d bytes, expected at most %d", size+int64(b.Len()), maxOutputs)
		}
		return b.Bytes(), nil
	})
	if err != nil {
		return fmt.Errorf("setting the step's outputs: %w", err)
	}
	return nil
}

// heredoc is an output as the runner reads it: a name, a delimiter, lines, and
// the delimiter on a line of its own. One that the value holds would end it
// early, and make outputs of the lines that follow; so it comes from random,
// which gives at least 128 bits, and is looked for all the same.
func heredoc(o Output, random func() string) (string, error) {
	delimiter := "ai-ship-" + random()
	value := strings.ToValidUTF8(o.Value, "\uFFFD")
	if strings.Contains(value, delimiter) {
		return "", fmt.Errorf("output %q: its value holds the delimiter", o.Name)
	}
	return o.Name + "<<" + delimiter + "\n" + value + "\n" + delimiter + "\n", nil
}

// dotenv is a dotenv report (docs.gitlab.com, "artifacts:reports:dotenv").
func dotenv(outputs []Output) []byte {
	var b bytes.Buffer
	variables := 0
	for _, o := range outputs {
		name := "SHIP_" + strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))
		line := name + "=" + o.Value + "\n"
		if !dotenvValue.MatchString(o.Value) || variables == maxVariables || b.Len()+len(line) > maxDotenv {
			continue
		}
		b.WriteString(line)
		variables++
	}
	return b.Bytes()
}

// Artifact tells later steps which image was made, such as those that attest
// it. GitHub's runner knows that where GITHUB_ARTIFACTS is set.
func (j *Job) Artifact(image string) error {
	file := j.getenv("GITHUB_ARTIFACTS")
	if j.provider != GitHub || file == "" || image == "" {
		return nil
	}
	if strings.ContainsAny(image, " \t\r\n") || !strings.Contains(image, "@sha256:") {
		return errors.New("naming the artifact: expected an image by its digest")
	}
	err := appendTo(file, func(int64) ([]byte, error) { return []byte("oci://" + image + "\n"), nil })
	if err != nil {
		return fmt.Errorf("naming the artifact: %w", err)
	}
	return nil
}
