package switchboard_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/dispatch"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/messenger"
	"github.com/human-handoff/handoff/internal/store"
	"github.com/human-handoff/handoff/internal/switchboard"
	"github.com/human-handoff/handoff/internal/wake"
)

const connection = "connection"

// bench is a switchboard on a real database, in front of a chat app in memory.
type bench struct {
	t     *testing.T
	store *store.Store
	svc   *switchboard.Service
	core  *handoff.Service
	ids   int
	keys  int

	mu    sync.Mutex
	now   time.Time
	brief bool
	group string
	caps  handoff.Capabilities

	sessions switchboard.Sessions
	refuse   error
	told     []provider.Notice
	calls    []provider.Call
	noteAll  []string // who is shown what is sent
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "h.db"), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	b := &bench{t: t, store: s, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), noteAll: []string{"bob", "eve"}}
	b.core = handoff.NewService(handoff.Config{
		Store: s, Waker: wake.NewHub(), Now: b.clock,
		Capabilities: func(string) handoff.Capabilities { return handoff.Capabilities{} },
		NewID:        func(prefix string) string { b.ids++; return fmt.Sprint(prefix, "_", b.ids) },
	})
	b.sessions = b.core
	b.connect(b)
	return b
}

// connect puts a switchboard before connections.
func (b *bench) connect(c switchboard.Connections) {
	b.svc = switchboard.New(switchboard.Config{
		Store: b.store, Sessions: b.sessions, Connections: c, Now: b.clock, Logger: slog.New(slog.DiscardHandler),
		Capabilities: func(string) handoff.Capabilities { return b.caps },
		Link:         func(a handoff.Attachment) string { return "https://files.example/" + a.ID },
	})
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// The bench is the connection, too.

func (b *bench) Sender(context.Context, string) (dispatch.Sender, error) { return b, nil }

func (b *bench) Terms(context.Context, string) (dispatch.Terms, error) { return dispatch.Terms{}, nil }

func (b *bench) Report(context.Context, string, error) {}

func (b *bench) Messenger(context.Context, string) (provider.Messenger, error) { return b, nil }

func (b *bench) BriefStart() bool { return b.brief }

func (b *bench) Group() string { return b.group }

func (b *bench) Tell(_ context.Context, n provider.Notice) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		return nil, b.refuse
	}
	b.told = append(b.told, n)
	return []string{n.IdempotencyKey + " at " + n.Person}, nil
}

func (b *bench) Open(_ context.Context, c provider.Call, _ handoff.Start) (handoff.Ref, error) {
	return handoff.Ref{ID: "ref of " + c.SessionID}, b.show(c)
}

func (b *bench) Send(_ context.Context, c provider.Call, _ handoff.Message) (string, error) {
	return "", b.show(c)
}

func (b *bench) Close(_ context.Context, c provider.Call, _ handoff.CloseReason) error {
	return b.show(c)
}

func (b *bench) show(c provider.Call) error {
	b.calls = append(b.calls, c)
	for _, person := range b.noteAll {
		if c.Seat.Person == "" || c.Seat.Person == person {
			c.Seat.Noted(person, c.IdempotencyKey+" at "+person)
		}
	}
	return b.refuse
}

// session opens a session, brings its start to the chat app and returns its tag.
func (b *bench) session(id, customer string) (tag string) {
	b.t.Helper()
	_, _, err := b.store.Create(b.t.Context(), handoff.ConversationKey{AgentID: "shop", ConversationID: id}, "", func(epoch uint64) (*handoff.Session, error) {
		return handoff.NewSession(handoff.Session{
			ID: id, AgentID: "shop", ConversationID: id, ConnectionID: connection, Provider: "chat",
			Customer: handoff.Customer{Name: customer}, Question: "Where is my parcel?", Limits: handoff.Limits{Longest: time.Hour},
		}, handoff.Start{Question: "Where is my parcel?", Transcript: []handoff.Turn{
			{Role: handoff.RoleUser, Text: "Hi"}, {Role: handoff.RoleAssistant, Text: "Hello"},
		}}, epoch, b.clock()), nil
	})
	require.NoError(b.t, err)
	b.call(id, id+"-start", func(s dispatch.Sender, c provider.Call) error {
		_, err := s.Open(b.t.Context(), c, handoff.Start{Question: "Where is my parcel?"})
		return err
	})
	return b.calls[len(b.calls)-1].Seat.Tag
}

func (b *bench) call(session, key string, do func(dispatch.Sender, provider.Call) error) {
	b.t.Helper()
	s, err := b.svc.Sender(b.t.Context(), connection)
	require.NoError(b.t, err)
	require.NoError(b.t, do(s, provider.Call{SessionID: session, IdempotencyKey: key}))
}

// says has a human say something, twice, as vendors do.
func (b *bench) says(said handoff.PersonSaid) {
	b.t.Helper()
	b.keys++
	in := handoff.Inbound{Key: fmt.Sprint("k", b.keys), VendorID: fmt.Sprint("v", b.keys), Body: said}
	for range 2 {
		require.NoError(b.t, b.svc.Receive(b.t.Context(), connection, in))
	}
	b.deliver()
}

// deliver tells what is due now.
func (b *bench) deliver() {
	b.t.Helper()
	ctx, stop := context.WithCancel(b.t.Context())
	var running sync.WaitGroup
	running.Go(func() { b.svc.Run(ctx) })
	require.Eventually(b.t, func() bool {
		held, heldErr := b.store.HeldSince(b.t.Context(), b.clock().Add(-switchboard.HeldFor))
		due, _, err := b.store.Notices(b.t.Context(), b.clock(), 1)
		return err == nil && heldErr == nil && len(due)+len(held) == 0
	}, 5*time.Second, time.Millisecond)
	stop()
	running.Wait()
}

func bob(text string) handoff.PersonSaid {
	return handoff.PersonSaid{Person: "bob", Name: "Bob", Text: text}
}

func (b *bench) presses(person, button string) {
	b.t.Helper()
	b.says(handoff.PersonSaid{Person: person, Name: strings.ToUpper(person[:1]) + person[1:], Button: button})
}

// heard returns what humans said in a session.
func (b *bench) heard(session string) (texts []string) {
	b.t.Helper()
	log, err := b.store.Log(b.t.Context(), session, 0, 1000)
	require.NoError(b.t, err)
	for _, e := range log.Events {
		switch body := e.Body.(type) {
		case handoff.MessageLogged:
			texts = append(texts, body.Message.AuthorName+": "+body.Message.Text)
		case handoff.ParticipantChanged:
			texts = append(texts, fmt.Sprint(body.Name, " joined: ", body.Joined))
		case handoff.StateChanged:
			if body.State == handoff.StateClosed {
				texts = append(texts, "closed by "+string(body.CloseReason))
			}
		}
	}
	return texts
}

// lastTold returns the last notices' texts by person, and forgets all.
func (b *bench) lastTold() (texts []string) {
	slices.SortStableFunc(b.told, func(x, y provider.Notice) int { return strings.Compare(x.Person, y.Person) })
	for _, n := range b.told {
		texts = append(texts, n.Person+": "+n.Text)
	}
	b.told = nil
	return texts
}

func TestOneSession(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tag := b.session("s1", "Ann")
	require.Len(t, tag, 4)

	b.says(bob("Hello?"))
	require.Empty(t, b.heard("s1"))
	require.Equal(t, []string{"bob: " + messenger.NoticeTakeFirst.Text("", "", "")}, b.lastTold())

	b.presses("bob", messenger.Button(messenger.TakeIt, tag))
	require.Equal(t, []string{"Bob joined: true"}, b.heard("s1"))
	require.ElementsMatch(t, []string{
		"bob: " + messenger.NoticeTook.Text("", tag, ""), "eve: " + messenger.NoticeTaken.Text("", tag, "Bob"),
	}, b.lastTold())

	b.presses("eve", messenger.Button(messenger.TakeIt, tag))
	require.Equal(t, []string{"eve: " + messenger.NoticeTaken.Text("", tag, "Bob")}, b.lastTold())

	b.says(bob("Hello Ann"))
	b.says(bob("/close"))
	require.Equal(t, []string{"Bob joined: true", "Bob: Hello Ann", "closed by human"}, b.heard("s1"))
	require.Equal(t, []string{"bob: " + messenger.NoticeEnded.Text("", tag, "")}, b.lastTold())

	b.pass(time.Hour)
	b.says(bob("#" + tag + " one more thing"))
	require.Equal(t, []string{"bob: " + messenger.NoticeClosed.Text("", tag, "")}, b.lastTold())
	require.Len(t, b.heard("s1"), 3)
}

func TestSeats(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tag := b.session("s1", "Ann")
	require.Equal(t, map[string][]string{}, b.calls[0].Seat.Earlier)
	again := b.session("s2", "Carl")
	require.NotEqual(t, tag, again)

	b.call("s1", "s1-start", func(s dispatch.Sender, c provider.Call) error {
		_, err := s.Open(t.Context(), c, handoff.Start{})
		return err
	})
	repeat := b.calls[len(b.calls)-1]
	require.Equal(t, tag, repeat.Seat.Tag, "it keeps its tag")
	require.Equal(t, map[string][]string{"bob": {"s1-start at bob"}, "eve": {"s1-start at eve"}}, repeat.Seat.Earlier)

	b.presses("bob", messenger.Button(messenger.TakeIt, tag))
	b.refuse = errors.New("half-way")
	s, err := b.svc.Sender(t.Context(), connection)
	require.NoError(t, err)
	_, err = s.Send(t.Context(), provider.Call{SessionID: "s1", IdempotencyKey: "m1"}, handoff.Message{Text: "anybody?"})
	require.Error(t, err)
	b.refuse = nil
	sent := b.calls[len(b.calls)-1]
	require.Equal(t, "bob", sent.Seat.Person)
	require.Equal(t, "Bob", sent.Seat.PersonName)
	shown, err := b.store.ShownTo(t.Context(), "s1", "m1")
	require.NoError(t, err)
	require.Equal(t, []switchboard.Message{{Person: "bob", VendorID: "m1 at bob"}}, shown, "it was shown, though the call failed")
}

func TestQuotes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ann, carl := b.session("s1", "Ann"), b.session("s2", "Carl")
	for _, tag := range []string{ann, carl} {
		b.presses("bob", messenger.Button(messenger.TakeIt, tag))
	}
	quoting := func(id, text string) handoff.PersonSaid {
		said := bob(text)
		said.Quotes, said.QuotedIDs = true, []string{"unknown", id}
		return said
	}
	b.says(quoting("s2-start at bob", "Hello Carl"))
	mine := fmt.Sprint("v", b.keys)
	b.says(quoting("s1-start at bob", "Hello Ann"))
	b.says(quoting(mine, "people quote themselves, too"))
	require.Equal(t, []string{"Bob joined: true", "Bob: Hello Ann"}, b.heard("s1"))
	require.Equal(t, []string{"Bob joined: true", "Bob: Hello Carl", "Bob: people quote themselves, too"}, b.heard("s2"))
}

func TestAskedBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ann, carl := b.session("s1", "Ann"), b.session("s2", "Carl")
	for _, tag := range []string{ann, carl} {
		b.presses("bob", messenger.Button(messenger.TakeIt, tag))
	}
	b.lastTold()
	b.pass(2 * time.Minute)
	b.says(bob("For whom"))
	b.says(bob("is this?"))
	require.Len(t, b.told, 1, "asked once")
	question := b.told[0]
	require.Equal(t, messenger.NoticeWhich.Text("", "", ""), question.Text)
	require.Len(t, question.Choices, 2)
	require.ElementsMatch(t, []string{"#" + ann + " Ann", "#" + carl + " Carl"}, []string{question.Choices[0].Label, question.Choices[1].Label})
	require.Equal(t, "Where is my parcel?", question.Choices[0].Detail)
	require.Len(t, b.heard("s1"), 1)

	b.presses("bob", messenger.Button(messenger.PickIt, carl))
	b.says(bob("And this?"))
	require.Equal(t, []string{"Bob joined: true", "Bob: For whom", "Bob: is this?", "Bob: And this?"}, b.heard("s2"))
	require.Len(t, b.heard("s1"), 1)
	b.lastTold()

	b.pass(11 * time.Minute)
	b.says(bob("Too long ago"))
	require.Equal(t, []string{"bob: " + messenger.NoticeWhich.Text("", "", "")}, b.lastTold())
	b.pass(switchboard.HeldFor)
	b.deliver()
	require.Equal(t, []string{"bob: " + messenger.NoticeDropped.Text("", "", "")}, b.lastTold())
	b.presses("bob", messenger.Button(messenger.PickIt, carl))
	require.Len(t, b.heard("s2"), 4, "what was dropped stays dropped")
}

func TestPassAndList(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ann := b.session("s1", "Ann")
	b.session("s2", "")
	b.presses("bob", messenger.Button(messenger.TakeIt, ann))
	b.lastTold()
	b.says(bob("/sessions"))
	require.Len(t, b.told, 1)
	require.Len(t, b.told[0].Choices, 2)
	require.Equal(t, messenger.Button(messenger.PickIt, ann), b.told[0].Choices[0].Button)
	b.lastTold()
	b.says(bob("#" + ann + " pass"))
	require.Len(t, b.told, 2)
	for _, n := range b.told {
		switch n.Person {
		case "bob":
			require.Equal(t, messenger.NoticeReleased.Text("", ann, ""), n.Text)
		case "eve":
			require.Equal(t, messenger.Button(messenger.TakeIt, ann), n.Choices[0].Button)
		}
	}
	b.presses("eve", messenger.Button(messenger.TakeIt, ann))
	require.Equal(t, []string{"Bob joined: true", "Bob joined: false", "Eve joined: true"}, b.heard("s1"))
}

func TestBriefStarts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.brief = true
	tag := b.session("s1", "Ann")
	_, err := b.core.SendMessage(t.Context(), "s1", handoff.Message{Text: "Hello?", ClientMessageID: "1"})
	require.NoError(t, err)
	b.presses("bob", messenger.Button(messenger.TakeIt, tag))
	require.Contains(t, b.lastTold()[0], "\n\n< Hi\n> Hello\n< Where is my parcel?\n< Hello?")
}

func TestNoticesAreTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.refuse = provider.Errorf(provider.ClassTransient, "down")
	b.says(bob("one"))
	b.says(bob("/help"))
	require.Empty(t, b.told)
	b.refuse = nil
	b.says(handoff.PersonSaid{Person: "eve", Text: "/help"})
	require.Len(t, b.lastTold(), 1, "nobody waits for somebody else")
	b.pass(time.Minute)
	b.deliver()
	told := b.lastTold()
	require.Len(t, told, 2)
	require.Equal(t, "bob: "+messenger.NoticeNoSession.Text("", "", ""), told[0], "in order")

	b.refuse = provider.Errorf(provider.ClassTransient, "down")
	b.says(bob("two"))
	b.pass(2 * time.Hour)
	b.deliver()
	b.refuse = nil
	b.pass(time.Hour)
	b.deliver()
	require.Empty(t, b.told, "by now it would only confuse")
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.session("s1", "Ann")
	b.says(handoff.PersonSaid{Person: "bob", Locale: "zh-CN", Unreadable: true})
	require.Equal(t, []string{"bob: " + messenger.NoticeUnreadable.Text("zh", "", "")}, b.lastTold())
}

// TestTwoTakeAtOnce: two who take at the same moment do not both get the session, and
// nothing is relayed twice.
func TestTwoTakeAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tag := b.session("s1", "Ann")
	var running sync.WaitGroup
	for i, person := range []string{"bob", "eve", "gus", "hal"} {
		for range 3 {
			running.Go(func() {
				err := b.svc.Receive(t.Context(), connection, handoff.Inbound{
					Key: fmt.Sprint("take", i), Body: handoff.PersonSaid{Person: person, Name: person, Button: messenger.Button(messenger.TakeIt, tag)},
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	running.Wait()
	require.Len(t, b.heard("s1"), 1, "one joined")
}
