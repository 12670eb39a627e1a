// Package e2e runs the built ai-ship against real servers: a registry process,
// the Docker engine, an MLflow server, and a Debian root made by debootstrap.
//
// It also holds results against those of other projects' own programs, which
// the modules below interop pin, each in a go.mod of its own.
//
// It has tests only. A test skips, and says why, where a program it needs is
// not installed or may not run; with AI_SHIP_E2E=require in the environment,
// as .ci/run sets it, it fails instead. What takes long to make is kept in
// ai-ship-e2e under the user's cache folder. Figures, such as how many findings
// were compared, go to the file that AI_SHIP_E2E_FIGURES names.
package e2e
