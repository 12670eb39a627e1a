// Package draft turns what a survey found into the files that a project begins
// with: ai-ship.yaml, a GitHub workflow and a GitLab file, each commented.
//
// It is pure: it reads no file and asks nobody. Every text of the folder that
// gets into a file is quoted as YAML, or made a comment that cannot end. A
// config that it writes is read by pkg/config without an error; whether it ships
// is for ai-ship run to say.
package draft
