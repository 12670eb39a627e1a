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

func TestNear(t *testing.T) {
	names := []string{"accuracy", "latency", "latency_p95", "gpu_memory", "f1"}
	for _, tc := range []struct {
		want  string
		names []string
	}{
		{"acuracy", []string{"accuracy"}},
		{"Latency", []string{"latency", "latency_p95"}},
		{"memory", []string{"gpu_memory"}},
		{"throughput", nil},
		{"", nil},
	} {
		if got := hint.Near(tc.want, names); !slices.Equal(got, tc.names) {
			t.Errorf("Near(%q) = %q, want %q", tc.want, got, tc.names)
		}
	}
	if got := hint.Near("aa", []string{"ab", "ac", "ad", "ae", "ab"}); !slices.Equal(got, []string{"ab", "ac", "ad"}) {
		t.Errorf("Near = %q, want three, each once", got)
	}
}
