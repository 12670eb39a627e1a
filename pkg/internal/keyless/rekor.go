package keyless

import (
	"context"
	"crypto"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	rekor "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	tilesnote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/rekor-tiles/v2/pkg/types/hashedrekord"
	"github.com/sigstore/sigstore/pkg/signature"
	checkpoint "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/encoding/protojson"
)

// origin names the log in its checkpoints.
const origin = "rekor.test"

// transparencyLog is Rekor, version 2, without tiles: it takes hashedrekord
// entries whose signature verifies and proves their inclusion at once.
type transparencyLog struct {
	signer     note.Signer
	der, id    []byte
	algorithms *signature.AlgorithmRegistryConfig

	mu     sync.Mutex
	leaves [][]byte       // their hashes
	seen   map[string]int // index by entry
}

func newLog(ctx context.Context) (*transparencyLog, error) {
	key, der, err := newKey()
	if err != nil {
		return nil, err
	}
	verifier, err := signature.LoadECDSASignerVerifier(key, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	l := &transparencyLog{der: der, seen: map[string]int{}}
	if l.signer, err = tilesnote.NewNoteSigner(ctx, origin, verifier); err != nil {
		return nil, err
	}
	if _, l.id, err = tilesnote.KeyHash(origin, key.Public()); err != nil {
		return nil, err
	}
	l.algorithms, err = algorithms()
	return l, err
}

func (l *transparencyLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/api/v2/log/entries" {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	kind, entry, err := l.parse(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	proven, index, err := l.add(kind, entry)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case proven == nil:
		w.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintf(w, `{"code":6,"message":"an equivalent entry already exists in the transparency log with index %d","details":[]}`, index)
	default:
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(proven)
	}
}

// parse is the canonical entry that a request asks for.
func (l *transparencyLog) parse(body []byte) (*protorekor.KindVersion, []byte, error) {
	var request rekor.CreateEntryRequest
	if err := protojson.Unmarshal(body, &request); err != nil {
		return nil, nil, err
	}
	if request.GetHashedRekordRequestV002() == nil {
		return nil, nil, fmt.Errorf("invalid type, must be hashedrekord")
	}
	entry, err := hashedrekord.ToLogEntry(request.GetHashedRekordRequestV002(), l.algorithms)
	if err != nil {
		return nil, nil, err
	}
	wire, err := protojson.Marshal(entry)
	if err != nil {
		return nil, nil, err
	}
	canonical, err := jsoncanonicalizer.Transform(wire)
	return &protorekor.KindVersion{Kind: entry.Kind, Version: entry.ApiVersion}, canonical, err
}

// add appends the entry and proves it; no proof means that there is an equal
// one already.
func (l *transparencyLog) add(kind *protorekor.KindVersion, entry []byte) (proven []byte, index int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if index, ok := l.seen[string(entry)]; ok {
		return nil, index, nil
	}
	index = len(l.leaves)
	l.seen[string(entry)] = index
	l.leaves = append(l.leaves, rfc6962.DefaultHasher.HashLeaf(entry))
	hash, size := treeHash(l.leaves), len(l.leaves)
	text := checkpoint.Checkpoint{Origin: origin, Size: uint64(size), Hash: hash}.Marshal()
	signed, err := note.Sign(&note.Note{Text: string(text)}, l.signer)
	if err != nil {
		return nil, 0, err
	}
	proven, err = protojson.Marshal(&protorekor.TransparencyLogEntry{
		LogIndex: int64(index), LogId: &protocommon.LogId{KeyId: l.id}, KindVersion: kind, CanonicalizedBody: entry,
		InclusionProof: &protorekor.InclusionProof{
			LogIndex: int64(index), TreeSize: int64(size), RootHash: hash, Hashes: path(index, l.leaves),
			Checkpoint: &protorekor.Checkpoint{Envelope: string(signed)},
		},
	})
	return proven, index, err
}

// split is the size of the left half: the largest power of two below n.
func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

// treeHash is RFC 6962, section 2.1.
func treeHash(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := split(len(leaves))
	return rfc6962.DefaultHasher.HashChildren(treeHash(leaves[:k]), treeHash(leaves[k:]))
}

// path is RFC 6962, section 2.1.1.
func path(i int, leaves [][]byte) [][]byte {
	if len(leaves) == 1 {
		return nil
	}
	k := split(len(leaves))
	if i < k {
		return append(path(i, leaves[:k]), treeHash(leaves[k:]))
	}
	return append(path(i-k, leaves[k:]), treeHash(leaves[:k]))
}
