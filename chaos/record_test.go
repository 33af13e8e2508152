package chaos_test

import "time"

// record is all that anybody was told during a run: data alone, so that the
// checker can be tested with records of runs that never were.
type record struct {
	Sessions []*session
	Deaths   []death   // by process: how each one but the last ended
	Calls    []*call   // at the vendor, in the order of their arrival
	Pushed   []*call   // at the event webhook, in the order of their arrival
	Drain    time.Time // from when on what waits for a retry is released

	// Unexpected are answers that no caller may get, whatever happens around him.
	Unexpected []string
	// Refusals is how long callers waited for a "no" while the disk was full.
	Refusals []time.Duration
}

// death is the end of a server process.
type death struct {
	At    time.Time // just before the signal
	Asked bool      // by SIGTERM: it had the time to settle what was under way
}

// call is one call that the vendor took, or the event webhook.
type call struct {
	Path    string // "/chat" and so on
	Session string
	Key     string
	Text    string // of a message
	Type    string // of a close

	Sequence uint64 // of an event
	Content  uint64 // of an event, as in the log

	Process    int    // which server process it came from
	Arrived    uint64 // by a clock that ticks at each arrival and answer
	Answered   uint64 // 0: the vendor withheld its answer
	Time       time.Time
	Took       time.Duration // until the answer
	Status     int           // 0: withheld
	RetryAfter time.Duration
}

// session is one handoff: what its backend, its humans and its readers did and
// were told, and what the server says of it at the end.
type session struct {
	Conversation string
	IDs          []string // of each OK of RequestHandoff
	Sent         []*sent  // each writer's in its order
	Human        []*reply
	Closed       int // OKs of CloseSession
	HumanClosed  int // of the human's close
	Streams      [][]seen

	Log    []logged
	Ledger []entry // in the order in which they were made
	Late   []string
}

// sent is a message that a backend sent, until it was answered.
type sent struct {
	Writer   int
	ClientID string // empty: it is not sent again, whatever comes
	Text     string
	Refused  bool     // the vendor refuses it for good
	IDs      []string // of each OK
	Closed   bool     // the session was closed before it was taken
	Denied   bool     // without an id, and its sender was told that nothing was stored
}

// reply is a human's message, sent until it was answered and then sometimes again.
type reply struct {
	Text  string
	Taken int // how often the answer was a success
	Late  int // how often it was that the session is closed
}

// seen is an event as a stream brought it.
type seen struct {
	Sequence uint64
	Content  uint64 // a digest of the whole event
	Time     time.Time
}

// logged is an event as the log has it at the end.
type logged struct {
	Sequence uint64
	Content  uint64

	State     string // of a change of state
	Reason    string // of a close
	Human     bool   // of a message: who wrote it
	MessageID string // of a message or of a message's status
	ClientID  string
	Text      string
	Status    string // of a message's status
}

// isMessage tells a message from the status of one.
func (e logged) isMessage() bool { return e.MessageID != "" && e.Status == "" }

// entry is a delivery in the ledger.
type entry struct {
	ID        string // which is the Idempotency-Key of its calls
	Kind      string // "start", "message", "close"
	MessageID string
	State     string // "pending", "delivered", "failed"
	Attempts  int
}

// id returns the session's id.
func (s *session) id() string {
	if len(s.IDs) == 0 {
		return ""
	}
	return s.IDs[0]
}
