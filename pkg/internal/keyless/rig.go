package keyless

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototr "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Rig is one world of services. All of it may be used by many goroutines.
type Rig struct {
	Issuer  *Server // of tokens; its issuers are paths below its URL
	Actions *Server // hands tokens to GitHub jobs; see ActionsEnv
	Fulcio  *Server // URL is the base of /api/v2
	CT      *Server // the log that Fulcio's certificates are in
	TSA     *Server // URL is the endpoint itself, with its path
	Rekor   *Server // URL is the base of /api/v2; a log of version 2

	tokens *issuer
	ca     *authority
	offset atomic.Int64 // of the clock, in nanoseconds
	root   *prototr.TrustedRoot
}

// New starts the services. They end with the test, or earlier with Stop.
func New(t testing.TB) *Rig {
	t.Helper()
	r, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	return r
}

// Start starts the services outside of a test. Stop ends them.
func Start(ctx context.Context) (*Rig, error) {
	r := &Rig{}
	if err := r.start(ctx); err != nil {
		r.Stop()
		return nil, fmt.Errorf("starting the keyless rig: %w", err)
	}
	return r, nil
}

func (r *Rig) start(ctx context.Context) error {
	tokens, err := newIssuer()
	if err != nil {
		return err
	}
	r.tokens = tokens
	r.Issuer = serve(r.tokens, "")
	r.tokens.url = r.Issuer.URL
	r.Actions = serve(actions{r.tokens}, "/token?api-version=2.0")
	ct, err := newCTLog(r.Now)
	if err != nil {
		return err
	}
	r.CT = serve(ct, "")
	if r.ca, err = newAuthority(ctx, r.Now, r.tokens, r.CT.URL); err != nil {
		return err
	}
	r.Fulcio = serve(r.ca, "")
	tsa, err := newStamper(r.Now)
	if err != nil {
		return err
	}
	r.TSA = serve(tsa, "/api/v1/timestamp")
	log, err := newLog(ctx)
	if err != nil {
		return err
	}
	r.Rekor = serve(log, "")
	r.root = &prototr.TrustedRoot{
		MediaType:              root.TrustedRootMediaType01,
		CertificateAuthorities: []*prototr.CertificateAuthority{trustedChain(r.Fulcio.URL, r.ca.chain)},
		TimestampAuthorities:   []*prototr.CertificateAuthority{trustedChain(r.TSA.URL, tsa.chain)},
		Ctlogs:                 []*prototr.TransparencyLogInstance{trustedLog(r.CT.URL, ct.der, ct.id[:])},
		// The host of a log of version 2 is the name in its checkpoints.
		Tlogs: []*prototr.TransparencyLogInstance{trustedLog("https://"+origin, log.der, log.id)},
	}
	return nil
}

// Now is the rig's time: that of its certificates, stamps and logs, not that of
// its tokens, which are always fresh.
func (r *Rig) Now() time.Time { return time.Now().Add(time.Duration(r.offset.Load())) }

// Shift sets the rig's clock off from the real one, at most history back.
func (r *Rig) Shift(d time.Duration) { r.offset.Store(int64(d)) }

// history is how long the rig's roots have been valid.
const history = 30 * 24 * time.Hour

// Stop ends every service, at once and for good. It may be repeated.
func (r *Rig) Stop() {
	for _, s := range r.Servers() {
		s.Stop()
	}
}

// Servers are all services, by name.
func (r *Rig) Servers() map[string]*Server {
	return map[string]*Server{"issuer": r.Issuer, "actions": r.Actions, "fulcio": r.Fulcio, "ct": r.CT, "tsa": r.TSA, "rekor": r.Rekor}
}

// TrustedRoot is the root that vouches for the rig, as trusted_root.json holds it.
func (r *Rig) TrustedRoot() []byte {
	b, err := protojson.Marshal(r.root)
	if err != nil {
		panic(err) // the message was made here
	}
	return b
}

// OmitSCT makes Fulcio issue certificates that no log has seen.
func (r *Rig) OmitSCT(omit bool) { r.ca.omitSCT.Store(omit) }

func validity() *protocommon.TimeRange {
	return &protocommon.TimeRange{Start: timestamppb.New(time.Now().Add(-history))}
}

func trustedChain(uri string, chain []*x509.Certificate) *prototr.CertificateAuthority {
	a := &prototr.CertificateAuthority{
		Uri: uri, ValidFor: validity(), CertChain: &protocommon.X509CertificateChain{},
		Subject: &protocommon.DistinguishedName{CommonName: "keyless", Organization: "example"},
	}
	for _, c := range chain {
		a.CertChain.Certificates = append(a.CertChain.Certificates, &protocommon.X509Certificate{RawBytes: c.Raw})
	}
	return a
}

func trustedLog(uri string, der, id []byte) *prototr.TransparencyLogInstance {
	return &prototr.TransparencyLogInstance{
		BaseUrl: uri, HashAlgorithm: protocommon.HashAlgorithm_SHA2_256, LogId: &protocommon.LogId{KeyId: id},
		PublicKey: &protocommon.PublicKey{RawBytes: der, KeyDetails: protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256, ValidFor: validity()},
	}
}

// newKey is a P-256 key with the DER form of its public half.
func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	return key, der, err
}

// newChain is a root and what the templates make below it, the last one first,
// with the key of the last one.
func newChain(templates ...*x509.Certificate) ([]*x509.Certificate, *ecdsa.PrivateKey, error) {
	var chain []*x509.Certificate
	var parent *x509.Certificate
	var signer crypto.Signer
	var last *ecdsa.PrivateKey
	for i, template := range templates {
		key, _, err := newKey()
		if err != nil {
			return nil, nil, err
		}
		if template.SerialNumber, err = rand.Int(rand.Reader, serials); err != nil {
			return nil, nil, err
		}
		template.Subject.Organization = []string{"example"}
		template.NotBefore, template.NotAfter = time.Now().Add(-history), time.Now().AddDate(10, 0, 0)
		template.BasicConstraintsValid = true
		if i == 0 {
			parent, signer = template, key
		}
		raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
		if err != nil {
			return nil, nil, err
		}
		if parent, err = x509.ParseCertificate(raw); err != nil {
			return nil, nil, err
		}
		chain = append([]*x509.Certificate{parent}, chain...)
		signer, last = key, key
	}
	return chain, last, nil
}
