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
		results = append(results, size("size", "the compressed image", e.Size.Compressed, *s.Max))
	}
	if s.Unpacked != nil {
		results = append(results, size("size.unpacked", "the unpacked image", e.Size.Unpacked, *s.Unpacked))
	}
	if s.Growth != nil {
		results = append(results, growth(e, *s.Growth))
	}
	return results
}

// size compares bytes with a limit. No image has 0 bytes: 0 is not measured.
func size(name, what string, bytes int64, limit unit.Quantity) Result {
	b := bound{limit: limit}
	r := Result{Name: name, Unit: unit.Bytes, Required: true}
	if limit.Unit != unit.Bytes {
		r.Reason = fmt.Sprintf("the limit %s of %s is %s; a limit in bytes such as 1.1GB would have been applied", limit.Precise(), name, dimension(limit.Unit))
		return r
	}
	r.Limit = b.result()
	if bytes <= 0 {
		r.Reason = fmt.Sprintf("the size of %s is not known; %s", what, b.wish())
		return r
	}
	value := unit.Quantity{Value: float64(bytes), Unit: unit.Bytes}
	r.Value = finite(value.Value)
	r.Passed = b.holds(value.Value)
	r.Reason = fmt.Sprintf("%s has %s, %s", what, b.show(value), b.compare(value.Value))
	if !r.Passed {
		r.Reason += "; " + b.wish()
	}
	return r
}

// growth compares the compressed size with the baseline's, plus what it may
// grow. The Result's value and limit are whole sizes, so that they compare.
func growth(e Evidence, allowed unit.Quantity) Result {
	const name = "size.growth"
	r := Result{Name: name, Unit: unit.Bytes, Required: true}
	if allowed.Unit != unit.Ratio && allowed.Unit != unit.Bytes {
		r.Reason = fmt.Sprintf("the limit %s of %s is %s; a limit such as 10%% or 50MB would have been applied", allowed.Precise(), name, dimension(allowed.Unit))
		return r
	}
	if e.Baseline == nil {
		r.Passed, r.Reason = true, "no baseline: the channel points to nothing yet"
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
	b := bound{limit: unit.Quantity{Value: limit, Unit: unit.Bytes}}
	value := unit.Quantity{Value: now, Unit: unit.Bytes}
	r.Value, r.Limit, r.Passed = &now, b.result(), b.holds(now)
	r.Reason = fmt.Sprintf("the compressed image has %s, %s %s (%s), %s the allowed growth of %s",
		b.show(value), change(now, base), e.Baseline.Ref, unit.FormatBytes(e.Baseline.Compressed), within(r.Passed), percent(allowed))
	if !r.Passed {
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
