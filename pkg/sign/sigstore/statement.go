package sigstore

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/sign"
)

const (
	statementV1  = "https://in-toto.io/Statement/v1"
	statementV01 = "https://in-toto.io/Statement/v0.1" // what cosign v2 attests
	payloadType  = "application/vnd.in-toto+json"
	envelopeType = "application/vnd.dsse.envelope.v1+json"
)

// statement is an in-toto statement on the wire. It is read with names that
// match exactly and stand once, so that no two readers see two statements.
type statement struct {
	Type          string         `json:"_type"`
	Subject       []subject      `json:"subject"`
	PredicateType string         `json:"predicateType"`
	Predicate     jsontext.Value `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// encode is the statement about the digest, as it is signed.
func encode(digest name.Digest, s sign.Statement) ([]byte, error) {
	if s.PredicateType == "" {
		return nil, errors.New("a statement has no predicate type")
	}
	predicate := s.Predicate
	if predicate.Kind() != '{' || !predicate.IsValid() {
		return nil, fmt.Errorf("the predicate of %q is not one JSON object", s.PredicateType)
	}
	algorithm, hex, _ := strings.Cut(digest.DigestStr(), ":")
	return json.Marshal(statement{
		Type:          statementV1,
		Subject:       []subject{{Name: digest.Context().Name(), Digest: map[string]string{algorithm: hex}}},
		PredicateType: s.PredicateType,
		Predicate:     predicate,
	}, json.Deterministic(true), jsontext.PreserveRawStrings(true))
}

// decode reads a statement whose signature was checked, and says whether it is
// about the digest in its repository.
func decode(payload []byte, digest name.Digest, anyRepository bool) (sign.Statement, error) {
	var s statement
	if err := json.Unmarshal(payload, &s); err != nil {
		return sign.Statement{}, fmt.Errorf("its statement is no in-toto statement: %w", err)
	}
	found := sign.Statement{PredicateType: s.PredicateType, Predicate: []byte(s.Predicate)}
	if s.Type != statementV1 && s.Type != statementV01 {
		return found, fmt.Errorf("its statement is of type %q, not in-toto's v1 or v0.1", s.Type)
	}
	if s.PredicateType == "" {
		return found, errors.New("its statement has no predicate type")
	}
	if s.Predicate.Kind() != '{' && s.PredicateType != sign.SignaturePredicate { // which has nothing to say
		return found, errors.New("its predicate is no JSON object")
	}
	return found, about(s.Subject, digest, anyRepository)
}

// about finds the digest among the subjects. The subject that has the digest
// must have the repository's name too.
func about(subjects []subject, digest name.Digest, anyRepository bool) error {
	algorithm, hex, _ := strings.Cut(digest.DigestStr(), ":")
	var names []string
	for _, s := range subjects {
		if s.Digest[algorithm] != hex {
			continue
		}
		if anyRepository || sameRepository(s.Name, digest.Context()) {
			return nil
		}
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return fmt.Errorf("its statement is about another digest than %s", digest.DigestStr())
	}
	return elsewhere(names[0], digest.Context())
}

// elsewhere is the reason to refuse what was signed for another repository.
func elsewhere(found string, repo name.Repository) error {
	if found == "" {
		return fmt.Errorf("its subject names no repository, so it may have been signed for another than %q", repo.Name())
	}
	return fmt.Errorf("it was signed for repository %q, not for %q", found, repo.Name())
}

// sameRepository compares names as registries do: "alpine" is
// index.docker.io/library/alpine.
func sameRepository(found string, repo name.Repository) bool {
	other, err := name.NewRepository(found)
	return found != "" && err == nil && other.Name() == repo.Name()
}
