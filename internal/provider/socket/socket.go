// Package socket has what adapters share that keep a web socket to their vendor.
package socket

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/human-handoff/handoff/internal/provider"
)

const (
	dialIn    = 15 * time.Second
	pingEvery = 15 * time.Second // a connection that is dead says nothing
	pongIn    = 30 * time.Second
)

// Vendor is whose socket it is.
type Vendor struct {
	Name  string // for errors
	Own   string // the address of its API
	Base  string // ... or what stands for it
	Host  string // that its sockets are at, or below; empty = the one of Base
	Limit int64  // of a frame, in bytes
}

// Dial opens a connection at an address that the vendor gave out.
func (v Vendor) Dial(ctx context.Context, client *http.Client, address string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialIn)
	defer cancel()
	address, err := v.At(address)
	if err != nil {
		return nil, err
	}
	conn, resp, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: client})
	if resp != nil && resp.Body != nil && err != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, provider.Errorf(provider.ClassTransient, "connect to %s: %w", v.Name, err)
	}
	conn.SetReadLimit(v.Limit)
	return conn, nil
}

// At returns an address that the vendor gave out, if it is one of the vendor's:
// tokens and customers' words go to nobody else. Where the API has another address,
// that stands for all of the vendor's hosts.
func (v Vendor) At(address string) (string, error) {
	u, err := url.Parse(address)
	base, errBase := url.Parse(v.Base)
	if err != nil || errBase != nil || u.Host == "" {
		return "", provider.Errorf(provider.ClassTransient, "%s gave out an address that is none", v.Name)
	}
	own := v.owns(u, base)
	inClear := u.Scheme != "https" && u.Scheme != "wss"
	switch {
	case own && (!inClear || base.Scheme == "http"):
		return u.String(), nil
	case v.Base == v.Own:
		return "", provider.Errorf(provider.ClassRejected, "%s gave out an address at %s, which is not %s's", v.Name, u.Hostname(), v.Name)
	}
	u.Scheme = schemes[strings.HasPrefix(u.Scheme, "ws")][base.Scheme]
	u.Host, u.Path = base.Host, strings.TrimRight(base.Path, "/")+u.Path
	return u.String(), nil
}

// owns reports whether an address is one of the vendor's, or of what stands for it.
func (v Vendor) owns(u, base *url.URL) bool {
	host := base.Hostname()
	if v.Host != "" && v.Base == v.Own {
		host = v.Host
	}
	return u.Host == base.Host || u.Hostname() == host || strings.HasSuffix(u.Hostname(), "."+host)
}

// schemes are those beside the API's own: of a web socket, and of all else.
var schemes = map[bool]map[string]string{
	true:  {"http": "ws", "https": "wss"},
	false: {"http": "http", "https": "https"},
}

// KeepAlive cuts a connection on which no answer comes any more, until ctx is done.
func KeepAlive(ctx context.Context, conn *websocket.Conn, cut context.CancelFunc) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		within, cancel := context.WithTimeout(ctx, pongIn)
		err := conn.Ping(within)
		cancel()
		if err != nil {
			cut()
			return
		}
	}
}
