# One Go and one experiment for every build, so that a laptop, CI and a release
# compile the same program. Trivy needs jsonv2 and does not compile on Go 1.27.
export GOTOOLCHAIN := go1.26.8
export GOEXPERIMENT := jsonv2
# The same for builds, tests and lint, so that the engines are compiled once.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO      := go
DIGITS  := testdata/digits
# How the demo calls the program; the password is that of its throw-away key.
SHIP     := COSIGN_PASSWORD=demo bin/ai-ship
EMBEDDED := -c $(DIGITS)/ai-ship.yaml --registry embedded

.PHONY: build demo test interop race lint lint-actions bench cover fuzz clean

build:
	$(GO) build -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)" -o bin/ai-ship .

# From trained weights to production and back, with nothing but Go: measure, scan,
# gate, build, publish to a registry of the project's own, which holds a small
# database of vulnerabilities too, sign with a throw-away key, promote, roll back.
demo: build
	GOOS=linux GOARCH=amd64 $(GO) build -buildvcs=false -ldflags "-s -w" -o $(DIGITS)/build/serve ./$(DIGITS)/serve
	$(GO) build -buildvcs=false -o $(DIGITS)/build/evaluate ./$(DIGITS)/evaluate
	$(DIGITS)/build/evaluate -model $(DIGITS)/models/digits.safetensors -data $(DIGITS)/data/heldout.csv -out $(DIGITS)/reports
	$(GO) run ./testdata/vulndb/publish -project $(DIGITS)
	@test -f $(DIGITS)/build/demo.key || { echo 'making a throw-away key, for this demo only'; COSIGN_PASSWORD=demo bin/ai-ship keygen --out $(DIGITS)/build/demo; }
	$(SHIP) run $(EMBEDDED) --channel staging --version 1.1.0
	$(SHIP) promote $(EMBEDDED) --to production
	$(SHIP) run $(EMBEDDED) --channel staging
	$(SHIP) verify $(EMBEDDED) staging
	$(SHIP) promote $(EMBEDDED) --to production
	$(SHIP) rollback $(EMBEDDED) production --reason 'the demo goes back'
	$(SHIP) history $(EMBEDDED) production

# Every package, the example's too, and the end-to-end tests with whatever real
# servers are installed; .ci/run installs them all.
test:
	$(GO) test -timeout 20m ./... ./$(DIGITS)/...

# The program of another project that the end-to-end tests compare results with,
# as the module e2e/interop/$(PEER) pins it, into OUT.
interop:
	$(GO) build -C e2e/interop/$(PEER) -buildvcs=false -ldflags "-s -w" -o $(OUT)/ tool

# The race detector needs cgo, so a C compiler, and compiles everything anew: of
# trivy's package only the test that is about races, which costs minutes of
# compiling.
race: export CGO_ENABLED := 1
race:
	$(GO) test -race -timeout 20m $$($(GO) list ./pkg/... | grep -v -e /scan/trivy$$ -e /pkg/cli$$)
	$(GO) test -race -timeout 20m -run '^TestScansAtOnce$$' ./pkg/scan/trivy

lint:
	$(GO) vet ./... ./$(DIGITS)/...
	golangci-lint run ./... ./$(DIGITS)/...

# action.yml, the workflows and the examples; no finding may be ignored there.
lint-actions:
	actionlint -shellcheck= -pyflakes= .github/workflows/*.yml examples/*/.github/workflows/*.yml
	zizmor --offline --no-progress --quiet --pedantic --strict-collection --config .github/zizmor.yml . examples/*/

# Statement coverage by package; a stage below the floor fails.
COVERED := layer tree model base build preset testreport mlflow rule gate inventory publish release sign attest policy plan pipeline config
FLOOR   := 85
cover:
	$(GO) test -timeout 20m -cover $(COVERED:%=./pkg/%) | tee coverage.txt
	@awk '/coverage:/ {sub("%", "", $$5); if ($$5 + 0 < $(FLOOR)) {print $$2 " is covered by " $$5 "%, under $(FLOOR)%"; low = 1}} /^FAIL/ {low = 1} END {exit low}' coverage.txt

# ai-ship next to every peer that is installed; bench/README.md. Root, 20 GB of
# disk and about 20 minutes; BENCHFLAGS=-quick for a smoke test.
bench: build
	$(GO) run ./bench -ship bin/ai-ship -install $(BENCHFLAGS)

# Every fuzz target, one after the other. Those of the engines' packages would
# compile trivy and sigstore again with coverage; their seeds run as tests.
FUZZTIME ?= 20s
fuzz:
	@list=$$($(GO) test -list '^Fuzz' $$($(GO) list ./pkg/... | grep -v -e /scan/trivy$$ -e /sign/sigstore$$)) || { echo "$$list"; exit 1; }; \
	echo "$$list" | awk '/^Fuzz/ {names[n++] = $$1} /^ok/ {for (i = 0; i < n; i++) print $$2, names[i]; n = 0}' | \
	while read -r package target; do \
		echo "$$target in $$package"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$package" </dev/null || exit 1; \
	done
