"""A small model server to measure: the classifier at /predict, a talker of fixed words at /v1."""
import json
import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS = "the cat sat on the mat and saw a dog".split()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def answer(self, value, status=200, kind="application/json"):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/v1/models":
            return self.answer({"object": "list", "data": [{"id": "talker", "object": "model"}]})
        self.answer({"status": "ok"})

    def do_POST(self):
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/predict":
            time.sleep(random.uniform(0.005, 0.03))
            if random.random() < 0.05:
                return self.answer({"error": "busy"}, 503)
            x = json.loads(asked or b"{}").get("x", 0)
            return self.answer({"class": 0 if x < 1.5 else 3})
        self.talk(json.loads(asked))

    def talk(self, asked):
        chat = self.path.endswith("/chat/completions")
        n = asked.get("max_completion_tokens") or asked.get("max_tokens") or 16
        kind = "chat.completion" if chat else "text_completion"
        base = {"id": "talk-1", "created": 1767323045, "model": asked.get("model", "talker")}
        usage = {"prompt_tokens": 8, "completion_tokens": n, "total_tokens": 8 + n}
        words = [WORDS[i % len(WORDS)] + " " for i in range(n)]
        time.sleep(random.uniform(0.01, 0.03))
        if not asked.get("stream"):
            time.sleep(0.002 * n)
            text = "".join(words)
            choice = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
            return self.answer(base | {"object": kind, "usage": usage,
                                       "choices": [{"index": 0, "finish_reason": "length"} | choice]})
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i, word in enumerate(words):
            time.sleep(random.uniform(0.001, 0.003))
            choice = {"delta": {"role": "assistant", "content": word}} if chat else {"text": word}
            end = "length" if i == n - 1 else None
            self.event(base | {"object": kind + ".chunk" if chat else kind,
                               "choices": [{"index": 0, "finish_reason": end} | choice]})
        self.event(base | {"object": kind + ".chunk" if chat else kind, "choices": [], "usage": usage})
        self.chunk(b"data: [DONE]\n\n")
        self.chunk(b"")

    def event(self, value):
        self.chunk(b"data: " + json.dumps(value).encode() + b"\n\n")

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
