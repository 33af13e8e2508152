package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// whole is a handoff from its request to its end, over any provider.
type whole struct {
	t     *testing.T
	s     *server
	agent *client
	id    string
}

func (w *whole) begin(conversation string) {
	w.t.Helper()
	session, _ := w.agent.request(w.t, "shop", conversation, func(r *handoffv1.RequestHandoffRequest) {
		r.Customer = &handoffv1.Customer{UserId: "u-1", Email: "bob@example.com", Name: "Bob"}
		r.Transcript = []*handoffv1.Turn{{Role: handoffv1.Turn_ROLE_USER, Text: "where is my parcel"}, {Role: handoffv1.Turn_ROLE_ASSISTANT, Text: "on its way"}}
		r.Question = "A human, please."
	})
	w.id = session.GetId()
	w.agent.awaitState(w.t, w.id, waiting)
}

// crash kills the server while fn has it busy, does what happens meanwhile, and
// starts it again.
func (w *whole) crash(meanwhile func()) {
	w.t.Helper()
	w.s.kill()
	meanwhile()
	w.s.start()
	w.agent = w.s.client(w.agent.key)
}

// requireLog checks who said what, in which order, and that nothing is there twice.
func (w *whole) requireLog(want ...string) {
	w.t.Helper()
	events := w.agent.events(w.t, w.id)
	requireGapless(w.t, events)
	var got []string
	for _, event := range events {
		if m := event.GetMessage(); m != nil {
			got = append(got, fmt.Sprintf("%s: %s", m.GetAuthor(), m.GetText()))
		}
	}
	slices.Sort(got) // what was said at both ends at once has no order
	slices.Sort(want)
	require.Equal(w.t, want, got)
	assert.Equal(w.t, closed, events[len(events)-1].GetStateChanged().GetState())
}

// TestWholeHandoffOverAnEmulator has the server killed while a message is on its
// way: the vendor has taken it, and the answer never comes. Meanwhile the human
// goes on, and the vendor's webhook is lost where it can be asked for.
func TestWholeHandoffOverAnEmulator(t *testing.T) {
	t.Parallel()
	for kind, asks := range map[string]bool{"chatwoot": true, "dingtalk": false, "intercom": true, "livechat": true, "qiyu": false, "slack": true, "webhook": false, "zendesk": true} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s, e := startServer(t, withFixedPort()), startEmulator(t, kind)
			e.connect(s, "shop")
			w := &whole{t: t, s: s, agent: s.agentClient("shop")}
			w.begin("one")
			assert.Contains(t, e.last().Context, "where is my parcel")
			assert.Contains(t, e.last().Context, "A human, please.")
			assert.Equal(t, "Bob", e.last().Customer.Name)
			w.agent.send(t, w.id, "1", "first")
			e.awaitMessages("first")
			e.act(emulator.Say, "Hi, how can I help?", false)
			w.agent.awaitState(t, w.id, active)

			e.order("fail", map[string]any{"hang": true, "done": true})
			w.agent.send(t, w.id, "2", "second")
			e.awaitMessages("first", "second")
			w.crash(func() {
				e.order("heal", map[string]any{})
				e.act(emulator.Say, "Are you there?", asks)
			})
			w.agent.send(t, w.id, "3", "third")
			if kind == "qiyu" { // which knows no keys, and shows nothing of what it has
				e.awaitMessages("first", "second", "second", "third")
			} else {
				e.awaitMessages("first", "second", "third")
			}
			w.agent.awaitEvent(t, w.id, func(event *handoffv1.Event) bool { return event.GetMessage().GetText() == "Are you there?" })
			e.act(emulator.Close, "", false)
			w.agent.awaitState(t, w.id, closed)
			w.requireLog("AUTHOR_CUSTOMER: first", "AUTHOR_HUMAN: Hi, how can I help?", "AUTHOR_CUSTOMER: second",
				"AUTHOR_HUMAN: Are you there?", "AUTHOR_CUSTOMER: third")

			w.begin("two")
			require.Len(t, e.sessions(), 2, "the same customer comes again, and it is another conversation")
			assert.Equal(t, e.sessions()[0].Contact, e.last().Contact)
			w.agent.close(t, w.id)
			eventually(t, func() error {
				if e.last().Closed == "" {
					return &missing{"close", fmt.Sprintf("%+v", e.last())}
				}
				return nil
			})
			require.Len(t, e.sessions(), 2)
		})
	}
}

// TestWhatWasSaidInAGapArrives has the gateway down while the human answers three
// times, once with a file, and closes. Nobody sends those webhooks again.
func TestWhatWasSaidInAGapArrives(t *testing.T) {
	t.Parallel()
	const pdf = "%PDF-1.7 the label"
	for _, kind := range []string{"chatwoot", "intercom", "zendesk"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			address := serveFile(t, pdf)
			s, e := startServer(t, withFixedPort()), startEmulator(t, kind)
			e.connect(s, "shop")
			w := &whole{t: t, s: s, agent: s.agentClient("shop")}
			w.begin("one")
			e.act(emulator.Say, "Hi", false)
			w.agent.awaitState(t, w.id, active)
			w.agent.send(t, w.id, "1", "first")
			e.awaitMessages("first")
			w.crash(func() {
				e.act(emulator.Say, "one", true)
				e.sendFile("two", emulator.File{Name: "label & more.pdf", Content: pdf, URL: address}, true)
				e.act(emulator.Say, "three", true)
				e.act(emulator.Close, "", true)
			})
			w.agent.awaitState(t, w.id, closed)
			w.requireFile("two", "label & more.pdf", pdf)
			var said []string
			for _, event := range w.agent.events(t, w.id) {
				if m := event.GetMessage(); m.GetAuthor() == handoffv1.Author_AUTHOR_HUMAN {
					said = append(said, m.GetText())
				}
			}
			assert.Equal(t, []string{"Hi", "one", "two", "three"}, said)
			w.requireLog("AUTHOR_HUMAN: Hi", "AUTHOR_CUSTOMER: first", "AUTHOR_HUMAN: one", "AUTHOR_HUMAN: two", "AUTHOR_HUMAN: three")
		})
	}
}

// awaitMessages waits until the desk shows what the customer said, and nothing else.
func (e *emulated) awaitMessages(want ...string) {
	e.t.Helper()
	eventuallyWithin(e.t, 2*patience, func() error {
		last := e.last()
		if got := last.Messages(); !slices.Equal(got, want) {
			return &missing{"message at the desk", fmt.Sprint(got)}
		}
		return nil
	})
}

// TestWholeHandoffOverTheDesk is the same at the built-in desk.
func TestWholeHandoffOverTheDesk(t *testing.T) {
	t.Parallel()
	s := startServer(t, withFixedPort())
	desk := s.deskOf("shop", longSettings())
	w := &whole{t: t, s: s, agent: s.agentClient("shop")}
	w.begin("one")
	w.agent.send(t, w.id, "1", "first")
	say := func(desk handoffv1connect.DeskServiceClient, id, text string) {
		_, err := desk.Reply(t.Context(), &handoffv1.ReplyRequest{SessionId: w.id, ClientMessageId: id, Text: text, Human: "Joe"})
		require.NoError(t, err)
	}
	say(desk, "h1", "Hi")
	w.crash(func() {})
	w.agent.send(t, w.id, "2", "second")
	say(desk, "h1", "Hi") // whose answer the page may not have seen
	say(desk, "h2", "Bye")
	_, err := desk.CloseSession(t.Context(), &handoffv1.DeskServiceCloseSessionRequest{SessionId: w.id})
	require.NoError(t, err)
	w.agent.awaitState(t, w.id, closed)
	w.requireLog("AUTHOR_CUSTOMER: first", "AUTHOR_HUMAN: Hi", "AUTHOR_CUSTOMER: second", "AUTHOR_HUMAN: Bye")
}

// TestTwoAgentsOfOneWorkspace share an app, which knows one URL.
func TestTwoAgentsOfOneWorkspace(t *testing.T) {
	t.Parallel()
	s, e := startServer(t), startEmulator(t, "intercom")
	e.connect(s, "other")
	e.connect(s, "shop")
	e.connect(s, "third") // whose URL it is in the end
	w := &whole{t: t, s: s, agent: s.agentClient("shop")}
	w.begin("one")
	for _, d := range e.order("act", map[string]any{"session": e.last().ID, "kind": "say", "text": "Hi"}) {
		assert.Equal(t, 200, d.Status)
	}
	events := w.agent.events(t, w.id)
	require.Equal(t, active, events[len(events)-1].GetStateChanged().GetState(), "by the time of the answer, not by a later look")
	e.act(emulator.Close, "", false)
	w.requireLog("AUTHOR_HUMAN: Hi")
}

func TestRevokedCredentialsOfAVendor(t *testing.T) {
	t.Parallel()
	s, e := startServer(t), startEmulator(t, "intercom")
	e.connect(s, "shop")
	w := &whole{t: t, s: s, agent: s.agentClient("shop")}
	w.begin("one")
	e.order("revoke", map[string]any{})
	w.agent.send(t, w.id, "1", "kept")
	eventually(t, func() error {
		if status := s.status("shop"); status.GetReasonCode() != "CREDENTIALS" {
			return &missing{"status", status.String()}
		}
		return nil
	})
	assert.Contains(t, s.status("shop").GetReason(), "token_revoked")
	last := e.last()
	assert.Empty(t, last.Messages())
}

// TestWhatABrowserSaysIsNobodysIdentity has a stranger claim the address of
// somebody whom the desk knows.
func TestWhatABrowserSaysIsNobodysIdentity(t *testing.T) {
	t.Parallel()
	s, e := startServer(t), startEmulator(t, "intercom")
	e.connect(s, "shop")
	w := &whole{t: t, s: s, agent: s.agentClient("shop")}
	w.begin("one")
	known := e.last()

	settings := longSettings()
	settings.PublicChat = true
	_, err := s.admin.ConfigureProvider(t.Context(), &handoffv1.ConfigureProviderRequest{AgentId: "shop", Settings: settings})
	require.NoError(t, err)
	chat := handoffv1connect.NewChatServiceClient(bearer{}, s.url)
	started, err := chat.StartChat(t.Context(), &handoffv1.StartChatRequest{AgentId: "shop", Email: "bob@example.com", Name: "Bob", Question: "Let me in"})
	require.NoError(t, err)
	s.vault.addHanded("chat token", started.GetSessionToken(), handoffv1connect.ChatServiceStartChatProcedure)
	w.agent.awaitState(t, started.GetSession().GetId(), waiting)
	assert.Equal(t, "Let me in", e.last().Context[len(e.last().Context)-len("Let me in"):])
	assert.NotEqual(t, known.Contact, e.last().Contact)
	assert.Empty(t, e.last().Customer.Email)
	assert.Contains(t, e.last().Context, "E-mail, as the customer says: bob@example.com")
}
