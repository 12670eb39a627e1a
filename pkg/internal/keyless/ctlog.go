package keyless

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"time"

	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
	"github.com/google/certificate-transparency-go/x509"
)

// ctLog promises to hold precertificates, and keeps none: the promise is all
// that verifiers see.
type ctLog struct {
	key *ecdsa.PrivateKey
	der []byte
	id  [sha256.Size]byte
	now func() time.Time
}

func newCTLog(now func() time.Time) (*ctLog, error) {
	key, der, err := newKey()
	return &ctLog{key, der, sha256.Sum256(der), now}, err
}

func (l *ctLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != ct.AddPreChainPath {
		http.NotFound(w, r)
		return
	}
	var request ct.AddChainRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	response, err := l.promise(request.Chain)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(response)
}

func (l *ctLog) promise(raw [][]byte) (*ct.AddChainResponse, error) {
	var chain []*x509.Certificate
	for _, der := range raw {
		cert, err := x509.ParseCertificate(der)
		if x509.IsFatal(err) {
			return nil, err
		}
		chain = append(chain, cert)
	}
	sct := ct.SignedCertificateTimestamp{SCTVersion: ct.V1, LogID: ct.LogID{KeyID: l.id}, Timestamp: uint64(l.now().UnixMilli())}
	leaf, err := ct.MerkleTreeLeafFromChain(chain, ct.PrecertLogEntryType, sct.Timestamp)
	if err != nil {
		return nil, err
	}
	signed, err := ct.SerializeSCTSignatureInput(sct, ct.LogEntry{Leaf: *leaf})
	if err != nil {
		return nil, err
	}
	sig, err := tls.CreateSignature(*l.key, tls.SHA256, signed)
	if err != nil {
		return nil, err
	}
	wire, err := tls.Marshal(sig)
	return &ct.AddChainResponse{SCTVersion: ct.V1, ID: l.id[:], Timestamp: sct.Timestamp, Signature: wire}, err
}
