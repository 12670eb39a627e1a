package report_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browser is a headless Chromium that is told what to do through a pipe, by the
// DevTools protocol: one JSON document a message, each ended by a zero byte.
type browser struct {
	t       *testing.T
	in      *os.File
	out     *bufio.Reader
	next    int
	session string
	events  []message // in the order in which they came
}

type message struct {
	ID        int             `json:"id,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// slow is how long a browser may take for one answer on a busy machine.
const slow = 2 * time.Minute

// open starts a browser with an empty profile, and opens a page in it. It skips
// the test without one, unless AI_SHIP_E2E says that nothing may be skipped.
func open(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("AI_SHIP_E2E") == "require" {
		t.Fatalf("the page cannot be looked at: %v (apt-get install chromium)", err)
	} else if err != nil {
		t.Skipf("the page is not looked at: %v (apt-get install chromium)", err)
	}
	toThem, in := pipe(t)
	out, fromThem := pipe(t)
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{toThem, fromThem} // 3 and 4, as the flag wants them
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	toThem.Close()
	fromThem.Close()
	b := &browser{t: t, in: in, out: bufio.NewReaderSize(out, 1<<20)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("chromium said: %s", said.String())
		}
		cmd.Process.Kill()
		cmd.Wait()
	})
	out.SetReadDeadline(time.Now().Add(slow))
	var target struct {
		TargetID string `json:"targetId"`
	}
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Network", "Log", "Runtime"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// call sends a command and waits for its answer.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.next++
	raw, err := json.Marshal(params)
	if err != nil {
		b.t.Fatal(err)
	}
	m := message{ID: b.next, Method: method, SessionID: b.session}
	if params != nil {
		m.Params = raw
	}
	line, _ := json.Marshal(m)
	if _, err := b.in.Write(append(line, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		answer := b.read()
		if answer.ID != b.next {
			continue
		}
		if answer.Error != nil {
			b.t.Fatalf("%s: %s", method, answer.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(answer.Result, result); err != nil {
				b.t.Fatalf("%s: %v", method, err)
			}
		}
		return
	}
}

// read is the next message; events are kept.
func (b *browser) read() message {
	b.t.Helper()
	line, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("chromium ended: %v", err)
	}
	var m message
	if err := json.Unmarshal(bytes.TrimSuffix(line, []byte{0}), &m); err != nil {
		b.t.Fatalf("chromium answers %.200q: %v", line, err)
	}
	if m.ID == 0 {
		b.events = append(b.events, m)
	}
	return m
}

// wait reads until an event came.
func (b *browser) wait(method string) {
	b.t.Helper()
	for {
		if m := b.read(); m.Method == method {
			return
		}
	}
}

// show opens a file as a screen of that size does, light or dark.
func (b *browser) show(file string, width int, scheme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(file)}
	b.events = nil
	b.call("Page.navigate", map[string]any{"url": address.String()}, nil)
	b.wait("Page.loadEventFired")
}

// eval runs a script, which answers with a value.
func (b *browser) eval(script string, result any) {
	b.t.Helper()
	var answer struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text string `json:"text"`
		} `json:"exceptionDetails"`
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true}, &answer)
	if answer.Exception != nil {
		b.t.Fatalf("the script ended: %s", answer.Exception.Text)
	}
	if err := json.Unmarshal(answer.Result.Value, result); err != nil {
		b.t.Fatalf("the script answers %q: %v", answer.Result.Value, err)
	}
}

// saw is what the page asked for besides itself, and what the console said.
func (b *browser) saw() (problems []string) {
	requests := 0
	for _, e := range b.events {
		switch e.Method {
		case "Network.requestWillBeSent":
			var p struct {
				Request struct {
					URL string `json:"url"`
				} `json:"request"`
			}
			json.Unmarshal(e.Params, &p)
			if requests++; requests > 1 && !strings.HasPrefix(p.Request.URL, "data:,") {
				problems = append(problems, "a request: "+p.Request.URL)
			}
		case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Page.javascriptDialogOpening", "Page.windowOpen":
			problems = append(problems, e.Method+": "+string(e.Params))
		}
	}
	if requests == 0 {
		problems = append(problems, "the page itself was not asked for: requests are not seen")
	}
	return problems
}

// shots is where pictures go: a folder that AI_SHIP_E2E_SHOTS names, else none is
// kept.
func (b *browser) save(name, method string, params map[string]any) []byte {
	b.t.Helper()
	var picture struct {
		Data string `json:"data"`
	}
	b.call(method, params, &picture)
	data, err := base64.StdEncoding.DecodeString(picture.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if dir := os.Getenv("AI_SHIP_E2E_SHOTS"); dir != "" {
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name), data, 0o644)); err != nil {
			b.t.Fatal(err)
		}
	}
	return data
}

func (b *browser) screenshot(name string) []byte {
	return b.save(name, "Page.captureScreenshot", map[string]any{"captureBeyondViewport": true, "format": "png"})
}

// written is a file that holds what write writes.
func written(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// lowContrast lists texts that stand out less from what is behind them than
// WCAG 2.1 asks of text (4.5 to 1). Of an SVG's text it takes the nearest
// rectangle before it for what is behind.
const lowContrast = `(() => {
  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return {r: m[0], g: m[1], b: m[2], a: m.length > 3 ? m[3] : 1}; };
  const over = (top, under) => ({r: top.r*top.a + under.r*(1-top.a), g: top.g*top.a + under.g*(1-top.a), b: top.b*top.a + under.b*(1-top.a), a: 1});
  const lum = c => { const f = v => { v /= 255; return v <= .03928 ? v/12.92 : ((v+.055)/1.055)**2.4; }; return .2126*f(c.r) + .7152*f(c.g) + .0722*f(c.b); };
  const ratio = (a, b) => { const [x, y] = [lum(a), lum(b)].sort((p, q) => q - p); return (x+.05)/(y+.05); };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a === 1) return c; } return {r: 255, g: 255, b: 255, a: 1}; };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const e = n.parentElement;
    if (!n.data.trim() || e.localName === 'title' || !e.checkVisibility()) continue;
    seen++;
    const style = getComputedStyle(e), svg = e.ownerSVGElement;
    let back = behind(e);
    if (svg) {
      const rect = e.parentElement.localName === 'g' && e.parentElement.querySelector('rect');
      if (rect) { const s = getComputedStyle(rect), c = parse(s.fill); c.a *= Number(s.fillOpacity); back = over(c, back); }
    }
    const r = ratio(over(parse(svg ? style.fill : style.color), back), back);
    if (r < 4.5) found.push(r.toFixed(2) + ': ' + n.data.trim().slice(0, 60));
  }
  return seen > 20 ? found : ['only ' + seen + ' texts were looked at'];
})()`

// structure lists what a reader who does not see the page would miss.
const structure = `(() => {
  const found = [];
  const one = (selector) => { const n = document.querySelectorAll(selector).length; if (n !== 1) found.push(n + ' of ' + selector); };
  for (const s of ['main', 'body > header', 'footer', 'h1', 'nav[aria-label]', 'html[lang]', 'head > title']) one(s);
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  if (new Set(ids).size !== ids.length) found.push('an id is there twice');
  for (const e of document.querySelectorAll('nav a, .skip')) if (!document.querySelector(e.getAttribute('href'))) found.push('a link to nothing: ' + e.getAttribute('href'));
  for (const t of document.querySelectorAll('table')) {
    if (!t.caption?.textContent.trim()) found.push('a table without caption');
    const heads = t.querySelectorAll('th[scope=col]').length;
    for (const row of t.tBodies[0].rows) if (row.cells.length !== heads) found.push('a row of ' + row.cells.length + ' cells under ' + heads + ' heads');
  }
  for (const s of document.querySelectorAll('svg')) if (!s.getAttribute('aria-label') && s.getAttribute('aria-hidden') !== 'true') found.push('a drawing without words');
  for (const s of document.querySelectorAll('.scroll, pre')) if (s.tabIndex !== 0) found.push('what scrolls cannot be reached by keyboard');
  for (const s of document.querySelectorAll('script, iframe, object, embed, form, img, [style], [onload], [onclick]')) found.push('a ' + s.localName);
  return found;
})()`

func TestPageInABrowser(t *testing.T) {
	b := open(t)
	file := page(t, storied())
	for _, screen := range []struct {
		name, scheme string
		width        int
	}{{"light", "light", 1440}, {"dark", "dark", 1440}, {"phone", "light", 360}, {"phone-dark", "dark", 360}} {
		b.show(file, screen.width, screen.scheme)
		b.checkPage(screen.name, screen.width)
		if picture := b.screenshot(screen.name + ".png"); !bytes.HasPrefix(picture, []byte("\x89PNG")) {
			t.Errorf("%s: the screenshot is %.20q", screen.name, picture)
		}
	}
	if paper := b.save("paper.pdf", "Page.printToPDF", map[string]any{"printBackground": true, "preferCSSPageSize": true}); !bytes.HasPrefix(paper, []byte("%PDF-")) {
		t.Errorf("the print is %.20q", paper)
	}
}

// What strangers write makes the page neither wider nor ask for anything.
func TestHostilePageInABrowser(t *testing.T) {
	b := open(t)
	for name, evil := range map[string]string{
		"script":    `"><script>alert(1)</script><img src=x onerror=alert(2)>`,
		"style":     `</style><style>body{display:none;background:url(https://example.com/a)}</style>`,
		"drawing":   `</title></text><svg onload=alert(1)><image href="https://example.com/b"/><foreignObject><iframe src="https://example.com/c"></foreignObject>`,
		"attribute": `x" onfocus="alert(1)" style="position:fixed" autofocus y="`,
		"template":  `{{.}}{{template "block"}}`,
		"address":   `javascript:alert(1)`,
		"direction": "abc\u202egnp.exe\u2066\u200b\x1b[2J",
		"long":      strings.Repeat("W", 5000),
		"wide":      strings.Repeat("﷽", 300),
	} {
		file := page(t, tainted(evil))
		for _, width := range []int{1440, 360} {
			b.show(file, width, "dark")
			b.checkPage(fmt.Sprintf("%s at %d", name, width), width)
		}
		b.screenshot("hostile-" + name + ".png")
	}
}

func (b *browser) checkPage(name string, width int) {
	b.t.Helper()
	var problems []string
	for _, script := range []string{lowContrast, structure} {
		var found []string
		b.eval(script, &found)
		problems = append(problems, found...)
	}
	var wide int
	if b.eval("document.documentElement.scrollWidth", &wide); wide > width {
		problems = append(problems, fmt.Sprintf("the page is %d wide", wide))
	}
	var family string
	if b.eval("getComputedStyle(document.body).maxWidth", &family); family == "none" {
		problems = append(problems, "the page has no style")
	}
	for _, p := range append(problems, b.saw()...) {
		b.t.Errorf("%s: %s", name, p)
	}
}
