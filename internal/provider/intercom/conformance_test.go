package intercom_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/provider/intercom"
	"github.com/human-handoff/handoff/internal/provider/intercom/intercomspec"
	"github.com/human-handoff/handoff/internal/provider/intercom/intercomtest"
	"github.com/human-handoff/handoff/internal/provider/providertest"
)

// TestConformance also holds each call of the suite to Intercom's own description.
func TestConformance(t *testing.T) {
	spec, err := intercomspec.Load(t.Context())
	require.NoError(t, err)
	providertest.Run(t, providertest.Harness{Kind: intercom.Kind{}, Traits: intercomtest.Traits(), Check: spec.Check})
}

// TestTheDescriptionIsHeldTo shows that the judge of the test above says no.
func TestTheDescriptionIsHeldTo(t *testing.T) {
	t.Parallel()
	spec, err := intercomspec.Load(t.Context())
	require.NoError(t, err)
	const contact = "6762f11b1bb69f9f2193bba3"
	for _, test := range []struct {
		method, path, body string
		good               bool
	}{
		{"POST", "/conversations", `{"from":{"type":"user","id":"` + contact + `"},"body":"x"}`, true},
		{"POST", "/conversations", `{"from":{"type":"robot","id":"` + contact + `"},"body":"x"}`, false},
		{"POST", "/conversations", `{"from":{"type":"user","id":"17"},"body":"x"}`, false},
		{"POST", "/conversations", `{"from":{"type":"user","id":"` + contact + `"}}`, false},
		{"POST", "/conversations/1/reply", `{"message_type":"comment","type":"user","intercom_user_id":"` + contact + `","body":"x"}`, true},
		{"POST", "/conversations/1/reply", `{"message_type":"comment","type":"user","intercom_user_id":"` + contact + `"}`, false},
		{"POST", "/conversations/1/reply", `{"message_type":"note","type":"admin","admin_id":17,"body":"x"}`, false},
		{"POST", "/conversations/1/reply", `{"message_type":"comment","type":"user","intercom_user_id":"` + contact + `","email":"a@b.co","body":"x"}`, false},
		{"POST", "/conversations/1/parts", `{"message_type":"close","type":"admin","admin_id":"17"}`, true},
		{"POST", "/conversations/1/parts", `{"message_type":"close","type":"admin"}`, false},
		{"POST", "/contacts/search", `{"query":{"field":"email","operator":"=","value":"a@b.co"}}`, true},
		{"POST", "/contacts/search", `{"query":{"field":"email","operator":"is","value":"a@b.co"}}`, false},
		{"GET", "/conversations/1?display_as=plaintext", "", true},
		{"GET", "/nowhere", "", false},
	} {
		r := httptest.NewRequest(test.method, test.path, bytes.NewReader([]byte(test.body)))
		r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer x"}, "Intercom-Version": {"2.16"}}
		err := spec.Check(r, []byte(test.body))
		assert.Equal(t, test.good, err == nil, "%s %s %s: %v", test.method, test.path, test.body, err)
		r.Header.Del("Authorization")
		assert.Error(t, spec.Check(r, []byte(test.body)), "without a token")
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Intercom-Version", "9.99")
		assert.Error(t, spec.Check(r, []byte(test.body)), "with a version that does not exist")
	}
}
