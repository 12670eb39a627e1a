package modelfile

import (
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

const convertExported = "Export the model anew with torch.export, or ship it as ONNX."

// expression reads the size of an exported program (torch/_export/serde), which
// torch.export.load gives to sympy.sympify, and that to eval: a text beyond
// arithmetic on symbols runs as Python.
func (c *jsonConfig) expression(off int64) error {
	if c.json.peek() != '"' {
		return c.walk()
	}
	text, err := c.json.text()
	if err != nil || isArithmetic(text) {
		return err
	}
	c.exported(off, text, "The size of a tensor is an expression that torch.export.load evaluates as Python.")
	return nil
}

// target reads the name of a node's function in an exported program: one of
// torch.ops or operator is looked up by attributes, and called when it runs.
func (c *jsonConfig) target(off int64) error {
	if !c.program || c.json.peek() != '"' {
		return c.walk()
	}
	name, err := c.json.text()
	operator, ok := strings.CutPrefix(name, "_operator.")
	ordinary := ok && !oneOf(operator, "attrgetter itemgetter methodcaller call setitem delitem") ||
		strings.HasPrefix(name, "torch.ops.") || strings.HasPrefix(name, "torch.sym_") || strings.HasPrefix(name, "math.")
	if err != nil || ordinary && isName(name) && !strings.Contains(name, ".__") {
		return err
	}
	c.exported(off, name, "A node of the program calls a function that is no operator of PyTorch.")
	return nil
}

// exported reports what an exported program runs.
func (c *jsonConfig) exported(off int64, calls, why string) {
	c.known = true
	c.in.risk(Risk{
		Rule: "exported-program", Severity: scan.High, Offset: off, Calls: calls, Convert: convertExported, Why: why,
	})
}

// symbolic are the functions of sympy and of torch.utils._sympy that sizes are
// written with.
const symbolic = "Mod PythonMod FloorDiv CleanDiv CeilDiv ModularIndexing Where Max Min Eq Ne Lt Le Gt Ge And Or Not Xor Abs Pow Add Mul Integer Rational " +
	"Float Symbol floor ceiling sqrt log exp TruncToInt TruncToFloat FloorToInt CeilToInt IntTrueDiv FloatTrueDiv FloatPow PowByNatural RoundToInt " +
	"RoundDecimal Identity ToFloat LShift RShift Piecewise ExprCondPair Equality Unequality StrictLessThan StrictGreaterThan LessThan GreaterThan " +
	"BitwiseFn_bitwise_and BitwiseFn_bitwise_or"

// isArithmetic reports whether text is names, numbers, signs and calls of
// symbolic. Texts in it are names too; nothing is called but by its name.
func isArithmetic(text string) bool {
	const signs = "+-*/%<>=!&|~^, ()"
	last := "" // token, spaces aside
	for text != "" {
		n := 1
		switch c := text[0]; {
		case c == '\'' || c == '"':
			n = strings.IndexByte(text[1:], c) + 2
			if n < 2 || n > 2 && !isWord(text[1:n-1]) {
				return false
			}
		case c < 0x80 && isNameByte(c):
			for n < len(text) && (isNameByte(text[n]) || text[n] == '.' && c >= '0' && c <= '9') {
				n++
			}
			if (c < '0' || c > '9') && !isWord(text[:n]) {
				return false
			}
		case c == '(' && last != "" && !strings.Contains(signs, last) && !oneOf(last, symbolic), c == '(' && last == ")":
			return false
		case strings.IndexByte(signs, c) < 0:
			return false
		}
		if token := text[:n]; token != " " {
			last = token
		}
		text = text[n:]
	}
	return true
}

// isWord reports whether s is a name of ASCII that is no part of Python's own.
func isWord(s string) bool {
	return isName(s) && !strings.Contains(s, ".") && !strings.Contains(s, "__")
}

// checkNative reports compiled code that torch._inductor loads from a package.
func checkNative(in *input, h header) {
	if strings.Contains("/"+h.name, "/data/aotinductor/") && strings.HasSuffix(h.name, ".so") {
		in.risk(Risk{
			Rule: "native-code", Severity: scan.High, Offset: h.at, Calls: shown(h.name, 150), Convert: convertExported,
			Why: "The package holds a compiled library, which is loaded into the process with the model.",
		})
	}
}
