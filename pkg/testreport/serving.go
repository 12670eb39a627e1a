package testreport

import (
	"fmt"
	"slices"
	"strings"
)

func isServing(root node) bool {
	known := func(key string) bool { _, ok := servingField(key); return ok }
	return root.has("request_throughput") && root.has("completed") && slices.ContainsFunc(root.names, known)
}

func isSGLang(root node) bool {
	last := func(key string) bool { return strings.HasSuffix(key, "_e2e_latency_ms") }
	return isServing(root) && slices.ContainsFunc(root.names, last)
}

// serving reads the result of vLLM's bench serve and of SGLang's bench_serving:
// flat, latencies in milliseconds with the statistic before the name. What
// --save-detailed adds about single requests counts failed ones as 0, so it is
// left alone. Of each completed request there is one latency and one time to
// the first token; of the other times the report does not say how many.
func (w *walk) serving(root node) error {
	err := w.each(root, func(key string, item node) error {
		if f, ok := servingField(key); ok {
			if f.name == "time_to_first_token" || f.name == "latency" {
				f.count = root.member("completed").many()
			}
			return w.known(f, item)
		}
		switch key {
		case "duration":
			return w.known(field{name: key, one: seconds()}, item)
		case "request_throughput":
			return w.known(field{name: "throughput"}, item)
		case "output_throughput":
			return w.known(field{name: "tokens_per_second"}, item)
		case "ttfts", "itls", "input_lens", "output_lens", "start_times", "generated_texts", "errors":
			if item.kind == '[' {
				return nil
			}
		}
		return w.value(item)
	})
	if err != nil {
		return err
	}
	return w.requests(root)
}

// requests adds a failure if a request failed, or none succeeded: the latencies
// are those of the others, 0 where there are none.
func (w *walk) requests(root node) error {
	completed, err := w.countOf(root, "completed")
	if err != nil {
		return err
	}
	failed, place := 0, "completed"
	switch {
	case root.has("failed"):
		place = "failed"
		failed, err = w.countOf(root, place)
	case root.has("num_prompts"):
		failed, err = w.countOf(root, "num_prompts")
		failed -= completed
	}
	if err != nil || failed <= 0 && completed > 0 {
		return err
	}
	return w.in(place, func() error {
		return w.fail("requests", fmt.Sprintf("%d failed, %d completed", max(failed, 0), completed))
	})
}

func (w *walk) countOf(n node, name string) (many int, err error) {
	err = w.in(name, func() error {
		many, err = w.count(n.member(name))
		return err
	})
	return many, err
}

// servingField knows the latencies, p99_ttft_ms for example.
func servingField(key string) (field, bool) {
	rest, ok := strings.CutSuffix(key, "_ms")
	stat, what, found := strings.Cut(rest, "_")
	stat, known := statistic(stat)
	f := field{stat: stat, one: milliseconds()}
	switch what {
	case "ttft":
		f.name = "time_to_first_token"
	case "tpot":
		f.name = "time_per_output_token"
	case "itl":
		f.name = "inter_token_latency"
	case "e2el", "e2e_latency":
		f.name = "latency"
	default:
		return field{}, false
	}
	return f, ok && found && known
}
