package testreport

import (
	"fmt"
	"slices"
	"strings"
)

// Limits of one report. More is an error: such a file is no test report. A file
// beyond MaxSize is refused with less than 64 MiB of memory taken, by its size
// where that is known before. A report within the limits takes up to about four
// times its size, one of nothing but short values more: 200 MiB at the worst.
const (
	MaxSize     = 32 << 20 // bytes of the file
	MaxMetrics  = 100_000
	MaxElements = 1_000_000 // XML elements, or JSON values
	MaxDepth    = 64        // of nested elements or values

	maxNames   = 64 << 20 // bytes of all names and pointers; nested long names multiply
	maxMessage = 200      // characters of Failure.Message
)

// collector gathers one report's metrics, within the limits.
type collector struct {
	report Report
	names  int // bytes of names and pointers so far
}

// source returns where a value stands.
func (c *collector) source(pointer string) Source {
	return Source{File: c.report.Path, Pointer: pointer, SHA256: c.report.SHA256}
}

// add keeps m. Aliases that are empty, repeated or m's own name are dropped.
func (c *collector) add(m Metric, pointer string, aliases ...string) error {
	if len(c.report.Metrics) == MaxMetrics {
		return fmt.Errorf("holds more than %d metrics", MaxMetrics)
	}
	c.names += len(m.Name) + len(pointer)
	for _, label := range m.Labels {
		c.names += len(label.Name) + len(label.Value)
	}
	for _, alias := range aliases {
		if alias != "" && alias != m.Name && !slices.Contains(m.Aliases, alias) {
			c.names += len(alias)
			m.Aliases = append(m.Aliases, alias)
		}
	}
	if c.names > maxNames {
		return errNames()
	}
	m.Source = c.source(pointer)
	c.report.Metrics = append(c.report.Metrics, m)
	return nil
}

// fail keeps a failed test, of its message the first line, cut.
func (c *collector) fail(f Failure) error {
	f.Message, _, _ = strings.Cut(strings.TrimSpace(f.Message), "\n")
	f.Message = cut(strings.TrimSpace(f.Message), maxMessage)
	c.names += len(f.Test) + len(f.Message) + len(f.Source.Pointer)
	if c.names > maxNames {
		return errNames()
	}
	c.report.Failures = append(c.report.Failures, f)
	return nil
}

func errNames() error {
	return fmt.Errorf("has names of more than %d MiB", maxNames>>20)
}
