package emulator

import (
	"net/http"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// Traits is what has to be known of a vendor to judge what an adapter makes of
// it. What is left out means: as simple as can be.
type Traits struct {
	// New makes an emulator with secrets of its own, whose clock is now.
	New func(now handoff.Clock) Emulator

	// Spoil changes a good configuration into one whose credentials the vendor refuses.
	Spoil func(config proto.Message)

	// RevokedAs is the class of what fails once credentials are revoked; empty =
	// credentials. It is consent where somebody only has to agree again.
	RevokedAs provider.Class

	// Identity returns what the vendor can hold of a customer; nil = all.
	Identity func(handoff.Customer) handoff.Customer

	// CloseAs says what the desk shows for each reason for a close; reasons that
	// the desk is not told are left out.
	CloseAs map[handoff.CloseReason]string

	// IdempotencyKey returns the key of a call as the vendor got it; nil when the
	// vendor has no such thing and the adapter looks before it repeats.
	IdempotencyKey func(http.Header) string

	// Secret returns a webhook with another secret in its body, for vendors that
	// prove themselves by one there; nil = the headers prove it. What a stranger
	// changes in the rest of such a webhook cannot be told.
	Secret func(r provider.Request, secret string) provider.Request
	// Unsigned names headers of webhooks that anybody could change, and that nothing
	// depends on.
	Unsigned []string

	// InQuery tells that webhooks prove themselves by parameters of their query, not
	// by headers. Unsigned names those that anybody could change, and that then tell
	// nothing.
	InQuery bool

	// EmptyAnswers tells that the vendor takes any word in an answer to a webhook for a
	// failure.
	EmptyAnswers bool

	// KeyOnly tells that webhooks prove themselves by a key in a header alone: what
	// somebody changes who has it cannot be told.
	KeyOnly bool

	// Expires tells that webhooks prove when they were sent.
	Expires bool

	// RetryIn returns the headers by which the vendor asks for a pause, besides
	// Retry-After; nil = it has none.
	RetryIn func(now time.Time, wait time.Duration) http.Header

	// Twice says why a call whose answer was lost may show twice at the desk: the
	// vendor knows no keys, and what it has cannot be looked at. Empty = it shows once.
	// Marked tells that the second then says of itself that it may be one.
	Twice  string
	Marked bool

	// FilesAlone tells that a human's file comes without a name, and a text beside it
	// in a webhook of its own.
	FilesAlone bool

	// Lacks says why there are no webhooks of some acts.
	Lacks map[ActKind]string

	// Retries is how long after each failed attempt the vendor sends a webhook
	// again; it gives up after the last.
	Retries []time.Duration
}
