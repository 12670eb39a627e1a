package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/sign"
	"github.com/org/ai-ship/pkg/unit"
)

// Verification is what ai-ship verify found.
type Verification struct {
	Evidence sign.Evidence
	Required []string
	Names    func(predicateType string) string // for people
	Verdict  []gate.Result                     // of the newest verdict; nil for none
	Passed   bool
}

// Verified writes a verification, as text or as one JSON document.
func Verified(w io.Writer, v Verification, asJSON bool, style Style) error {
	if asJSON {
		return document(w, v.document())
	}
	t := &textWriter{style: style}
	verdict, color := "VERIFIED", green
	if !v.Passed {
		verdict, color = "NOT VERIFIED", red
	}
	t.line(t.style.paint(verdict, color) + "  " + clean(v.Evidence.Subject.Name()))
	t.block(append(t.labelled("trusts", clean(v.Evidence.Trusts), dim), t.labelled("requires", clean(strings.Join(v.Required, ", ")), dim)...))
	tab := table{columns: []column{{head: "SIGNED"}, {head: "BY", flex: true}, {head: "WHEN"}, {head: "LOG", drop: 1}, {head: "TYPE", drop: 2}}}
	for _, s := range v.Evidence.Signatures {
		tab.add("the image", signer(s.By), when(s.At), clean(s.Log), sign.SignaturePredicate)
	}
	for _, a := range v.Evidence.Attestations {
		tab.add(clean(v.Names(a.PredicateType)), signer(a.By), when(a.At), clean(a.Log), clean(a.PredicateType))
	}
	t.rows(tab, "statements")
	if v.Verdict != nil {
		t.r.Gates = v.Verdict
		t.gates()
	}
	var refused []string
	for _, r := range v.Evidence.Refused {
		refused = append(refused, t.labelled("refused", clean(strings.TrimSpace(r.PredicateType+" "+short(r.Digest)+": "+r.Reason)), yellow)...)
	}
	t.block(refused[:min(len(refused), maxRows)])
	return t.flush(w)
}

// moved is a promotion or a rollback as JSON.
type moved struct {
	Schema  int       `json:"schema"`
	Channel string    `json:"channel"`
	From    string    `json:"from"` // digest; "" for nothing
	To      string    `json:"to"`
	Proof   string    `json:"proof"`
	Skipped []skipped `json:"skipped"`
}

type skipped struct {
	Digest string `json:"digest"`
	Reason string `json:"reason"`
}

// Moved writes what a promotion or a rollback did.
func Moved(w io.Writer, p release.Promoted, asJSON bool, style Style) error {
	m := moved{Schema: Schema, Channel: p.Tag, From: p.From, To: p.To, Proof: p.Proof.Note(), Skipped: []skipped{}}
	for _, s := range p.Skipped {
		m.Skipped = append(m.Skipped, skipped(s))
	}
	if asJSON {
		return document(w, m)
	}
	t := &textWriter{style: style}
	verb := "MOVED"
	if p.From == p.To {
		verb = "UNCHANGED"
	}
	t.line(t.style.paint(verb, green) + "  " + clean(p.Tag))
	from := p.From
	if from == "" {
		from = "nothing"
	}
	lines := append(t.labelled("from", from, dim), t.labelled("to", p.To, dim)...)
	lines = append(lines, t.labelled("proof", clean(p.Proof.Note()), dim)...)
	for _, s := range p.Skipped {
		lines = append(lines, t.labelled("passed", clean(short(s.Digest)+": "+s.Reason), yellow)...)
	}
	t.block(lines)
	return t.flush(w)
}

// past is a channel's history as JSON.
type past struct {
	Schema   int      `json:"schema"`
	Channel  string   `json:"channel"`
	Current  string   `json:"current"` // digest; "" for nothing
	Intact   bool     `json:"intact"`  // nothing is wrong with the chain
	Moves    []event  `json:"moves"`   // the oldest first
	Problems []string `json:"problems"`
}

type event struct {
	Tag       string    `json:"tag"` // that claimed the move
	Digest    string    `json:"digest"`
	Action    string    `json:"action"`
	Version   string    `json:"version"`
	At        time.Time `json:"at"`
	From      string    `json:"from"`
	By        string    `json:"by"`
	by        string    // for tables
	Run       string    `json:"run"`
	Reason    string    `json:"reason"`
	Overtaken bool      `json:"overtaken"` // the channel never pointed here
	Problem   string    `json:"problem"`   // why the move does not count; "" when it does
}

// Past writes a channel's history, the newest move last.
func Past(w io.Writer, h release.History, asJSON bool, style Style) error {
	p := past{Schema: Schema, Channel: h.Channel, Current: h.Current, Moves: []event{}, Problems: full(h.Problems)}
	p.Intact = len(h.Broken()) == 0
	for _, e := range h.Entries {
		m := event{
			Tag: e.Claim.Tag(), Digest: e.Digest, Action: string(e.Record.Action), Version: e.Record.Version, At: e.Record.At,
			From: e.Record.From, Run: e.Record.Run, Reason: e.Record.Reason, Overtaken: e.Overtaken, Problem: e.Problem,
		}
		if e.Problem == "" {
			m.By = e.By.String()
			m.by = signer(e.By)
		}
		p.Moves = append(p.Moves, m)
	}
	if asJSON {
		return document(w, p)
	}
	return p.text(w, style)
}

func (p past) text(w io.Writer, style Style) error {
	t := &textWriter{style: style}
	current := p.Current
	if current == "" {
		current = "nothing"
	}
	t.line(t.style.paint(clean(p.Channel), bold) + "  points to " + current)
	tab := table{columns: []column{{head: "WHEN"}, {head: "MOVE"}, {head: "VERSION"}, {head: "IMAGE"}, {head: "BY", flex: true}, {head: "NOTE", flex: true}}}
	for _, m := range p.Moves {
		note, action := m.Reason, m.Action
		switch {
		case m.Problem != "":
			action, note = "refused", m.Problem
		case m.Overtaken:
			note = "overtaken by a newer image"
		case note == "":
			note = m.Run
		}
		tab.add(when(m.At), action, clean(m.Version), short(m.Digest), m.by, clean(note))
	}
	t.rows(tab, "moves")
	var problems []string
	for _, problem := range p.Problems {
		problems = append(problems, t.labelled("problem", clean(problem), red)...)
	}
	t.block(problems)
	if p.Intact {
		t.block(t.labelled("chain", fmt.Sprintf("intact: %s, each signed", unit.Count(len(p.Moves), "move", "moves")), green))
	}
	return t.flush(w)
}

// signer is an identity as tables have it: a key by its first digits.
func signer(by sign.Identity) string {
	if by.Key != "" {
		by.Key = short(by.Key)
	}
	return clean(by.String())
}

// when is a time as tables have it, "" for none.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 MST")
}

func (t *textWriter) flush(w io.Writer) error {
	if _, err := io.WriteString(w, t.b.String()); err != nil {
		return fmt.Errorf("writing the report as text: %w", err)
	}
	return nil
}

// verified is a verification as JSON.
type verified struct {
	Schema       int         `json:"schema"`
	Passed       bool        `json:"passed"`
	Image        string      `json:"image"`
	Trusts       string      `json:"trusts"`
	Required     []string    `json:"required"`
	Signatures   []statement `json:"signatures"`
	Attestations []statement `json:"attestations"`
	Refused      []refusal   `json:"refused"`
}

type statement struct {
	Type      string          `json:"type"`
	By        string          `json:"by"`
	Identity  string          `json:"identity"`
	Issuer    string          `json:"issuer"`
	Key       string          `json:"key"`
	At        *time.Time      `json:"at"` // null when nobody vouches for a time
	Log       string          `json:"log"`
	Digest    string          `json:"digest"`
	Predicate json.RawMessage `json:"predicate,omitempty"`
}

type refusal struct {
	Digest string `json:"digest"`
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

func (v Verification) document() verified {
	d := verified{
		Schema: Schema, Passed: v.Passed, Image: v.Evidence.Subject.Name(), Trusts: v.Evidence.Trusts, Required: full(v.Required),
		Signatures: []statement{}, Attestations: []statement{}, Refused: []refusal{},
	}
	for _, s := range v.Evidence.Signatures {
		d.Signatures = append(d.Signatures, described(sign.SignaturePredicate, s))
	}
	for _, a := range v.Evidence.Attestations {
		s := described(a.PredicateType, a.Signature)
		s.Predicate = a.Predicate
		d.Attestations = append(d.Attestations, s)
	}
	for _, r := range v.Evidence.Refused {
		d.Refused = append(d.Refused, refusal{Digest: r.Digest, Type: r.PredicateType, Reason: r.Reason})
	}
	return d
}

func described(predicateType string, s sign.Signature) statement {
	d := statement{Type: predicateType, By: s.By.String(), Identity: s.By.Subject, Issuer: s.By.Issuer, Key: s.By.Key, Log: s.Log, Digest: s.Digest}
	if !s.At.IsZero() {
		at := s.At.UTC()
		d.At = &at
	}
	return d
}
