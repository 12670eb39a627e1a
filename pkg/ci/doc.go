// Package ci tells which CI a run is in, GitHub, GitLab or none, what event
// started it, and gives the CI's job what it takes: outputs, a summary,
// annotations, sections of the log and what to hide in it. It reads the
// environment through the function it is given and never through the process.
//
// A pull request is recognised before anything else and by more than one sign,
// because taking it for a branch would let it move a tag. An environment that
// says "CI" but not which ref it runs for is an error, never a guess.
//
// A CI reads its log for commands, so that whoever names a test or a branch could
// give some. Whatever a run prints in a CI goes through a Guard; only a Job
// writes commands.
package ci
