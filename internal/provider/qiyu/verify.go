package qiyu

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/human-handoff/handoff/internal/provider"
)

// window is how far the time of a push may be from ours.
const window = 5 * time.Minute

// Verify implements provider.Adapter.
func (a *Adapter) Verify(r provider.Request) error {
	if greets(r) {
		return nil
	}
	if r.Method != http.MethodPost {
		return errors.New("pushes come by POST")
	}
	query, err := url.ParseQuery(r.Query)
	if err != nil {
		return errors.New("the query cannot be read")
	}
	seconds := query.Get(parameterTime)
	given, want := []byte(query.Get(parameterChecksum)), []byte(checksum(a.client.secret, r.Body, seconds))
	if subtle.ConstantTimeCompare(given, want) != 1 {
		return errors.New("the checksum does not match; is app_secret the one that QiYu has?")
	}
	sent, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || r.Time.Sub(time.Unix(sent, 0)).Abs() > window {
		return errors.New("the push is older or newer than 5 minutes; is the clock of this machine right?")
	}
	return nil
}
