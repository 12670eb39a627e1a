package keyless

import (
	"context"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	ctclient "github.com/google/certificate-transparency-go/client"
	"github.com/google/certificate-transparency-go/jsonclient"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/sigstore/fulcio/pkg/ca"
	"github.com/sigstore/fulcio/pkg/ca/baseca"
	"github.com/sigstore/fulcio/pkg/config"
	fulcio "github.com/sigstore/fulcio/pkg/generated/protobuf"
	"github.com/sigstore/fulcio/pkg/identity"
	fulciolog "github.com/sigstore/fulcio/pkg/log"
	"github.com/sigstore/fulcio/pkg/server"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore/pkg/signature"
	"go.uber.org/zap"
	"google.golang.org/grpc/metadata"
)

// issuers are the paths of the token issuer with their type in Fulcio's config.
var issuers = map[string]string{"github": config.IssuerTypeGithubWorkflow, "gitlab": config.IssuerTypeGitLabPipeline, "accounts": config.IssuerTypeEmail}

// lifetime is that of Fulcio's certificates.
const lifetime = 10 * time.Minute

var serials = new(big.Int).Lsh(big.NewInt(1), 120)

// silence ends Fulcio's log, which goes to stdout with the stack of every refusal.
var silence = sync.OnceFunc(func() { fulciolog.Logger = zap.NewNop().Sugar() })

// authority is Fulcio: once with the certificate log and once without.
type authority struct {
	chain       []*x509.Certificate
	cfg         *config.FulcioConfig
	logged, not http.Handler
	omitSCT     atomic.Bool
}

func newAuthority(ctx context.Context, now func() time.Time, tokens *issuer, ctURL string) (*authority, error) {
	silence()
	var yaml strings.Builder
	yaml.WriteString("oidc-issuers:\n")
	for name, kind := range issuers {
		url := tokens.url + "/" + name
		fmt.Fprintf(&yaml, "  %s:\n    issuer-url: %s\n    client-id: %s\n    type: %s\n", url, url, Audience, kind)
	}
	cfg, err := config.Read([]byte(yaml.String()))
	if err != nil {
		return nil, err
	}
	chain, key, err := newChain(
		&x509.Certificate{Subject: pkix.Name{CommonName: "root"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign},
		&x509.Certificate{Subject: pkix.Name{CommonName: "intermediate"}, IsCA: true, MaxPathLenZero: true,
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}},
	)
	if err != nil {
		return nil, err
	}
	algorithms, err := algorithms()
	if err != nil {
		return nil, err
	}
	log, err := ctclient.New(ctURL, http.DefaultClient, jsonclient.Options{})
	if err != nil {
		return nil, err
	}
	issuing := &datedCA{baseca.BaseCA{SignerWithChain: &ca.SignerCerts{Signer: key, Certs: chain}}, now}
	pool := server.NewIssuerPool(cfg)
	a := &authority{chain: chain, cfg: cfg}
	if a.logged, err = gateway(ctx, server.NewGRPCCAServer(log, issuing, algorithms, pool)); err != nil {
		return nil, err
	}
	a.not, err = gateway(ctx, server.NewGRPCCAServer(nil, issuing, algorithms, pool))
	return a, err
}

func algorithms() (*signature.AlgorithmRegistryConfig, error) {
	return signature.NewAlgorithmRegistryConfig([]protocommon.PublicKeyDetails{protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256})
}

// gateway speaks HTTP for Fulcio, with no gRPC on any wire.
func gateway(ctx context.Context, s fulcio.CAServer) (http.Handler, error) {
	mux := runtime.NewServeMux(runtime.WithMetadata(func(_ context.Context, r *http.Request) metadata.MD {
		return metadata.Pairs(server.MetadataOIDCTokenKey, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}))
	return mux, fulcio.RegisterCAHandlerServer(ctx, mux, s)
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := a.logged
	if a.omitSCT.Load() {
		h = a.not
	}
	h.ServeHTTP(w, r.WithContext(config.With(r.Context(), a.cfg)))
}

// datedCA issues at the rig's time.
type datedCA struct {
	baseca.BaseCA
	now func() time.Time
}

func (c *datedCA) CreateCertificate(ctx context.Context, p identity.Principal, key crypto.PublicKey) (*ca.CodeSigningCertificate, error) {
	return c.BaseCA.CreateCertificate(ctx, dated{p, c.now()}, key)
}

func (c *datedCA) CreatePrecertificate(ctx context.Context, p identity.Principal, key crypto.PublicKey) (*ca.CodeSigningPreCertificate, error) {
	return c.BaseCA.CreatePrecertificate(ctx, dated{p, c.now()}, key)
}

// dated puts its time into a certificate with the principal's names.
type dated struct {
	identity.Principal
	at time.Time
}

func (d dated) Embed(ctx context.Context, cert *x509.Certificate) error {
	cert.NotBefore, cert.NotAfter = d.at, d.at.Add(lifetime)
	return d.Principal.Embed(ctx, cert)
}
