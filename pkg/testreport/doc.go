// Package testreport reads the test reports that a team already has into
// typed metrics, each with its unit, its statistic and its source.
//
// A report is recognised by its content, never by its file name. Reading is
// bounded (see the Max constants) and never panics: a hostile report is an
// error that names the file and the place.
package testreport
