package sigstore_test

import (
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototr "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/org/ai-ship/pkg/sign"
	"github.com/org/ai-ship/pkg/sign/sigstore"
)

// TestTrustEnded holds signatures against roots that trusted one of the
// services until half an hour ago: what was signed an hour ago counts, what was
// signed since does not.
func TestTrustEnded(t *testing.T) {
	f := newForge(t)
	now, before := f.scene(t), f.scene(t)
	now.honest(recipe{})
	expired((*scene).honestly)(before)
	for service, c := range map[string]struct {
		validity func(*prototr.TrustedRoot) *protocommon.TimeRange
		want     string
	}{
		"certificate authority": {func(r *prototr.TrustedRoot) *protocommon.TimeRange { return r.CertificateAuthorities[0].ValidFor }, "leaf certificate verification failed"},
		"timestamp authority":   {func(r *prototr.TrustedRoot) *protocommon.TimeRange { return r.TimestampAuthorities[0].ValidFor }, "threshold not met"},
		"certificate log":       {func(r *prototr.TrustedRoot) *protocommon.TimeRange { return r.Ctlogs[0].PublicKey.ValidFor }, "only able to verify 0 SCT entries"},
		"log":                   {func(r *prototr.TrustedRoot) *protocommon.TimeRange { return r.Tlogs[0].PublicKey.ValidFor }, "its log https://rekor.test was not trusted at"},
	} {
		var root prototr.TrustedRoot
		if err := protojson.Unmarshal(f.rig.TrustedRoot(), &root); err != nil {
			t.Fatal(err)
		}
		c.validity(&root).End = timestamppb.New(time.Now().Add(-30 * time.Minute))
		raw, err := protojson.Marshal(&root)
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := sigstore.NewVerifier(t.Context(), sigstore.Trust{Identity: f.trusted.Subject, Issuer: f.trusted.Issuer, Root: raw, Offline: true}, sigstore.Registry{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sign.Prove(t.Context(), verifier, now.digest, demands()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: signed after its end: %v; want %q", service, err, c.want)
		}
		if _, err := sign.Prove(t.Context(), verifier, before.digest, demands()); err != nil {
			t.Errorf("%s: signed before its end: %v", service, err)
		}
	}
}

func (s *scene) honestly() { s.honest(recipe{}) }

// TestPlaceInLog puts an entry of a stranger's log before the right one: it may
// not be the one that is named.
func TestPlaceInLog(t *testing.T) {
	f := newForge(t)
	s := f.scene(t)
	bundled(recipe{}, func(s *scene, b *protobundle.Bundle) {
		m := b.VerificationMaterial
		stranger := s.seal(string(b.GetDsseEnvelope().Payload), recipe{log: s.other})
		stranger.VerificationMaterial.TlogEntries[0].LogIndex = 7
		m.TlogEntries = append(stranger.VerificationMaterial.TlogEntries, m.TlogEntries...)
	})(s)
	evidence, err := f.verifier(t, byJob).Verify(t.Context(), s.digest)
	if err != nil {
		t.Fatal(err)
	}
	if len(evidence.Signatures) != 1 {
		t.Fatalf("found %d signatures, refused %v", len(evidence.Signatures), evidence.Refused)
	}
	if log := evidence.Signatures[0].Log; !strings.HasPrefix(log, "https://rekor.test#") {
		t.Errorf("it is said to be at %s", log)
	}
}
