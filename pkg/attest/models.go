package attest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/sign"
)

// Models is OpenSSF's model signature, as the Python package model-signing 1.x
// writes it (model_signing/_signing/signing.py).
const Models = "https://model_signing/signature/v1.0"

// ModelFile is a file of the image's models.
type ModelFile struct {
	Path   string // in the image, slash-separated, without leading slash
	SHA256 string // hex
}

// modelSignature is the predicate.
type modelSignature struct {
	Serialization modelSerialization `json:"serialization"`
	Resources     []modelResource    `json:"resources"`
}

type modelSerialization struct {
	Method        string   `json:"method"`
	HashType      string   `json:"hash_type"`
	AllowSymlinks bool     `json:"allow_symlinks"`
	IgnorePaths   []string `json:"ignore_paths,omitempty"`
}

type modelResource struct {
	Name      string `json:"name"`
	Algorithm string `json:"algorithm"`
	Digest    string `json:"digest"` // hex
}

// ModelStatement says what each model file is, in the order in which
// model-signing sorts paths. Like every statement it is about the image's digest;
// the subject of model-signing's own is the sha256 of the resources' digests, one
// after the other, so that its verifier takes this predicate with that subject and
// not as it is signed here.
func ModelStatement(files []ModelFile) (sign.Statement, error) {
	if len(files) == 0 {
		return sign.Statement{}, errors.New("writing the models' digests: there is no model")
	}
	p := modelSignature{Serialization: modelSerialization{Method: "files", HashType: "sha256"}}
	for _, f := range byParts(files) {
		if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != sha256.Size {
			return sign.Statement{}, fmt.Errorf("writing the models' digests: %q has %q, expected a sha256 in hex", f.Path, f.SHA256)
		}
		p.Resources = append(p.Resources, modelResource{Name: f.Path, Algorithm: "sha256", Digest: f.SHA256})
	}
	data, err := json.Marshal(p)
	if err != nil {
		return sign.Statement{}, fmt.Errorf("writing the models' digests: %w", err)
	}
	return sign.Statement{PredicateType: Models, Predicate: data}, nil
}

// byParts sorts as Python does paths: by their parts.
func byParts(files []ModelFile) []ModelFile {
	return slices.SortedFunc(slices.Values(files), func(a, b ModelFile) int {
		return slices.Compare(strings.Split(a.Path, "/"), strings.Split(b.Path, "/"))
	})
}
