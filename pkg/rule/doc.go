// Package rule decides what a short gate cannot say: a boolean expression, in
// the syntax of CEL (the Common Expression Language), over everything that was
// measured about an image.
//
//	metrics.accuracy >= 0.95 && size.growth < 0.1
//
// # Values
//
// Every value is a number in its base unit: seconds, bytes, or a ratio (0.95,
// never 95).
//
//	metrics.accuracy             a metric of this run's reports
//	metrics.latency_p95          a metric's statistic
//	metrics["exact_match,none"]  a name with other signs than letters, digits and _
//	baseline.metrics.accuracy    what the channel's image recorded about itself
//	size.compressed              bytes that the registry stores
//	size.unpacked                bytes on the node's disk
//	size.growth                  size.compressed against the baseline's: 0.1 is 10 % larger
//	baseline.size.compressed     bytes; also baseline.size.unpacked
//	tests.total, tests.failed    how many tests the reports have; both 0 when there are none
//	quantity("100ms")            100ms as 0.1; also "95%", "1.1GB", "2GiB"
//	has(metrics.gpu_memory)      true when there is such a value; also "gpu_memory" in metrics
//
// # Operators
//
//	&& || !                 and, or, not
//	== != < <= > >=         compare numbers
//	+ - * /                 calculate; numbers are never cut to whole ones: 1 / 2 is 0.5
//	condition ? a : b       one of two
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
//
// Names are checked before anything runs: size.groth is refused, with what it
// may have meant. Metrics are named in the rule itself, never computed, so a
// rule says before it runs which values it compares (Rule.Uses).
//
// # Limits
//
// A rule has at most 4 KiB, nests at most 100 deep, and costs at most
// 20 000 steps, which no rule of 4 KiB reaches: the language has no loop.
package rule
