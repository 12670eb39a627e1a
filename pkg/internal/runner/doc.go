// Package runner runs a program as a step of a GitHub workflow, for tests: with
// the environment and the files that it gets there, and reading what it says as
// GitHub's runner does (actions/runner, v2.336: ActionCommand.cs,
// ActionCommandManager.cs, FileCommandManager.cs, ExecutionContext.cs,
// ContainerActionHandler.cs).
//
// Where the runner compares by the rules of a language, to which invisible
// characters are nothing, this one takes more lines for commands than the
// runner, never fewer. Of expressions in an action.yml it knows the contexts
// that a test names, and no operators. Nothing is isolated: a step is a process
// of the test's.
package runner
