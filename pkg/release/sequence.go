package release

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Sequence orders the images that a channel is moved onto: by rollbacks
// first, then by the image's age, then by when the move was asked for, which
// decides between images of one commit.
type Sequence struct {
	Epoch   int       `json:"epoch"`   // rollbacks of the channel so far
	Created time.Time `json:"created"` // of the image, in whole seconds
	Claimed time.Time `json:"claimed"` // in whole milliseconds
}

// Compare orders sequences, the older first.
func (s Sequence) Compare(other Sequence) int {
	return cmp.Or(cmp.Compare(s.Epoch, other.Epoch), s.Created.Compare(other.Created), s.Claimed.Compare(other.Claimed))
}

const (
	maxEpoch  = 9999
	createdAt = "20060102T150405"
	claimedAt = "20060102T150405.000"
	maxClaim  = len(".0001.20060102T150405.20060102T150405-000.0123456789ab")
	shortHex  = 12
)

// Claim is a tag that says which image a channel was to be moved onto, and
// when. It is never moved: a registry has no compare-and-swap, but a new tag
// for each attempt cannot be lost, so that every attempt sees all the others.
// It also keeps the image from being collected while somebody may roll back.
type Claim struct {
	Channel  string
	Sequence Sequence
	Short    string // first 12 hex digits of the image's digest
}

func newClaim(channel string, s Sequence, digest string) (Claim, error) {
	if len(channel)+maxClaim > maxTag {
		return Claim{}, fmt.Errorf("moving channel %q: its name has %d bytes, at most %d leave room for its history", channel, len(channel), maxTag-maxClaim)
	}
	if s.Epoch > maxEpoch {
		return Claim{}, fmt.Errorf("moving channel %q: found %d rollbacks, expected at most %d", channel, s.Epoch, maxEpoch)
	}
	for _, t := range []time.Time{s.Created, s.Claimed} {
		if y := t.UTC().Year(); y < 1000 || y > 9999 {
			return Claim{}, fmt.Errorf("moving channel %q: found the year %d in the image's time or the clock", channel, y)
		}
	}
	_, hex, _ := strings.Cut(digest, ":")
	return Claim{Channel: channel, Sequence: s, Short: hex[:min(shortHex, len(hex))]}, nil
}

// Tag is the claim's tag; the tags of a channel's claims sort as their sequences do.
func (c Claim) Tag() string {
	claimed := strings.Replace(c.Sequence.Claimed.UTC().Format(claimedAt), ".", "-", 1)
	return fmt.Sprintf("%s.%04d.%s.%s.%s", c.Channel, c.Sequence.Epoch, c.Sequence.Created.UTC().Format(createdAt), claimed, c.Short)
}

var claimTail = regexp.MustCompile(`^([0-9]{4})\.([0-9]{8}T[0-9]{6})\.([0-9]{8}T[0-9]{6}-[0-9]{3})\.([0-9a-f]{12})$`)

// parseClaim reads a tag of the channel's; ok is false for every other tag.
func parseClaim(channel, tag string) (claim Claim, ok bool) {
	rest, ok := strings.CutPrefix(tag, channel+".")
	if !ok {
		return Claim{}, false
	}
	m := claimTail.FindStringSubmatch(rest)
	if m == nil {
		return Claim{}, false
	}
	epoch, err := strconv.Atoi(m[1])
	if err != nil {
		return Claim{}, false
	}
	created, err := time.Parse(createdAt, m[2])
	if err != nil {
		return Claim{}, false
	}
	claimed, err := time.Parse(claimedAt, strings.Replace(m[3], "-", ".", 1))
	if err != nil {
		return Claim{}, false
	}
	return Claim{Channel: channel, Short: m[4], Sequence: Sequence{Epoch: epoch, Created: created, Claimed: claimed}}, true
}
