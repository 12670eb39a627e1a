// Package ignore reads files of findings that shall not count, in trivy's two
// formats and more strictly than trivy: it takes a misspelt key for nothing and
// a misspelt date for a line that is not there, so that a typo ignores for ever.
//
// A file is read whole or not at all; errors say the line, what was found and
// what was expected. A file that is not there is an error. What was read means
// to trivy the same as the file.
package ignore
