// Package testreport reads the test reports that a team already has into
// typed metrics, each with its unit, its statistic and its source.
//
// A report is recognised by its content, never by its file name. Reading is
// bounded (see the Max constants) and never panics: a hostile report is an
// error that names the file and the place.
//
// # Names
//
// A field's name may end in a unit and a statistic: inference_time_p95_ms is
// the metric inference_time, statistic p95, in milliseconds. The name as the
// report writes it stays an alias of the metric. Of JSON the name is the dotted
// path (metrics.accuracy); of a JUnit test case's duration, the test's name,
// with classname.name as alias; of a benchmark, its name, with its fullname as
// alias.
//
// # Values that are no numbers
//
// NaN, Infinity, null, N/A and the empty text are kept as metrics with Invalid
// set, whether they stand as text or as the bare tokens that Python writes.
// Other text, such as a commit or a name, is no metric and is left out.
package testreport
