package modelfile

import "strings"

// flatbuffer writes a table at the place it is given; fields are 4 bytes each, an
// empty one is absent. What the fields refer to is built behind it.
type flatbuffer struct{ b []byte }

func (w *flatbuffer) patch(at, v int) { copy(w.b[at:], le(uint64(v), 4)) }

// table appends a table, and returns where it and its fields stand.
func (w *flatbuffer) table(fields ...int) (int, []int) {
	vtable := len(w.b)
	w.b = append(w.b, le(uint64(4+2*len(fields)), 2)+le(uint64(4+4*len(fields)), 2)...)
	for i := range fields {
		w.b = append(w.b, le(uint64(4+4*i), 2)...)
	}
	at, places := len(w.b), []int{}
	w.b = append(w.b, le(uint64(at-vtable), 4)...)
	for _, v := range fields {
		places = append(places, len(w.b))
		w.b = append(w.b, le(uint64(v), 4)...)
	}
	return at, places
}

// list appends a vector of n elements of 4 bytes, to which the field at place leads.
func (w *flatbuffer) list(place, n int) int {
	w.patch(place, len(w.b)-place)
	w.b = append(w.b, le(uint64(n), 4)+strings.Repeat("\x00", 4*n)...)
	return len(w.b) - 4*n
}

func (w *flatbuffer) text(place int, s string) {
	w.patch(place, len(w.b)-place)
	w.b = append(w.b, le(uint64(len(s)), 4)+s...)
}

// tflite is a model with one operator, a tensor of 2 × 3 and two buffers; places
// are: root, version, operators, subgraphs, buffers, operator code, shape, content.
func tflite(op string, code int) (string, map[string]int) {
	w := &flatbuffer{b: []byte(le(0, 4) + "TFL3")}
	root, m := w.table(3, 0, 0, 0, 0)
	w.patch(0, root)
	w.patch(m[3], 4) // no description, but an offset must lead somewhere
	ops := w.list(m[1], 1)
	o, of := w.table(min(code, 127), 0, 1, code)
	w.patch(ops, o-ops)
	w.text(of[1], op)
	graphs := w.list(m[2], 1)
	g, gf := w.table(0)
	w.patch(graphs, g-graphs)
	tensors := w.list(gf[0], 1)
	t, tf := w.table(0, 0, 1)
	w.patch(tensors, t-tensors)
	shape := w.list(tf[0], 2)
	w.patch(shape, 2)
	w.patch(shape+4, 3)
	buffers := w.list(m[4], 2)
	places := map[string]int{"root": 0, "version": m[0], "operators": m[1], "subgraphs": m[2], "buffers": m[4],
		"code": ops, "name": of[1], "shape": shape, "tensor's buffer": tf[2], "vtable": root - 14}
	for i := range 2 {
		b, bf := w.table(0)
		w.patch(buffers+4*i, b-buffers-4*i)
		w.text(bf[0], strings.Repeat("\x00", 24*i))
		places["content"] = bf[0]
	}
	return string(w.b), places
}

func hostileTFLite() []hostile {
	op := func(name, op string, want string) hostile {
		content, _ := tflite(op, 32)
		return hostile{"tflite: " + name, "m.tflite", content, want}
	}
	set := func(name, place string, v int, want string) hostile {
		content, places := tflite("", 3)
		return hostile{"tflite: " + name, "m.tflite", content[:places[place]] + le(uint64(v), 4) + content[places[place]+4:], want}
	}
	plain, places := tflite("", 3)
	hidden, _ := tflite("Hidden", 3)
	return []hostile{
		op("custom operator", "EvilOp", "tflite-custom-op EvilOp"),
		op("custom operator without a name", "", "tflite-custom-op"),
		{"tflite: a name with a builtin code", "m.tflite", hidden, "tflite-custom-op Hidden"},
		op("flex", "FlexErf", "tflite-flex-op FlexErf"),
		op("flex that reads files", "FlexReadFile", "tflite-flex-op FlexReadFile"),
		op("terminal codes", "a\x1b[2J", "tflite-custom-op a\\u001b"),
		set("root outside", "root", 1<<30, "?out of the file"),
		set("root zero", "root", 0, "?out of the file, or nowhere"),
		set("negative offset", "operators", 1<<32-8, "?out of the file"),
		set("version", "version", 9, "?of version 9"),
		set("operators outside", "operators", 1<<20, "?out of the file"),
		set("code outside", "code", 1<<20, "?out of the file"),
		set("name outside", "name", 1<<20, "?out of the file"),
		set("subgraphs outside", "subgraphs", 1<<20, "?out of the file"),
		set("buffers outside", "buffers", 1<<20, "?out of the file"),
		set("content outside", "content", 1<<20, "?out of the file"),
		set("negative shape", "shape", 1<<31, "?negative"),
		set("no such buffer", "tensor's buffer", 7, "?does not exist"),
		set("vtable", "vtable", 3, "?list of fields"),
		{"tflite: truncated", "m.tflite", plain[:places["content"]], "?out of the file"},
		{"tflite: no identifier", "m.tflite", "\x04\x00\x00\x00nope", "?identifier"},
		{"tflite: list longer than the file", "m.tflite", longList(plain, places), "?longer than the file"},
	}
}

// longList says that there are 2³¹ operators.
func longList(content string, places map[string]int) string {
	at := places["code"] - 4
	return content[:at] + le(1<<31, 4) + content[at+4:]
}
