package main

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/org/ai-ship/testdata/digits/network"
)

func TestScores(t *testing.T) {
	// Three zeros, one of them named 1; one 1, named 1; the other digits absent.
	var s scores
	s[0][0], s[0][1], s[1][1] = 2, 1, 1
	if got := s.accuracy(); got != 0.75 {
		t.Errorf("accuracy = %v, want 0.75", got)
	}
	// Zeros: precision 1, recall 2/3, F1 4/5. Ones: precision 1/2, recall 1, F1 2/3.
	if got, want := s.f1(), (4.0/5+2.0/3)/2; math.Abs(got-want) > 1e-15 {
		t.Errorf("f1 = %v, want %v", got, want)
	}
	if got, ok := s.recall(0); !ok || got != 2.0/3 {
		t.Errorf("recall(0) = %v, %v; want 2/3", got, ok)
	}
	if got, ok := s.recall(2); ok {
		t.Errorf("recall(2) = %v, want none", got)
	}
}

func TestMissingDigitIsSkipped(t *testing.T) {
	net, err := network.Load(filepath.FromSlash(modelPath))
	if err != nil {
		t.Fatal(err)
	}
	var s scores
	s[3][3] = 1
	times := timings{samples: []time.Duration{3, 1, 2, 4}}
	doc := newDocument("m", net, s, times)
	junit := newSuites(doc, s, times)
	if junit.Suite.Skipped != 9 || junit.Suite.Cases[2].Skipped == nil || junit.Suite.Cases[5].Skipped != nil {
		t.Errorf("%d cases skipped, want all digits but 3", junit.Suite.Skipped)
	}
	if doc.Throughput != nil {
		t.Errorf("throughput %v from a clock that stood still", doc.Throughput)
	}
	if doc.median != "0.000000002" || doc.images != 1 {
		t.Errorf("median %s on %d images, want 0.000000002 on 1", doc.median, doc.images)
	}
}
