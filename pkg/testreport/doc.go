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
// A part has another name than the whole, for a gate on the whole must not mean
// a part: file_coverage beside coverage, and of Locust's CSV and JSON alike
// endpoint_latency, with the labels method and endpoint, beside latency.
//
// # Places
//
// Source.Pointer is a JSON pointer into what JSON, YAML and TOML nest. Of CSV it
// is /row/column, or /column for samples of all rows; of Prometheus text the
// series as the report writes it (/up{job="a"}); of an MLPerf log the line's
// key. Of XML it is a path such as testsuite[1]/testcase[2]/@time.
//
// Of Locust's JSON the whole stands in no one place: its pointers have * for the
// endpoints.
//
// # Cut reports
//
// JSON and XML that end too early are errors, and so are lists of tests that
// hold fewer than the report says, and other text whose last line has no end:
// its last number may have lost digits. That whole lines are missing at the end
// of YAML, TOML, CSV, Prometheus text or an MLPerf detail log is not to be seen.
// What is left is unchanged and no gate passes on what is missing, but a column
// of a table may have fewer samples than were measured.
//
// # Values that are no numbers
//
// NaN, Infinity, null, N/A and the empty text are kept as metrics with Invalid
// set, whether they stand as text or as the bare tokens that Python writes.
// Other text, such as a commit or a name, is no metric and is left out.
package testreport
