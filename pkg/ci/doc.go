// Package ci tells which CI a run is in, GitHub, GitLab or none, and what
// event started it. It reads the environment through the function it is given
// and never through the process.
package ci
