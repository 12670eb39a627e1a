// Package policycontroller pins the program with which sigstore's
// policy-controller tries a policy on an image: the tool in go.mod, built by
//
//	go build -C e2e/interop/policycontroller -o DIR/ tool
//
// It reads and evaluates policies as the admission webhook does. Its
// dependencies have the versions that the project's go.mod selects, so that what
// ai-ship is compiled from is not compiled once more; its own code is the
// release's.
//
// After a change of the project's go.mod: go mod tidy, here too.
package policycontroller

import _ "github.com/org/ai-ship/pkg/sign/sigstore" // for its versions
