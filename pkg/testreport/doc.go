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
// What a known tool measures has the name that people use for it, whichever
// tool it was: accuracy, f1, latency, gpu_memory, throughput, error_rate,
// time_to_first_token, tokens_per_second, coverage. The tool's own name is an
// alias, and latency and inference_time are aliases of each other. Labels tell
// apart what has one name: the task, class, file, GPU or endpoint. Such a tool's
// other numbers are named by their path.
//
// # Places
//
// Source.Pointer is a JSON pointer into what JSON, YAML and TOML nest. Of CSV it
// is /row/column, or /column for samples of all rows; of Prometheus text the
// series as the report writes it (/up{job="a"}); of an MLPerf log the line's
// key. Of XML it is a path such as testsuite[1]/testcase[2]/@time.
//
// # Values that are no numbers
//
// NaN, Infinity, null, N/A and the empty text are kept as metrics with Invalid
// set, whether they stand as text or as the bare tokens that Python writes.
// Other text, such as a commit or a name, is no metric and is left out.
package testreport
