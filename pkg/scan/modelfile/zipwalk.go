package modelfile

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// inspectZip opens a zip by its central directory and by its local headers, and
// inspects all members of both.
func inspectZip(ctx context.Context, in *input) {
	in.card.Format = Archive
	d, err := findDirectory(in)
	if err != nil {
		in.unscanned("the zip cannot be opened: %v", err)
		salvage(ctx, in, 0, in.Size, nil)
		return
	}
	z := &archive{in: in, names: map[string]bool{}}
	z.entries(ctx, d)
	z.gaps(ctx, d)
	z.contents(ctx)
}

// archive is a zip that is being read.
type archive struct {
	in      *input
	names   map[string]bool
	spans   []span
	opened  []packed // what there is to inspect
	script  bool     // it holds TorchScript's code
	members []member
}

// span is the part of the file that a member takes: header, content, descriptor.
type span struct{ start, end int64 }

// packed is a member that was found and not yet unpacked.
type packed struct {
	header
	name string // for messages
	as   string // what distinguishes another reading of the same member
}

// entries goes through the central directory.
func (z *archive) entries(ctx context.Context, d directory) {
	if d.shift > 0 && !isLauncher(z.in, d.shift) {
		z.in.risk(zipRisk("zip-prefix", 0, fmt.Sprintf("%d bytes before the archive", d.shift),
			"Something stands before the archive, which a loader that reads from the start takes for the file."))
	}
	if d.twofold {
		z.in.risk(zipRisk("zip-two-ends", d.record, "zip64",
			"The archive's two end records lead to different directories: which members there are depends on the reader."))
	}
	for i, c := range d.entries {
		if i%1024 == 0 && !z.in.alive(ctx) {
			return
		}
		if int64(len(z.opened)) > z.in.left.members {
			z.in.unscanned("it holds more members than the limit for one file")
			return
		}
		z.entry(c, d)
	}
}

// isLauncher reports whether the n bytes before a zip are what makes it a program
// (a line such as #!/usr/bin/python3) or a Java module: no loader of models begins
// with either.
func isLauncher(in *input, n int64) bool {
	const most = 256 // bytes of a line
	b := in.at(0, int(min(n, most)))
	if string(b) == "JM\x01\x00" {
		return true
	}
	return int64(len(b)) == n && bytes.HasPrefix(b, []byte("#!")) && bytes.IndexByte(b, '\n') == len(b)-1
}

func (z *archive) entry(c header, d directory) {
	if folded := strings.ToLower(c.name); z.names[folded] {
		z.in.risk(zipRisk("zip-duplicate", c.at, c.name,
			"Two members have the same name: one reader takes the first, another the last."))
	} else {
		z.names[folded] = true
	}
	checkHeader(z.in, c)
	at := c.local + d.shift
	l, ok := localAt(z.in, at)
	if c.local < 0 || !ok || c.packed < 0 || c.unpacked < 0 || l.packed < 0 || l.unpacked < 0 {
		z.in.unscanned("the member %q has no readable local header", shown(c.name, maxName))
		return
	}
	compare(z.in, c, l)
	if l.flags != c.flags {
		checkHeader(z.in, l)
	}
	if c.packed > d.start-l.data {
		z.in.unscanned("the member %q is longer than the archive", shown(c.name, maxName))
		c.packed = max(0, d.start-l.data)
	}
	end := l.data + c.packed
	if c.flags&flagDescriptor != 0 || l.flags&flagDescriptor != 0 {
		end += descriptorAt(z.in, end, c)
	}
	z.spans = append(z.spans, span{at, end})
	c.data = l.data
	z.opened = append(z.opened, packed{header: c, name: c.name})
	if other := l; other.method != c.method || other.packed != c.packed && other.packed > 0 && other.flags&flagDescriptor == 0 {
		other.packed = min(other.packed, d.start-l.data)
		if other.packed <= 0 {
			other.packed = c.packed
		}
		z.opened = append(z.opened, packed{header: other, name: l.name, as: " (by its local header)"})
	}
	if strings.Contains("/"+c.name, "/code/") && strings.HasSuffix(c.name, ".py") {
		z.script = true
	}
}

// descriptorAt is the length of the data descriptor (§4.3.9) at a place: with or
// without its signature, with sizes of 4 or 8 bytes. 0 when there is none.
func descriptorAt(in *input, at int64, c header) int64 {
	b := in.at(at, 24)
	start := 0
	if len(b) >= 4 && string(b[:4]) == descMagic {
		start = 4
	}
	for _, wide := range []int{8, 4} {
		if size := start + 4 + 2*wide; len(b) >= size &&
			littleEndian(b[start:start+4]) == uint64(c.crc) &&
			littleEndian(b[start+4:start+4+wide]) == uint64(c.packed) && //nolint:gosec // not negative
			littleEndian(b[start+4+wide:size]) == uint64(c.unpacked) { //nolint:gosec // not negative
			return int64(size)
		}
	}
	return 0
}

func littleEndian(b []byte) uint64 {
	n := uint64(0)
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	return n
}

// gaps reports what lies in the file and belongs to no member: members that only
// the local headers know, a second archive, data before, between and behind.
func (z *archive) gaps(ctx context.Context, d directory) {
	slices.SortFunc(z.spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	at := d.shift
	for _, s := range z.spans {
		if s.start < at && s.end > s.start {
			z.in.risk(zipRisk("zip-overlap", s.start, "members that overlap",
				"Two members share bytes, as in an archive that unpacks to far more than it has."))
		}
		if s.start > at {
			z.gap(ctx, at, s.start)
		}
		at = max(at, s.end)
	}
	if d.start > at {
		z.gap(ctx, at, d.start)
	}
	if d.shift > 0 {
		salvage(ctx, z.in, 0, d.shift, z)
		hunt(ctx, z.in, 0)
	}
	for _, record := range endRecords(z.in) {
		within := slices.ContainsFunc(z.spans, func(s span) bool { return s.start <= record && record < s.end })
		if record != d.record && !within {
			z.in.risk(zipRisk("zip-two-ends", record, "more than one end record",
				"The archive ends twice, with a directory each: which members there are depends on the reader."))
		}
	}
	switch {
	case d.end > z.in.Size:
		z.in.unscanned("the zip's comment is longer than the file")
	case d.end < z.in.Size:
		trailing(ctx, z.in, d.end)
	}
}

// gap reports bytes between members, and takes members out of them.
func (z *archive) gap(ctx context.Context, from, to int64) {
	if _, ok := localAt(z.in, from); ok {
		salvage(ctx, z.in, from, to, z)
		return
	}
	z.in.risk(zipRisk("zip-gap", from, fmt.Sprintf("%d bytes of no member", to-from),
		"Bytes lie between the members, where no reader of the directory looks."))
	hunt(ctx, z.in, from)
}

// salvage inspects members by their local headers only, as readers do that go
// through the archive from its start. Without an archive around it, the members
// are inspected at once.
func salvage(ctx context.Context, in *input, from, to int64, z *archive) {
	alone := z == nil
	if alone {
		z = &archive{in: in, names: map[string]bool{}}
	}
	for at := from; at < to && in.alive(ctx); {
		l, ok := localAt(in, at)
		if !ok {
			break
		}
		if !alone {
			in.risk(zipRisk("zip-hidden", at, l.name,
				"The member is not in the archive's directory: only a reader that goes from the start finds it."))
		}
		checkHeader(in, l)
		if l.packed < 0 || l.packed > to-l.data || l.packed == 0 && l.flags&flagDescriptor != 0 {
			l.packed = to - l.data
		}
		if l.packed < 0 || int64(len(z.opened)) > in.left.members {
			break
		}
		z.opened = append(z.opened, packed{header: l, name: l.name})
		at = l.data + l.packed
	}
	if alone {
		z.contents(ctx)
	}
}

// contents inspects the members, and then says what the whole is.
func (z *archive) contents(ctx context.Context) {
	in := z.in
	keras := z.keras()
	for _, p := range z.opened {
		if !in.alive(ctx) {
			return
		}
		if strings.HasSuffix(p.name, "/") && p.packed == 0 {
			continue
		}
		m := in.inside(p.name+p.as, p.packed, io.NewSectionReader(in, p.data, p.packed))
		if m == nil {
			return
		}
		m.torchscript = z.script
		if path.Base(p.name) == "data.pkl" {
			m.storages = map[string]int64{}
		}
		m.Size, m.ReaderAt = p.packed, io.NewSectionReader(in, p.data, p.packed)
		if !p.open(ctx, m) {
			continue
		}
		z.members = append(z.members, member{p.name, m})
		keras = keras || p.name == "config.json" && describesKeras(m)
		if keras && (p.name == "config.json" || p.name == "metadata.json") {
			continue // inspectKerasZip reads them
		}
		z.native(p.name, m)
		if !z.tensor(p) {
			inspect(ctx, m)
		}
	}
	for _, m := range z.members {
		z.short(m)
	}
	z.card(ctx, keras)
}

// short reports storages that are said to have more elements than the archive has
// bytes of them: PyTorch before 2.10 reads on behind their end (CVE-2026-24747).
func (z *archive) short(m member) {
	if len(m.in.storages) == 0 {
		return
	}
	root := strings.TrimSuffix(m.name, "data.pkl") + "data/"
	for _, p := range z.opened {
		key, ok := strings.CutPrefix(p.name, root)
		if count, known := m.in.storages[key]; ok && known && p.unpacked < count {
			z.in.risk(zipRisk("pytorch-storage", p.at, fmt.Sprintf("%s: %d elements in %d bytes", p.name, count, p.unpacked),
				"A tensor is said to have more elements than its storage, so that loading it reads foreign memory."))
		}
	}
}

// keras reports whether it is a Keras 3 archive by its members' names. Keras needs
// the description only: it fails for want of weights when that has run.
func (z *archive) keras() bool {
	return z.names["config.json"] && (z.names["metadata.json"] || z.names["model.weights.h5"] || z.names["model.weights.npz"] ||
		strings.HasSuffix(strings.ToLower(z.in.name()), ".keras"))
}

// describesKeras looks for the one key that every description has, perhaps with
// escapes.
func describesKeras(m *input) bool {
	text := m.at(0, maxKerasText)
	return bytes.Contains(text, []byte(`class_name`)) || bytes.Contains(text, []byte(`\u`))
}

// native reports a program of the machine in a PyTorch package, which loads it:
// AOTInductor's (torch/export/pt2_archive/constants.py).
func (z *archive) native(name string, m *input) {
	if !strings.Contains("/"+name, "/data/aotinductor/") && !strings.HasSuffix(strings.ToLower(z.in.name()), ".pt2") {
		return
	}
	head := string(m.at(0, 4))
	for _, magic := range []string{"\x7fELF", "MZ", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe"} {
		if strings.HasPrefix(head, magic) {
			m.risk(Risk{
				Rule: "pytorch-native", Severity: scan.High, Offset: 0, Calls: name, Convert: convertWeights,
				Why: "The archive brings a shared library, which PyTorch loads into the process.",
			})
		}
	}
}

// tensor reports whether this is the raw storage of a PyTorch tensor: numbers,
// which begin like any format now and then, and which torch.load never unpickles.
func (z *archive) tensor(p packed) bool {
	folder, base := path.Split(p.name)
	root := strings.TrimSuffix(folder, "data/")
	return p.method == 0 && root != folder && base != "" && strings.Trim(base, "0123456789") == "" &&
		z.names[strings.ToLower(root+"data.pkl")]
}

// card says what the archive is by its members.
func (z *archive) card(ctx context.Context, keras bool) {
	in := z.in
	arrays := 0
	for _, m := range z.members {
		base := path.Base(m.name)
		switch {
		case base == "data.pkl":
			in.card = m.in.card
			in.card.Format, in.card.Framework = PyTorch, "pytorch"
		case m.in.card.Format == NumPy:
			arrays++
			for _, name := range m.in.card.Dtypes {
				in.card.addDtype(name)
			}
			in.card.Parameters += m.in.card.Parameters
		}
	}
	switch {
	case keras:
		in.card.Format = Keras
		inspectKerasZip(ctx, in, z.members)
	case z.script && in.card.Format == PyTorch:
		in.card.Format = TorchScript
		in.risk(Risk{
			Rule: "torchscript-code", Severity: scan.Low, Offset: -1, Calls: "TorchScript",
			Why:     "The archive brings the model's code, which runs in PyTorch's interpreter when the model is used.",
			Convert: "Export the model to ONNX, or save its weights as safetensors.",
		})
		for _, m := range z.members {
			scriptCalls(m)
		}
	case arrays > 0 && arrays == len(z.members):
		in.card.Format = NumPyZip
	}
}

// TorchScript is read like Python: spaces, comments and lines that go on may stand around a dot.
const scriptDot = `(?:\s|\\\r?\n|#[^\n]*\n)*\.(?:\s|\\\r?\n|#[^\n]*\n)*`

var (
	scriptReach    = regexp.MustCompile(`\b(?:torch|ops` + scriptDot + `aten)` + scriptDot + `(?:from_file|save|load|fork|ops)\b`)
	scriptOperator = regexp.MustCompile(`\bops` + scriptDot + `(\w+)` + scriptDot + `\w+`)
)

// scriptCalls reports TorchScript operators that read or write files.
func scriptCalls(m member) {
	const most = 4 << 20 // bytes of one code file
	if !strings.HasSuffix(m.name, ".py") {
		return
	}
	if m.in.Size > most {
		m.in.unscanned("the code has %d bytes, the limit is %d", m.in.Size, most)
		return
	}
	code := m.in.at(0, most)
	report := func(at []int, severity scan.Severity, why string) {
		m.in.risk(Risk{
			Rule: "torchscript-call", Severity: severity, Offset: int64(at[0]), Calls: string(code[at[0]:min(at[1], at[0]+maxCalls)]), Why: why,
		})
	}
	for _, at := range scriptReach.FindAllIndex(code, -1) {
		report(at, scan.High, "The model's code calls an operator that reads or writes files, starts a task, or is one that PyTorch does not bring.")
	}
	for _, at := range scriptOperator.FindAllSubmatchIndex(code, -1) {
		switch namespace := string(code[at[2]:at[3]]); {
		case oneOf(namespace, "image video"):
			report(at, scan.High, "The model's code calls an operator of torchvision that reads or writes files.")
		case !oneOf(namespace, "aten prim quantized prepacked mkldnn mkldnn_prepacked onednn sparse inductor"):
			report(at, scan.Medium, "The model's code calls an operator that a library must bring which is loaded beside it.")
		}
	}
}
