package modelfile

import (
	"math"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// external is where the numbers of a tensor lie when they are not in the file.
type external struct {
	keys, values []string
	outside      bool // the tensor says that they are in another file
}

// entry reads a key and its value.
func (e *external) entry(o *onnx, f protoField) {
	const most = 16 // there are five
	key, value := "", ""
	o.message(f.end, func(s protoField) {
		switch {
		case s.isBytes(1):
			key = o.text(s)
		case s.isBytes(2):
			value = o.text(s)
		}
	})
	if len(e.keys) == most {
		o.in.unscanned("a tensor has more than %d entries on where it lies", most)
		return
	}
	e.keys, e.values = append(e.keys, key), append(e.values, value)
}

// judge checks every entry, for of several with the same key one reader takes the
// first and another the last. What a location leads to is for [Scanner] to see.
func (e *external) judge(in *input, at int64) {
	numbers := map[string]int64{}
	located := false
	for i, key := range e.keys {
		value := e.values[i]
		switch key {
		case "location":
			located = true
			e.location(in, value, at)
		case "offset", "length":
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil || n < 0 || numbers["offset"] > math.MaxInt64-n || numbers["length"] > math.MaxInt64-n {
				externalRisk(in, "onnx-external-range", scan.High, at, key+" "+value,
					"A tensor's place in another file is negative, no number, or beyond any file.")
			}
			numbers[key] = max(0, n)
		case "checksum":
		default:
			severity := scan.Medium
			if strings.HasPrefix(key, "__") || key == "basepath" {
				severity = scan.High
			}
			if !strings.HasPrefix(key, "prepacked") {
				externalRisk(in, "onnx-external-key", severity, at, key+" "+value,
					"A tensor sets a property that the format does not have, which old readers put on their own objects.")
			}
		}
	}
	if e.outside && !located {
		externalRisk(in, "onnx-external-path", scan.Medium, at, "no location",
			"A tensor's numbers are in another file that is not named.")
	}
}

func (e *external) location(in *input, file string, at int64) {
	switch {
	case strings.Contains(file, "_ORT_MEM_ADDR_"):
		externalRisk(in, "onnx-external-path", scan.High, at, "location "+file,
			"A tensor's place is an address in memory, which ONNX Runtime keeps for itself (kTensorProtoMemoryAddressTag).")
	case file == "" || escapes(file):
		externalRisk(in, "onnx-external-path", scan.High, at, "location "+file,
			"A tensor is read from a file outside of the model's folder (CVE-2022-25882, CVE-2024-27318, CVE-2024-5187).")
	default:
		externalRisk(in, "onnx-external", scan.Low, at, file,
			"Numbers of the model are in another file, which must be shipped and checked with it.")
		in.needs(file)
	}
}

// needs notes a file that must lie beside this one; members of archives have none.
func (in *input) needs(file string) {
	const most = 10_000 // files of a model
	switch {
	case in.member != "" || in.needing[file]:
	case len(in.needed) == most:
		in.unscanned("the model names more files beside it than the limit of %d", most)
	default:
		if in.needing == nil {
			in.needing = make(map[string]bool)
		}
		in.needing[file] = true
		in.needed = append(in.needed, file)
	}
}

func externalRisk(in *input, rule string, severity scan.Severity, at int64, calls, why string) {
	in.risk(Risk{Rule: rule, Severity: severity, Offset: at, Calls: calls, Why: why, Convert: convertONNX})
}
