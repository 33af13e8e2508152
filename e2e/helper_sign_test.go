package e2e_test

import (
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
)

// sign makes the headers of Standard Webhooks with the standard's own library.
func sign(t *testing.T, secret, body string) []string {
	t.Helper()
	signer, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	id, now := "msg_"+strconv.FormatInt(nextTimestamp(), 10), time.Now()
	signature, err := signer.Sign(id, now, []byte(body))
	require.NoError(t, err)
	return []string{
		"webhook-id", id, "webhook-timestamp", strconv.FormatInt(now.Unix(), 10), "webhook-signature", signature,
	}
}
