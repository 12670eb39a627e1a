package sigstore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototr "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/rekor/pkg/generated/models"
	rekortypes "github.com/sigstore/rekor/pkg/types"
	"github.com/sigstore/rekor/pkg/util"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/transparency-dev/merkle/rfc6962"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/org/ai-ship/pkg/internal/keyless"
)

// logV1 is Rekor, version 1, with a tree for each entry: it checks entries as
// Rekor does, promises them, and proves that they are in.
type logV1 struct {
	signer signature.SignerVerifier
	der    []byte
	id     [sha256.Size]byte

	mu      sync.Mutex
	entries map[string]models.LogEntryAnon
	drop    int // answers to lose after the work is done
	gone    bool
}

func newLogV1(t *testing.T) *logV1 {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := signature.LoadECDSASignerVerifier(key, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return &logV1{signer: signer, der: der, id: sha256.Sum256(der), entries: make(map[string]models.LogEntryAnon)}
}

func (l *logV1) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if uuid, found := strings.CutPrefix(r.URL.Path, "/api/v1/log/entries/"); found && r.Method == http.MethodGet {
		entry, known := l.entries[uuid]
		if !known || l.gone {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(models.LogEntry{uuid: entry})
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.URL.Path != "/api/v1/log/entries" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	uuid, entry, err := l.add(r, body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, err.Error())
		return
	}
	w.Header().Set("Location", "/api/v1/log/entries/"+uuid)
	w.Header().Set("ETag", uuid)
	if _, known := l.entries[uuid]; known {
		w.WriteHeader(http.StatusConflict)
		return
	}
	l.entries[uuid] = entry
	if l.drop > 0 {
		l.drop--
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(models.LogEntry{uuid: entry})
}

func (l *logV1) add(r *http.Request, body []byte) (string, models.LogEntryAnon, error) {
	var none models.LogEntryAnon
	proposed, err := models.UnmarshalProposedEntry(bytes.NewReader(body), jsonConsumer{})
	if err != nil {
		return "", none, err
	}
	checked, err := rekortypes.UnmarshalEntry(proposed)
	if err != nil {
		return "", none, err
	}
	canonical, err := rekortypes.CanonicalizeEntry(r.Context(), checked)
	if err != nil {
		return "", none, err
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(canonical)
	checkpoint, err := util.CreateAndSignCheckpoint(r.Context(), "rekor.example", 1, 1, leaf, l.signer)
	if err != nil {
		return "", none, err
	}
	at, index, id, size := time.Now().Unix(), int64(0), hex.EncodeToString(l.id[:]), int64(1)
	encoded, root, note := base64.StdEncoding.EncodeToString(canonical), hex.EncodeToString(leaf), string(checkpoint)
	promised, err := json.Marshal(map[string]any{"body": encoded, "integratedTime": at, "logID": id, "logIndex": index})
	if err != nil {
		return "", none, err
	}
	if promised, err = jsoncanonicalizer.Transform(promised); err != nil {
		return "", none, err
	}
	promise, err := l.signer.SignMessage(bytes.NewReader(promised))
	return root, models.LogEntryAnon{
		Body: encoded, IntegratedTime: &at, LogID: &id, LogIndex: &index,
		Verification: &models.LogEntryAnonVerification{
			SignedEntryTimestamp: promise,
			InclusionProof:       &models.InclusionProof{Checkpoint: &note, Hashes: []string{}, LogIndex: &index, RootHash: &root, TreeSize: &size},
		},
	}, err
}

// jsonConsumer is how rekor's models are read.
type jsonConsumer struct{}

func (jsonConsumer) Consume(r io.Reader, into any) error { return json.NewDecoder(r).Decode(into) }

// withLog is the rig's trusted root with this log in place of its own.
func (l *logV1) withLog(t *testing.T, rig *keyless.Rig) []byte {
	t.Helper()
	var root prototr.TrustedRoot
	if err := protojson.Unmarshal(rig.TrustedRoot(), &root); err != nil {
		t.Fatal(err)
	}
	root.Tlogs = []*prototr.TransparencyLogInstance{{
		BaseUrl: "https://rekor.example", HashAlgorithm: protocommon.HashAlgorithm_SHA2_256, LogId: &protocommon.LogId{KeyId: l.id[:]},
		PublicKey: &protocommon.PublicKey{
			RawBytes: l.der, KeyDetails: protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256,
			ValidFor: &protocommon.TimeRange{Start: timestamppb.New(time.Now().Add(-time.Hour))},
		},
	}}
	text, err := protojson.Marshal(&root)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestLogV1 takes the time from the log alone, in bundles and in tags.
func TestLogV1(t *testing.T) {
	rig, log := keyless.New(t), newLogV1(t)
	at, root := "http://"+serveHTTP(t, log), log.withLog(t, rig)
	who := rig.GitHub("acme/app", "release.yml", "refs/heads/main")
	for format, want := range map[Format]int{Bundle: 1, Legacy: 1, Both: 2} {
		digest := pushImage(t, serveHTTP(t, inMemory(true)), "acme/app")
		options := keylessOptions(rig, who)
		options.Format = format
		options.Services = Services{Fulcio: rig.Fulcio.URL, Rekor: at, Root: root, Retry: quick()}
		signer, err := NewSigner(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		written, err := signer.Sign(t.Context(), digest, examples())
		if err != nil {
			t.Fatal(err)
		}
		trust := Trust{Identity: who.Subject, Issuer: who.Issuer, Root: root, Offline: true}
		v, err := NewVerifier(t.Context(), trust, Registry{})
		if err != nil {
			t.Fatal(err)
		}
		evidence, err := v.Verify(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		if len(evidence.Signatures) != want || len(evidence.Attestations) != 2*want || len(evidence.Refused) != 0 {
			t.Fatalf("format %d: found %+v", format, evidence)
		}
		for _, s := range evidence.Signatures {
			if s.Log != "https://rekor.example#0" || s.Log != written.Signature.Log || time.Since(s.At).Abs() > time.Minute {
				t.Errorf("format %d: the signature is %+v", format, s)
			}
		}
	}
}

// TestLogV1Conflict loses the log's answer, so that the second try is told that
// the entry is there already: it is fetched, or, when the log will not give it,
// the statement is signed again.
func TestLogV1Conflict(t *testing.T) {
	for _, gone := range []bool{false, true} {
		log := newLogV1(t)
		log.drop, log.gone = 1, gone
		folder := keyFiles(t, "secret")
		signer := keySigner(t, folder, func(o *Options) {
			o.Services = Services{Rekor: "http://" + serveHTTP(t, log), Retry: quick()}
		})
		digest := pushImage(t, serveHTTP(t, inMemory(true)), "acme/app")
		written, err := signer.Sign(t.Context(), digest, nil)
		if err != nil {
			t.Fatalf("gone %t: %v", gone, err)
		}
		want := map[bool]int{false: 1, true: 2}[gone]
		if len(log.entries) != want || written.Signature.Log == "" {
			t.Errorf("gone %t: the log has %d entries, not %d; written %+v", gone, len(log.entries), want, written)
		}
		trust := Trust{Key: &Key{Ref: "cosign.pub", Folder: folder}, Log: LogRequired, Root: log.withLog(t, keyless.New(t))}
		v, err := NewVerifier(t.Context(), trust, Registry{})
		if err != nil {
			t.Fatal(err)
		}
		evidence, err := v.Verify(t.Context(), digest)
		if err != nil || len(evidence.Signatures) != 1 || evidence.Signatures[0].Log != "https://rekor.example#0" {
			t.Errorf("gone %t: found %+v, %v", gone, evidence, err)
		}
	}
}

// TestLogLies feeds the client answers that are no entries.
func TestLogLies(t *testing.T) {
	folder := keyFiles(t, "secret")
	digest := pushImage(t, serveHTTP(t, inMemory(true)), "acme/app")
	for label, c := range map[string]struct {
		version int
		status  int
		body    string
		want    string
	}{
		"v1 no JSON":   {1, 201, "<html>", "is no log entry"},
		"v1 none":      {1, 201, "{}", "holds 0 entries"},
		"v1 two":       {1, 201, `{"a":{},"b":{}}`, "holds 2 entries"},
		"v1 null":      {1, 201, `{"a":{}}`, "lacks the entry's place"},
		"v1 no proof":  {1, 201, `{"a":{"body":"x","integratedTime":1,"logID":"aa","logIndex":1,"verification":{}}}`, "lacks the entry's place"},
		"v1 conflict":  {1, 409, "", "has this entry already"},
		"v2 no JSON":   {2, 201, "<html>", "is no log entry"},
		"v2 conflict":  {2, 409, "", "has this entry already"},
		"v2 forbidden": {2, 403, "no\x1b[2Jaccess", "403 Forbidden"},
	} {
		s := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		signer := keySigner(t, folder, func(o *Options) {
			o.Services = Services{Rekor: "http://" + s, RekorVersion: c.version, Retry: Retry{Tries: 1}}
		})
		_, err := signer.Sign(t.Context(), digest, nil)
		wantError(t, label, err, c.want)
		if err != nil && strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: the error holds the server's control characters", label)
		}
	}
}
