package trivy

import (
	"bytes"
	"io"
	"unicode"
)

const minimum = 5 // characters of a string in binary data

// printable reads the strings in binary data, one a line. It is trivy's
// utils.ExtractPrintableBytes as a stream.
type printable struct {
	from io.Reader
	buf  [8 << 10]byte
	held []byte // what may become a string
	long bool   // it has become one, and was handed out
	out  bytes.Buffer
	err  error
}

func (p *printable) Read(b []byte) (int, error) {
	for p.out.Len() == 0 && p.err == nil {
		var n int
		n, p.err = p.from.Read(p.buf[:])
		p.add(p.buf[:n])
		if p.err != nil {
			p.end()
		}
	}
	if p.out.Len() == 0 {
		return 0, p.err
	}
	return p.out.Read(b)
}

func (p *printable) add(data []byte) {
	for _, c := range data {
		switch {
		case !unicode.IsPrint(rune(c)): // trivy takes a byte for a character
			p.end()
		case p.long:
			p.out.WriteByte(c)
		default:
			p.held = append(p.held, c)
			if p.long = len(p.held) == minimum; p.long {
				p.out.Write(p.held)
			}
		}
	}
}

func (p *printable) end() {
	if p.long {
		p.out.WriteByte('\n')
	}
	p.held, p.long = p.held[:0], false
}
