package trivy

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
)

func TestRecordsAreSorted(t *testing.T) {
	c := &collector{}
	logger := slog.New(&handler{to: c})
	logger.Error("before the scan")
	c.start()
	group := logger.WithGroup("x").With(slog.String("prefix", "python"), slog.String("file_path", "/opt/a"))
	group.Debug("Walk error", slog.Any("err", errors.New("parse\nerror")))
	logger.Debug("Something failed in a new version", slog.Any("err", errors.New("why")))
	logger.Warn("A new warning", slog.Int("n", 1))
	logger.Debug("A detail")
	logger.Info("A step")
	logger.Warn("The size of the scanned file is too large. It is recommended to skip it")
	logger.Debug("Skipping third-party packages", slog.Any("packages", []string{"cuda"}))
	incomplete, skips := gaps(c.take(), v1.Hash{})
	want := []scan.Incomplete{
		{ID: "walk-error", Path: "opt/a", Detail: "Walk error: parse error"},
		{ID: "analysis-error", Detail: "Something failed in a new version: why"},
		{ID: "analysis-error", Detail: "A new warning: n 1"},
	}
	if diff := cmp.Diff(want, incomplete); diff != "" {
		t.Errorf("incomplete (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]scan.Skip{{Reason: "Skipping third-party packages: packages [cuda]"}}, skips); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
	if again := c.take(); len(again) > 0 {
		t.Errorf("taken twice: %v", again)
	}
}

func TestNotesAreBounded(t *testing.T) {
	c := &collector{}
	c.start()
	logger := slog.New(&handler{to: c})
	for range 2 * maxNotes {
		logger.Warn(strings.Repeat("long ", 1000))
	}
	notes := c.take()
	if len(notes) != maxNotes+1 || len(notes[0].detail) > maxDetail+len("…") {
		t.Errorf("%d notes of %d bytes, want %d of %d", len(notes), len(notes[0].detail), maxNotes+1, maxDetail)
	}
	if last := notes[maxNotes]; last.kind() != "analysis-error" {
		t.Errorf("the last is %+v", last)
	}
}
