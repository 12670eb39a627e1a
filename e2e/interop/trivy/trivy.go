// Package trivy pins trivy's own command line, whose findings the end-to-end
// tests hold ai-ship's against: the tool in go.mod, built by
//
//	go build -C e2e/interop/trivy -o DIR/ tool
//
// It takes its dependencies in the versions that the project's go.mod selects,
// by requiring the project. These are the compiled packages that ai-ship is
// made of, but for 180; in the versions of trivy's own go.mod, of which a dozen
// differ (golang.org/x/sys, crypto and go-containerregistry among them), 1,200
// packages would be compiled once more. The code of trivy itself is the
// release's in both cases. AI_SHIP_E2E_TRIVY has the tests take another build,
// such as one by go install github.com/aquasecurity/trivy/cmd/trivy@v0.74.0.
//
// After a change of the project's go.mod: go mod tidy, here too.
package trivy

import _ "github.com/org/ai-ship/pkg/scan/trivy" // for its versions
