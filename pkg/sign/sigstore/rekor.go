package sigstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	tiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	"github.com/sigstore/rekor/pkg/generated/client/entries"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/sigstore-go/pkg/root"
	engine "github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/org/ai-ship/pkg/hint"
)

// errLogged is a log that has the entry already and does not give it back:
// after a lost answer, for one. Signing again makes another entry.
var errLogged = errors.New("the log has this entry already")

// log is a client of one transparency log. The engines' own do not retry an
// outage, cannot be given a transport, and take 409 for a failure.
type log struct {
	base *url.URL
	http *http.Client
}

var (
	_ engine.RekorClient   = log{}
	_ engine.RekorV2Client = log{}
)

// newLog binds the client to ctx.
func newLog(ctx context.Context, s Services) (log, error) {
	base, err := url.Parse(s.Rekor)
	if err != nil {
		return log{}, err
	}
	transport := patient(ctx, "the transparency log", "see whether the log is up; nothing was tagged", s.Transport, s.Retry, http.StatusConflict)
	return log{base: base, http: &http.Client{Transport: transport, CheckRedirect: stay}}, nil
}

// transparency is the log as sigstore-go asks it.
func (l log) transparency(version int) engine.Transparency {
	return engine.NewRekor(&engine.RekorOptions{Client: l, ClientV2: l, Version: uint32(version)})
}

// CreateLogEntry writes to a log of version 1. An entry that the log has
// already is fetched.
func (l log) CreateLogEntry(params *entries.CreateLogEntryParams, _ ...entries.ClientOption) (*entries.CreateLogEntryCreated, error) {
	body, err := json.Marshal(params.ProposedEntry)
	if err != nil {
		return nil, err
	}
	got, err := l.post(params.Context, "/api/v1/log/entries", body)
	if err != nil {
		return nil, err
	}
	if got.status == http.StatusConflict {
		if got, err = l.existing(params.Context, got.header.Get("Location")); err != nil {
			return nil, err
		}
	}
	var found models.LogEntry
	if err := json.Unmarshal(got.body, &found); err != nil {
		return nil, l.odd(fmt.Errorf("its answer is no log entry: %w", err))
	}
	if len(found) != 1 {
		return nil, l.odd(fmt.Errorf("its answer holds %d entries, not one", len(found)))
	}
	created := &entries.CreateLogEntryCreated{Payload: found}
	for uuid, entry := range found {
		if !complete(entry) {
			return nil, l.odd(errors.New("its answer lacks the entry's place, time or proof"))
		}
		created.ETag = uuid
	}
	return created, nil
}

// complete says whether the engine may look into the entry: it checks for none
// of these.
func complete(e models.LogEntryAnon) bool {
	if e.LogIndex == nil || e.IntegratedTime == nil || e.LogID == nil || e.Verification == nil {
		return false
	}
	proof := e.Verification.InclusionProof
	return proof != nil && proof.RootHash != nil && proof.LogIndex != nil && proof.TreeSize != nil && proof.Checkpoint != nil
}

// existing fetches the entry that a conflict names, from this log alone.
func (l log) existing(ctx context.Context, location string) (answer, error) {
	at, err := l.base.Parse(location)
	if err != nil || location == "" || at.Host != l.base.Host {
		return answer{}, errLogged
	}
	at.Scheme, at.User = l.base.Scheme, l.base.User
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return answer{}, err
	}
	got, err := l.do(req)
	var refusal *answerError
	if err == nil && got.status == http.StatusConflict || errors.As(err, &refusal) && refusal.status == http.StatusNotFound {
		err = errLogged
	}
	return got, err
}

// Add writes to a log of version 2.
func (l log) Add(ctx context.Context, entry any) (*protorekor.TransparencyLogEntry, error) {
	request, ok := entry.(*tiles.HashedRekordRequestV002)
	if !ok {
		return nil, fmt.Errorf("the engine wants to log a %T", entry)
	}
	body, err := protojson.Marshal(&tiles.CreateEntryRequest{
		Spec: &tiles.CreateEntryRequest_HashedRekordRequestV002{HashedRekordRequestV002: request},
	})
	if err != nil {
		return nil, err
	}
	got, err := l.post(ctx, "/api/v2/log/entries", body)
	if err != nil {
		return nil, err
	}
	if got.status == http.StatusConflict {
		return nil, errLogged
	}
	var logged protorekor.TransparencyLogEntry
	if err := protojson.Unmarshal(got.body, &logged); err != nil {
		return nil, l.odd(fmt.Errorf("its answer is no log entry: %w", err))
	}
	return &logged, nil
}

func (l log) post(ctx context.Context, path string, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	return l.do(req)
}

func (l log) do(req *http.Request) (answer, error) {
	req.Header.Set("Accept", "application/json")
	got, err := ask(l.http, req, maxServiceAnswer)
	if err != nil {
		return answer{}, plainly(err)
	}
	return got, nil
}

func (l log) odd(err error) error {
	return hint.Wrap(&serviceError{"the transparency log", shown(l.base), err}, "see whether the URL and the version of the log are right")
}

// placeInLog says where an entry is: the log's URL, or its identity when the
// trusted root has no name for it, and the index.
func placeInLog(logs map[string]*root.TransparencyLog, id []byte, index int64) string {
	known, found := logs[hex.EncodeToString(id)]
	if !found || known.BaseURL == "" {
		return fmt.Sprintf("log %x#%d", id, index)
	}
	return fmt.Sprintf("%s#%d", strings.TrimSuffix(known.BaseURL, "/"), index)
}
