package modelfile

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/memory"
)

// inspectorsVersion is that of what a report says, and of its form in memory.
const inspectorsVersion = 1

// Scanner inspects the model files among a target's files. It is a
// scan.Scanner. With a Memory it does not read a file again that it has read to
// its end.
type Scanner struct{ Memory *memory.Memory }

// page is a report as it is remembered; nil of a file that is no model and says
// nothing.
type page struct {
	Report
	Wanted []wanted `json:",omitempty"`
	Needed []string `json:",omitempty"`
	Notes  notes
}

// Scan inspects every file of our layers, since what a file is shows in its
// content only. Files of no known format cost one read of their beginning. What
// a file is stands in Findings.Inventory, what it would do in Findings.Models,
// and what could not be read to its end in Findings.Incomplete as
// unscannable-file. Files that belong together are then held against each other.
func (s Scanner) Scan(ctx context.Context, target scan.Target) (scan.Findings, error) {
	reports := make([]Report, len(target.Files))
	pages := memory.Of[*page](s.Memory, fmt.Sprintf("modelfile %d", inspectorsVersion), target.Platform)
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range target.Files {
		group.Go(func() (err error) {
			reports[i], err = recall(within, f, pages)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return scan.Findings{}, err
	}
	if err := folders(ctx, target.Files, reports); err != nil {
		return scan.Findings{}, err
	}
	findings := scan.Findings{Ran: true}
	for _, r := range reports {
		r.add(&findings)
	}
	return findings, pages.Save()
}

// recall is the report of a file, from memory if it has one. What could not be
// read to its end is read again. What files say together is not part of it.
func recall(ctx context.Context, f scan.File, pages *memory.Files[*page]) (Report, error) {
	if p, ok := pages.Get(f); ok {
		r := Report{Path: f.Path, Card: Card{Format: Other}}
		if p != nil {
			r = p.Report
			r.wanted, r.needed, r.notes = p.Wanted, p.Needed, p.Notes
		}
		return r, nil
	}
	r, err := inspectFile(ctx, f)
	if err != nil || r.Unscanned != "" {
		return r, err
	}
	var p *page
	if r.Card.Format != Other || !r.notes.empty() || len(r.Risks)+len(r.wanted)+len(r.needed) > 0 {
		p = &page{Report: r, Wanted: r.wanted, Needed: r.needed, Notes: r.notes}
		p.Risks = slices.Clone(r.Risks) // more are added later
	}
	pages.Put(f, p)
	return r, nil
}

func inspectFile(ctx context.Context, f scan.File) (r Report, err error) {
	content, err := f.Open()
	if err != nil {
		return Report{}, fmt.Errorf("inspecting %q: %w", f.Path, err)
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	src := Source{Path: f.Path, Size: f.Size, ReaderAt: content}
	if r, err = Inspect(ctx, src); err != nil {
		return Report{}, fmt.Errorf("inspecting %q: %w", f.Path, err)
	}
	if path.Base(f.Path) == "README.md" {
		text, err := frontMatter(src)
		if err != nil {
			return Report{}, err
		}
		r.notes = notes{License: licence(text), Datasets: datasets(text)}
	}
	return r, nil
}

// linked reports files beside a model that are no regular files of our layers. The
// files of a target have no links in their paths, so that one that is reached by a
// link, of itself or of a folder above it (CVE-2026-27489, CVE-2026-34447), is not
// among them. Hard links (GHSA-cmw6-hcpp-c6jp) do not come into an image: a layer
// of ours has the content of each file by itself.
func (r *Report) linked(files map[string]int) {
	for _, name := range r.needed {
		if _, ours := files[path.Join(path.Dir(r.Path), name)]; !ours {
			r.Risks = append(r.Risks, Risk{
				Rule: "onnx-external-path", Severity: scan.High, Offset: -1, Calls: shown("location "+name, maxCalls), Convert: convertONNX,
				Why: "A tensor is read from what is no file of the image's own layers: it is missing, of the base, or reached by a link.",
			})
		}
	}
}

// add puts a report where findings have it.
func (r Report) add(f *scan.Findings) {
	c := r.Card
	if c.Format != Other && c.Format != "" {
		f.Inventory = append(f.Inventory, scan.Model{
			Path: r.Path, Format: string(c.Format), Framework: c.Framework, Version: c.Version, Architecture: c.Architecture,
			Dtypes: c.Dtypes, Parameters: c.Parameters, Quantisation: c.Quantisation, License: c.License, Datasets: c.Datasets,
		})
	}
	for _, risk := range r.Risks {
		path := r.Path
		if risk.Member != "" {
			path += "!" + risk.Member
		}
		f.Models = append(f.Models, scan.Finding{
			ID: risk.Rule, Severity: risk.Severity, Path: path, Title: risk.Why, Source: "ai-ship",
			Offset: max(risk.Offset, 0), Calls: risk.Calls, Convert: risk.Convert,
		})
	}
	if r.Unscanned != "" {
		f.Incomplete = append(f.Incomplete, scan.Incomplete{ID: "unscannable-file", Path: r.Path, Detail: fmt.Sprintf("%s: %s", r.Path, r.Unscanned)})
	}
}
