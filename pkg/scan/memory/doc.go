// Package memory keeps what scanners found, so that the next scan need not read
// what has not changed.
//
// The folder lies in the project, so that an entry is believed only under the seal
// (package seal) of its name, its content and the version of the program.
//
// Entries are written by rename, at most MaxEntry bytes each and MaxEntries of
// them; the oldest go first. What is damaged, of another version or another key
// counts as absent. Losing an entry costs a read and nothing else. Several
// processes may share a folder.
package memory
