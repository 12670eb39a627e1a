package testreport

import "strings"

const torchPeak = "allocated_bytes.all.peak"

func isTorch(root node) bool { return root.has(torchPeak) }

// torch reads torch.cuda.memory_stats() written as JSON: flat, its keys dotted.
// The memory that a model needed is the peak of what was allocated, in bytes;
// what is reserved beyond it is PyTorch's cache.
func (w *walk) torch(root node) error {
	return w.each(root, func(key string, item node) error {
		counter, _, _ := strings.Cut(key, ".")
		switch {
		case key == torchPeak:
			return w.known(field{name: "gpu_memory", one: wholeBytes()}, item)
		case strings.HasSuffix(counter, "_bytes"):
			return w.known(field{name: key, one: wholeBytes()}, item)
		}
		return w.value(item)
	})
}
