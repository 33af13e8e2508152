package qiyu

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/provider"
)

const (
	vectorSecret = "0123456789abcdef0123456789abcdef"
	vectorTime   = 1_763_900_000
)

// vectors are bodies with their checksums by the vendor's formula, computed by other
// tools than this program.
var vectors = map[string]string{
	`{"uid":"ho_01","msgType":"TEXT","content":"你好"}`:                                            "34c5f146f5ca5ba6e5ae115157d182736cf2e3e6",
	`{"uid":"ho_01","staffId":17,"sessionId":815518,"staffName":"Lin","staffType":1,"code":200}`: "5d96a9064306a6da81379eabd818c67dd10dfd5f",
}

func TestKnownVectors(t *testing.T) {
	t.Parallel()
	a := &Adapter{client: client{secret: vectorSecret}}
	for body, sum := range vectors {
		assert.Equal(t, sum, checksum(vectorSecret, []byte(body), strconv.Itoa(vectorTime)))
		push := func(change func(*provider.Request)) error {
			r := provider.Request{
				Method: http.MethodPost, Query: "eventType=MSG&time=1763900000&checksum=" + sum,
				Body: []byte(body), Time: time.Unix(vectorTime, 0),
			}
			if change != nil {
				change(&r)
			}
			return a.Verify(r)
		}
		require.NoError(t, push(nil))
		require.NoError(t, push(func(r *provider.Request) { r.Time = r.Time.Add(5 * time.Minute) }))
		require.NoError(t, push(func(r *provider.Request) { r.Time = r.Time.Add(-5 * time.Minute) }))
		for name, change := range map[string]func(*provider.Request){
			"too old":             func(r *provider.Request) { r.Time = r.Time.Add(5*time.Minute + time.Second) },
			"too new":             func(r *provider.Request) { r.Time = r.Time.Add(-5*time.Minute - time.Second) },
			"space in the body":   func(r *provider.Request) { r.Body = append(r.Body, ' ') },
			"another method":      func(r *provider.Request) { r.Method = http.MethodPut },
			"no checksum":         func(r *provider.Request) { r.Query = "eventType=MSG&time=1763900000" },
			"no time":             func(r *provider.Request) { r.Query = "eventType=MSG&checksum=" + sum },
			"milliseconds":        func(r *provider.Request) { r.Query = "eventType=MSG&time=1763900000000&checksum=" + sum },
			"a query of nonsense": func(r *provider.Request) { r.Query += "&%zz" },
		} {
			require.Error(t, push(change), name)
		}
	}
}

func TestWhoOnlyLooksIsAnswered(t *testing.T) {
	t.Parallel()
	a := &Adapter{client: client{secret: vectorSecret}}
	for _, r := range []provider.Request{{Method: http.MethodGet}, {Method: http.MethodHead}, {Method: http.MethodPost, Body: []byte(" \n")}} {
		require.NoError(t, a.Verify(r), r.Method)
		reply, inbound, err := a.Parse(r)
		require.NoError(t, err)
		assert.Empty(t, inbound)
		assert.Equal(t, provider.Reply{Always: true}, reply)
		_, greeted := Kind{}.Greet(nil, r)
		assert.True(t, greeted)
	}
	assert.Error(t, a.Verify(provider.Request{Method: http.MethodPost, Query: "checksum=", Body: nil}), "an empty push is none that only looks")
}
