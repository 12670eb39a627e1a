//go:build !goexperiment.jsonv2 || !go1.26 || go1.27

package main

import _ "embed"

//go:embed "ai-ship builds with Go 1.26 and GOEXPERIMENT=jsonv2, run make build"
var _ string
