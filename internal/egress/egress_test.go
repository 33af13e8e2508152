package egress

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSpecial(t *testing.T) {
	refused := []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.8.8.8",
		"169.254.0.1", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.7", "192.88.99.1",
		"192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.3", "203.0.113.9", "224.0.0.1", "239.255.255.255",
		"240.0.0.1", "255.255.255.255",
		"::", "::1", "::7f00:1", "::8.8.8.8", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1",
		"2001:db8::1", "3fff::1", "2001::1", "2001:10::1", "2002:7f00:1::", "2002:808:808::1", "100::1", "5f00::1", "4000::1", "1::1",
		"64:ff9b::127.0.0.1", "64:ff9b::10.1.2.3", "64:ff9b::169.254.169.254", "64:ff9b::100.64.0.1", "64:ff9b:1::8.8.8.8",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0.0.0.0", "::ffff:169.254.169.254",
	}
	for _, s := range refused {
		assert.NotEmpty(t, special(netip.MustParseAddr(s)), s)
	}
	public := []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.1", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::200e", "2001:4860:4860::8888",
		"64:ff9b::8.8.8.8", "::ffff:8.8.8.8",
	}
	for _, s := range public {
		assert.Empty(t, special(netip.MustParseAddr(s)), s)
	}
}

func TestZonesHideNothing(t *testing.T) {
	assert.Equal(t, special(netip.MustParseAddr("fe80::1")), special(netip.MustParseAddr("fe80::1%eth0")))
	assert.NotEmpty(t, special(netip.MustParseAddr("::ffff:127.0.0.1%eth0")))
}

func TestRefusePrivateWithoutAnAddress(t *testing.T) {
	require.ErrorIs(t, refusePrivate("tcp", "not an address", nil), ErrPrivateAddress)
	require.NoError(t, refusePrivate("tcp", "8.8.8.8:443", nil))
	require.NoError(t, refusePrivate("tcp6", "[2606:4700::1111]:443", nil))
}

// get sends a GET with a deadline, so that a broken guard does not hang the test.
func get(t *testing.T, e *Egress, url string) (*http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := e.Client().Do(r)
	if err == nil {
		t.Cleanup(func() {
			_ = resp.Body.Close()
			e.Close()
		})
	}
	return resp, err
}

func TestPrivateAddressesAreRefused(t *testing.T) {
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(t, err)

	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"} {
		_, err := get(t, New(Options{}), "http://"+net.JoinHostPort(host, port)+"/")
		require.ErrorIs(t, err, ErrPrivateAddress, host)
		require.ErrorContains(t, err, "--allow-private-destinations")
		require.ErrorContains(t, err, "HANDOFF_ALLOW_PRIVATE_DESTINATIONS")
	}
	assert.Zero(t, calls.Load())

	resp, err := get(t, New(Options{AllowPrivate: true}), srv.URL)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.EqualValues(t, 1, calls.Load())
}

// A name that looked public when it was configured and leads inside now.
func TestNameThatResolvesToPrivateIsRefused(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(t, err)

	resolver := fakeResolver(t, [4]byte{127, 0, 0, 1})
	_, err = get(t, New(Options{Resolver: resolver}), "http://desk.example.:"+port+"/")
	require.ErrorIs(t, err, ErrPrivateAddress)

	resp, err := get(t, New(Options{Resolver: resolver, AllowPrivate: true}), "http://desk.example.:"+port+"/")
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotFound, resp.StatusCode)
}

// fakeResolver answers every question for an IPv4 address with addr.
func fakeResolver(t *testing.T, addr [4]byte) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = pc.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer, ok := answerDNS(buf[:n], addr); ok {
				_, _ = pc.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func answerDNS(query []byte, addr [4]byte) ([]byte, bool) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) == 0 {
		return nil, false
	}
	m.Response, m.RCode, m.Additionals = true, dnsmessage.RCodeSuccess, nil
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.AResource{A: addr},
		}}
	}
	answer, err := m.Pack()
	return answer, err == nil
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(srv.Close)
	resp, err := get(t, New(Options{AllowPrivate: true}), srv.URL)
	require.NoError(t, err)
	assert.Equal(t, http.StatusTemporaryRedirect, resp.StatusCode)
	assert.EqualValues(t, 1, calls.Load())
}

func TestBodiesAreLimited(t *testing.T) {
	const limit = 1000
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var size int
		_, _ = fmt.Sscan(r.URL.Query().Get("size"), &size)
		var out io.Writer = w
		if r.URL.Query().Has("gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer func() { _ = z.Close() }()
			out = z
		}
		_, _ = io.WriteString(out, strings.Repeat("x", size))
	}))
	t.Cleanup(srv.Close)

	for _, tt := range []struct {
		query string
		want  int
		err   error
	}{
		{"?size=0", 0, nil},
		{"?size=999", 999, nil},
		{"?size=1000", 1000, nil},
		{"?size=1001", 1000, ErrBodyTooLarge},
		{"?size=5000000", 1000, ErrBodyTooLarge},
		{"?size=5000000&gzip", 1000, ErrBodyTooLarge},
	} {
		resp, err := get(t, New(Options{AllowPrivate: true, MaxBodyBytes: limit}), srv.URL+tt.query)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, tt.err, tt.query)
		assert.Len(t, body, tt.want, tt.query)
		if tt.err != nil {
			_, err = resp.Body.Read(make([]byte, 1))
			require.ErrorIs(t, err, tt.err, "it stays refused")
		}
	}
}

func TestDefaultBodyLimit(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<20)
		for range 11 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	t.Cleanup(srv.Close)
	resp, err := get(t, New(Options{AllowPrivate: true}), srv.URL)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, resp.Body)
	require.ErrorIs(t, err, ErrBodyTooLarge)
	assert.EqualValues(t, 10<<20, n)
}

// targetPort names a variable that only the process has that the test starts.
const targetPort = "EGRESS_TEST_TARGET_PORT"

// net/http reads the proxy's variables once per process, so the test runs
// itself again with them set.
func TestNoProxyFromTheEnvironment(t *testing.T) {
	if port := os.Getenv(targetPort); port != "" {
		// A name, for net/http asks no proxy for loopback addresses.
		e := New(Options{AllowPrivate: true, Resolver: fakeResolver(t, [4]byte{127, 0, 0, 1})})
		_, err := get(t, e, "http://desk.example.:"+port+"/")
		require.NoError(t, err)
		return
	}
	var asked, reached atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(proxy.Close)
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(target.Close)
	_, port, err := net.SplitHostPort(target.Listener.Addr().String())
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), targetPort+"="+port, "HTTP_PROXY="+proxy.URL, "http_proxy="+proxy.URL, "ALL_PROXY="+proxy.URL, "NO_PROXY=", "no_proxy=")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Zero(t, asked.Load(), "the proxy was asked")
	assert.EqualValues(t, 1, reached.Load())
}
