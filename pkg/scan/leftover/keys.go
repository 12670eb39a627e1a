package leftover

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"github.com/org/ai-ship/pkg/scan"
)

// keys are the rules for credentials that are known by their form.
func keys() []rule {
	const c, h = scan.Critical, scan.High
	everywhere, readable := inText|inBinary|inVars, inText|inVars
	return []rule{
		{id: "private-key", title: "private key", severity: c, anchors: []string{"-----BEGIN ", "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"}, scope: everywhere, find: pem},
		{id: "putty-private-key", title: "PuTTY private key", severity: c, anchors: []string{"PuTTY-User-Key-File-"}, scope: everywhere, find: putty},
		{id: "gcp-service-account", title: "key of a Google service account", severity: c, anchors: []string{"private_key_id"}, scope: everywhere, find: hexValue(40)},
		{id: "openai-key", title: "OpenAI key", severity: c, anchors: []string{"T3BlbkFJ"}, scope: everywhere, find: openaiLegacy},
		{id: "jwt", title: "JSON Web Token", severity: h, anchors: []string{"eyJ"}, scope: readable, weak: true, find: jwt},
		{id: "azure-storage-key", title: "Azure storage key", severity: c, anchors: []string{"AccountKey=", "SharedAccessKey="}, scope: readable, find: azureKey},
		{id: "azure-sas", title: "Azure shared access signature", severity: c, anchors: []string{"&sig=", "?sig="}, scope: readable, find: azureSAS},
		{id: "azure-client-secret", title: "Azure client secret", severity: c, anchors: []string{"7Q~", "8Q~"}, scope: readable, find: azureSecret},
		{id: "bearer-token", title: "bearer token", severity: h, anchors: []string{"Bearer ", "bearer "}, scope: readable, weak: true, find: bearer},
	}
}

// pem finds private keys with a body: a mere header is part of every program
// that reads them. The body may stand in a string, with escapes for line ends.
func pem(v view) (match, bool) {
	head := v.text[:min(len(v.text), len(v.anchor)+60)]
	i := bytes.Index(head, []byte("PRIVATE KEY"))
	if i < 0 || bytes.ContainsAny(head[:i], "\n\\") {
		return match{}, false
	}
	i += len("PRIVATE KEY")
	for _, end := range []string{" BLOCK", "-----", " ----"} {
		if bytes.HasPrefix(v.text[i:], []byte(end)) {
			i += len(end)
		}
	}
	const least, most = 60, 200 // characters of base64: an Ed25519 key has 64
	body := pemBody(v.text[i:], most)
	if len(body) < least || !random(body) || placeholder(body) {
		return match{}, false
	}
	return match{to: i}, true
}

// pemBody is the first base64 characters of a key's body, most at most. Headers
// and what source code puts between lines are left out.
func pemBody(b []byte, most int) []byte {
	base64Chars := chars(alnum + "+/=")
	var body []byte
	for len(b) > 0 && len(body) < most {
		end := bytes.IndexByte(b, '\n')
		escaped := bytes.Index(b, []byte(`\n`))
		next := end + 1
		if escaped >= 0 && (end < 0 || escaped < end) {
			end, next = escaped, escaped+2
		}
		if end < 0 {
			end, next = len(b), len(b)
		}
		line := bytes.Trim(b[:end], " \t\r\\\"'+,-`()#*>")
		b = b[next:]
		switch {
		case len(line) == 0 || bytes.Contains(line, []byte(": ")):
		case base64Chars.run(line) == len(line):
			body = append(body, line...)
		default:
			return body
		}
	}
	return body
}

func putty(v view) (match, bool) {
	const near = 6 << 10 // bytes up to the private lines
	file := v.text[:min(len(v.text), near)]
	i := bytes.Index(file, []byte("Private-Lines: "))
	if i < 0 || !starts(v.before) || len(pemBody(file[i:], 60)) < 30 {
		return match{}, false
	}
	return match{to: i}, true
}

// hexValue finds `"anchor": "…"` with n hexadecimal digits.
func hexValue(n int) func(view) (match, bool) {
	digits := chars("0-9a-fA-F")
	return func(v view) (match, bool) {
		val, ok := assigned(v, false)
		if !ok || len(val.text) != n || digits.run(val.text) != n || !random(val.text) || placeholder(val.text) {
			return match{}, false
		}
		return val.match(), true
	}
}

// openaiLegacy finds keys of the form sk-…T3BlbkFJ…, the infix being its anchor.
func openaiLegacy(v view) (match, bool) {
	const most = 300 // characters of a key
	in := chars(dashed)
	before, after := in.runBack(v.before), in.run(v.text[:min(len(v.text), most)])
	i := bytes.Index(v.before[len(v.before)-before:], []byte("sk-"))
	if i < 0 || before-i < 20 || after < len(v.anchor)+20 {
		return match{}, false
	}
	return match{from: i - before, to: after, shown: maxRead}, true
}

// jwt finds signed tokens; their head must be one.
func jwt(v view) (match, bool) {
	in := chars(dashed)
	if n := len(v.before); !starts(v.before) || n > 0 && v.before[n-1] == '-' {
		return match{}, false
	}
	head := v.text[:in.run(v.text)]
	rest := v.text[len(head):]
	if len(rest) == 0 || rest[0] != '.' || !bytes.HasPrefix(rest[1:], []byte("eyJ")) {
		return match{}, false
	}
	payload := rest[1:]
	payload = payload[:in.run(payload)]
	signature := rest[1+len(payload):]
	cut := len(signature) == 0 && len(v.text) == maxMatch // it goes on beyond what is seen
	const least = 20                                      // characters of a signature
	if !cut && (len(signature) == 0 || signature[0] != '.' || in.run(signature[1:]) < least) {
		return match{}, false
	}
	decoded, err := base64.RawURLEncoding.DecodeString(string(head))
	var header struct {
		Alg string `json:"alg"`
	}
	if err != nil || json.Unmarshal(decoded, &header) != nil || header.Alg == "" {
		return match{}, false
	}
	claims, err := base64.RawURLEncoding.DecodeString(string(payload[:len(payload)/4*4]))
	const smallest = 24 // bytes of claims; documentation has smaller ones
	if err != nil || len(claims) < smallest || placeholder(claims) || bytes.Contains(claims, []byte("John Doe")) {
		return match{}, false
	}
	return match{to: len(head) + 1 + len(payload) + in.run(bytes.TrimPrefix(signature, []byte("."))), shown: maxRead}, true
}

func azureKey(v view) (match, bool) {
	const least, most = 44, 88 // characters: 32 or 64 bytes
	p := len(v.anchor)
	n := chars(alnum + "+/=").run(v.text[p:min(len(v.text), p+most+1)])
	body := v.text[p : p+n]
	if n < least || n > most || body[n-1] != '=' || !random(body) || placeholder(body) {
		return match{}, false
	}
	return match{from: p, to: p + n, shown: maxRead}, true
}

func azureSAS(v view) (match, bool) {
	const least, most = 43, 160 // characters: 32 bytes, perhaps with escapes
	p := len(v.anchor)
	n := chars(alnum + "%+/=").run(v.text[p:min(len(v.text), p+most+1)])
	body := v.text[p : p+n]
	signed := bytes.HasSuffix(body, []byte("%3D")) || bytes.HasSuffix(body, []byte("%3d")) || bytes.HasSuffix(body, []byte("="))
	if n < least || n > most || !signed || !random(body) || placeholder(body) {
		return match{}, false
	}
	return match{from: p, to: p + n, shown: maxRead}, true
}

// azureSecret finds client secrets: three characters, a digit, Q~ and 31 to 34
// more. The digit is where the anchor starts.
func azureSecret(v view) (match, bool) {
	const head, least, most = 3, 31, 34
	in := chars(alnum + "._~-")
	p := len(v.anchor)
	n := in.run(v.text[p:min(len(v.text), p+most+1)])
	if in.runBack(v.before) != head || n < least || n > most || !random(v.text[p:p+n]) {
		return match{}, false
	}
	return match{from: -head, to: p + n, shown: maxRead}, true
}

func bearer(v view) (match, bool) {
	const least, most = 20, 2048 // characters
	p := len(v.anchor)
	body := v.text[p:min(len(v.text), p+most)]
	body = body[:chars(alnum+"._~+/=-").run(body)]
	if len(body) < least || !starts(v.before) || !opaque(body) {
		return match{}, false
	}
	return match{from: p, to: p + len(body), shown: maxRead}, true
}
