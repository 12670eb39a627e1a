// Package seal proves that a file was written by who holds a key. What a run keeps
// for the next one lies in the project, where whoever commits to the repository
// may put files as well: a layer's digest, a scan's result, a database without
// advisories. So these carry an HMAC-SHA256 over their name and content, under a
// key that lies outside of the repository, and what lacks it is not believed.
package seal
