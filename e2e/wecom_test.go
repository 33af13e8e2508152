package e2e_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
	"github.com/human-handoff/handoff/internal/provider/wecom/wecomtest"
)

// rationed is how long what a member is told may wait: there are 30 messages a minute.
const rationed = time.Minute

// app is a WeCom app outside the server's process, with two members.
type app struct {
	*wecomtest.Emulator

	t       *testing.T
	receive string
	agent   *client

	mu      sync.Mutex
	current int // answers that went on with the current session, without being asked back
}

func startApp(t *testing.T, s *server) *app {
	t.Helper()
	a := &app{Emulator: wecomtest.New(time.Now), t: t, agent: s.agentClient("shop")}
	a.PerMinute = wecomtest.PerMinute
	server := httptest.NewServer(a.Emulator)
	t.Cleanup(server.Close)
	config, ok := a.Config(server.URL).(*handoffv1.WeComConfig)
	require.True(t, ok)
	for name, secret := range provider.Secrets(config) {
		s.vault.add("wecom "+name, secret)
	}
	answer, err := s.admin.ConfigureProvider(t.Context(), &handoffv1.ConfigureProviderRequest{
		AgentId: "shop", Settings: longSettings(), Provider: &handoffv1.ConfigureProviderRequest_Wecom{Wecom: config},
	})
	require.NoError(t, err)
	require.Equal(t, available, answer.GetStatus().GetState(), "%v", answer.GetStatus())
	a.receive = answer.GetReceiveUrl()
	return a
}

// says sends what a member did, in two copies at the same moment.
func (a *app) says(r provider.Request) {
	a.t.Helper()
	var copies sync.WaitGroup
	for range 2 {
		copies.Go(func() {
			request, err := http.NewRequest(r.Method, a.receive+"?"+r.Query, bytes.NewReader(r.Body))
			if !assert.NoError(a.t, err) {
				return
			}
			request.Header = r.Header.Clone()
			answer, err := http.DefaultClient.Do(request)
			if assert.NoError(a.t, err) {
				assert.Equal(a.t, http.StatusOK, answer.StatusCode)
				_ = answer.Body.Close()
			}
		})
	}
	copies.Wait()
}

// find waits for a message in a chat, of those after the first ones.
func (a *app) find(who, after int, match func(wecomtest.Message) bool) wecomtest.Message {
	a.t.Helper()
	var found wecomtest.Message
	eventuallyWithin(a.t, rationed, func() error {
		all := a.Chat(who).Messages
		for _, m := range all[min(after, len(all)):] {
			if !m.Mine && match(m) {
				found = m
				return nil
			}
		}
		return &missing{"message in the chat", fmt.Sprintf("%+v", all)}
	})
	return found
}

func orders(order string) func(wecomtest.Message) bool {
	return func(m wecomtest.Message) bool {
		return m.Replaced == "" && slices.ContainsFunc(m.Buttons, func(b wecomtest.Button) bool { return strings.HasSuffix(b.ID, order) })
	}
}

// press has a member press the button that orders something, once it is there.
func (a *app) press(who, after int, order string) {
	a.t.Helper()
	m := a.find(who, after, orders(order))
	r, err := a.Press(who, m.ID, order)
	require.NoError(a.t, err)
	a.says(r)
}

// begin opens a session, and has a member take it.
func (a *app) begin(i, who int) *talk {
	a.t.Helper()
	name := fmt.Sprint("Customer ", i)
	session, _ := a.agent.request(a.t, "shop", fmt.Sprint("conversation ", i), func(r *handoffv1.RequestHandoffRequest) {
		r.Customer = &handoffv1.Customer{UserId: fmt.Sprint("u-", i), Name: name}
		r.Question = "question of " + name
	})
	card := a.find(who, 0, func(m wecomtest.Message) bool { return m.Text == "question of "+name })
	require.NotEmpty(a.t, card.Tag)
	a.press(who, 0, "take:"+card.Tag)
	a.find(who, 0, orders("close:"+card.Tag))
	return &talk{id: session.GetId(), tag: card.Tag, phone: who}
}

// heard tells who of all was told something.
func (a *app) heard(all []*talk, text string) (by []string) {
	a.t.Helper()
	for _, t := range all {
		for _, e := range a.agent.events(a.t, t.id) {
			if e.GetMessage().GetText() == text {
				by = append(by, t.id)
			}
		}
	}
	return by
}

// customerSays has a customer say something, and waits until it was brought.
func (a *app) customerSays(t *talk, text string) {
	a.t.Helper()
	message := a.agent.send(a.t, t.id, text, text)
	eventuallyWithin(a.t, rationed, func() error {
		for _, e := range a.agent.events(a.t, t.id) {
			if s := e.GetMessageStatus(); s.GetMessageId() == message.GetId() && s.GetStatus() == handoffv1.MessageStatus_MESSAGE_STATUS_DELIVERED {
				return nil
			}
		}
		return &missing{"delivery", text}
	})
}

const whichOne = "Who is this for?"

func isAsked(t *talk) func(wecomtest.Message) bool {
	return func(m wecomtest.Message) bool {
		return strings.Contains(m.Title+m.Text, whichOne) && orders("pick:"+t.tag)(m)
	}
}

// goOn has a member write without any hint, who means the session that is current. Who
// is asked back, since something of another one has just been noted, says so.
func (a *app) goOn(all []*talk, t *talk, text string) {
	a.t.Helper()
	before, asked := len(a.Chat(t.phone).Messages), false
	a.says(a.Type(t.phone, text))
	eventuallyWithin(a.t, rationed, func() error {
		if by := a.heard(all, text); len(by) > 0 {
			return nil
		}
		for _, m := range a.Chat(t.phone).Messages[before:] {
			if isAsked(t)(m) && !asked {
				asked = true
				r, err := a.Press(t.phone, m.ID, "pick:"+t.tag)
				require.NoError(a.t, err)
				a.says(r)
			}
		}
		return &missing{"answer", text}
	})
	if !asked {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.current++
	}
}

// answer has a member answer a session in one of the ways that there are.
func (a *app) answer(all []*talk, t, other *talk, way int, text string) {
	a.t.Helper()
	before := len(a.Chat(t.phone).Messages)
	switch way {
	case 0: // the tag
		a.says(a.Type(t.phone, "#"+t.tag+" "+text))
	case 1: // ... as people write it in a hurry
		a.says(a.Type(t.phone, strings.ToLower(t.tag)+"："+text))
	case 2: // the tag, and then on with the current session
		a.says(a.Type(t.phone, "#"+t.tag+" first, "+text))
		t.said = append(t.said, "first, "+text)
		a.goOn(all, t, text)
	case 3: // chosen from the list by a button
		a.says(a.Type(t.phone, "/sessions"))
		a.press(t.phone, before, "pick:"+t.tag)
		a.goOn(all, t, text)
	default: // without any hint, after another customer has said something
		a.says(a.Type(t.phone, "#"+t.tag+" before, "+text))
		t.said = append(t.said, "before, "+text)
		a.customerSays(other, "meanwhile "+text)
		a.says(a.Type(t.phone, text))
		a.find(t.phone, before, isAsked(t))
		assert.Empty(a.t, a.heard(all, text), "it is asked back, and nothing is guessed")
		a.press(t.phone, before, "pick:"+t.tag)
	}
	t.said = append(t.said, text)
}

// TestTenSessionsInTwoChats interleaves ten sessions in the chats of two members at
// random, by tag, button and current session. Each answer reaches its session, in
// order; what is ambiguous is asked back; and WeCom drops nothing for being too much.
func TestTenSessionsInTwoChats(t *testing.T) {
	t.Parallel()
	a := startApp(t, startServer(t))
	var of [2][]*talk
	for i := range 10 {
		of[i%2] = append(of[i%2], a.begin(i, i%2))
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	all := slices.Concat(of[0], of[1])
	var members sync.WaitGroup
	for who := range of {
		members.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(who)))
			ways := random.Perm(5)
			for step := range 10 {
				at := random.IntN(len(of[who]))
				other := (at + 1 + random.IntN(len(of[who])-1)) % len(of[who])
				a.answer(all, of[who][at], of[who][other], ways[step%5], fmt.Sprintf("answer %d of member %d", step, who))
			}
		})
	}
	members.Wait()
	for who := range of {
		for _, talk := range of[who] {
			a.requireSaid(talk)
		}
	}
	assert.Positive(t, a.current, "who names a session goes on with it")
	assert.Zero(t, a.Dropped())
}

// requireSaid checks what the customer of a session was told, and by whom.
func (a *app) requireSaid(t *talk) {
	a.t.Helper()
	var got []string
	eventuallyWithin(a.t, rationed, func() error {
		got = nil
		for _, e := range a.agent.events(a.t, t.id) {
			if m := e.GetMessage(); m.GetAuthor() == handoffv1.Author_AUTHOR_HUMAN {
				got = append(got, m.GetText())
				assert.Equal(a.t, a.Chat(t.phone).Name, m.GetAuthorName())
			}
		}
		if len(got) < len(t.said) {
			return &missing{"answer", fmt.Sprintf("%q of %q in %+v", got, t.said, a.Chat(t.phone).Messages)}
		}
		return nil
	})
	require.Equal(a.t, t.said, got)
}

// TestWholeHandoffOverWeCom has the server killed while a message is on its way: WeCom
// has taken it, and the answer never comes. It is repeated, and WeCom drops it.
func TestWholeHandoffOverWeCom(t *testing.T) {
	t.Parallel()
	s, e := startServer(t, withFixedPort()), startEmulator(t, "wecom")
	e.connect(s, "shop")
	w := &whole{t: t, s: s, agent: s.agentClient("shop")}
	w.begin("one")
	assert.Equal(t, "Bob", e.last().Customer.Name)
	assert.Equal(t, "A human, please.", e.last().Context, "a card holds little")
	e.act(emulator.Join, "", false)
	eventually(t, func() error {
		if context := e.last().Context; !strings.Contains(context, "< where is my parcel\n> on its way\n< A human, please.") {
			return &missing{"history", context}
		}
		return nil
	})
	assert.Equal(t, "bob@example.com", e.last().Customer.Email)
	w.agent.send(t, w.id, "1", "first")
	e.awaitMessages("first")
	e.act(emulator.Say, "Hi, how can I help?", false)
	w.agent.awaitState(t, w.id, active)

	e.order("fail", map[string]any{"hang": true, "done": true})
	w.agent.send(t, w.id, "2", "second")
	e.awaitMessages("first", "second")
	w.crash(func() { e.order("heal", map[string]any{}) })
	w.agent.send(t, w.id, "3", "third")
	e.awaitMessages("first", "second", "third")
	e.act(emulator.Say, "Are you there?", false)
	e.act(emulator.Close, "", false)
	w.agent.awaitState(t, w.id, closed)
	w.requireLog("AUTHOR_CUSTOMER: first", "AUTHOR_HUMAN: Hi, how can I help?", "AUTHOR_CUSTOMER: second",
		"AUTHOR_CUSTOMER: third", "AUTHOR_HUMAN: Are you there?")

	w.begin("two")
	require.Len(t, e.sessions(), 2)
	w.agent.close(t, w.id)
	eventually(t, func() error {
		if e.last().Closed != "the customer ended the conversation" {
			return &missing{"end on the card", fmt.Sprintf("%+v", e.last())}
		}
		return nil
	})
}
