package leftover

import (
	"context"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/memory"
)

// source is who says so in findings.
const source = "ai-ship"

// rulesVersion is that of the rules, and of what is remembered of a file.
const rulesVersion = 1

// Scanner is the scan.Scanner. With a Memory it does not read a file again in
// which it has found what there is.
type Scanner struct{ Memory *memory.Memory }

// Scan returns the secrets and leftovers of target as Findings.Secrets, what was
// left out on purpose as Skipped, and files that could not be read as Incomplete
// with the identifier unreadable-file. Nothing else of Findings is set but Ran.
//
// A finding in a file has its path and line, or its offset when the file is
// binary. One in the image's config has a path such as "image config: env NAME";
// in the history, Line is the entry's number from 1. Layer is set where the
// target has exactly one layer of the file's kind.
//
// The error is ctx's, or says that the image's config could not be read: the
// findings are then worthless. Memory stays below 1 MiB beside the findings and
// what is remembered, whatever the files' sizes.
func (o Scanner) Scan(ctx context.Context, target scan.Target) (scan.Findings, error) {
	s := &scanner{
		files:    memory.Of[*content](o.Memory, fmt.Sprintf("leftover %d", rulesVersion), target.Platform),
		searcher: newSearcher(window), names: names(),
		layers: layers(target.Layers), seen: map[string]bool{}, binaries: map[string]*binaries{},
	}
	s.findings.Ran = true
	if err := s.config(ctx, target.Image); err != nil {
		return scan.Findings{}, fmt.Errorf("searching the image's config for secrets: %w", err)
	}
	for _, f := range target.Files {
		if err := s.file(ctx, f); err != nil {
			return scan.Findings{}, fmt.Errorf("searching for secrets: %w", err)
		}
	}
	s.summarise()
	return s.findings, s.files.Save()
}

// scanner is one scan.
type scanner struct {
	*searcher
	files    *memory.Files[*content]
	names    []name
	layers   map[string]v1.Hash // by kind, where there is one layer of it
	seen     map[string]bool    // folders that were reported, by rule
	binaries map[string]*binaries
	findings scan.Findings
}

// layers are the digests of the kinds of which there is exactly one layer.
func layers(all []scan.Layer) map[string]v1.Hash {
	digests, count := map[string]v1.Hash{}, map[string]int{}
	for _, l := range all {
		digests[l.Kind] = l.Digest
		count[l.Kind]++
	}
	for kind, n := range count {
		if n > 1 {
			delete(digests, kind)
		}
	}
	return digests
}

// text searches a text that is no file: a variable, a command, a name.
func (s *scanner) text(ctx context.Context, text, where string) ([]hit, error) {
	hits, _, err := s.search(ctx, strings.NewReader(text), place{path: where, scope: inVars, plain: true})
	return hits, err
}

// clean is a name in which nothing secret is left, cut to what a line can hold,
// and the secrets that it had.
func (s *scanner) clean(ctx context.Context, name string) (string, []hit, error) {
	hits, _, err := s.search(ctx, strings.NewReader(name), place{scope: inText})
	if err != nil || len(hits) == 0 {
		return name, nil, err
	}
	var b strings.Builder
	last := int64(0)
	for _, h := range hits {
		if h.from >= last {
			b.WriteString(name[last:h.from])
			b.WriteString(h.shown + "…")
		}
		last = max(last, h.to)
	}
	b.WriteString(name[last:])
	return b.String(), hits, nil
}

// report adds matches to the findings.
func (s *scanner) report(hits []hit, at scan.Finding) {
	s.findings.Secrets = append(s.findings.Secrets, findings(hits, at)...)
}

// findings are matches as findings; at says where they are.
func findings(hits []hit, at scan.Finding) (found []scan.Finding) {
	for _, h := range hits {
		f := at
		f.ID, f.Severity, f.Source = h.rule.id, h.rule.severity, source
		f.Title = h.rule.title
		if h.shown != "" {
			f.Title += " " + h.shown + "…"
		}
		if h.minor {
			f.Title += ", a default one"
		}
		if h.bundled {
			f.Title += ", published with an installed package"
		}
		if h.minor || h.bundled {
			f.Severity = scan.Low
		}
		if at.Line < 0 {
			f.Line = h.line
		}
		if at.Offset < 0 {
			f.Offset, f.Line = h.from, 0
		}
		found = append(found, f)
	}
	return found
}
