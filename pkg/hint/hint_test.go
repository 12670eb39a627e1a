package hint_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/org/ai-ship/pkg/hint"
)

func TestOf(t *testing.T) {
	inner := hint.Wrap(io.ErrUnexpectedEOF, "look at the file")
	for _, tc := range []struct {
		name string
		err  error
		want []string
	}{
		{"nil", nil, nil},
		{"plain", io.EOF, nil},
		{"wrapped", fmt.Errorf("reading: %w", inner), []string{"look at the file"}},
		{"outermost first", hint.Wrap(inner, "run doctor"), []string{"run doctor", "look at the file"}},
		{"joined without repeats", errors.Join(inner, io.EOF, inner), []string{"look at the file"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := hint.Of(tc.err); !slices.Equal(got, tc.want) {
				t.Errorf("Of(%v) = %q, want %q", tc.err, got, tc.want)
			}
		})
	}
}

func TestWrapKeepsTheError(t *testing.T) {
	err := hint.Wrap(io.EOF, "advice")
	if !errors.Is(err, io.EOF) || err.Error() != "EOF" {
		t.Errorf("Wrap changed the error: %v", err)
	}
	if hint.Wrap(nil, "advice") != nil {
		t.Error("Wrap(nil) is not nil")
	}
}
