package sigstore

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	jsonv2 "encoding/json/v2"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/org/ai-ship/pkg/sign"
)

// tags reads and checks the entries of one of cosign's tags.
func (f *findings) tags(ctx context.Context, suffix string) error {
	layers, err := f.client.layers(ctx, cosignTag(f.digest, suffix))
	if err != nil {
		return err
	}
	for _, d := range layers {
		text, err := f.blob(ctx, d)
		var odd *oddError
		switch {
		case errors.As(err, &odd):
			f.refuse(d.Digest.String(), d.Annotations["predicateType"], odd.err)
			continue
		case err != nil:
			return fmt.Errorf("entry %s of tag %q: %w", d.Digest, cosignTag(f.digest, suffix), err)
		}
		st, by, err := f.trust.checkTag(ctx, suffix, text, d, f.digest)
		if err != nil {
			f.refuse(d.Digest.String(), st.PredicateType, err)
			continue
		}
		by.Digest = d.Digest.String()
		f.accept(st, by)
	}
	return nil
}

// checkTag verifies one entry with cosign's functions. They let anybody pass
// who is not excluded, so everything is set or checked here: whose identity,
// which digest, which repository, and whose time.
func (t *trusted) checkTag(ctx context.Context, suffix string, text []byte, d v1.Descriptor, digest name.Digest) (sign.Statement, sign.Signature, error) {
	read := decodeSimple
	if suffix == attSuffix {
		read = decodeEnvelope
	}
	st, about := read(text, digest, t.anyRepository)
	by, err := t.checkEntry(ctx, suffix, text, d.Annotations, digest)
	if err != nil {
		return st, by, fmt.Errorf("it does not verify: %w", err)
	}
	if about == nil && suffix == attSuffix && st.PredicateType == sign.SignaturePredicate {
		about = errors.New("a signature stands among the attestations")
	}
	return st, by, about
}

func (t *trusted) checkEntry(ctx context.Context, suffix string, text []byte, annotations map[string]string, digest name.Digest) (sign.Signature, error) {
	entry, vouched, err := t.entryOf(suffix, text, annotations)
	if err != nil {
		return sign.Signature{}, err
	}
	hash, err := v1.NewHash(digest.DigestStr())
	if err != nil {
		return sign.Signature{}, err
	}
	options := &cosign.CheckOpts{
		TrustedMaterial:     t.material,
		Offline:             true,
		IgnoreTlog:          !t.needsLog,
		IgnoreSCT:           !t.needsSCT,
		UseSignedTimestamps: !vouched.stamp.IsZero(),
		ClaimVerifier:       cosign.SimpleClaimVerifier,
	}
	check := cosign.VerifyImageSignature
	if suffix == attSuffix {
		check = cosign.VerifyBlobAttestation // the one that starts no goroutine, in which it could panic
		options.ClaimVerifier = cosign.IntotoSubjectClaimVerifier
	}
	if t.key != nil {
		if options.SigVerifier, err = loadVerifier(t.key); err != nil {
			return sign.Signature{}, err
		}
	} else {
		options.Identities = []cosign.Identity{{Issuer: t.issuer, Subject: t.identity, SubjectRegExp: t.pattern}}
	}
	logged, err := calmly(func() (bool, error) { return check(ctx, entry, hash, options) })
	if err != nil {
		return sign.Signature{}, err
	}
	return t.vouch(entry, vouched, logged)
}

// vouch says who signed a verified entry and when. Without a time from
// somebody trusted cosign takes the present for it, which proves nothing.
func (t *trusted) vouch(entry oci.Signature, v vouched, logged bool) (sign.Signature, error) {
	out := sign.Signature{By: t.by, At: v.stamp}
	if logged {
		out.Log = placeInLog(t.logs, v.logID, v.logIndex)
		if out.At.IsZero() || v.logTime.Before(out.At) {
			out.At = v.logTime
		}
	}
	if t.key != nil {
		return out, nil
	}
	if out.At.IsZero() {
		return sign.Signature{}, errors.New("nobody vouches for its time")
	}
	cert, err := entry.Cert()
	if err != nil {
		return sign.Signature{}, err
	}
	summary, err := certificate.SummarizeCertificate(cert)
	if err != nil {
		return sign.Signature{}, err
	}
	out.By = sign.Identity{Subject: summary.SubjectAlternativeName, Issuer: summary.Issuer}
	return out, nil
}

// vouched is what an entry's annotations bring besides the signature. The
// stamp is verified; the log's part is, once cosign has said so.
type vouched struct {
	stamp    time.Time
	logID    []byte
	logIndex int64
	logTime  time.Time
}

// entryOf reads the annotations of an entry.
func (t *trusted) entryOf(suffix string, text []byte, annotations map[string]string) (oci.Signature, vouched, error) {
	var v vouched
	var options []static.Option
	signature := annotations[static.SignatureAnnotationKey]
	if suffix == attSuffix {
		signature = ""
	}
	if cert := annotations[static.CertificateAnnotationKey]; cert != "" {
		options = append(options, static.WithCertChain([]byte(cert), []byte(annotations[static.ChainAnnotationKey])))
	}
	if stamp := annotations[static.RFC3161TimestampAnnotationKey]; stamp != "" {
		var parsed bundle.RFC3161Timestamp
		if err := json.Unmarshal([]byte(stamp), &parsed); err != nil {
			return nil, v, fmt.Errorf("its timestamp cannot be read: %w", err)
		}
		at, err := t.stampOf(parsed.SignedRFC3161Timestamp, text, signature)
		if err != nil {
			return nil, v, err
		}
		v.stamp = at
		options = append(options, static.WithRFC3161Timestamp(&parsed))
	}
	if promise := annotations[static.BundleAnnotationKey]; promise != "" {
		var parsed bundle.RekorBundle
		if err := json.Unmarshal([]byte(promise), &parsed); err != nil {
			return nil, v, fmt.Errorf("its log entry cannot be read: %w", err)
		}
		id, err := hex.DecodeString(parsed.Payload.LogID)
		if _, text := parsed.Payload.Body.(string); err != nil || !text {
			return nil, v, errors.New("its log entry cannot be read: the body or the log's identity is no text")
		}
		v.logID, v.logIndex, v.logTime = id, parsed.Payload.LogIndex, time.Unix(parsed.Payload.IntegratedTime, 0).UTC()
		options = append(options, static.WithBundle(&parsed))
	}
	entry, err := static.NewSignature(text, signature, options...)
	return entry, v, err
}

// stampOf is the time that a trusted authority put to the signature, or to the
// whole envelope of an attestation. It is zero where no authority is known.
func (t *trusted) stampOf(stamp, text []byte, signature string) (time.Time, error) {
	signed := text
	if signature != "" {
		raw, err := base64.StdEncoding.DecodeString(signature)
		if err != nil {
			return time.Time{}, fmt.Errorf("its signature cannot be read: %w", err)
		}
		signed = raw
	}
	authorities := t.material.TimestampingAuthorities()
	var errs []error
	for _, a := range authorities {
		verified, err := a.Verify(stamp, signed)
		if err == nil {
			return verified.Time.UTC(), nil
		}
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return time.Time{}, fmt.Errorf("its timestamp does not verify: %w", errors.Join(errs...))
	}
	return time.Time{}, nil
}

// calmly turns the engine's panic about a hostile entry into an error: it
// indexes and asserts what the registry gave.
func calmly(check func() (bool, error)) (ok bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			ok, err = false, fmt.Errorf("the entry is malformed: %v", r)
		}
	}()
	return check()
}

// decodeSimple reads the payload of a .sig.
func decodeSimple(text []byte, digest name.Digest, anyRepository bool) (sign.Statement, error) {
	st := sign.Statement{PredicateType: sign.SignaturePredicate, Predicate: []byte("{}")}
	var p payload.SimpleContainerImage
	if err := jsonv2.Unmarshal(text, &p); err != nil { // names that stand once, as in decode
		return st, fmt.Errorf("its payload cannot be read: %w", err)
	}
	if p.Critical.Type != payload.CosignSignatureType {
		return st, fmt.Errorf("its payload is of type %q, not %q", p.Critical.Type, payload.CosignSignatureType)
	}
	if p.Critical.Image.DockerManifestDigest != digest.DigestStr() {
		return st, fmt.Errorf("its payload is about another digest than %s", digest.DigestStr())
	}
	named := p.Critical.Identity.DockerReference
	if ref, err := name.ParseReference(named); err == nil {
		named = ref.Context().Name()
	}
	if !anyRepository && !sameRepository(named, digest.Context()) {
		return st, elsewhere(named, digest.Context())
	}
	return st, nil
}

// decodeEnvelope reads the statement in an entry of .att.
func decodeEnvelope(text []byte, digest name.Digest, anyRepository bool) (sign.Statement, error) {
	var e dsse.Envelope
	if err := json.Unmarshal(text, &e); err != nil {
		return sign.Statement{}, fmt.Errorf("its envelope cannot be read: %w", err)
	}
	raw, err := e.DecodeB64Payload()
	if err != nil {
		return sign.Statement{}, fmt.Errorf("its envelope cannot be read: %w", err)
	}
	return decode(raw, digest, anyRepository)
}
