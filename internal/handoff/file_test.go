package handoff_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/wake"
)

// filing is a handoff.Files that makes files of what vendors have.
type filing struct {
	handoff.Files

	told int
}

func (f *filing) Expect(messageID string, remote []handoff.RemoteFile, _ time.Time) (pending []handoff.File) {
	for i, r := range remote {
		pending = append(pending, handoff.File{ID: fmt.Sprint("f", i), MessageID: messageID, Name: r.Name, State: handoff.FilePending})
	}
	return pending
}

func (f *filing) Expected() { f.told++ }

// Whatever a human sent shows, as a file or at least by its name.
func TestAHumansFiles(t *testing.T) {
	t.Parallel()
	keep := &filing{}
	for name, tt := range map[string]struct {
		files handoff.Files
		count int
		kept  int
		text  string
	}{
		"one":           {keep, 1, 1, "look"},
		"most":          {keep, 20, 20, "look"},
		"too many":      {keep, 22, 20, "look\n[20.png]\n[21.png]"},
		"none are kept": {nil, 2, 0, "look\n[0.png]\n[1.png]"},
	} {
		l := &log{}
		svc := handoff.NewService(handoff.Config{Store: l, Waker: wake.NewHub(), Files: tt.files, NewID: func(string) string { return "m" }, Now: time.Now})
		message := handoff.HumanMessage{Text: "look"}
		for i := range tt.count {
			message.Files = append(message.Files, handoff.RemoteFile{Name: fmt.Sprint(i, ".png")})
		}
		require.NoError(t, svc.Receive(t.Context(), "", handoff.Inbound{SessionID: "s", Body: message}), name)
		logged := l.events[0].Body.(handoff.MessageLogged).Message
		require.Equal(t, tt.text, logged.Text, name)
		require.Len(t, logged.Attachments, tt.kept, name)
	}
	require.Equal(t, 3, keep.told, "who fetches them is told")
}

func TestALateFileIsKeptByItsName(t *testing.T) {
	t.Parallel()
	s := newSession()
	s.Close(handoff.ClosedByCustomer, handoff.Outcome{}, time.Now())
	require.True(t, s.Receive(handoff.HumanMessage{Text: "here", Files: []handoff.RemoteFile{{Name: "plan.pdf"}, {}}}, "m", time.Now()))
	require.Equal(t, "here\n[plan.pdf]\n[file]", s.Changes().Late[0].Text)
}

// The log tells what a provider could not carry.
func TestWhatWasDegradedIsTold(t *testing.T) {
	t.Parallel()
	s := newSession()
	_, err := s.Accept(handoff.Message{ID: "m"}, time.Now())
	require.NoError(t, err)
	s.Settle(lane(s)[1], handoff.Attempt{State: handoff.DeliveryDelivered, Degraded: "f1 was sent as a link"}, time.Now())
	events := s.Changes().Events
	require.Equal(t, handoff.MessageStatusChanged{MessageID: "m", Status: handoff.MessageDelivered, Detail: "f1 was sent as a link"}, events[len(events)-1].Body)
}
