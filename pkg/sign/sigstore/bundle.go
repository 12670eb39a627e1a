package sigstore

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/org/ai-ship/pkg/sign"
)

// checkBundle verifies a bundle and reads its statement. With an error the
// statement may hold the type that its text claims.
func (t *trusted) checkBundle(text []byte, digest name.Digest) (sign.Statement, sign.Signature, error) {
	var b bundle.Bundle
	if err := b.UnmarshalJSON(text); err != nil {
		return sign.Statement{}, sign.Signature{}, fmt.Errorf("it is no Sigstore bundle: %w", err)
	}
	content, ok := b.Content.(*protobundle.Bundle_DsseEnvelope)
	if !ok {
		return sign.Statement{}, sign.Signature{}, errors.New("it holds no statement, only a signature")
	}
	payload := content.DsseEnvelope.GetPayload()
	st, about := decode(payload, digest, t.anyRepository)
	hash, err := hex.DecodeString(strings.TrimPrefix(digest.DigestStr(), "sha256:"))
	if err != nil {
		return st, sign.Signature{}, err
	}
	result, err := t.engine.Verify(&b, verify.NewPolicy(verify.WithArtifactDigest("sha256", hash), t.policy...))
	if err != nil {
		return st, sign.Signature{}, t.reason(err, &b)
	}
	if about != nil {
		return st, sign.Signature{}, about
	}
	if result.Statement.GetPredicateType() != st.PredicateType {
		return st, sign.Signature{}, fmt.Errorf("its statement reads as two: %q and %q", result.Statement.GetPredicateType(), st.PredicateType)
	}
	by := t.signature(&b, result)
	return st, by, t.inForce(&b, by.At)
}

// inForce refuses entries of a log that was not trusted when the signature was
// made, or is not now when nobody knows. The engine looks at that only for
// entries with a promise, which tell their own time.
func (t *trusted) inForce(b *bundle.Bundle, at time.Time) error {
	if at.IsZero() {
		at = time.Now()
	}
	for _, e := range b.GetVerificationMaterial().GetTlogEntries() {
		log, known := t.logs[hex.EncodeToString(e.GetLogId().GetKeyId())]
		if !t.needsLog || !known || e.GetInclusionPromise() != nil {
			continue
		}
		if at.Before(log.ValidityPeriodStart) || !log.ValidityPeriodEnd.IsZero() && at.After(log.ValidityPeriodEnd) {
			return fmt.Errorf("its log %s was not trusted at %s", log.BaseURL, at.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// signature says who signed a verified bundle, and when.
func (t *trusted) signature(b *bundle.Bundle, result *verify.VerificationResult) sign.Signature {
	out := sign.Signature{By: t.by, At: t.when(b, result), Log: t.entry(b)}
	if c := result.Signature.Certificate; c != nil {
		out.By = sign.Identity{Subject: c.SubjectAlternativeName, Issuer: c.Issuer}
	}
	return out
}

// when is the earliest time that somebody trusted vouches for.
func (t *trusted) when(b *bundle.Bundle, result *verify.VerificationResult) time.Time {
	var at time.Time
	earliest := func(other time.Time) {
		if at.IsZero() || other.Before(at) {
			at = other
		}
	}
	for _, stamp := range result.VerifiedTimestamps {
		earliest(stamp.Timestamp)
	}
	if t.key != nil {
		// A key needs no time, so the engine did not look for one.
		stamps, _, err := verify.VerifySignedTimestamp(b, t.material)
		for _, stamp := range stamps {
			if err == nil {
				earliest(stamp.Time)
			}
		}
	}
	return at.UTC()
}

// entry is the place in the log of a bundle whose entry was verified. The
// engine passes over entries of strangers' logs, and over promises that do not
// hold beside one that does.
func (t *trusted) entry(b *bundle.Bundle) string {
	place, promises := "", 0
	for _, e := range b.GetVerificationMaterial().GetTlogEntries() {
		id := e.GetLogId().GetKeyId()
		if _, known := t.logs[hex.EncodeToString(id)]; !known || !t.needsLog {
			continue
		}
		place = placeInLog(t.logs, id, e.GetLogIndex())
		if e.GetInclusionPromise() == nil {
			return place
		}
		promises++
	}
	if promises > 1 {
		return "" // any of them may be the one
	}
	return place
}

// reason puts the engine's error into one sentence that says who signed, when
// that is what is wrong.
func (t *trusted) reason(err error, b *bundle.Bundle) error {
	content, inner := b.VerificationContent()
	if inner == nil && t.key != nil && content.Certificate() != nil {
		return fmt.Errorf("it is signed with a certificate, not with %s", t.by)
	}
	if inner == nil && t.key == nil && content.PublicKey() != nil {
		return fmt.Errorf("it is signed with a key, not by %s", t.words)
	}
	var stranger *verify.ErrNoMatchingCertificateIdentity
	if errors.As(err, &stranger) {
		// Everything else about it was verified before its names were.
		if c, inner := certificate.SummarizeCertificate(content.Certificate()); inner == nil {
			return fmt.Errorf("it is signed by %s", sign.Identity{Subject: c.SubjectAlternativeName, Issuer: c.Issuer})
		}
	}
	return fmt.Errorf("it does not verify: %w", err)
}
