// Package rule decides what a short gate cannot say: a boolean expression, in
// the syntax of CEL (the Common Expression Language), over everything that was
// measured about an image.
//
//	metrics.accuracy >= 0.95 && size.growth < 0.1
//
// # Values
//
// Every value is a number with a dimension: a time, a size (of memory or
// storage), a ratio (0.95, never 95), or a plain number.
//
//	metrics.accuracy             a metric of this run's reports
//	metrics.latency_p95          a metric's statistic
//	metrics["exact_match,none"]  a name with other signs than letters, digits and _
//	baseline.metrics.accuracy    what the channel's image recorded about itself
//	size.compressed              what the registry stores: a size
//	size.unpacked                what the node's disk holds: a size
//	size.growth                  size.compressed against the baseline's: a ratio, 0.1 is 10 % larger
//	baseline.size.compressed     a size; also baseline.size.unpacked
//	tests.total, tests.failed    how many tests the reports have; both 0 when there are none
//	quantity("100ms")            a time; quantity("1.1GB") and ("2GiB") are sizes, ("95%") is a ratio
//	100, 0.95, 1e9               plain numbers
//	has(metrics.gpu_memory)      true when there is such a value; also "gpu_memory" in metrics
//
// A metric has the dimension that its report gives it, and is a plain number
// when the report names no unit.
//
// # Dimensions
//
// Values are compared, added and subtracted with their like, so no time and no
// size is read in another unit than its author meant: metrics.latency_p95 < 100
// would hold for any latency below 100 seconds, and is an error instead.
//
//	metrics.latency_p95 < quantity("100ms")             a time with a time
//	size.compressed - baseline.size.compressed < quantity("50MB")
//	metrics.accuracy >= 0.95                            a ratio with a plain number: both are
//	metrics.accuracy >= quantity("95%")                 without dimension and go together
//	metrics.latency_p95 <= 1.2 * metrics.latency        a time times a plain number is a time
//	size.compressed / baseline.size.compressed <= 1.2   a size by a size is a ratio
//	metrics.elapsed * quantity("1ms") < quantity("1s")  gives a unit to what has none
//
// Percent is the one thing that this does not tell apart: where a report says 96
// and no unit, metrics.accuracy >= 0.95 compares 96 with 0.95.
//
// Zero is no exception: size.compressed > quantity("0B"). There are no products
// of two times, no throughputs and no other dimension: a number divided by
// a time is an error.
//
// What is wrong whatever the metrics are, such as size.compressed < 100, Compile
// refuses. What depends on a metric's unit, Evaluate finds where the two values
// meet, and fails the rule.
//
// # Operators
//
//	&& || !                 and, or, not
//	== != < <= > >=         compare numbers of one dimension; == and != also truth values
//	+ - * /                 calculate; numbers are never cut to whole ones: 1 / 2 is 0.5
//	condition ? a : b       one of two, which are not known to be of two dimensions
//	( )                     group; // begins a comment
//
// That is all: no lists, no texts, no loops, no functions of time.
//
// # When a value is missing or wrong
//
// A rule is evaluated from left to right and reads only what it needs: the
// right side of && is not read when the left is false, that of || when the
// left is true, ?: reads one of its two, and a comparison or calculation stops
// at a value that is missing.
//
//   - A value that nobody has is an error, and the rule does not hold, unless the
//     answer is the same whatever the value were: in a || b either side may be
//     missing when the other is true, in a && b when the other is false. has()
//     asks first: !has(baseline.metrics.f1) || metrics.f1 >= baseline.metrics.f1.
//   - A value that is ambiguous, stale, not a number or infinite fails the rule as
//     soon as it is read, under has() and beside || as well.
//   - So does a calculation without a finite result, such as a division by zero.
//   - So do two values that meet and whose dimensions do not go together.
//
// Names are checked before anything runs: size.groth is refused, with what it
// may have meant. Metrics are named in the rule itself, never computed, so a
// rule says before it runs which values it compares (Rule.Uses).
//
// # Limits
//
// A rule has at most 4 KiB, nests or chains + - * / at most 100 deep, and costs
// at most 20 000 steps, which no rule of 4 KiB reaches: the language has no loop.
package rule
