// Package vulndb brings the vulnerability database to this machine and vouches
// for it: pulled as the OCI artifact it is, or taken from a path, checked page
// by page, and swapped in by rename.
//
// # What is on disk
//
// A store is a folder that an *os.Root stands for. Each database has a folder
// of its own in it, which is written once, flushed, checked and never written
// again. A record beside them, replaced by rename, names the one in use. A
// process that dies at any point leaves the record, and with it the database
// that was in use, as they were. Every use hashes the database again.
//
// # What is checked
//
// Of an artifact: one layer, of the media type and title that trivy's publisher
// gives it, and its digest. Of an archive: its two members and no others,
// within bounds. Of metadata.json: the schema and the date. Of trivy.db: that
// every page can be reached once, lies inside the file and holds ordered keys,
// since trivy maps the file into memory and dies of a page outside it; and that
// the buckets which a lookup needs are there.
//
// # Fixtures
//
// Build makes a small database of the same form out of YAML, and Publish pushes
// one. Such a database carries a mark that Pull and Open report.
package vulndb
