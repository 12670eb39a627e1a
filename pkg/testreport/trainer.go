package testreport

import "strings"

// isTrainer looks for the speed that the Trainer adds to every split's metrics.
func isTrainer(root node) bool {
	for _, split := range []string{"eval", "predict", "test", "train"} {
		if root.has(split+"_runtime") && root.has(split+"_samples_per_second") {
			return true
		}
	}
	return false
}

// trainer reads the all_results.json and eval_results.json of Hugging Face's
// Trainer. The split before a name is taken off and becomes a label. Training's
// own numbers keep it, for its loss is not the model's.
func (w *walk) trainer(root node) error {
	return w.each(root, func(key string, item node) error {
		split, score, _ := strings.Cut(key, "_")
		switch split {
		case "eval", "predict", "test", "train":
		default:
			return w.value(item)
		}
		f, certain := trainerField(split, score)
		if !certain && score != "samples" {
			f.count = root.member(split + "_samples").many()
		}
		if _, numeric := f.metric(item.number()); !certain && (f.name == "" || !item.scalar() || !numeric) {
			return w.value(item)
		}
		return w.labelled(func() error { return w.known(f, item) }, Label{"split", split})
	})
}

// trainerField says what a score is, and whether the Trainer itself defines it.
func trainerField(split, score string) (field, bool) {
	name := score
	if split == "train" {
		name = split + "_" + score
	}
	switch {
	case score == "runtime":
		return field{name: name, one: seconds()}, true
	case score == "samples_per_second" && split != "train":
		return field{name: "throughput"}, true
	case score == "mem_gpu_peaked_delta":
		return field{name: "gpu_memory", one: wholeBytes()}, true
	case strings.HasPrefix(score, "mem_") && strings.HasSuffix(score, "_delta"):
		return field{name: name, one: wholeBytes()}, true
	}
	f := parseField(name)
	f.name = usual(f.name)
	return f, false
}
