package modelfile

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

const convertONNX = "Export the model anew with standard operators and its weights in the file, or beside it under a plain name."

// inspectONNX walks a ModelProto (onnx/onnx.proto) with all its graphs and
// functions. Of tensors only the headers are read.
func inspectONNX(ctx context.Context, in *input) {
	in.card.Format, in.card.Framework = ONNX, "onnx"
	o := &onnx{proto: newProto(ctx, in), functions: map[string]bool{}, domains: map[string]use{}}
	if !o.message(in.Size, o.model) && in.alive(ctx) {
		in.unscanned("the ONNX model at offset %d: %s", o.off, o.broken)
	}
	if !o.graphs {
		in.unscanned("the ONNX model has no graph")
	}
	in.card.Version = strings.Join(o.version, ", ")
	for _, domain := range o.order {
		if u := o.domains[domain]; !o.functions[domain] {
			in.risk(Risk{
				Rule: "onnx-custom-op", Severity: scan.Medium, Offset: u.at, Calls: domain + "." + u.op, Convert: convertONNX,
				Why: "The model needs operators of its own, which a library that is loaded beside it brings.",
			})
		}
	}
}

type onnx struct {
	*proto
	functions map[string]bool // domains of the model's own functions
	domains   map[string]use  // that are not standard
	order     []string        // of domains, as they were found
	version   []string
	graphs    bool
}

// use is where a domain was seen first.
type use struct {
	at int64
	op string
}

func (o *onnx) model(f protoField) {
	switch {
	case f.isNumber(1) && len(o.version) < 8:
		o.version = append(o.version, "IR "+strconv.FormatUint(f.value, 10))
	case f.isBytes(2) && f.end > o.off && len(o.version) < 8:
		o.version = append(o.version, shown(o.text(f), 60))
	case f.isBytes(7):
		o.graphs = true
		o.message(f.end, o.graph)
	case f.isBytes(8):
		o.opset(f)
	case f.isBytes(20): // training
		o.message(f.end, func(t protoField) {
			if t.isBytes(1) || t.isBytes(2) {
				o.message(t.end, o.graph)
			}
		})
	case f.isBytes(25):
		o.function(f)
	}
}

func (o *onnx) opset(f protoField) {
	at, domain, version := o.off, "", uint64(0)
	o.message(f.end, func(s protoField) {
		switch {
		case s.isBytes(1):
			domain = o.text(s)
		case s.isNumber(2):
			version = s.value
		}
	})
	if domain == "" && len(o.version) < 8 {
		o.version = append(o.version, fmt.Sprintf("opset %d", version))
	}
	o.domain(domain, "", at)
}

func (o *onnx) function(f protoField) {
	o.message(f.end, func(p protoField) {
		switch {
		case p.isBytes(7):
			o.node(p)
		case p.isBytes(9):
			o.opset(p)
		case p.isBytes(10):
			const most = 10_000
			if len(o.functions) < most {
				o.functions[o.text(p)] = true
			}
		case p.isBytes(11):
			o.message(p.end, o.attribute)
		}
	})
}

func (o *onnx) graph(f protoField) {
	switch {
	case f.isBytes(1):
		o.node(f)
	case f.isBytes(5):
		o.tensor(f, true)
	case f.isBytes(15):
		o.sparse(f)
	}
}

func (o *onnx) node(f protoField) {
	at, op, domain := o.off, "", ""
	o.message(f.end, func(n protoField) {
		switch {
		case n.isBytes(4):
			op = o.text(n)
		case n.isBytes(5):
			o.message(n.end, o.attribute)
		case n.isBytes(7):
			domain = o.text(n)
		}
	})
	o.operator(domain, op, at)
}

// attribute goes into the tensors and graphs of a node's attribute.
func (o *onnx) attribute(f protoField) {
	switch {
	case f.isBytes(5), f.isBytes(10):
		o.tensor(f, false)
	case f.isBytes(6), f.isBytes(11):
		o.message(f.end, o.graph)
	case f.isBytes(22), f.isBytes(23):
		o.sparse(f)
	}
}

func (o *onnx) sparse(f protoField) {
	o.message(f.end, func(s protoField) {
		if s.isBytes(1) || s.isBytes(2) {
			o.tensor(s, s.number == 1)
		}
	})
}

// operator reports those that run Python, by their names, and notes the others' domain.
func (o *onnx) operator(domain, op string, at int64) {
	if oneOf(op, "PyOp PythonOp PythonOpGrad PyCustomOp PyFunc PyFuncStateless EagerPyFunc ATenOp TorchScript") ||
		strings.HasPrefix(op, "PyCustomOp") {
		o.in.risk(Risk{
			Rule: "onnx-python-op", Severity: scan.High, Offset: at, Calls: strings.TrimPrefix(domain+"."+op, "."), Convert: convertONNX,
			Why: "The operator runs Python or a function of another framework that the model names.",
		})
	}
	o.domain(domain, op, at)
}

func (o *onnx) domain(domain, op string, at int64) {
	const most = 1000 // domains; a model has a handful
	if domain == "" || hasPrefix(domain, "ai.onnx com.microsoft com.ms.internal") || domain == "ai.onnx" {
		return
	}
	if u, ok := o.domains[domain]; ok {
		if u.op == "" && op != "" {
			o.domains[domain] = use{at, op}
		}
		return
	}
	if len(o.domains) == most {
		o.in.unscanned("the model names more domains of operators than the limit")
		return
	}
	o.domains[domain] = use{at, op}
	o.order = append(o.order, domain)
}

// tensor reads what is said of a tensor, not its numbers. A weight is counted.
func (o *onnx) tensor(f protoField, weight bool) {
	at, count, wrong, kind := o.off, int64(1), false, uint64(0)
	e := external{}
	o.message(f.end, func(t protoField) {
		switch {
		case t.number == 1:
			o.packed(t, func(n uint64) {
				if n > math.MaxInt64 || n > 0 && count > math.MaxInt64/int64(n) {
					wrong = true
					return
				}
				count *= int64(n)
			})
		case t.isNumber(2):
			kind = t.value
		case t.isBytes(13):
			e.entry(o, t)
		case t.isNumber(14):
			e.outside = t.value == 1
		}
	})
	e.judge(o.in, at)
	if wrong {
		o.in.unscanned("the tensor at offset %d has dimensions that are negative or beyond 2⁶³", at)
		return
	}
	if weight && o.in.card.Parameters <= math.MaxInt64-count {
		o.in.card.addDtype(onnxDtype(kind))
		o.in.card.Parameters += count
	}
}

func onnxDtype(kind uint64) string {
	names := strings.Fields("undefined float32 uint8 int8 uint16 int16 int32 int64 string bool float16 float64 uint32 uint64 " +
		"complex64 complex128 bfloat16 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz uint4 int4 float4_e2m1")
	if kind >= uint64(len(names)) {
		return ""
	}
	return names[kind]
}
