package chaos_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// goodRecord is of a run in which nothing went wrong, though much happened: the
// process was killed while m1 was under way, m2 met a 429 and a cut, m3 was
// refused, the human said h1 twice and h2 too late.
func goodRecord() *record {
	s := &session{
		Conversation: "conversation", IDs: []string{"s", "s"}, Closed: 1, Late: []string{"h2"},
		Human: []*reply{{Text: "h1", Taken: 2}, {Text: "h2", Late: 1}},
		Sent: []*sent{
			{ClientID: "1", Text: "t1", IDs: []string{"m1", "m1"}},
			{Writer: 1, ClientID: "2", Text: "t2", IDs: []string{"m2"}},
			{ClientID: "3", Text: "t3", IDs: []string{"m3"}, Refused: true},
			{ClientID: "4", Text: "t4", Closed: true},
			{Text: "t5", Denied: true},
		},
		Log: []logged{
			{State: "REQUESTED"},
			{State: "WAITING"},
			{MessageID: "m1", ClientID: "1", Text: "t1"},
			{MessageID: "h", Human: true, Text: "h1"},
			{State: "ACTIVE"},
			{MessageID: "m2", ClientID: "2", Text: "t2"},
			{MessageID: "m1", Status: "DELIVERED"},
			{MessageID: "m3", ClientID: "3", Text: "t3"},
			{MessageID: "m2", Status: "DELIVERED"},
			{MessageID: "m3", Status: "FAILED"},
			{State: "CLOSED", Reason: "CUSTOMER"},
		},
		Ledger: []entry{
			{ID: "s-start", Kind: "start", State: "delivered", Attempts: 1},
			{ID: "m1", MessageID: "m1", Kind: "message", State: "delivered", Attempts: 1},
			{ID: "m2", MessageID: "m2", Kind: "message", State: "delivered", Attempts: 2},
			{ID: "m3", MessageID: "m3", Kind: "message", State: "failed", Attempts: 1},
			{ID: "s-close", Kind: "close", State: "delivered", Attempts: 1},
		},
		Streams: make([][]seen, 1),
	}
	for i := range s.Log {
		s.Log[i].Sequence, s.Log[i].Content = uint64(i+1), uint64(100+i)
		s.Streams[0] = append(s.Streams[0], seen{s.Log[i].Sequence, s.Log[i].Content, noon.Add(time.Hour)})
	}
	r := &record{
		Sessions: []*session{s},
		Deaths:   []death{{At: noon.Add(2500 * time.Millisecond)}},
		Drain:    noon.Add(time.Minute),
		Refusals: []time.Duration{time.Second},
	}
	for i, c := range []call{
		{Path: "/conversation/establish", Key: "s-start", Status: 200},
		{Path: "/chat", Key: "m1", Text: "t1", Status: 200},
		{Path: "/chat", Key: "m1", Text: "t1", Status: 200, Process: 1},
		{Path: "/chat", Key: "m2", Text: "t2", Status: 429, Process: 1, RetryAfter: time.Second},
		{Path: "/chat", Key: "m2", Text: "t2", Process: 1}, // cut
		{Path: "/chat", Key: "m2", Text: "t2", Status: 204, Process: 1},
		{Path: "/chat", Key: "m3", Text: "t3", Status: 422, Process: 1},
		{Path: "/conversation/close", Key: "s-close", Type: "USER_CLOSED", Status: 200, Process: 1},
	} {
		c.Session, c.Time, c.Arrived, c.Answered = "s", noon.Add(time.Duration(i+1)*2*time.Second), uint64(2*i+1), uint64(2*i+2)
		if c.Status == 0 {
			c.Answered = 0
		}
		r.Calls = append(r.Calls, &c)
	}
	for i, e := range s.Log {
		r.push(e, 0, 204)
		switch i {
		case 1: // under way at the kill
			r.push(e, 1, 204)
		case 3:
			r.Pushed[len(r.Pushed)-1].Status, r.Pushed[len(r.Pushed)-1].RetryAfter = 429, time.Second
			r.push(e, 1, 0) // cut
			r.push(e, 1, 204)
		}
		if i > 1 {
			r.Pushed[len(r.Pushed)-1].Process = 1
		}
	}
	r.Pushed[4].Process = 1
	return r
}

// push adds a call of the event webhook, two seconds after the one before.
func (r *record) push(e logged, process, status int) {
	n := len(r.Pushed)
	c := &call{
		Path: eventsPath, Session: "s", Key: fmt.Sprint("s_", e.Sequence), Sequence: e.Sequence, Content: e.Content, Process: process,
		Status: status, Time: noon.Add(time.Duration(n+1) * 2 * time.Second), Arrived: uint64(2*n + 1), Answered: uint64(2*n + 2),
	}
	if status == 0 {
		c.Answered = 0
	}
	r.Pushed = append(r.Pushed, c)
}

func TestCheckerFindsNothingInAGoodRun(t *testing.T) {
	t.Parallel()
	v := check(goodRecord())
	require.Empty(t, v.Findings)
	assert.Equal(t, []int{1, 3, 1, 11, 11, 1, 1, 8}, []int{v.Sessions, v.Messages, v.Failed, v.Events, v.StreamEvents, v.Replies, v.LateReplies, v.Calls})
	assert.Equal(t, []int{1, 1, 1}, []int{v.AfterDeath, v.Withheld, v.Asked})
	assert.Equal(t, []int{14, 1}, []int{v.Pushed, v.PushedAfterDeath})
}

// planted are faults, each with a part of what the checker has to say of it.
var planted = []struct {
	name  string
	plant func(r *record, s *session)
	finds string
}{
	{"a message is lost", func(_ *record, s *session) { s.Sent[4] = &sent{Text: "t6", IDs: []string{"m6"}} }, "acknowledged and is lost"},
	{"a message is in the log twice", func(_ *record, s *session) { s.Log[5] = logged{Sequence: 6, Content: 105, MessageID: "m9", Text: "t1"} }, `"t1" is there twice`},
	{"a client's id is in the log twice", func(_ *record, s *session) { s.Log[5].ClientID = "1" }, "is there twice"},
	{"two answers name two messages", func(_ *record, s *session) { s.Sent[0].IDs[1] = "m7" }, "acknowledged as m1 and as m7"},
	{"an answer names another message", func(_ *record, s *session) { s.Sent[0].IDs = []string{"m2"} }, "is in the log as m1"},
	{"a writer's messages are swapped", func(_ *record, s *session) { s.Sent[0], s.Sent[2] = s.Sent[2], s.Sent[0] }, "before one that was acknowledged before it"},
	{"a message that nobody sent", func(_ *record, s *session) { s.Sent = s.Sent[1:] }, `nobody sent "t1"`},
	{"a message that was refused as too late", func(_ *record, s *session) { s.Sent[0] = &sent{ClientID: "1", Text: "t1", Closed: true} }, "since the session was closed"},
	{"a message of which nothing was stored", func(_ *record, s *session) { s.Sent[0] = &sent{ClientID: "1", Text: "t1", Denied: true} }, "nothing was stored"},
	{"a request made two sessions", func(_ *record, s *session) { s.IDs[1] = "s2" }, "two sessions for one request"},
	{"a request was never answered", func(_ *record, s *session) { s.IDs = nil }, "never acknowledged"},

	{"the log has a gap", func(_ *record, s *session) { s.Log[3].Sequence = 5 }, "sequence 5 at place 4"},
	{"the log is empty", func(_ *record, s *session) { s.Log = nil }, "does not begin with REQUESTED"},
	{"a state goes back", func(_ *record, s *session) { s.Log[4].State = "WAITING" }, "a step back"},
	{"an event after CLOSED", func(_ *record, s *session) { s.Log[9], s.Log[10] = s.Log[10], s.Log[9] }, "1 events after CLOSED"},
	{"a close is lost", func(_ *record, s *session) { s.Log = s.Log[:10] }, "the close was acknowledged"},
	{"a status is told twice", func(_ *record, s *session) { s.Log[9] = logged{Sequence: 10, MessageID: "m2", Status: "DELIVERED"} }, "is told 2 times"},
	{"a status comes before its message", func(_ *record, s *session) { s.Log[9].Sequence = 7 }, "comes before it"},
	{"a status is wrong", func(_ *record, s *session) { s.Log[9].Status = "DELIVERED" }, "m3 is DELIVERED, and in the ledger failed"},

	{"a reply is lost", func(_ *record, s *session) { s.Human = append(s.Human, &reply{Text: "h3", Taken: 1}) }, "0 times in the log"},
	{"a reply makes two events", func(_ *record, s *session) { s.Log[5] = logged{Sequence: 6, MessageID: "h9", Human: true, Text: "h1"} }, "2 times in the log"},
	{"a late reply is lost", func(_ *record, s *session) { s.Late = nil }, "0 times among the late"},
	{"a late reply is kept twice", func(_ *record, s *session) { s.Late = []string{"h2", "h2"} }, "2 times among the late"},
	{"a reply is taken and too late", func(_ *record, s *session) { s.Human[0].Late = 1 }, "was taken and was too late"},
	{"a reply without an answer is there twice", func(_ *record, s *session) { s.Human[0].Taken, s.Late = 0, append(s.Late, "h1") }, "1 times in the log and 1 times"},
	{"a reply that nobody said", func(_ *record, s *session) { s.Human = s.Human[1:] }, `no human said "h1"`},
	{"a late reply that nobody said", func(_ *record, s *session) { s.Human = s.Human[:1] }, `no human said "h2"`},

	{"a stream missed an event", func(_ *record, s *session) { s.Streams[0] = slices.Delete(s.Streams[0], 4, 5) }, "sequence 6 came at place 5"},
	{"a stream missed the end", func(_ *record, s *session) { s.Streams[0] = s.Streams[0][:10] }, "ended at 10 of 11"},
	{"a stream repeated an event", func(_ *record, s *session) { s.Streams[0] = slices.Insert(s.Streams[0], 4, s.Streams[0][3]) }, "sequence 4 came at place 5"},
	{"a stream told what was not kept", func(_ *record, s *session) { s.Streams[0][3].Content++ }, "event 4 is not the one in the log"},
	{"a stream goes on after the end", func(_ *record, s *session) { s.Streams[0] = append(s.Streams[0], seen{Sequence: 12}) }, "event 12 is not the one"},

	{"the ledger lacks a delivery", func(_ *record, s *session) { s.Ledger = s.Ledger[:4] }, "4 deliveries, where the log asks for 5"},
	{"the ledger has another order", func(_ *record, s *session) { s.Ledger[1], s.Ledger[2] = s.Ledger[2], s.Ledger[1] }, "delivery 2 is message m2"},
	{"a delivery stays pending", func(_ *record, s *session) { s.Ledger[2].State = "pending" }, "never settled"},
	{"a delivery without an attempt", func(_ *record, s *session) { s.Ledger[2].Attempts = 0 }, "without an attempt"},
	{"a message failed that nobody refused", func(_ *record, s *session) { s.Sent[2].Refused = false }, `"t3" is failed`},

	{"the vendor never got a message", func(r *record, _ *session) { r.Calls = slices.Delete(r.Calls, 3, 6) }, `never got the message "t2"`},
	{"the vendor never took a message", func(r *record, _ *session) { r.Calls[5].Status = 503 }, "the vendor's last answer was 503"},
	{"the vendor refused what failed not", func(r *record, _ *session) { r.Calls[5].Status = 422 }, "the vendor's last answer was 422"},
	{"messages are swapped at the vendor", func(r *record, _ *session) { r.Calls[5], r.Calls[6] = r.Calls[6], r.Calls[5] }, `"t2" came again after "t3"`},
	{"a message overtakes another", func(r *record, _ *session) { r.Calls = slices.Insert(r.Calls, 3, r.Calls[6]) }, `"t3" came before`},
	{"a message comes after the close", func(r *record, _ *session) { r.Calls = append(r.Calls, r.Calls[5]) }, "came again after"},
	{"two messages at a time", func(r *record, _ *session) { r.Calls[5].Answered = 99 }, `came while "t2" was under way`},
	{"a repeat without a reason", func(r *record, _ *session) { r.Calls[1].Process = 1 }, "came again, from the same process"},
	{"a repeat of what was refused", func(r *record, _ *session) { r.Calls[3].Status = 400 }, "answered with 400 and came again"},
	{"a repeat of what was settled before the kill", func(_ *record, s *session) { s.Streams[0][6].Time = noon }, "a stream had told before the kill"},
	{"a repeat after a stop that waits", func(r *record, _ *session) { r.Deaths[0].Asked = true }, "after a stop that should have waited"},
	{"a repeat with another key", func(r *record, _ *session) { r.Calls[2].Key = "m1-again" }, "belongs to no delivery"},
	{"a key with another message", func(r *record, _ *session) { r.Calls[2].Text = "t2" }, `came with "t2" instead of "t1"`},
	{"a key on another path", func(r *record, _ *session) { r.Calls[2].Path = "/conversation/close" }, "came on /conversation/close"},
	{"a retry before its time", func(r *record, _ *session) { r.Calls[4].Time = r.Calls[3].Time.Add(time.Millisecond) }, "where Retry-After was 1s"},
	{"a close with another reason", func(r *record, _ *session) { r.Calls[7].Type = "TIMEOUT" }, `the close says "TIMEOUT"`},
	{"a session of which nobody knows", func(r *record, _ *session) { r.Calls[7].Session = "other" }, `for session "other"`},

	{"the webhook missed an event", func(r *record, _ *session) { r.Pushed = slices.Delete(r.Pushed, 1, 3) }, "event 3 came after 1"},
	{"the webhook missed the first event", func(r *record, _ *session) { r.Pushed = r.Pushed[1:] }, "begins with 2"},
	{"the webhook missed the end", func(r *record, _ *session) { r.Pushed = r.Pushed[:13] }, "ended at 10 of 11"},
	{"the webhook got nothing", func(r *record, _ *session) { r.Pushed = nil }, "webhook: ended at 0 of 11"},
	{"the webhook never took the end", func(r *record, _ *session) { r.Pushed[13].Status = 503 }, "last answer was 503"},
	{"events are swapped at the webhook", func(r *record, _ *session) { r.Pushed[8], r.Pushed[9] = r.Pushed[9], r.Pushed[8] }, "came after"},
	{"the webhook was told what was not kept", func(r *record, _ *session) { r.Pushed[8].Content++ }, "is not the one in the log"},
	{"an event beyond the log", func(r *record, _ *session) { r.Pushed[13].Sequence = 12 }, "is not the one in the log"},
	{"an event came with another id", func(r *record, _ *session) { r.Pushed[2].Key = "s_2-again" }, "has the id s_2-again"},
	{"an event was skipped after a refusal", func(r *record, _ *session) { r.Pushed[8].Status = 400 }, "though the answer to the one before was 400"},
	{"an event was skipped after a cut", func(r *record, _ *session) { r.Pushed = slices.Delete(r.Pushed, 6, 7) }, "though the answer to the one before was 0"},
	{"an event came again without a reason", func(r *record, _ *session) { r.Pushed[1].Process = 1 }, "came again, from the same process"},
	{"an event came again after a stop that waits", func(r *record, _ *session) { r.Deaths[0].Asked = true }, "webhook: event 2 came again after a stop"},
	{"two events at a time", func(r *record, _ *session) { r.Pushed[8].Answered = 99 }, "was under way"},
	{"an event before its time", func(r *record, _ *session) { r.Pushed[5].Time = r.Pushed[4].Time.Add(time.Millisecond) }, "webhook: event 4 came again after 1ms"},
	{"an event of a session of which nobody knows", func(r *record, _ *session) { r.Pushed[3].Session = "other" }, `of session "other"`},

	{"an answer that nobody may get", func(r *record, _ *session) { r.Unexpected = []string{"internal"} }, "internal"},
	{"a refusal that took long", func(r *record, _ *session) { r.Refusals = append(r.Refusals, time.Minute) }, "waited 1m0s"},
}

// TestCheckerFindsWhatIsPlanted shows that the checker can see: a run without
// findings proves nothing otherwise.
func TestCheckerFindsWhatIsPlanted(t *testing.T) {
	t.Parallel()
	for _, c := range planted {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := goodRecord()
			c.plant(r, r.Sessions[0])
			v := check(r)
			found := slices.ContainsFunc(v.Findings, func(finding string) bool { return strings.Contains(finding, c.finds) })
			assert.True(t, found, "not found: %q in\n%s", c.finds, strings.Join(v.Findings, "\n"))
		})
	}
}

// TestCheckerExcuses shows what is no fault.
func TestCheckerExcuses(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(r *record, s *session){
		"an open session": func(r *record, s *session) {
			s.Closed, s.Late, s.Human, s.Sent[3].Closed = 0, nil, s.Human[:1], false
			s.Log, s.Ledger, s.Streams[0], r.Calls, r.Pushed = s.Log[:10], s.Ledger[:4], s.Streams[0][:10], r.Calls[:7], r.Pushed[:13]
		},
		"a human's close, of which the vendor is not told": func(r *record, s *session) {
			s.Log[10].Reason, s.Ledger, r.Calls = "HUMAN", s.Ledger[:4], r.Calls[:7]
		},
		"a message without an answer that is in the log":     func(_ *record, s *session) { s.Sent[0].IDs = nil },
		"a message without an answer that is not in the log": func(_ *record, s *session) { s.Sent[4].Denied = false },
		"a status that came after the close":                 func(r *record, s *session) { s.Log = closedBeforeStatus(r, s) },
		"a retry that was released at the end": func(r *record, _ *session) {
			r.Drain = r.Calls[3].Time
			r.Calls[4].Time = r.Calls[3].Time.Add(time.Millisecond)
		},
		"a call that timed out":   func(r *record, _ *session) { r.Calls[1].Process, r.Calls[1].Took = 1, 15*time.Second },
		"an event that timed out": func(r *record, _ *session) { r.Pushed[1].Process, r.Pushed[1].Took = 1, 15*time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := goodRecord()
			plant(r, r.Sessions[0])
			assert.Empty(t, check(r).Findings)
		})
	}
}

// closedBeforeStatus is the log as it is when the close came before the last
// message was settled.
func closedBeforeStatus(r *record, s *session) []logged {
	log := slices.Delete(s.Log, 9, 10)
	r.Pushed = r.Pushed[:13]
	r.Pushed[12].Content = 109
	log[9].Sequence, log[9].Content = 10, 109
	s.Streams[0] = s.Streams[0][:10]
	return log
}

func TestEqualSeedsMakeEqualPlans(t *testing.T) {
	t.Parallel()
	p := newPlan(7, 1000, 12)
	require.Equal(t, p.String(), newPlan(7, 1000, 12).String())
	require.NotEqual(t, p.String(), newPlan(8, 1000, 12).String())
	one, other := newScript(7, 3), newScript(7, 3)
	one.random, other.random = nil, nil
	require.Equal(t, one, other)

	count := map[fault]int{}
	killed := 0
	for _, s := range p.Steps {
		count[s.Fault]++
		if s.isKill() {
			killed++
		}
	}
	require.Equal(t, 12, killed+count[killTwice])
	for _, f := range append([]fault{kill, killTwice, killStopped, killFull}, others...) {
		require.Positive(t, count[f], f)
	}
}

func TestAnswersThatAreRefusals(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 400, 401, 404, 409, 413, 422} {
		assert.True(t, isRefusal(status), status)
	}
	for _, status := range []int{0, 200, 204, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, 500, 503} {
		assert.False(t, isRefusal(status), status)
	}
}
