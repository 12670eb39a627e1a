package sigstore_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	engine "github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/org/ai-ship/pkg/internal/keyless"
	"github.com/org/ai-ship/pkg/sign"
)

const (
	bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	intoto     = "application/vnd.in-toto+json"
	verdict    = "https://example.com/verdict/v1" // the predicate type that is demanded
	sbom       = "https://example.com/sbom/v1"
	passed     = `{"verdict":"passed"}`
)

// forge is what forgers and the honest work with: the services, others of the
// same kind that nobody trusts, keys, and a registry.
type forge struct {
	rig, other    *keyless.Rig
	trusted       keyless.Workload
	pair, strange *engine.EphemeralKeypair
	host          string
	reuse         remote.Option

	mu    sync.Mutex
	lies  map[string]http.HandlerFunc // by path: what the registry answers instead
	repos int
}

func newForge(t *testing.T) *forge {
	t.Helper()
	f := &forge{rig: keyless.New(t), other: keyless.New(t), pair: newPair(t), strange: newPair(t), lies: map[string]http.HandlerFunc{}}
	f.trusted = f.rig.GitHub("acme/app", "release.yml", "refs/heads/main")
	honest := registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		lie := f.lies[r.URL.Path]
		f.mu.Unlock()
		if lie != nil && r.Method == http.MethodGet {
			lie(w, r)
			return
		}
		honest.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.host = strings.TrimPrefix(server.URL, "http://")
	pusher, err := remote.NewPusher(remote.WithReferrersTagFallback(false))
	if err != nil {
		t.Fatal(err)
	}
	f.reuse = remote.Reuse(pusher)
	return f
}

func newPair(t *testing.T) *engine.EphemeralKeypair {
	t.Helper()
	pair, err := engine.NewEphemeralKeypair(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// scene is one image of two platforms in a repository of its own.
type scene struct {
	*forge
	t        *testing.T
	digest   name.Digest
	platform name.Digest // of its first platform
	size     int64
}

func (f *forge) scene(t *testing.T) *scene {
	t.Helper()
	f.mu.Lock()
	f.repos++
	repo := fmt.Sprintf("%s/acme/app-%d", f.host, f.repos)
	f.mu.Unlock()
	index, err := random.Index(64, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{forge: f, t: t}
	if s.digest, err = name.NewDigest(repo + "@" + digest.String()); err != nil {
		t.Fatal(err)
	}
	s.platform = s.digest.Context().Digest(manifest.Manifests[0].Digest.String())
	if s.size, err = index.Size(); err != nil {
		t.Fatal(err)
	}
	s.push(remote.WriteIndex(s.digest, index, s.reuse))
	return s
}

func (s *scene) push(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func hexOf(d name.Digest) string { return strings.TrimPrefix(d.DigestStr(), "sha256:") }

// statement is an honest one about the scene's digest.
func (s *scene) statement(predicateType, predicate string) string {
	return statementAbout(s.digest, predicateType, predicate)
}

func statementAbout(d name.Digest, predicateType, predicate string) string {
	return fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":%q,"digest":{"sha256":%q}}],"predicateType":%q,"predicate":%s}`,
		d.Context().Name(), hexOf(d), predicateType, predicate)
}

// recipe is how a bundle is made; its zero value is honest and keyless.
type recipe struct {
	payloadType  string
	who          *keyless.Workload // nil: the trusted one
	ca, tsa, log *keyless.Rig      // nil: the trusted ones
	noTSA, noLog bool
	pair         engine.Keypair // nil: a fresh one, or with keyed the trusted one
	keyed        bool           // no certificate, stamp and log, but a key;
	logged       bool           // with keyed, in the log all the same
	certificate  engine.CertificateProvider
}

func or[T any](given, otherwise *T) *T {
	if given != nil {
		return given
	}
	return otherwise
}

// seal signs the payload in an envelope.
func (s *scene) seal(payload string, r recipe) *protobundle.Bundle {
	s.t.Helper()
	content := &engine.DSSEData{Data: []byte(payload), PayloadType: r.payloadType}
	if content.PayloadType == "" {
		content.PayloadType = intoto
	}
	return s.bundle(content, r)
}

func (s *scene) bundle(content engine.Content, r recipe) *protobundle.Bundle {
	s.t.Helper()
	options := engine.BundleOptions{Context: s.t.Context()}
	pair := r.pair
	if r.keyed {
		if pair == nil {
			pair = s.pair
		}
		if r.logged {
			options.TransparencyLogs = []engine.Transparency{engine.NewRekor(&engine.RekorOptions{BaseURL: or(r.log, s.rig).Rekor.URL, Version: 2})}
		}
	} else {
		if pair == nil {
			pair = newPair(s.t)
		}
		ca := or(r.ca, s.rig)
		options.CertificateProvider = engine.NewFulcio(&engine.FulcioOptions{BaseURL: ca.Fulcio.URL})
		if r.certificate != nil {
			options.CertificateProvider = r.certificate
		}
		who := or(r.who, &s.trusted)
		options.CertificateProviderOptions = &engine.CertificateProviderOptions{IDToken: ca.Token(*who)}
		if !r.noTSA {
			options.TimestampAuthorities = []*engine.TimestampAuthority{engine.NewTimestampAuthority(&engine.TimestampAuthorityOptions{URL: or(r.tsa, s.rig).TSA.URL})}
		}
		if !r.noLog {
			options.TransparencyLogs = []engine.Transparency{engine.NewRekor(&engine.RekorOptions{BaseURL: or(r.log, s.rig).Rekor.URL, Version: 2})}
		}
	}
	b, err := engine.Bundle(content, pair, options)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *scene) json(b *protobundle.Bundle) []byte {
	s.t.Helper()
	raw, err := protojson.Marshal(b)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

// manifest is a referrer's, as the registry takes any.
type manifest struct {
	v1.Manifest
	ArtifactType string `json:"artifactType,omitempty"`
	Padding      string `json:"padding,omitempty"`
}

type rawManifest []byte

func (r rawManifest) RawManifest() ([]byte, error)        { return r, nil }
func (r rawManifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// attach puts a layer beside the scene's digest, in a referrer that the changes
// were made to, and returns that one's digest.
func (s *scene) attach(layer []byte, predicateType string, changes ...func(*manifest)) name.Digest {
	s.t.Helper()
	config, blob := static.NewLayer([]byte("{}"), "application/vnd.oci.empty.v1+json"), static.NewLayer(layer, bundleType)
	m := manifest{ArtifactType: bundleType}
	m.SchemaVersion, m.MediaType = 2, types.OCIManifestSchema1
	for _, l := range []v1.Layer{config, blob} {
		s.push(remote.WriteLayer(s.digest.Context(), l, s.reuse))
	}
	m.Config, m.Layers = describe(s.t, config), []v1.Descriptor{describe(s.t, blob)}
	hash, err := v1.NewHash(s.digest.DigestStr())
	s.push(err)
	m.Subject = &v1.Descriptor{MediaType: types.OCIImageIndex, Digest: hash, Size: s.size}
	m.Annotations = map[string]string{"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": predicateType}
	for _, change := range changes {
		change(&m)
	}
	raw, err := json.Marshal(m)
	s.push(err)
	return s.put(raw)
}

func (s *scene) put(raw []byte) name.Digest {
	s.t.Helper()
	at := s.digest.Context().Digest(fmt.Sprintf("sha256:%x", sha256.Sum256(raw)))
	s.push(remote.Put(at, rawManifest(raw), s.reuse))
	return at
}

func describe(t *testing.T, l v1.Layer) v1.Descriptor {
	t.Helper()
	digest, err := l.Digest()
	if err != nil {
		t.Fatal(err)
	}
	size, err := l.Size()
	if err != nil {
		t.Fatal(err)
	}
	kind, err := l.MediaType()
	if err != nil {
		t.Fatal(err)
	}
	return v1.Descriptor{MediaType: kind, Digest: digest, Size: size}
}

// lie answers requests for what follows the repository, like manifests/TAG.
func (s *scene) lie(path string, answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lies["/v2/"+s.digest.Context().RepositoryStr()+"/"+path] = answer
}

func body(contentType string, raw []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(raw)
	}
}

// legacy puts layers under one of cosign's tags, .sig or .att.
func (s *scene) legacy(suffix string, layers ...mutate.Addendum) {
	s.t.Helper()
	image, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layers...)
	s.push(err)
	s.push(remote.Write(s.digest.Context().Tag("sha256-"+hexOf(s.digest)+suffix), image, s.reuse))
}

// simple is a signature's payload of the older kind.
func simple(d name.Digest, repository string) string {
	return fmt.Sprintf(`{"critical":{"identity":{"docker-reference":%q},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`,
		repository, d.DigestStr())
}

// sig is a layer of a .sig tag: the payload, and the pair's signature of what was
// signed.
func (s *scene) sig(pair engine.Keypair, signed, payload string) mutate.Addendum {
	s.t.Helper()
	signature, _, err := pair.SignData(s.t.Context(), []byte(signed))
	s.push(err)
	return mutate.Addendum{
		Layer:       static.NewLayer([]byte(payload), "application/vnd.dev.cosign.simplesigning.v1+json"),
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(signature)},
	}
}

const (
	certificateAnnotation = "dev.sigstore.cosign/certificate"
	stampAnnotation       = "dev.sigstore.cosign/rfc3161timestamp"
)

// certified is a layer of a .sig tag with a certificate and a timestamp. It is
// in no log: entries of logs of version 2 do not fit into annotations.
func (s *scene) certified(payload string, r recipe) mutate.Addendum {
	s.t.Helper()
	r.noLog = true
	b := s.bundle(&engine.PlainData{Data: []byte(payload)}, r)
	return mutate.Addendum{
		Layer: static.NewLayer([]byte(payload), "application/vnd.dev.cosign.simplesigning.v1+json"),
		Annotations: map[string]string{
			"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(b.GetMessageSignature().Signature),
			certificateAnnotation:                certificateOf(b),
			stampAnnotation:                      stamped(b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps[0].SignedTimestamp),
		},
	}
}

// certifiedAtt is a layer of an .att tag, likewise. Its timestamp is of the
// whole envelope.
func (s *scene) certifiedAtt(statement string, r recipe) mutate.Addendum {
	s.t.Helper()
	r.noLog, r.noTSA = true, true
	b := s.seal(statement, r)
	envelope, err := protojson.Marshal(b.GetDsseEnvelope())
	s.push(err)
	authority := engine.NewTimestampAuthority(&engine.TimestampAuthorityOptions{URL: or(r.tsa, s.rig).TSA.URL})
	stamp, err := authority.GetTimestamp(s.t.Context(), envelope)
	s.push(err)
	return mutate.Addendum{
		Layer: static.NewLayer(envelope, "application/vnd.dsse.envelope.v1+json"),
		Annotations: map[string]string{
			"dev.cosignproject.cosign/signature": "", "predicateType": verdict,
			certificateAnnotation: certificateOf(b), stampAnnotation: stamped(stamp),
		},
	}
}

func certificateOf(b *protobundle.Bundle) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.VerificationMaterial.GetCertificate().RawBytes}))
}

func stamped(stamp []byte) string {
	return fmt.Sprintf(`{"SignedRFC3161Timestamp":%q}`, base64.StdEncoding.EncodeToString(stamp))
}

// att is a layer of an .att tag, likewise.
func (s *scene) att(pair engine.Keypair, signed, payload string) mutate.Addendum {
	s.t.Helper()
	content := engine.DSSEData{Data: []byte(signed), PayloadType: intoto}
	signature, _, err := pair.SignData(s.t.Context(), content.PreAuthEncoding())
	s.push(err)
	envelope, err := json.Marshal(map[string]any{
		"payloadType": intoto, "payload": base64.StdEncoding.EncodeToString([]byte(payload)),
		"signatures": []any{map[string]string{"sig": base64.StdEncoding.EncodeToString(signature)}},
	})
	s.push(err)
	return mutate.Addendum{
		Layer:       static.NewLayer(envelope, "application/vnd.dsse.envelope.v1+json"),
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": "", "predicateType": verdict},
	}
}

// ownPair is a pair whose private half the forger has in hand.
type ownPair struct {
	*engine.EphemeralKeypair
	key *ecdsa.PrivateKey
}

func newOwnPair(t *testing.T) ownPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return ownPair{newPair(t), key}
}

func (p ownPair) GetPublicKey() crypto.PublicKey { return p.key.Public() }

func (p ownPair) GetPublicKeyPem() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(p.key.Public())
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), err
}

func (p ownPair) SignData(_ context.Context, data []byte) ([]byte, []byte, error) {
	digest := sha256.Sum256(data)
	signature, err := ecdsa.SignASN1(rand.Reader, p.key, digest[:])
	return signature, digest[:], err
}

// copied issues a certificate with the names and extensions of an honest one,
// by itself or by a parent of the forger's.
type copied struct {
	honest []byte
	parent *x509.Certificate // nil: by itself
	key    *ecdsa.PrivateKey
}

func (c copied) GetCertificate(_ context.Context, pair engine.Keypair, _ *engine.CertificateProviderOptions) ([]byte, error) {
	template, err := x509.ParseCertificate(c.honest)
	if err != nil {
		return nil, err
	}
	template.ExtraExtensions = template.Extensions
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	parent := c.parent
	if parent == nil {
		template.PublicKey = c.key.Public()
		parent = template
	}
	return x509.CreateCertificate(rand.Reader, template, parent, pair.GetPublicKey(), c.key)
}

func replace(old, replacement string) func([]byte) []byte {
	return func(b []byte) []byte {
		if !bytes.Contains(b, []byte(old)) {
			panic(fmt.Sprintf("%q is not in %s", old, b))
		}
		return bytes.Replace(b, []byte(old), []byte(replacement), 1)
	}
}

// demands are those of every case: a verdict, which says that it passed.
func demands() []sign.Demand {
	return []sign.Demand{{PredicateType: verdict, Check: func(a sign.Attestation) error {
		if !strings.Contains(string(a.Predicate), `"passed"`) {
			return fmt.Errorf("the verdict is %s", a.Predicate)
		}
		return nil
	}}}
}
