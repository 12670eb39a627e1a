package publish

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// newTransport is for a few long uploads at once. HTTP/2 is off: it would put
// all of them on one connection, under one flow control.
//
// Bodies go from the layer's reader to the socket in net/http's own pieces of
// 32 KiB; wider ones were measured and change nothing beside the hashing.
func newTransport(jobs int) *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		TLSNextProto:          map[string]func(string, *tls.Conn) http.RoundTripper{},
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   jobs,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
	}
}
