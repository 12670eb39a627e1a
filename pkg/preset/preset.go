package preset

import (
	"fmt"
	"slices"
	"strings"
)

// Variable is one environment variable and why it is set.
type Variable struct {
	Name, Value, Why string
}

// Preset is a framework's environment, sorted by name.
type Preset struct {
	Name      string
	Summary   string
	Variables []Variable
}

// Names lists the presets, sorted; none is the empty one.
func Names() []string {
	return []string{"none", "onnxruntime", "pytorch", "tensorflow"}
}

// Of finds a preset by name. The empty name is none.
func Of(name string) (Preset, error) {
	switch name {
	case "", "none":
		return Preset{Name: "none", Summary: "sets nothing"}, nil
	case "pytorch":
		return compose(name, "PyTorch and Hugging Face services", append(python(), append(nvidia(), torch()...)...)), nil
	case "tensorflow":
		return compose(name, "TensorFlow and Keras services", append(python(), append(nvidia(), tensorflow()...)...)), nil
	case "onnxruntime":
		return compose(name, "ONNX Runtime services", append(python(), nvidia()...)), nil
	default:
		return Preset{}, fmt.Errorf("preset %q: expected one of %s", name, strings.Join(Names(), ", "))
	}
}

func compose(name, summary string, vars []Variable) Preset {
	slices.SortFunc(vars, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
	return Preset{Name: name, Summary: summary, Variables: vars}
}

func python() []Variable {
	return []Variable{
		{"MALLOC_ARENA_MAX", "2", "glibc opens up to eight arenas a core, and a threaded server then holds freed tensors in most of them; two keep resident memory near what is used"},
		{"PYTHONDONTWRITEBYTECODE", "1", "the service runs as a user who may not write beside the code, and bytecode written at start is lost with the container"},
		{"PYTHONUNBUFFERED", "1", "without it the last lines before a crash stay in a buffer and never reach the log"},
	}
}

func nvidia() []Variable {
	return []Variable{
		{"CUDA_MODULE_LOADING", "LAZY", "kernels load when first called: a faster start and hundreds of megabytes less GPU memory; newer CUDA does so by itself"},
		{"NVIDIA_DRIVER_CAPABILITIES", "compute,utility", "the container runtime mounts only these driver parts: CUDA and nvidia-smi, not graphics or video"},
		{"NVIDIA_VISIBLE_DEVICES", "all", "the container runtime gives no GPU to an image that does not ask; the scheduler still decides how many there are"},
	}
}

func torch() []Variable {
	return []Variable{
		{"HF_HUB_DISABLE_TELEMETRY", "1", "a production service reports to nobody without being asked"},
		{"PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True", "requests of varying length fragment the caching allocator until memory runs out with gigabytes free; segments that grow do not"},
		{"TOKENIZERS_PARALLELISM", "false", "a web server forks after the tokenizer has started its threads, which can deadlock; the library itself warns of it"},
	}
}

func tensorflow() []Variable {
	return []Variable{
		{"TF_CPP_MIN_LOG_LEVEL", "1", "leaves out the start-up information of every worker; warnings and errors stay"},
		{"TF_FORCE_GPU_ALLOW_GROWTH", "true", "TensorFlow otherwise takes all GPU memory at start, and a memory gate measures the card instead of the model"},
	}
}
