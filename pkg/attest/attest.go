package attest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	ita "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/org/ai-ship/pkg/sign"
)

// The predicate types, as statements have them.
const (
	Verdict         = "https://ai-ship.dev/attestation/verdict/v1"
	TestResult      = "https://in-toto.io/attestation/test-result/v0.1"
	SBOM            = "https://cyclonedx.org/bom"
	Provenance      = "https://slsa.dev/provenance/v1"
	Vulnerabilities = "https://in-toto.io/attestation/vulns/v0.2"
)

// names are the short names of predicate types, as configs have them.
func names() map[string]string {
	return map[string]string{
		"verdict": Verdict, "test-result": TestResult, "sbom": SBOM, "provenance": Provenance, "vulnerabilities": Vulnerabilities,
		"models": Models,
	}
}

// Type is the predicate type of a short name; a text that is none is taken as a
// predicate type.
func Type(name string) string { return cmp.Or(names()[name], name) }

// Name is the short name of a predicate type, or the type itself.
func Name(predicateType string) string {
	for name, t := range names() {
		if t == predicateType {
			return name
		}
	}
	return predicateType
}

// Run is who made a statement, when and of what.
type Run struct {
	Tool     string // version of ai-ship
	Started  time.Time
	Finished time.Time
	URL      string // of the CI's run or job; "" outside of one
	Source   string // URL of the repository; "" when there is none
	Commit   string // hex
	Ref      string // branch or tag
	Config   File   // ai-ship.yaml
}

// File is a file by its content.
type File struct {
	Name   string
	SHA256 string // hex
}

// material is a file or image as in-toto names it.
func material(name, uri, sha256 string) *ita.ResourceDescriptor {
	return &ita.ResourceDescriptor{Name: name, Uri: uri, Digest: map[string]string{"sha256": sha256}}
}

// encoded is a statement with a predicate of a published schema. protojson
// varies its spaces on purpose; compacted, equal messages are equal bytes.
func encoded(predicateType string, predicate proto.Message) (sign.Statement, error) {
	data, err := protojson.Marshal(predicate)
	var out bytes.Buffer
	if err == nil {
		err = json.Compact(&out, data)
	}
	if err != nil {
		return sign.Statement{}, fmt.Errorf("writing the predicate %s: %w", predicateType, err)
	}
	return sign.Statement{PredicateType: predicateType, Predicate: out.Bytes()}, nil
}
