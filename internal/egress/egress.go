// Package egress makes the one HTTP client with which the program calls
// addresses that somebody configured.
//
// Whoever configures a provider decides where this machine sends requests, so
// the client guards the network that the machine stands in:
//
//	address.go  which addresses are public; all others are refused when dialling
//	body.go     answers are cut off at a size
//	egress.go   the client: no redirects, no proxy, a time limit for each step
package egress

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// The client's limits. A call as a whole is limited by its context.
const (
	dialTimeout         = 5 * time.Second
	tlsTimeout          = 5 * time.Second
	headerTimeout       = 15 * time.Second // until the answer begins, as long as a provider's call may take
	idleTimeout         = 90 * time.Second
	pingAfter           = 15 * time.Second // a quiet HTTP/2 connection is probed, for it may be dead
	pingTimeout         = 10 * time.Second
	maxIdle             = 1024
	maxIdlePerHost      = 256 // a host that serves many sessions gets as many calls at once
	maxHeaderBytes      = 256 << 10
	defaultMaxBodyBytes = 10 << 20
)

// Options say how careful the client is. The zero value is the most careful.
type Options struct {
	// AllowPrivate lets the client connect to addresses that are not public.
	AllowPrivate bool

	// MaxBodyBytes is how much of an answer can be read; 0 means 10 MiB.
	MaxBodyBytes int64

	// Resolver looks names up; nil means the system's.
	Resolver *net.Resolver
}

// Egress holds the client and its connections. It is safe for concurrent use.
type Egress struct {
	client    *http.Client
	transport *http.Transport
}

// New returns an Egress. Make one per process, for it holds a pool of connections.
func New(o Options) *Egress {
	if o.MaxBodyBytes <= 0 {
		o.MaxBodyBytes = defaultMaxBodyBytes
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Resolver: o.Resolver}
	if !o.AllowPrivate {
		dialer.Control = refusePrivate
	}
	transport := &http.Transport{
		Proxy:                  nil, // a proxy from the environment would dial on our behalf, past the guard
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ForceAttemptHTTP2:      true, // net/http leaves it off once DialContext is set
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	return &Egress{
		transport: transport,
		client: &http.Client{
			Transport:     limited{next: transport, max: o.MaxBodyBytes},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Client returns the client. Its errors are those of net/http; one for which
// errors.Is(err, ErrPrivateAddress) holds says that the address was refused, and
// reading more of a body than allowed fails with [ErrBodyTooLarge].
//
// The client returns redirects as they are, keeps no cookies and sets no limit
// to the call as a whole: give each request a context with a deadline. When a
// kept connection turns out to be dead, net/http sends the request once more by
// itself if its method is safe or it has an Idempotency-Key header.
func (e *Egress) Client() *http.Client { return e.client }

// Close ends the connections that are idle.
func (e *Egress) Close() { e.transport.CloseIdleConnections() }

// refusePrivate is called between the look-up of a name and the connection,
// with the address that is really connected to: a name server that gives another
// answer the second time (DNS rebinding) gains nothing.
func refusePrivate(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s %s: %w", network, address, ErrPrivateAddress)
	}
	if kind := special(ap.Addr()); kind != "" {
		return fmt.Errorf("%s is %s: %w", ap.Addr(), kind, ErrPrivateAddress)
	}
	return nil
}
