package dingtalk

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/provider"
)

// TestSignatureVectors holds the vendor's formula to vectors that were made without
// this code: a callback's, and a custom robot's, which is the same.
func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	const timestamp = "1763900000000"
	for secret, want := range map[string]string{
		"test-app-secret": "eCg4tfg1/2rHq66zuypGCuITNNEoeW1Vrtf7XorGYz0=",
		"SECtest":         "N3GTJGrZQL+wV38GKoLemguenv1fwJxe08zyO3MVrQw=",
	} {
		require.Equal(t, want, scheme.Sign(secret, []byte(timestamp+"\n"+secret)))

		a := &Adapter{secret: secret, robot: "ding1"}
		at := time.UnixMilli(1763900000000)
		r := provider.Request{Header: http.Header{"Timestamp": {timestamp}, "Sign": {want}}, Time: at, Body: []byte(`{"robotCode":"ding1"}`)}
		require.NoError(t, a.Verify(r))
		for off, good := range map[time.Duration]bool{
			59*time.Minute + 59*time.Second: true, -59 * time.Minute: true, time.Hour: false, -time.Hour: false,
		} {
			r.Time = at.Add(off)
			require.Equal(t, good, a.Verify(r) == nil, "%s off", off)
		}
		r.Time, r.Body = at, []byte(`{"robotCode":"ding2"}`)
		require.Error(t, a.Verify(r), "the signature is good for any body; that of another robot is not taken")
	}
}

func TestSessionWebhooksAreNotKept(t *testing.T) {
	t.Parallel()
	r := provider.Request{Header: http.Header{"Sign": {"s"}, "Timestamp": {"1"}}, Body: []byte(`{"msgId":"m","sessionWebhook":"https://oapi.dingtalk.com/robot/sendBySession?session=secret"}`)}
	stripped := (&Adapter{}).Strip(r)
	require.JSONEq(t, `{"msgId":"m"}`, string(stripped.Body))
	require.Empty(t, stripped.Header.Get("Sign"))
	require.NotEmpty(t, r.Header.Get("Sign"), "a request is only read")
}
