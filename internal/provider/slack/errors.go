package slack

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// answer is what each answer begins with.
type answer struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
	Needed   string `json:"needed"`   // scopes
	Provided string `json:"provided"` // scopes
}

// classes is what can be done about an error. Whatever is not listed is refused
// for good: a new word of Slack's would else be tried for a day.
var classes = map[string]provider.Class{
	"invalid_auth": provider.ClassCredentials, "not_authed": provider.ClassCredentials, "account_inactive": provider.ClassCredentials,
	"token_revoked": provider.ClassCredentials, "token_expired": provider.ClassCredentials, "missing_scope": provider.ClassCredentials,
	"not_allowed_token_type": provider.ClassCredentials, "no_permission": provider.ClassCredentials,
	"team_access_not_granted": provider.ClassCredentials, "org_login_required": provider.ClassCredentials,
	"ekm_access_denied": provider.ClassCredentials, "two_factor_setup_required": provider.ClassCredentials,
	"accesslimited": provider.ClassCredentials, "invalid_app_token": provider.ClassCredentials,

	channelNotFound: provider.ClassIncomplete, "not_in_channel": provider.ClassIncomplete, "is_archived": provider.ClassIncomplete,
	"team_not_found": provider.ClassIncomplete, "restricted_action": provider.ClassIncomplete,

	"ratelimited": provider.ClassRateLimited, "rate_limited": provider.ClassRateLimited,

	"service_unavailable": provider.ClassTransient, "request_timeout": provider.ClassTransient, "team_added_to_org": provider.ClassTransient,
	"internal_error": provider.ClassTransient, "fatal_error": provider.ClassTransient,
}

// The errors that something is done about here.
const (
	channelNotFound = "channel_not_found"
	threadNotFound  = "thread_not_found"
	messageNotFound = "message_not_found"
	cantUpdate      = "cant_update_message"
	lockedThread    = "restricted_action_thread_locked"
)

// advice tells what to do about some of them.
var advice = map[string]string{ //nolint:gosec // it speaks of tokens and holds none
	"invalid_auth":           "copy the Bot User OAuth Token again",
	"not_authed":             "copy the Bot User OAuth Token again",
	"account_inactive":       "the app was removed from the workspace; install it again and copy its new token",
	"token_revoked":          "the token was revoked; install the app again and copy its new token",
	"token_expired":          "token rotation is on; make the app from the manifest, where it is off",
	"not_allowed_token_type": "bot_token has to be the Bot User OAuth Token, app_token an app-level token",
	channelNotFound:          "check channel_id, and invite the app to the channel: /invite @Handoff",
	"not_in_channel":         "invite the app to the channel: /invite @Handoff",
	"is_archived":            "the channel is archived; restore it or choose another",
	"restricted_action":      "the workspace's rules do not let the app write in this channel",
	threadNotFound:           "the thread of the session is gone",
	lockedThread:             "the thread of the session was locked",
}

// refused is an error with what Slack calls it.
type refused struct {
	error

	code string
}

// Unwrap returns the judged error.
func (r *refused) Unwrap() error { return r.error }

var errorCode = regexp.MustCompile(`^[a-z0-9_.:-]{1,80}$`)

// judge turns an answer to a method into an error.
func judge(method string, now handoff.Clock) func(int, http.Header, []byte) error {
	return func(status int, header http.Header, body []byte) error {
		if err := provider.FromStatus(status, header, now(), body); err != nil {
			return err
		}
		r := answer{OK: true} // what is no JSON is found out by who decodes it
		_ = json.Unmarshal(body, &r)
		if r.OK {
			return nil
		}
		code := r.Error
		if !errorCode.MatchString(code) {
			code = "an error without a name"
		}
		class, known := classes[code]
		switch {
		case known:
		case code == lockedThread || !strings.HasPrefix(code, "restricted_action"):
			class = provider.ClassRejected
		default:
			class = provider.ClassIncomplete
		}
		return &refused{code: code, error: provider.Errorf(class, "Slack refused %s: %s%s", method, code, hint(r, code))}
	}
}

func hint(r answer, code string) string {
	if code == "missing_scope" && errorCode.MatchString(r.Needed) {
		return " (" + r.Needed + "); add the scope to the app and install it again"
	}
	if text := advice[code]; text != "" {
		return "; " + text
	}
	return ""
}
