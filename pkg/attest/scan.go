package attest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	vulns "github.com/in-toto/attestation/go/predicates/vulns/v02"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/sign"
)

const maxDocument = 64 << 20 // bytes of an SBOM

// Scanned is what a scan is made a statement of.
type Scanned struct {
	Run      Run
	Scanner  string // URI
	Version  string // of the scanner
	Findings scan.Findings
}

// Statement is in-toto's vulns predicate: every finding, those that are ignored
// too, with the reason. It is an error without a database, since nothing was
// looked up then.
func (s Scanned) Statement() (sign.Statement, error) {
	db := s.Findings.Database
	if db == nil {
		return sign.Statement{}, errors.New("writing the vulnerabilities: nothing was looked up")
	}
	p := &vulns.Vulns{
		Scanner: &vulns.Scanner{
			Uri: s.Scanner, Version: &s.Version,
			Db: &vulns.VulnDatabase{Uri: &db.Ref, Version: &db.Digest, LastUpdate: timestamppb.New(db.UpdatedAt)},
		},
		Metadata: &vulns.ScanMetadata{ScanStartedOn: timestamppb.New(s.Run.Started), ScanFinishedOn: timestamppb.New(s.Run.Finished)},
	}
	for _, f := range s.Findings.Vulnerabilities {
		about := map[string]any{"package": f.Package, "version": f.Version, "fixed": f.Fixed, "purl": f.PURL, "path": f.Path, "layer": f.Layer.String(), "link": f.Link}
		if f.Ignored != nil {
			about["ignored"], about["ignoredUntil"] = f.Ignored.Reason, f.Ignored.Until
		}
		note, err := structpb.NewStruct(about)
		if err != nil {
			return sign.Statement{}, fmt.Errorf("writing the vulnerability %q: %w", f.ID, err)
		}
		p.Scanner.Result = append(p.Scanner.Result, &vulns.Result{
			Id: f.ID, Severity: []*vulns.Result_Severity{{Method: "trivy", Score: f.Severity.String()}}, Annotations: []*structpb.Struct{note},
		})
	}
	return encoded(Vulnerabilities, p)
}

// ScannedOn is when a verified statement of Scanned says that the scan ended.
func ScannedOn(s sign.Statement) (time.Time, error) {
	var p vulns.Vulns
	if len(s.Predicate) > maxDocument {
		return time.Time{}, fmt.Errorf("reading the vulnerabilities: found %d bytes, expected at most %d", len(s.Predicate), maxDocument)
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(s.Predicate, &p); err != nil {
		return time.Time{}, fmt.Errorf("reading the vulnerabilities: %w", err)
	}
	at := p.GetMetadata().GetScanFinishedOn()
	if at == nil || at.CheckValid() != nil {
		return time.Time{}, errors.New("reading the vulnerabilities: the scan has no end")
	}
	return at.AsTime(), nil
}

// skew is how far another machine's clock may be ahead.
const skew = 5 * time.Minute

// LastScan is when the newest scan that is attested ended, zero for none. A
// statement that cannot be read, or whose scan ends after now, counts for none.
func LastScan(e sign.Evidence, now time.Time) (last time.Time) {
	for _, a := range e.Attestations {
		if a.PredicateType != Vulnerabilities {
			continue
		}
		if at, err := ScannedOn(a.Statement); err == nil && at.After(last) && !at.After(now.Add(skew)) {
			last = at
		}
	}
	return last
}

// LastBill is the CycloneDX document that was made last of those that are
// attested, nil for none. One that does not say when it was made is an error.
func LastBill(e sign.Evidence) (document []byte, err error) {
	var last time.Time
	for _, a := range e.Attestations {
		if a.PredicateType != SBOM {
			continue
		}
		var bill struct {
			Metadata struct {
				Timestamp time.Time `json:"timestamp"`
			} `json:"metadata"`
		}
		if len(a.Predicate) > maxDocument {
			return nil, fmt.Errorf("reading the SBOM: found %d bytes, expected at most %d", len(a.Predicate), maxDocument)
		}
		if err := json.Unmarshal(a.Predicate, &bill); err != nil {
			return nil, fmt.Errorf("reading the SBOM: %w", err)
		}
		made := bill.Metadata.Timestamp
		if made.IsZero() {
			return nil, errors.New("reading the SBOM: it has no metadata.timestamp")
		}
		if made.After(last) {
			document, last = a.Predicate, made
		}
	}
	return document, nil
}

// Bill is a CycloneDX document as a statement.
func Bill(document []byte) (sign.Statement, error) {
	var out bytes.Buffer
	if err := json.Compact(&out, document); err != nil {
		return sign.Statement{}, fmt.Errorf("writing the SBOM: %w", err)
	}
	if out.Len() > maxDocument {
		return sign.Statement{}, fmt.Errorf("writing the SBOM: found %d bytes, expected at most %d", out.Len(), maxDocument)
	}
	return sign.Statement{PredicateType: SBOM, Predicate: out.Bytes()}, nil
}
