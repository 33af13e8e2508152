package slack

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/hmacsign"
)

// The headers by which Slack proves itself
// (https://docs.slack.dev/authentication/verifying-requests-from-slack).
const (
	headerSignature = "X-Slack-Signature"
	headerTimestamp = "X-Slack-Request-Timestamp"

	// tolerance is how far a timestamp may be off: what was recorded cannot be sent again later.
	tolerance = 5 * time.Minute
)

// scheme is how Slack signs: "v0:", the timestamp, ":" and the body.
var scheme = hmacsign.Scheme{Hash: sha256.New, Prefix: "v0="}

// Verify implements provider.Adapter. Events and buttons are signed alike.
func (a *Adapter) Verify(r provider.Request) error { return verify(a.secret, r) }

func verify(secret string, r provider.Request) error {
	if secret == "" {
		return errors.New("no signing_secret is configured, so nothing proves that this comes from Slack")
	}
	timestamp := r.Header.Get(headerTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errors.New(headerTimestamp + " is not a number of seconds")
	}
	if off := r.Time.Sub(time.Unix(seconds, 0)); off > tolerance || off < -tolerance {
		return errors.New(headerTimestamp + " is more than 5 minutes off")
	}
	if !scheme.Verify(r.Header.Get(headerSignature), []string{secret}, []byte("v0:"+timestamp+":"), r.Body) {
		return errors.New(headerSignature + " does not match; is signing_secret that of the app that sends this?")
	}
	return nil
}

// maxChallenge bounds what is sent back to somebody whom nothing has proved yet.
const maxChallenge = 1 << 10

// Greet implements provider.Greeter: Slack sends a challenge when the request URL
// is entered, which may be before its signing secret is known here.
func (Kind) Greet(config proto.Message, r provider.Request) (provider.Reply, bool) {
	challenge := challengeOf(r)
	if challenge == "" || len(challenge) > maxChallenge {
		return provider.Reply{}, false
	}
	c, err := configOf(config)
	if err != nil || c.GetSigningSecret() != "" && verify(c.GetSigningSecret(), r) != nil {
		return provider.Reply{}, false
	}
	return challenged(challenge), true
}

func challengeOf(r provider.Request) string {
	if r.Method != http.MethodPost {
		return ""
	}
	var body struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
	}
	if json.Unmarshal(r.Body, &body) != nil || body.Type != typeChallenge {
		return ""
	}
	return body.Challenge
}

func challenged(challenge string) provider.Reply {
	return provider.Reply{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte(challenge)}
}

// secretFields are what lets somebody speak as Slack did long ago, or answer in
// the app's name.
var secretFields = regexp.MustCompile(`"(token|response_url|trigger_id)"\s*:\s*"(?:[^"\\]|\\.)*"`)

// Strip implements provider.Stripper.
func (*Adapter) Strip(r provider.Request) provider.Request {
	r.Header = r.Header.Clone()
	r.Header.Del(headerSignature)
	if !isForm(r.Header) {
		r.Body = secretFields.ReplaceAll(r.Body, []byte(`"$1":""`))
		return r
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		r.Body = nil
		return r
	}
	form.Set(payloadField, secretFields.ReplaceAllString(form.Get(payloadField), `"$1":""`))
	r.Body = []byte(form.Encode())
	return r
}

func isForm(header http.Header) bool {
	return strings.HasPrefix(strings.ToLower(header.Get("Content-Type")), formType)
}
