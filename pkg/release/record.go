package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/org/ai-ship/pkg/sign"
)

// PromotionPredicate is the predicate type of a Record.
const PromotionPredicate = "https://ai-ship.dev/attestation/promotion/v1"

const maxRecord = 64 << 10 // bytes

// Action is why a channel moved.
type Action string

// The actions.
const (
	Ship     Action = "ship"     // a run moved it onto what it had built
	Promote  Action = "promote"  // onto an image that was there
	Rollback Action = "rollback" // back onto an older one
)

// Record says that a channel was moved onto an image: the predicate of a
// statement whose subject is that image.
type Record struct {
	Channel  string    `json:"channel"`
	Action   Action    `json:"action"`
	Sequence Sequence  `json:"sequence"`
	From     string    `json:"from,omitempty"`  // digest that the channel pointed to before; "" for nothing
	To       string    `json:"to"`              // digest
	After    string    `json:"after,omitempty"` // tag of the claim before this one; "" for the first
	Version  string    `json:"version,omitempty"`
	At       time.Time `json:"at"`
	Run      string    `json:"run,omitempty"` // URL of the CI's run
	Reason   string    `json:"reason,omitempty"`
}

// Statement is the record as it is signed.
func (r Record) Statement() (sign.Statement, error) {
	predicate, err := json.Marshal(r)
	if err != nil {
		return sign.Statement{}, fmt.Errorf("writing the record of channel %q: %w", r.Channel, err)
	}
	return sign.Statement{PredicateType: PromotionPredicate, Predicate: predicate}, nil
}

// readRecord reads a verified statement about the digest. Unknown fields are
// allowed: the predicate grows.
func readRecord(a sign.Attestation, digest string) (Record, error) {
	if len(a.Predicate) > maxRecord {
		return Record{}, fmt.Errorf("found %d bytes, expected at most %d", len(a.Predicate), maxRecord)
	}
	var r Record
	if err := json.NewDecoder(bytes.NewReader(a.Predicate)).Decode(&r); err != nil {
		return Record{}, err
	}
	switch {
	case r.Channel == "":
		return Record{}, errors.New("it names no channel")
	case r.To != digest:
		return Record{}, fmt.Errorf("it is about %q and stands on %s", r.To, digest)
	case r.Action != Ship && r.Action != Promote && r.Action != Rollback:
		return Record{}, fmt.Errorf("found the action %q", r.Action)
	case r.At.IsZero(), r.Sequence.Created.IsZero(), r.Sequence.Claimed.IsZero():
		return Record{}, errors.New("it has no time")
	}
	// A clock that somebody vouches for is better than the record's own.
	if !a.At.IsZero() {
		r.At = a.At
	}
	return r, nil
}

// claim is the tag that the record belongs to.
func (r Record) claim() (Claim, error) { return newClaim(r.Channel, r.Sequence, r.To) }
