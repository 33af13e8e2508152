package emulator

import (
	"errors"
	"net/http"

	"google.golang.org/protobuf/proto"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// Emulator is a vendor with one account. It is safe for concurrent use.
type Emulator interface {
	// ServeHTTP is the vendor's API. It refuses what the vendor refuses.
	http.Handler

	// Config returns a complete configuration of the account, with all secrets that
	// there are, for a gateway that finds the vendor at an address.
	Config(address string) proto.Message

	// Sessions returns what the desk shows, the oldest first.
	Sessions() []Session

	// Do has somebody do something at the desk and returns the webhooks that the
	// vendor sends because of it, in its order. [ErrLacks] if the vendor has no
	// such thing, [ErrNoSession] if the desk shows no such session.
	Do(session string, a Act) ([]provider.Request, error)

	// Webhook returns a genuine webhook with any body.
	Webhook(body []byte) provider.Request

	// Revoke makes the vendor refuse the account's credentials from now on.
	Revoke()
}

// ContactCounter is an [Emulator] of a vendor that makes customers before sessions.
type ContactCounter interface {
	// Contacts counts the customers that there are, with a session or without.
	Contacts() int
}

// Reporter is an [Emulator] of a vendor that sends webhooks because of calls, too.
type Reporter interface {
	// Report sets who is told of them. It is called before anything else is, and the
	// function while a call is worked on.
	Report(to func(provider.Request))
}

// ErrLacks says that the vendor has no such act, or tells nobody of it.
var ErrLacks = errors.New("the vendor has nothing of the kind")

// ErrNoSession says that the desk shows no such session.
var ErrNoSession = errors.New("there is no such session at the desk")

// Session is what a human sees of a session at the desk.
type Session struct {
	ID       string           `json:"id"`       // what the desk calls it: the ID of its handoff.Ref
	Context  string           `json:"context"`  // what was said before, and the question
	Customer handoff.Customer `json:"customer"` // who it is with
	Contact  string           `json:"contact"`  // what the desk calls the customer; empty if it keeps none
	Lines    []Line           `json:"lines"`    // what was said in the session, the oldest first
	Closed   string           `json:"closed"`   // how it ended, in the vendor's word; empty = it did not

	Files  []File `json:"files,omitempty"`  // of the customer, that the desk shows as such, the oldest first
	Typing bool   `json:"typing,omitempty"` // it shows that the customer types
	Read   bool   `json:"read,omitempty"`   // it shows that the customer has read
}

// File is a file that somebody sent.
type File struct {
	Name    string `json:"name"`
	Content string `json:"content,omitempty"`
	URL     string `json:"url,omitempty"` // of a human's: where the vendor has it
}

// Line is something that was said at the desk.
type Line struct {
	From From   `json:"from"`
	Name string `json:"name,omitempty"`
	Text string `json:"text"`

	// Again tells that it stands there for the second time, and says of itself that it
	// may: who reads it knows it for the same.
	Again bool `json:"again,omitempty"`
}

// From says who said a line.
type From string

// Those who say something at a desk.
const (
	FromCustomer From = "customer"
	FromHuman    From = "human"
	FromBot      From = "bot"
	FromNote     From = "note" // whoever wrote it, the customer does not see it
)

// Messages returns the texts of the customer's messages.
func (s *Session) Messages() []string {
	var texts []string
	for _, l := range s.Lines {
		if l.From == FromCustomer && !l.Again {
			texts = append(texts, l.Text)
		}
	}
	return texts
}

// Find returns a session of an emulator.
func Find(e Emulator, id string) (Session, bool) {
	for _, s := range e.Sessions() {
		if s.ID == id {
			return s, true
		}
	}
	return Session{}, false
}

// Act is something that somebody does at the desk.
type Act struct {
	Kind ActKind `json:"kind"`
	Text string  `json:"text,omitempty"` // of what is said
	File *File   `json:"file,omitempty"` // that is sent; an emulator whose vendor gives files to nobody else gives it an URL of its own
}

// ActKind says what is done.
type ActKind string

// What can be done at a desk. None but the first four says something to the
// customer, and none but Farewell, Close and Delete ends the session.
const (
	Say      ActKind = "say"       // a human types Text
	SayHTML  ActKind = "say_html"  // a human writes with formatting: Text is HTML
	Farewell ActKind = "farewell"  // a human says Text and closes with the same click
	Attach   ActKind = "attach"    // a human sends File, and says Text with it
	Join     ActKind = "join"      // a human takes the session
	Transfer ActKind = "transfer"  // ... and gives it to another
	Snooze   ActKind = "snooze"    // it is put off
	Close    ActKind = "close"     // a human closes it
	Reopen   ActKind = "reopen"    // a human opens it again
	Delete   ActKind = "delete"    // it is deleted at the desk
	Note     ActKind = "note"      // a human tells the other humans Text
	Bot      ActKind = "bot"       // the vendor's own bot says Text
	Echo     ActKind = "echo"      // the vendor tells us what we did last ourselves
	Read     ActKind = "read"      // somebody has read it
	Type     ActKind = "type"      // a human begins to type
	Rest     ActKind = "rest"      // ... and does so no longer
	Unknown  ActKind = "unknown"   // an event that the vendor will invent some day
	Greet    ActKind = "handshake" // the receive URL is entered at the vendor's; of no session
)
