// Package memory keeps what scanners found, so that the next scan need not read
// what has not changed.
//
// # Who is believed
//
// The folder lies in the project, where a CI's cache finds it and where whoever
// commits to the repository may put files: a result that hides a finding, or a
// database without advisories. So nothing is believed for its place or its
// checksum. Every entry carries an HMAC-SHA256 under a Key that lies outside of
// the project, over its name, its content and the version of the program; what
// lacks it is not there.
//
// # What is kept
//
// Entries are written by rename, at most MaxEntry bytes each and MaxEntries of
// them; the oldest go first. What is damaged, of another version or another key
// counts as absent. Losing an entry costs a read and nothing else. Several
// processes may share a folder.
package memory
