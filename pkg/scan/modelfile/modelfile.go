package modelfile

import (
	"io"

	"github.com/org/ai-ship/pkg/scan"
)

// Source is one file: its path in the image, its size in bytes, and its content.
// ReadAt is safe for concurrent use. The content must not change while it is
// inspected.
type Source struct {
	Path string // slash-separated, no leading slash; for messages, and for files that belong together
	Size int64
	io.ReaderAt
}

// Report is what a file is and what loading it would do.
type Report struct {
	Path string
	Card Card
	// Risks are in the order in which they were found: by member, then by offset.
	Risks []Risk
	// Unscanned is why the file could not be read to its end, or a part of it
	// not at all; empty when everything was looked at. Risks found before stay.
	Unscanned string

	wanted []wanted
	needed []string // files that it must have beside it, by paths from its folder
	notes  notes    // of a model card: about the models beside it
}

// Card is what the file says it is. Fields are empty or 0 where it does not say.
type Card struct {
	Format       Format
	Framework    string // such as pytorch, keras
	Version      string // of the framework or of the format, as the file has it
	Architecture string // such as llama
	Dtypes       []string
	Parameters   int64
	Quantisation string
	License      string   // SPDX identifier where the file has one
	Datasets     []string // that the model card names
}

// Format is what a file is, by its content.
type Format string

// The formats. A file of none of them is Other, which is not looked into.
const (
	Pickle      Format = "pickle"
	PyTorch     Format = "pytorch" // zip with pickles
	TorchLegacy Format = "pytorch-legacy"
	TorchScript Format = "torchscript"
	Joblib      Format = "joblib" // pickle with arrays between its opcodes, perhaps compressed
	NumPy       Format = "npy"
	NumPyZip    Format = "npz"
	Keras       Format = "keras" // zip, version 3
	HDF5        Format = "hdf5"
	SavedModel  Format = "saved-model"
	TFLite      Format = "tflite"
	ONNX        Format = "onnx"
	GGUF        Format = "gguf"
	Safetensors Format = "safetensors"
	JSON        Format = "json" // configs and tokenizers of a model folder
	Archive     Format = "archive"
	Other       Format = "other"
)

// Risk is one thing that loading the file would do, or might.
type Risk struct {
	Rule     string // stable identifier, such as pickle-global
	Severity scan.Severity
	Member   string // path inside of archives, outermost first, joined by "!"; empty for the file itself
	Offset   int64  // bytes from the start of the member; -1 where there is none
	Calls    string // what would be called or loaded, such as os.system; cut to 200 characters
	Why      string // one sentence
	Convert  string // one sentence: what to ship instead; may be empty
}
