// Package ci tells which CI a run is in, GitHub, GitLab or none, and what
// event started it. It reads the environment through the function it is given
// and never through the process.
//
// A pull request is recognised before anything else and by more than one sign,
// because taking it for a branch would let it move a tag. An environment that
// says "CI" but not which ref it runs for is an error, never a guess.
package ci
