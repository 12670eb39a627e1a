// Package report tells what a run did: one Report and its writers, a JSON
// document for machines, lines for the terminal, Markdown for a CI's summary
// page and for the comment on a pull request, an HTML page with drawings, JUnit
// XML for a CI's list of tests and SARIF for its security page. Read gives the
// JSON document back, and Explain says all of it about one gate.
//
// The writers decide nothing. Whatever the report holds, they print, in the
// report's order, of findings the worst first, and the verdict they name is
// never better than its parts: a report that says passed beside a refused gate
// is printed as refused.
//
// # Untrusted text
//
// Names, reasons, paths and errors come from reports, archives and registries.
// Text and Markdown print them without control characters and so that they
// form neither a CI's workflow command nor markup, JUnit XML without what XML
// cannot hold, and SARIF without links. The HTML page has no script, loads
// nothing, and says so in its policy. The JSON document holds them as they
// are. Of a secret no writer says more than its finding does.
package report
