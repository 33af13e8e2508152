package handoff

import "time"

// Inbound is one thing that a provider told us about a session.
type Inbound struct {
	SessionID string // when the provider echoes our id
	Ref       string // else the provider's own conversation id
	Key       string // the same for each repeat: the provider's event id or a digest; empty = no dedupe
	Body      InboundBody

	// Window bounds for how long Key stands for one thing; 0 = for ever. A digest
	// of what was said has to have one: people repeat themselves.
	Window time.Duration
	// VendorID is what the provider calls the message that this is about. A human's
	// message by an id of one that we sent is our own echo and counts for nothing.
	VendorID string
	// Person is whose doing it was, as the provider knows them, where they are to be
	// told what became of it; see [Confirmer].
	Person string
	// Asked tells that we asked for it. It may have been told before, and more than
	// once, which is no sign of a provider that sends our own messages back.
	Asked bool
}

// InboundBody is what a provider told us: one of the types below.
type InboundBody interface{ inboundBody() }

type (
	// HumanMessage is something that a human said to the customer.
	HumanMessage struct {
		ClientMessageID string // the desk's own id, if it gave one
		AuthorName      string
		Text            string
		Attachments     []Attachment // that are kept here already
		Files           []RemoteFile // that the vendor has; they are fetched once the message is logged

		expected []File // what Files became
	}

	// HumanClosed tells that the human's side ended the session.
	HumanClosed struct {
		Outcome Outcome
		Silent  bool // no human did: the desk itself ended it, for the customer was silent
	}

	// HumanJoined and HumanLeft tell who is there. They do not make a session active.
	HumanJoined struct{ Name string }

	// HumanLeft is the counterpart of HumanJoined.
	HumanLeft struct{ Name string }

	// StatusReported tells how far a customer's message got, by the inbound's VendorID.
	StatusReported struct {
		Status MessageStatus `json:"status"` // delivered, read or failed
		Detail string        `json:"detail,omitempty"`
	}

	// HumanTyping tells that the human types, or does no longer. It passes: it is
	// neither logged nor kept.
	HumanTyping struct{ Active bool }

	// HumanRead tells that the human has seen all that was said up to now. It
	// passes, too; a vendor that tells it of each message sends StatusReported.
	HumanRead struct{}

	// PersonSaid is what a human wrote or pressed in a chat app, where all of their
	// sessions share one line of messages. It names no session; whoever receives it
	// finds out, by the hints that it has.
	PersonSaid struct {
		Person string `json:"person"`           // who it is, as the vendor knows them
		Name   string `json:"name,omitempty"`   // for the customer
		Locale string `json:"locale,omitempty"` // BCP 47, in which to answer them; empty = English

		Button     string   `json:"button,omitempty"`      // id of our button that was pressed
		Quotes     bool     `json:"quotes,omitempty"`      // another message is quoted
		QuotedIDs  []string `json:"quoted_ids,omitempty"`  // what the vendor calls it
		QuotedText string   `json:"quoted_text,omitempty"` // what it says, where no id is told
		Text       string   `json:"text,omitempty"`
		Unreadable bool     `json:"unreadable,omitempty"` // it is of a kind that cannot be relayed

		// Stranger tells that it is none of the desk's humans. They are answered now
		// and then, and what they say is nobody's: it is not handed over.
		Stranger bool `json:"stranger,omitempty"`

		// Files are what came with it. It may be kept for a while before its session
		// is known, so they hold no secret and no address that ends soon, but ids.
		Files []RemoteFile `json:"files,omitempty"`

		// Stays tells that people cannot quote in the app: the session that they take or
		// answer is what they chose, until something of another one is shown to them.
		Stays bool `json:"stays,omitempty"`
	}

	// PersonTold tells what became of something that we wrote to a human in a chat
	// app, by the inbound's VendorID, and its SessionID if it is about one.
	PersonTold struct {
		Person   string `json:"person"`
		Delivery string `json:"delivery,omitempty"` // idempotency key of the call that wrote it; empty = unknown
		// Barred tells that it did not get there: the vendor lets us write as we like
		// only to those who wrote not long ago.
		Barred bool `json:"barred,omitempty"`
	}

	// QueueMoved tells the customer's place in the provider's queue.
	QueueMoved struct {
		Position int32
		Wait     time.Duration
	}
)

func (HumanMessage) inboundBody()   {}
func (HumanClosed) inboundBody()    {}
func (HumanJoined) inboundBody()    {}
func (HumanLeft) inboundBody()      {}
func (HumanTyping) inboundBody()    {}
func (HumanRead) inboundBody()      {}
func (PersonSaid) inboundBody()     {}
func (PersonTold) inboundBody()     {}
func (QueueMoved) inboundBody()     {}
func (StatusReported) inboundBody() {}

// Receive applies what a provider told us. It reports whether it came too late:
// a closed session's log takes no event, but a human's message is kept. A repeat
// counts for nothing, and is told what the first was told: the answer to that
// may be what was lost.
func (s *Session) Receive(in InboundBody, messageID string, now time.Time) (late bool) {
	m, isMessage := in.(HumanMessage)
	if s.Repeat != nil {
		return isMessage && s.State == StateClosed && s.Repeat.Message == nil
	}
	if s.State == StateClosed {
		if isMessage {
			s.changes.Late = append(s.changes.Late, LateMessage{SessionID: s.ID, AuthorName: m.AuthorName, Text: m.inWords(), Time: now})
		}
		return true
	}
	before := s.LastSequence
	switch in := in.(type) {
	case HumanMessage:
		s.speak(in, messageID, now)
	case HumanClosed:
		s.end(in.reason(), in.Outcome, now)
	case HumanJoined:
		s.log(ParticipantChanged{Name: in.Name, Joined: true}, now)
	case HumanLeft:
		s.log(ParticipantChanged{Name: in.Name}, now)
	case QueueMoved:
		s.log(QueueChanged(in), now)
	}
	if s.changes.KeySeq == 0 {
		s.changes.KeySeq = before + 1
	}
	return false
}

// reason is that of the session's end.
func (h HumanClosed) reason() CloseReason {
	if h.Silent {
		return ClosedBySessionTimeout
	}
	return ClosedByHuman
}

// speak logs a human's message. The first one makes the session active; it
// proves that the provider took the start, even if its answer is still on the way.
func (s *Session) speak(in HumanMessage, messageID string, now time.Time) {
	if s.State == StateRequested {
		s.move(StateWaiting, now)
	}
	s.changes.KeySeq = s.log(MessageLogged{Message: Message{
		ID: messageID, ClientMessageID: in.ClientMessageID, Author: AuthorHuman, AuthorName: in.AuthorName, Text: in.Text,
		Attachments: s.attach(in, messageID), Status: MessageDelivered, Time: now,
	}}, now)
	if s.State != StateActive {
		s.move(StateActive, now)
	}
	s.humanSpoke(now)
}
