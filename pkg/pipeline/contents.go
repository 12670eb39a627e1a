package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/inventory"
	"github.com/org/ai-ship/pkg/report"
)

// maxItems is how many of the largest packages and files a report names.
const maxItems = 60

// Contents is what the largest image is made of.
type Contents struct {
	Now      inventory.Inventory
	Changes  *inventory.Changes // nil when there is no image to compare with
	Wastes   []inventory.Waste
	Complete bool   // the base's files are listed too
	Note     string // why not
}

// explain finds out what the image's size is made of. The files of a base that
// would have to be downloaded for it are worth that only when the size did not
// pass; and no run fails for want of an explanation.
func (r *run) explain(ctx context.Context) error {
	deep := r.out.Product.Local() || slices.ContainsFunc(r.out.Verdict.Results, func(g gate.Result) bool {
		return g.Outcome != gate.Passed && (g.Check == gate.CheckSize || g.Check == gate.CheckUnpacked || g.Check == gate.CheckGrowth)
	})
	c := &Contents{Complete: deep}
	if !deep {
		c.Note = "the base's files were not looked at, which would cost a download; a size gate that refuses is worth it"
	}
	all, err := r.out.Product.Inventory(ctx, deep)
	if err != nil && deep && ctx.Err() == nil {
		c.Complete, c.Note = false, fmt.Sprintf("the base's files could not be looked at: %v", err)
		all, err = r.out.Product.Inventory(ctx, false)
	}
	if err != nil {
		return err
	}
	c.Now = slices.MaxFunc(all, func(a, b inventory.Inventory) int { return int(a.Compressed() - b.Compressed()) })
	c.Wastes = inventory.Wastes(c.Now)
	if before, ok := r.before(c.Now.Platform); ok {
		changes := inventory.Compare(c.Now, before)
		c.Changes = &changes
	}
	r.out.Contents = c
	return nil
}

// before is the baseline's image of a platform.
func (r *run) before(platform string) (inventory.Inventory, bool) {
	i := 0
	if len(r.out.Plan.Predecessor) > 1 {
		i = slices.IndexFunc(r.out.Product.Images, func(img *build.Image) bool { return img.Platform.String() == platform })
	}
	if i < 0 || i >= len(r.out.Plan.Predecessor) {
		return inventory.Inventory{}, false
	}
	return r.engines.Cache.Recall(inventory.Of(r.out.Plan.Predecessor[i])), true
}

// report is the contents as reports have them.
func (c *Contents) report(baseline string) *report.Contents {
	if c == nil {
		return nil
	}
	out := &report.Contents{Platform: c.Now.Platform, Complete: c.Complete, Note: c.Note}
	for _, w := range c.Wastes {
		out.Waste = append(out.Waste, report.Waste{Kind: string(w.Kind), Bytes: w.Bytes, Files: w.Count, Paths: w.Paths, Layer: w.Layer, Advice: w.Advice})
	}
	for _, item := range c.Now.Items(maxItems) {
		out.Largest = append(out.Largest, report.Item(item))
	}
	changes := c.Changes
	if changes == nil {
		alone := inventory.Compare(c.Now, inventory.Inventory{})
		for _, k := range alone.Kinds {
			out.Kinds = append(out.Kinds, part(report.Part{Kind: k.Kind}, k.Change, false))
		}
		for _, l := range alone.Layers {
			out.Layers = append(out.Layers, part(report.Part{Kind: l.Kind, Name: l.Name, Digest: l.Digest}, l.Change, false))
		}
		return out
	}
	out.Baseline = baseline
	for _, k := range changes.Kinds {
		out.Kinds = append(out.Kinds, part(report.Part{Kind: k.Kind}, k.Change, true))
	}
	for _, l := range changes.Layers {
		out.Layers = append(out.Layers, part(report.Part{Kind: l.Kind, Name: l.Name, Digest: l.Digest, State: string(l.State)}, l.Change, true))
	}
	for _, p := range changes.Paths {
		out.Grown = append(out.Grown, report.Grown{Path: p.Path, Kind: p.Kind, Size: p.Now, New: p.New, Least: p.Least, Most: p.Most})
	}
	return out
}

func part(p report.Part, c inventory.Change, compared bool) report.Part {
	p.Compressed = c.Compressed.Now
	if c.Unpacked != nil {
		p.Unpacked = c.Unpacked.Now
	}
	if compared {
		p.Before = &c.Compressed.Before
	}
	return p
}
