// Package kyverno pins Kyverno's own command line, which holds a pod's images
// to a policy as the admission controller does: the tool in go.mod, built by
//
//	go build -C e2e/interop/kyverno -o DIR/ tool
//
// Its dependencies have the versions that the project's go.mod selects; its own
// code is the release's, and so is the replacement in go.mod. CI does not build
// it: some 1,900 packages more than ai-ship's are over six minutes of a
// processor's time.
//
// After a change of the project's go.mod: go mod tidy, here too.
package kyverno

import _ "github.com/org/ai-ship/pkg/sign/sigstore" // for its versions
