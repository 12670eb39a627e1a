// Package cosign3 pins the command line of cosign v3.1.3, which the end-to-end
// tests have verify what ai-ship signs, and sign what it verifies: the tool in
// go.mod, built by
//
//	go build -C e2e/interop/cosign3 -o DIR/ tool
//
// It takes its dependencies in the versions that the project's go.mod selects,
// as package trivy beside it does and for the same reason. The code of cosign
// itself is the release's. AI_SHIP_E2E_COSIGN3 has the tests take another build.
//
// After a change of the project's go.mod: go mod tidy, here too.
package cosign3

import _ "github.com/org/ai-ship/pkg/sign/sigstore" // for its versions
