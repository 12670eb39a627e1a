package gate

import (
	"fmt"
	"math"

	"github.com/org/ai-ship/pkg/unit"
)

// sizes evaluates the size gates that are set.
func sizes(s Size, e Evidence) []Result {
	var results []Result
	if s.Max != nil {
		results = append(results, size("size", "the compressed image", e.Size.Compressed, bound{check: CheckSize, op: "<=", limit: *s.Max, warn: s.Warn}))
	}
	if s.Unpacked != nil {
		results = append(results, size("size.unpacked", "the unpacked image", e.Size.Unpacked, bound{check: CheckUnpacked, op: "<=", limit: *s.Unpacked}))
	}
	if s.Growth != nil {
		results = append(results, growth(e, *s.Growth))
	}
	return results
}

// size compares bytes with a limit. No image has 0 bytes: 0 is not measured.
func size(name, what string, bytes int64, b bound) Result {
	r := Result{Name: name, Check: b.check, Unit: unit.Bytes, Required: true, Outcome: Refused}
	if b.limit.Unit != unit.Bytes {
		r.Reason = fmt.Sprintf("the limit %s of %s is %s; a limit in bytes such as 1.1GB would have been applied", b.limit.Precise(), name, dimension(b.limit.Unit))
		return r
	}
	r.Limit = b.result()
	if problem := b.mismatch(name); problem != "" {
		r.Reason = problem
		return r
	}
	if bytes <= 0 {
		r.Reason = fmt.Sprintf("the size of %s is not known; %s", what, b.wish())
		return r
	}
	value := unit.Quantity{Value: float64(bytes), Unit: unit.Bytes}
	r.Value = finite(value.Value)
	switch {
	case !b.holds(value.Value):
		r.Reason = fmt.Sprintf("%s has %s, %s; %s", what, b.show(value), b.compare(value.Value), b.wish())
	case b.warn != nil && !b.level().holds(value.Value):
		r.Outcome = Warned
		r.Reason = fmt.Sprintf("%s has %s, %s, but %s; %s without a warning",
			what, b.level().show(value), b.compare(value.Value), b.level().compare(value.Value), b.level().wish())
	default:
		r.Outcome = Passed
		r.Reason = fmt.Sprintf("%s has %s, %s", what, b.show(value), b.compare(value.Value))
	}
	return r
}

// growth compares the compressed size with the baseline's, plus what it may
// grow. The Result's value and limit are whole sizes, so that they compare.
func growth(e Evidence, allowed unit.Quantity) Result {
	const name = "size.growth"
	r := Result{Name: name, Check: CheckGrowth, Unit: unit.Bytes, Required: true, Outcome: Refused}
	if allowed.Unit != unit.Ratio && allowed.Unit != unit.Bytes {
		r.Reason = fmt.Sprintf("the limit %s of %s is %s; a limit such as 10%% or 50MB would have been applied", allowed.Precise(), name, dimension(allowed.Unit))
		return r
	}
	if e.Baseline == nil {
		r.Outcome, r.Reason = Passed, "no baseline: the channel points to nothing yet"
		return r
	}
	base, now := float64(e.Baseline.Compressed), float64(e.Size.Compressed)
	r.Baseline = &base
	if base <= 0 || now <= 0 {
		r.Reason = fmt.Sprintf("the growth over %s is not known, because one of the two sizes is not; a growth of %s or less would have passed", e.Baseline.Ref, percent(allowed))
		return r
	}
	limit := base + allowed.Value
	if allowed.Unit == unit.Ratio {
		limit = math.Floor(base + base*allowed.Value)
	}
	b := bound{op: "<=", limit: unit.Quantity{Value: limit, Unit: unit.Bytes}}
	value := unit.Quantity{Value: now, Unit: unit.Bytes}
	r.Value, r.Limit = &now, b.result()
	holds := b.holds(now)
	r.Reason = fmt.Sprintf("the compressed image has %s, %s %s (%s), %s the allowed growth of %s",
		b.show(value), change(now, base), e.Baseline.Ref, unit.FormatBytes(e.Baseline.Compressed), within(holds), percent(allowed))
	if holds {
		r.Outcome = Passed
	} else {
		r.Reason += "; " + b.wish()
	}
	return r
}

// percent prints a ratio in percent, for growth is written so.
func percent(q unit.Quantity) string {
	if q.Unit == unit.Ratio {
		return unit.Quantity{Value: q.Value * 100}.Precise() + "%"
	}
	return q.Precise()
}

func change(now, base float64) string {
	share := unit.Quantity{Value: math.Abs(now-base) / base * 100}.String()
	if now < base {
		return share + "% smaller than"
	}
	return share + "% larger than"
}

func within(passed bool) string {
	if passed {
		return "within"
	}
	return "above"
}
