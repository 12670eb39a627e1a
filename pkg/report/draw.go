package report

import (
	"math"
	"slices"
	"strconv"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/unit"
)

// px is a length in a drawing's own units.
type px float64

// String is the length as SVG attributes have it.
func (p px) String() string { return strconv.FormatFloat(float64(p), 'f', 1, 64) }

// Plus is for templates.
func (p px) Plus(n float64) px { return p + px(n) }

// amount is a quantity as drawings have it: they are many, and units may be
// anything in a report that was read.
func amount(v float64, u unit.Unit) string { return cleanTo(quantity(v, u), maxName) }

func bounded(g gate.Result) string { return cleanTo(limited(g), maxName) }

const barWidth = 120

// bar is a value drawn as a length, in barWidth units, with marks.
type bar struct {
	From, To    px
	Tone        string // a class: passed, warned, refused or share
	Limit, Base *px
	Label       string // the same in words
}

// Width is of the value's part.
func (b bar) Width() px { return b.To - b.From }

// scale maps values between low and high onto a length.
type scale struct{ low, high, length float64 }

func (s scale) at(v float64) px {
	if s.high <= s.low {
		return px(s.length / 2)
	}
	// In halves, for the difference of two large numbers may be no number.
	share := (v/2 - s.low/2) / (s.high/2 - s.low/2)
	return px(math.Min(math.Max(share, 0), 1) * s.length)
}

// gauge is a gate's value beside its limit and its baseline; nil without both.
func gauge(g gate.Result) *bar {
	if finite(g.Value) == nil || g.Limit == nil || finite(&g.Limit.Value) == nil {
		return nil
	}
	s := scale{length: barWidth}
	values := []float64{*g.Value, g.Limit.Value}
	label := "value " + amount(*g.Value, g.Unit) + ", limit " + bounded(g)
	if finite(g.Baseline) != nil {
		values = append(values, *g.Baseline)
		label += ", baseline " + amount(*g.Baseline, g.Unit)
	}
	for _, v := range values {
		s.low, s.high = min(s.low, v), max(s.high, v)
	}
	const air = 1.08 // a mark at the very end would not be seen
	s.low, s.high = s.low*air, s.high*air
	b := &bar{Tone: string(outcomeOf(g)), Label: label}
	b.From, b.To = s.at(min(0, *g.Value)), s.at(max(0, *g.Value))
	limit := s.at(g.Limit.Value)
	b.Limit = &limit
	if finite(g.Baseline) != nil {
		base := s.at(*g.Baseline)
		b.Base = &base
	}
	return b
}

// The size of a small chart, and of what its lines and bars fill.
const (
	chartWidth, chartHeight = 340, 150
	plotLeft, plotTop       = 8, 28
	plotWidth, plotHeight   = 324, 90
	plotBottom              = plotTop + plotHeight
	maxTitle                = 120 // characters
)

// dot is a point of a course.
type dot struct {
	X, Y  px
	Tone  string
	Label string
}

// course is a value over the channel's images.
type course struct {
	Title     string
	Dots      []dot
	Line      string // points of a polyline
	Limit     *px    // height of the limit
	Low, High string // the lowest value and the highest
	First     string // name of the first image
	Last      string
}

// newCourse draws points; nil for fewer than two, and for what was always the
// same.
func newCourse(title string, points []point, u unit.Unit, limit *gate.Limit) *course {
	points = points[max(len(points)-maxTicks, 0):]
	if len(points) < 2 {
		return nil
	}
	low, high, always := math.Inf(1), math.Inf(-1), true
	for _, p := range points {
		low, high = min(low, p.value), max(high, p.value)
		always = always && p.outcome == points[0].outcome
	}
	if always && low == high {
		return nil
	}
	c := &course{Title: title, First: cleanTo(points[0].label, maxName), Last: cleanTo(points[len(points)-1].label, maxName), Low: amount(low, u), High: amount(high, u)}
	s := scale{low, high, plotHeight}
	if limit != nil && finite(&limit.Value) != nil {
		s.low, s.high = min(s.low, limit.Value), max(s.high, limit.Value)
		y := plotBottom - s.at(limit.Value)
		c.Limit = &y
		c.Title += " (limit " + bounded(gate.Result{Limit: limit, Unit: u}) + ")"
	}
	across := scale{0, float64(len(points) - 1), plotWidth - 2*plotLeft}
	for i, p := range points {
		d := dot{X: 2*plotLeft + across.at(float64(i)), Y: plotBottom - s.at(p.value), Tone: string(p.outcome), Label: cleanTo(p.label, maxName) + ": " + amount(p.value, u)}
		if at := when(p.at); at != "" {
			d.Label += ", " + at
		}
		c.Dots = append(c.Dots, d)
		c.Line += d.X.String() + "," + d.Y.String() + " "
	}
	return c
}

// pillar is a column of a histogram.
type pillar struct {
	X, Y, Width, Height px
	Label               string
}

// spread is how the measurements behind a gate's value are spread.
type spread struct {
	Title        string
	Pillars      []pillar
	Value, Limit *px // where they stand; nil outside of what was measured
	From, To     string
	Tone         string
	Note         string // what the marks say, in words
}

// pillars are a histogram's columns, as high as the highest lets them be.
func pillars(h gate.Histogram, u unit.Unit) []pillar {
	var all []pillar
	highest := float64(max(slices.Max(h.Counts), 1))
	width := px(float64(plotWidth) / float64(len(h.Counts)))
	step := (h.To - h.From) / float64(len(h.Counts))
	for i, n := range h.Counts {
		height := px(math.Max(float64(n), 0) / highest * plotHeight)
		from := h.From + float64(i)*step
		all = append(all, pillar{plotLeft + width*px(i), plotBottom - height, max(width-1, 0.5), height,
			amount(from, u) + " to " + amount(from+step, u) + ": " + strconv.Itoa(n)})
	}
	return all
}

// newSpread draws a gate's histogram; nil without one that can be drawn.
func newSpread(g gate.Result) *spread {
	h := g.Histogram
	if h == nil || len(h.Counts) == 0 || len(h.Counts) > gate.MaxBins || finite(&h.From) == nil || finite(&h.To) == nil || h.To < h.From {
		return nil
	}
	sum := 0
	for _, n := range h.Counts {
		sum += max(n, 0)
	}
	if sum == 0 {
		return nil
	}
	s := &spread{Pillars: pillars(*h, g.Unit), Title: cleanTo(title(g), maxTitle), From: amount(h.From, g.Unit), To: amount(h.To, g.Unit), Tone: string(outcomeOf(g))}
	s.Note = unit.Count(sum, "measurement", "measurements") + " from " + s.From + " to " + s.To
	along := scale{h.From, h.To, plotWidth}
	mark := func(v float64) *px {
		if v < h.From || v > h.To {
			return nil
		}
		x := plotLeft + along.at(v)
		return &x
	}
	if v := finite(g.Value); v != nil {
		s.Value = mark(*v)
		name := g.Stat
		if name == "" {
			name = "value"
		}
		s.Note += ", " + cleanTo(name, maxName) + " " + amount(*v, g.Unit) + " (solid)"
	}
	if g.Limit != nil && finite(&g.Limit.Value) != nil {
		s.Limit = mark(g.Limit.Value)
		s.Note += ", limit " + bounded(g)
		if s.Limit == nil {
			s.Note += " (outside of the picture)"
		} else {
			s.Note += " (dashed)"
		}
	}
	return s
}
