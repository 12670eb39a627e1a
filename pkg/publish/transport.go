package publish

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// newTransport is for a few long uploads at once. HTTP/2 is off: it would put
// all of them on one connection, under one flow control.
//
// Without TLS, bodies write themselves to the socket, so that the kernel takes
// files from the page cache as it would for a program that hashes nothing. With
// TLS they go through net/http's own pieces of 32 KiB; wider ones were measured
// and change nothing beside the hashing.
func newTransport(jobs int) *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if tcp, ok := conn.(*net.TCPConn); ok {
				return connection{tcp}, err
			}
			return conn, err
		},
		TLSHandshakeTimeout:   10 * time.Second,
		TLSNextProto:          map[string]func(string, *tls.Conn) http.RoundTripper{},
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   jobs,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
	}
}

// connection sends a body the short way. net/http passes the whole of it to
// ReadFrom, limited to its Content-Length, once the header is out.
type connection struct{ *net.TCPConn }

func (c connection) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		return c.TCPConn.ReadFrom(r)
	}
	b, ok := limited.R.(*body)
	if !ok {
		return c.TCPConn.ReadFrom(r)
	}
	n, err := b.WriteTo(c.TCPConn)
	limited.N -= n
	return n, err
}
