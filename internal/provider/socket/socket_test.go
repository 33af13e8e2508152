package socket_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/provider/socket"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	own := socket.Vendor{Name: "V", Own: "https://api.vendor.example", Base: "https://api.vendor.example", Host: "vendor.example"}
	emulated := own
	emulated.Base = "http://127.0.0.1:8080/sub"
	for address, want := range map[string][2]string{
		"wss://wss-1.vendor.example:443/connect?a=b": {"wss://wss-1.vendor.example:443/connect?a=b", "ws://127.0.0.1:8080/sub/connect?a=b"},
		"ws://wss-1.vendor.example/connect":          {"", "ws://127.0.0.1:8080/sub/connect"},
		"wss://vendor.example.evil.example/":         {"", "ws://127.0.0.1:8080/sub/"},
		"wss://evilvendor.example/":                  {"", "ws://127.0.0.1:8080/sub/"},
		"ws://127.0.0.1:8080/sub/connect":            {"", "ws://127.0.0.1:8080/sub/connect"},
		"connect":                                    {"", ""},
	} {
		for i, v := range []socket.Vendor{own, emulated} {
			got, err := v.At(address)
			assert.Equal(t, want[i], got, address)
			if want[i] == "" {
				require.Error(t, err, address)
			}
		}
	}
}
