// Package config reads ai-ship.yaml. It owns the file's shape, its defaults
// and its JSON schema, and nothing else: references stay strings here, and
// pkg/plan turns them into the stages' typed inputs.
//
// Parsing is strict. An unknown key, a duplicate key, an empty value, a wrong
// type or a value out of its range is an error with file, line, column and
// caret, and all of them are reported at once; only text that is not YAML
// stops at its first error. The file is one document without anchors, aliases,
// merge keys and tags: what a gate says must stand where the gate stands, so
// that a reviewer of a change sees it.
//
// ${NAME} and ${NAME:-default} are expanded from the environment in image,
// base, version and the values of labels, and nowhere else; $$ is a dollar
// there. ${TARGETOS} and ${TARGETARCH} in app paths are left for the build.
//
// The input is hostile: its size, its number of keys, their length and depth
// are bounded before the YAML parser runs, and errors print no control
// characters of the file.
package config
