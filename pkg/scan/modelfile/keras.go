package modelfile

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"errors"
	"io"

	"github.com/org/ai-ship/pkg/scan"
)

const (
	maxKerasText  = 32 << 20 // bytes of a model's description
	maxKerasDepth = 256      // of its nesting; models within models need a few dozen
	convertKeras  = "Build the model from its own code and ship its weights only, as safetensors or .weights.h5."
)

// inspectKerasZip reads the description and the metadata of a Keras 3 archive.
// The weights in it are inspected as members of their own.
func inspectKerasZip(ctx context.Context, in *input, members []member) {
	in.card.Framework = "keras"
	for _, m := range members {
		if !in.alive(ctx) {
			return
		}
		if m.name != "config.json" && m.name != "metadata.json" {
			continue
		}
		if m.in.Size > maxKerasText {
			m.in.unscanned("the description has %d bytes, the limit is %d", m.in.Size, maxKerasText)
			continue
		}
		top := kerasConfig(m.in, m.in.at(0, maxKerasText))
		switch {
		case m.name == "metadata.json":
			in.card.Version = shown(top.text("keras_version"), maxName)
		case top.text("class_name") != "":
			in.card.Architecture = shown(top.text("class_name"), maxName)
		}
	}
}

// kerasConfig walks a model's description, as Keras 3 and its predecessors write
// it, reports what it would run, and returns the outermost object.
func kerasConfig(in *input, text []byte) kerasObject {
	w := &kerasWalk{in: in, dec: pythonDecoder(text)}
	v, err := w.value(0)
	if err == nil {
		if _, err = w.dec.ReadToken(); errors.Is(err, io.EOF) {
			err = nil
		} else if err == nil {
			err = errors.New("more follows its end")
		}
	}
	if err != nil {
		in.unscanned("the description is not readable as JSON to its end: %s", shown(err.Error(), maxName))
	}
	return v.object
}

// kerasAt is kerasConfig for a text that stands at off of the content.
func kerasAt(in *input, text []byte, off int64) kerasObject {
	before := len(in.risks)
	top := kerasConfig(in, text)
	for i := before; i < len(in.risks); i++ {
		in.risks[i].Offset += off
	}
	return top
}

// pythonDecoder reads JSON as Python does: duplicate keys, and numbers that are
// none (these are replaced by others of the same length).
func pythonDecoder(text []byte) *jsontext.Decoder {
	text = bytes.Clone(text)
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quoted:
			i++
		case text[i] == '"':
			quoted = !quoted
		case quoted:
		case bytes.HasPrefix(text[i:], []byte("NaN")):
			copy(text[i:], "0.0")
		case bytes.HasPrefix(text[i:], []byte("Infinity")):
			copy(text[i:], "1.000000")
		}
	}
	return jsontext.NewDecoder(bytes.NewBuffer(text),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// kerasValue is what is kept of a value: a text, the first text of a list, or an
// object.
type kerasValue struct {
	text         string
	isText, list bool
	object       kerasObject
}

// kerasObject holds those keys of an object that say what is loaded.
type kerasObject map[string]kerasValue

func (o kerasObject) text(key string) string {
	if v := o[key]; v.isText {
		return v.text
	}
	return ""
}

// isKerasKey are the keys that are kept. What other keys hold is walked, then forgotten.
func isKerasKey(key string) bool {
	return oneOf(key, "module class_name registered_name fn_name config function function_type "+
		"vocabulary idf_weights merges cls_symbol keras_version")
}

type kerasWalk struct {
	in  *input
	dec *jsontext.Decoder
}

// value reads one value; err is of the JSON or of a limit.
func (w *kerasWalk) value(depth int) (kerasValue, error) {
	if depth > maxKerasDepth {
		return kerasValue{}, errors.New("it is nested too deep")
	}
	t, err := w.dec.ReadToken()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return kerasValue{}, err
	}
	if !w.in.spend(1) {
		return kerasValue{}, errors.New("it has too many values")
	}
	switch t.Kind() {
	case '"':
		return kerasValue{text: t.String(), isText: true}, nil
	case '{':
		o, err := w.members(depth)
		return kerasValue{object: o}, err
	case '[':
		list := kerasValue{list: true}
		for first := true; w.dec.PeekKind() != ']'; first = false {
			v, err := w.value(depth + 1)
			if err != nil {
				return list, err
			}
			if first {
				list.text = v.text
			}
		}
		_, err := w.dec.ReadToken()
		return list, err
	}
	return kerasValue{}, nil
}

// members reads an object to its end and judges it, even when it breaks off.
func (w *kerasWalk) members(depth int) (kerasObject, error) {
	start := w.dec.InputOffset() - 1
	o := kerasObject{}
	defer func() { judgeKeras(w.in, o, start) }()
	for w.dec.PeekKind() != '}' {
		t, err := w.dec.ReadToken()
		if err != nil {
			return o, err
		}
		key := t.String()
		v, err := w.value(depth + 1)
		if err != nil {
			return o, err
		}
		if !isKerasKey(key) {
			continue
		}
		if old, ok := o[key]; ok && oneOf(key, "module class_name registered_name fn_name config function") {
			w.in.risk(Risk{
				Rule: "keras-duplicate", Severity: scan.High, Offset: start, Calls: key + " " + old.text + " and " + v.text,
				Why:     "An object has the same key twice, so that what it is depends on the reader.",
				Convert: convertKeras,
			})
			judgeKeras(w.in, o, start)
		}
		o[key] = v
	}
	_, err := w.dec.ReadToken()
	return o, err
}
