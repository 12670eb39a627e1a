package release_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/org/ai-ship/pkg/internal/docschema"
	"github.com/org/ai-ship/pkg/internal/notary"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/sign"
)

var update = flag.Bool("update", false, "write the schema anew")

// world is a registry, a notary and a clock.
type world struct {
	server
	notary *notary.Notary
	mover  release.Mover
	now    time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{server: newServer(t), notary: &notary.Notary{}, now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	w.mover = release.Mover{Signer: w.notary, Verifier: w.notary, Now: func() time.Time { return w.now }}
	return w
}

// made pushes an image that is n hours old on the world's calendar.
func (w *world) made(n int) v1.Image {
	w.t.Helper()
	image, err := random.Image(64, 1)
	w.must(err)
	created := time.Date(2026, 11, 1, n, 0, 0, 0, time.UTC).Format(time.RFC3339)
	image = mutate.Annotations(image, map[string]string{"org.opencontainers.image.created": created}).(v1.Image)
	digest := w.repo.Digest(w.digest(image))
	w.must(remote.Write(digest, image))
	_, err = w.notary.Sign(w.t.Context(), digest, nil)
	w.must(err)
	return image
}

func (w *world) promote(image v1.Image, p release.Promotion) error {
	w.t.Helper()
	w.now = w.now.Add(time.Minute)
	p.Subject = w.repo.Digest(w.digest(image))
	if p.Channel == "" {
		p.Channel = "production"
	}
	_, err := w.mover.Promote(w.t.Context(), p)
	return err
}

func (w *world) history(channel string) release.History {
	w.t.Helper()
	h, err := w.mover.History(w.t.Context(), w.repo, channel)
	w.must(err)
	return h
}

func TestPromoteRollbackHistory(t *testing.T) {
	w := newWorld(t)
	one, two, three := w.made(1), w.made(2), w.made(3)
	for _, image := range []v1.Image{one, two, three} {
		w.must(w.promote(image, release.Promotion{}))
		w.points("production", w.digest(image))
	}
	w.must(w.promote(three, release.Promotion{})) // it is there: nothing to do
	if err := w.promote(one, release.Promotion{}); !errors.Is(err, release.ErrOlder) {
		t.Errorf("an older image over a newer one: %v", err)
	}
	w.points("production", w.digest(three))

	// Two can no longer be proven, so the rollback goes to one.
	w.notary.Forget(w.digest(two))
	back, err := w.mover.Rollback(t.Context(), w.repo, release.Wish{Channel: "production"}, "", nil)
	w.must(err)
	if back.To != w.digest(one) || len(back.Skipped) != 1 || back.Skipped[0].Digest != w.digest(two) {
		t.Errorf("rollback %+v", back)
	}
	w.points("production", w.digest(one))

	// What is newer than the image that we went back to may come again.
	w.must(w.promote(three, release.Promotion{}))
	h := w.history("production")
	var got []string
	for _, e := range h.Entries {
		got = append(got, fmt.Sprintf("%s %s %v %s", e.Record.Action, e.Digest, e.Overtaken, e.Problem))
	}
	want := []string{
		"promote " + w.digest(one) + " false ", "promote " + w.digest(two) + " false ", "promote " + w.digest(three) + " false ",
		"rollback " + w.digest(one) + " false ", "promote " + w.digest(three) + " false ",
	}
	if !slices.Equal(got, want) || len(h.Problems) != 0 || h.Current != w.digest(three) {
		t.Errorf("history\n%s\nproblems %q", strings.Join(got, "\n"), h.Problems)
	}
}

func TestRecent(t *testing.T) {
	w := newWorld(t)
	one, two, three := w.made(1), w.made(2), w.made(3)
	for _, image := range []v1.Image{one, two} {
		w.must(w.promote(image, release.Promotion{}))
	}
	_, err := w.mover.Rollback(t.Context(), w.repo, release.Wish{Channel: "production"}, "", nil)
	w.must(err)
	w.must(w.promote(three, release.Promotion{}))
	digests := func(n int) []string {
		t.Helper()
		images, err := w.mover.Recent(t.Context(), w.repo, "production", n)
		w.must(err)
		var all []string
		for _, image := range images {
			if image.Evidence.Subject.DigestStr() != image.Digest || len(image.Evidence.Attestations) == 0 || image.Record.Channel != "production" {
				t.Errorf("image %+v", image)
			}
			all = append(all, image.Digest)
		}
		return all
	}
	if got, want := digests(9), []string{w.digest(two), w.digest(one), w.digest(three)}; !slices.Equal(got, want) {
		t.Errorf("all: %q, want %q", got, want)
	}
	if got, want := digests(1), []string{w.digest(three)}; !slices.Equal(got, want) {
		t.Errorf("the newest: %q, want %q", got, want)
	}
	if images, err := w.mover.Recent(t.Context(), w.repo, "nothing", 9); err != nil || len(images) != 0 {
		t.Errorf("of no channel: %v, %v", images, err)
	}
}

func TestRollbackTo(t *testing.T) {
	w := newWorld(t)
	one, two, three, other := w.made(1), w.made(2), w.made(3), w.made(9)
	for _, image := range []v1.Image{one, two, three} {
		w.must(w.promote(image, release.Promotion{}))
	}
	wish := release.Wish{Channel: "production", Reason: "it answers nonsense"}
	if _, err := w.mover.Rollback(t.Context(), w.repo, wish, w.digest(other), nil); !errors.Is(err, release.ErrNothingBefore) {
		t.Errorf("to an image that was never there: %v", err)
	}
	if _, err := w.mover.Rollback(t.Context(), w.repo, wish, w.digest(three), nil); err == nil || !strings.Contains(err.Error(), "points there now") {
		t.Errorf("to where it is: %v", err)
	}
	_, err := w.mover.Rollback(t.Context(), w.repo, wish, w.digest(one), nil)
	w.must(err)
	w.points("production", w.digest(one))
	if last := w.history("production").Entries[3].Record; last.Reason != wish.Reason || last.From != w.digest(three) {
		t.Errorf("record %+v", last)
	}
	if _, err := w.mover.Rollback(t.Context(), w.repo, release.Wish{Channel: "staging"}, "", nil); !errors.Is(err, release.ErrNothingBefore) {
		t.Errorf("without a history: %v", err)
	}
}

func TestPromoteDemands(t *testing.T) {
	w := newWorld(t)
	image := w.made(1)
	terms := release.Promotion{After: "staging", Soak: time.Hour}
	if err := w.promote(image, terms); !errors.Is(err, release.ErrNotReady) || !strings.Contains(err.Error(), `never in "staging"`) {
		t.Errorf("without staging: %v", err)
	}
	w.must(w.promote(image, release.Promotion{Wish: release.Wish{Channel: "staging"}}))
	if err := w.promote(image, terms); !errors.Is(err, release.ErrNotReady) || !strings.Contains(err.Error(), "1m0s ago and must have been there for 1h0m0s") {
		t.Errorf("too young: %v", err)
	}
	w.points("production", "")
	w.now = w.now.Add(time.Hour)
	w.must(w.promote(image, terms))

	w.notary.Forget(w.digest(image))
	if err := w.promote(image, release.Promotion{}); !errors.Is(err, sign.ErrUnproven) {
		t.Errorf("unsigned: %v", err)
	}
	ungated := w.made(2)
	demand := []sign.Demand{{PredicateType: "https://example.com/verdict"}}
	if err := w.promote(ungated, release.Promotion{Demands: demand}); !errors.Is(err, sign.ErrUnproven) {
		t.Errorf("ungated: %v", err)
	}
	w.points("production", w.digest(image))

	// The last word is that of whoever promotes, on what was verified.
	other, no := w.made(2), errors.New("its scan is too old")
	var about sign.Evidence
	terms = release.Promotion{Check: func(_ context.Context, e sign.Evidence) error { about = e; return no }}
	if err := w.promote(other, terms); !errors.Is(err, no) || about.Subject.DigestStr() != w.digest(other) {
		t.Errorf("refused by the check about %s: %v", about.Subject, err)
	}
	w.points("production", w.digest(image))
	no = nil
	w.must(w.promote(other, terms))
	w.points("production", w.digest(other))
}

// Whoever pushes may write tags and statements of the right shape; only a
// signed record makes history.
func TestHistoryRefusesForgedClaims(t *testing.T) {
	w := newWorld(t)
	one, forged := w.made(1), w.made(9)
	w.must(w.promote(one, release.Promotion{}))
	tag := "production.0000.20991231T000000.20991231T000000-000." + w.digest(forged)[len("sha256:"):][:12]
	w.must(remote.Tag(w.repo.Tag(tag), forged))
	h := w.history("production")
	if len(h.Entries) != 2 || h.Entries[1].Problem == "" || len(h.Problems) != 0 {
		t.Errorf("history %+v", h)
	}
	two := w.made(2) // the forged claim does not hold it up
	w.must(w.promote(two, release.Promotion{}))

	// A record that was signed for another claim does not stand behind this one.
	stolen := strings.Replace(w.history("production").Entries[0].Claim.Tag(), ".0000.", ".0007.", 1)
	w.must(remote.Tag(w.repo.Tag(stolen), one))
	if h := w.history("production"); h.Entries[len(h.Entries)-1].Problem == "" {
		t.Errorf("history %+v", h.Entries)
	}
	w.must(remote.Tag(w.repo.Tag("production"), forged))
	if h := w.history("production"); len(h.Problems) != 1 {
		t.Errorf("a channel that was moved by hand: %q", h.Problems)
	}
}

func TestMoveFailures(t *testing.T) {
	for _, tc := range []struct {
		what   string
		breaks func(w *world)
		tags   int // claims that stay
	}{
		{"record", func(w *world) { w.notary.Fail(errors.New("the log is down")) }, 1},
		{"claim", func(w *world) { w.mover.Registry.Transport = &writes{answer: refuse(1, 403, "DENIED")} }, 1},
		{"tag", func(w *world) { w.mover.Registry.Transport = &writes{answer: refuse(2, 403, "DENIED")} }, 2},
	} {
		t.Run(tc.what, func(t *testing.T) {
			w := newWorld(t)
			one, two := w.made(1), w.made(2)
			w.must(w.promote(one, release.Promotion{}))
			tc.breaks(w)
			if err := w.promote(two, release.Promotion{}); err == nil {
				t.Fatal("no error")
			}
			w.points("production", w.digest(one))
			w.notary.Fail(nil)
			w.mover.Registry.Transport = nil
			if n := len(w.history("production").Entries); n != tc.tags {
				t.Errorf("found %d claims, want %d", n, tc.tags)
			}
			w.must(w.promote(two, release.Promotion{})) // the next run repairs
			w.points("production", w.digest(two))
		})
	}
}

func TestMoveNeedsASignedProof(t *testing.T) {
	w := newWorld(t)
	image := w.made(1)
	for _, proof := range []sign.Proof{{}, w.proof(image)} {
		if _, err := w.mover.Move(t.Context(), proof, release.Wish{Channel: "production"}); !errors.Is(err, release.ErrUnproven) {
			t.Errorf("%v", err)
		}
	}
	w.points("production", "")
}

// Whoever reads records finds their schema in docs/.
func TestRecordSchema(t *testing.T) {
	schema, err := docschema.Of(&release.Record{}, "ai-ship promotion", "Predicate of type "+release.PromotionPredicate+".")
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../docs/promotion.schema.json"
	if *update {
		if err := os.WriteFile(file, schema, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || string(want) != string(schema) {
		t.Errorf("%s is not current: %v; go test -update writes it", file, err)
	}
	w := newWorld(t)
	w.must(w.promote(w.made(1), release.Promotion{}))
	statement, err := w.history("production").Entries[0].Record.Statement()
	w.must(err)
	w.must(docschema.Validate(schema, statement.Predicate))
}

func FuzzClaim(f *testing.F) {
	f.Add("production", "production.0001.20260102T030405.20260102T030405-678.0123456789ab")
	f.Add("a.b", "a.b.9999.20260102T030405.20260102T030405-000.ffffffffffff")
	f.Fuzz(func(t *testing.T, channel, tag string) {
		if claim, ok := release.ParseClaim(channel, tag); ok && claim.Tag() != tag {
			t.Errorf("%q was read as %q", tag, claim.Tag())
		}
	})
}
