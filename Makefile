# One Go and one experiment for every build, so that a laptop, CI and a release
# compile the same program. Trivy needs jsonv2 and does not compile on Go 1.27.
export GOTOOLCHAIN := go1.26.8
export GOEXPERIMENT := jsonv2

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO      := go
DIGITS  := testdata/digits

.PHONY: build demo test lint bench cover fuzz clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/ai-ship .

# From trained weights to a tag, with nothing but Go: measure, gate, build,
# publish to a registry of the project's own.
demo: build
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build -trimpath -buildvcs=false -ldflags "-s -w" -o $(DIGITS)/build/serve ./$(DIGITS)/serve
	$(GO) build -o $(DIGITS)/build/evaluate ./$(DIGITS)/evaluate
	$(DIGITS)/build/evaluate -model $(DIGITS)/models/digits.safetensors -data $(DIGITS)/data/heldout.csv -out $(DIGITS)/reports
	bin/ai-ship run -c $(DIGITS)/ai-ship.yaml --registry embedded --channel staging
