// Package config reads ai-ship.yaml. It owns the file's shape, its defaults
// and its JSON schema, and nothing else: references stay strings here, and
// pkg/plan turns them into the stages' typed inputs.
//
// Parsing is strict. An unknown key, a duplicate key, a wrong type or a value
// out of its range is an error with file, line, column and caret, and all of
// them are reported at once. ${NAME} is expanded from the environment in
// image, base, version and the values of labels, and nowhere else.
package config
