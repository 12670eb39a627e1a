package publish

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// copyBuffer is how much of a layer is read and written at once. net/http's
// own 32 KiB cost several times the system calls.
const copyBuffer = 256 << 10 // bytes

// newTransport is tuned for a few long uploads at once. HTTP/2 is off: its flow
// control costs a third of the throughput, and its streams share one connection.
func newTransport(jobs int) *http.Transport {
	buffers := &sync.Pool{New: func() any { return new([copyBuffer]byte) }}
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &wideConn{Conn: conn, buffers: buffers}, nil
		},
		TLSHandshakeTimeout:   10 * time.Second,
		TLSNextProto:          map[string]func(string, *tls.Conn) http.RoundTripper{},
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   jobs,
		ExpectContinueTimeout: time.Second,
		WriteBufferSize:       copyBuffer,
		DisableCompression:    true,
	}
}

// wideConn copies bodies in large pieces: net/http hands the whole body to the
// connection's ReadFrom.
type wideConn struct {
	net.Conn
	buffers *sync.Pool
}

func (c *wideConn) ReadFrom(r io.Reader) (int64, error) {
	buf := c.buffers.Get().(*[copyBuffer]byte)
	defer c.buffers.Put(buf)
	var written int64
	for {
		n, err := r.Read(buf[:])
		if n > 0 {
			m, writeErr := c.Write(buf[:n])
			written += int64(m)
			if writeErr != nil {
				return written, writeErr
			}
		}
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
	}
}
