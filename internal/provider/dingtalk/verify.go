package dingtalk

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/hmacsign"
)

const (
	headerTimestamp = "Timestamp" // milliseconds
	headerSign      = "Sign"

	// tolerance is DingTalk's own.
	tolerance = time.Hour
)

// scheme is how DingTalk signs: the timestamp, a line break and the secret itself.
// Neither the body nor a nonce is signed.
var scheme = hmacsign.Scheme{Hash: sha256.New, Encode: base64.StdEncoding.EncodeToString}

// Verify implements provider.Adapter. As a signature stands for no body, whoever
// records one request can make others for an hour. So a body has to be of our robot,
// and what comes again with the same msgId counts for nothing; the receive URL is
// another secret.
func (a *Adapter) Verify(r provider.Request) error {
	if a.stream {
		return errors.New("messages come over the connection of Stream mode; choose HTTP mode here if that is what the app has")
	}
	timestamp := r.Header.Get(headerTimestamp)
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errors.New("the header timestamp is not a number of milliseconds")
	}
	if off := r.Time.Sub(time.UnixMilli(ms)); off >= tolerance || off <= -tolerance {
		return errors.New("the header timestamp is an hour off or more")
	}
	if !scheme.Verify(r.Header.Get(headerSign), []string{a.secret}, []byte(timestamp+"\n"+a.secret)) {
		return errors.New("the header sign does not match; is client_secret that of the app that sends this?")
	}
	var body struct {
		RobotCode string `json:"robotCode"`
	}
	if json.Unmarshal(r.Body, &body) == nil && body.RobotCode != "" && body.RobotCode != a.robot {
		return errors.New("it is another robot's")
	}
	return nil
}

// Strip implements provider.Stripper: whoever has a session's webhook can write to
// the group, for a while.
func (a *Adapter) Strip(r provider.Request) provider.Request {
	r.Header = r.Header.Clone()
	r.Header.Del(headerSign)
	var body map[string]json.RawMessage
	if json.Unmarshal(r.Body, &body) != nil || body["sessionWebhook"] == nil {
		return r
	}
	delete(body, "sessionWebhook")
	if stripped, err := json.Marshal(body); err == nil {
		r.Body = stripped
	}
	return r
}
