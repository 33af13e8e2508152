package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
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
	"github.com/human-handoff/handoff/internal/provider/dingtalk/dingtalktest"
)

// dingGroup is a group in DingTalk outside the server's process, in Stream mode, with
// two humans in it.
type dingGroup struct {
	*dingtalktest.Emulator

	t     *testing.T
	url   string
	agent *client
	of    [2][]*dingTalk // sessions, by who has them
	pin   [2]*dingTalk   // what each human chose last
}

// dingTalk is a session with what was said to it.
type dingTalk struct {
	id, tag string
	human   int
	said    []string
}

// startDingGroup connects an agent with a group that is learnt from the first mention.
func startDingGroup(t *testing.T, s *server) *dingGroup {
	t.Helper()
	g := &dingGroup{Emulator: dingtalktest.New(time.Now), t: t}
	g.Stream, g.Unknown = true, true
	g.SetRetries(2*time.Second, 200)
	server := httptest.NewServer(g.Emulator)
	t.Cleanup(server.Close)
	g.url = server.URL
	config := g.Config(server.URL).(*handoffv1.DingTalkConfig)
	for name, secret := range provider.Secrets(config) {
		s.vault.add("dingtalk "+name, secret)
	}
	answer, err := s.admin.ConfigureProvider(t.Context(), &handoffv1.ConfigureProviderRequest{
		AgentId: "shop", Settings: longSettings(), Provider: &handoffv1.ConfigureProviderRequest_Dingtalk{Dingtalk: config},
	})
	require.NoError(t, err)
	require.Equal(t, "INCOMPLETE", answer.GetStatus().GetReasonCode(), "%v", answer.GetStatus())
	require.Contains(t, answer.GetStatus().GetReason(), "mention the robot once")
	g.says(0, "hello", "")
	eventually(t, func() error {
		if status := s.status("shop"); status.GetState() != available {
			return &missing{"status", status.String()}
		}
		return nil
	})
	learnt, err := s.admin.GetProvider(t.Context(), &handoffv1.GetProviderRequest{AgentId: "shop"})
	require.NoError(t, err)
	require.Equal(t, dingtalktest.Group, learnt.GetDingtalk().GetOpenConversationId())
	g.agent = s.agentClient("shop")
	return g
}

// says has a human mention the robot. What they say comes in two copies.
func (g *dingGroup) says(human int, text, quote string) {
	g.t.Helper()
	r, err := g.Mention(human, text, quote)
	require.NoError(g.t, err)
	g.bring(r)
}

func (g *dingGroup) bring(r provider.Request) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 2*patience)
	defer cancel()
	var copies sync.WaitGroup
	for range 2 {
		copies.Go(func() { assert.True(g.t, g.Deliver(ctx, r)) })
	}
	copies.Wait()
}

// find waits for a message of the robot's, of those after the first ones.
func (g *dingGroup) find(after int, match func(dingtalktest.Message) bool) dingtalktest.Message {
	g.t.Helper()
	var found dingtalktest.Message
	eventuallyWithin(g.t, 2*patience, func() error {
		var texts []string
		for _, m := range g.Messages()[after:] {
			if m.Robot && match(m) {
				found = m
				return nil
			}
			texts = append(texts, m.Text)
		}
		return &missing{"message in the group", strings.Join(texts, "\n")}
	})
	return found
}

// told waits until the robot has told a human something.
func (g *dingGroup) told(human, after int, parts ...string) dingtalktest.Message {
	g.t.Helper()
	return g.find(after, func(m dingtalktest.Message) bool {
		ok := strings.HasPrefix(m.Text, dingtalktest.Humans[human].Nick+": ")
		for _, part := range parts {
			ok = ok && strings.Contains(m.Text, part)
		}
		return ok
	})
}

// press has a human press a button of a session's card.
func (g *dingGroup) press(t *dingTalk, human int, action string) {
	g.t.Helper()
	for id := range g.Cards() {
		if strings.Contains(id, t.tag) {
			r, err := g.Press(human, id, action)
			require.NoError(g.t, err)
			g.bring(r)
			return
		}
	}
	require.Fail(g.t, "the session has no card")
}

// begin opens a session and has a human take it.
func (g *dingGroup) begin(i, human int) *dingTalk {
	g.t.Helper()
	name := fmt.Sprint("Customer ", i)
	session, _ := g.agent.request(g.t, "shop", fmt.Sprint("conversation ", i), func(r *handoffv1.RequestHandoffRequest) {
		r.Customer = &handoffv1.Customer{UserId: fmt.Sprint("u-", i), Name: name}
		r.Question = "question of " + name
	})
	t := &dingTalk{id: session.GetId(), human: human}
	t.tag = g.find(0, func(m dingtalktest.Message) bool { return strings.Contains(m.Text, "question of "+name+"\n") }).Tag
	require.Len(g.t, t.tag, 4)
	g.agent.awaitState(g.t, t.id, waiting)
	before := len(g.Messages())
	g.press(t, human, "take")
	g.told(human, before, "#"+t.tag+" 由 "+dingtalktest.Humans[human].Nick)
	g.of[human] = append(g.of[human], t)
	return t
}

// last returns the robot's last message that begins with a session's tag.
func (g *dingGroup) last(t *dingTalk) string {
	for _, m := range slices.Backward(g.Messages()) {
		if m.Robot && m.Tag == t.tag {
			return m.ID
		}
	}
	return ""
}

func (g *dingGroup) customerSays(t *dingTalk, text string) {
	g.t.Helper()
	before := len(g.Messages())
	g.agent.send(g.t, t.id, text, text)
	g.find(before, func(m dingtalktest.Message) bool { return m.Tag == t.tag && strings.HasSuffix(m.Text, "\n"+text) })
	id := g.agent.awaitEvent(g.t, t.id, func(e *handoffv1.Event) bool { return e.GetMessage().GetText() == text }).GetMessage().GetId()
	g.agent.awaitStatus(g.t, t.id, id, handoffv1.MessageStatus_MESSAGE_STATUS_DELIVERED)
}

// requireUnheard checks that no session of all of them was told something.
func (g *dingGroup) requireUnheard(text string) {
	g.t.Helper()
	for human := range g.of {
		for _, t := range g.of[human] {
			for _, e := range g.agent.events(g.t, t.id) {
				if m := e.GetMessage(); m.GetAuthor() == handoffv1.Author_AUTHOR_HUMAN {
					assert.NotEqual(g.t, text, m.GetText(), "nothing is guessed")
				}
			}
		}
	}
}

// choose has a human choose a session for what they write next, by a tag alone.
func (g *dingGroup) choose(t *dingTalk, typed bool) {
	g.t.Helper()
	before := len(g.Messages())
	if typed {
		g.says(t.human, "#"+t.tag, "")
	} else {
		g.press(t, t.human, "pick")
	}
	g.told(t.human, before, "接下来的消息将发给 #"+t.tag)
	g.pin[t.human] = t
}

// goesOn has the human who chose a session write something without any hint. Before
// the server has noted what it showed last, which no human is quick enough for, it may
// ask all the same.
func (g *dingGroup) goesOn(t *dingTalk, text string) {
	g.t.Helper()
	before, asked := len(g.Messages()), false
	g.says(t.human, text, "")
	eventually(g.t, func() error {
		for _, e := range g.agent.events(g.t, t.id) {
			if e.GetMessage().GetText() == text {
				return nil
			}
		}
		for _, m := range g.Messages()[before:] {
			if !asked && m.Robot && strings.HasPrefix(m.Text, dingtalktest.Humans[t.human].Nick+": Who is this for?") {
				asked = true
				g.choose(t, true)
			}
		}
		return &missing{"answer", text}
	})
}

// answer has the human answer a session in one of the ways that there are.
func (g *dingGroup) answer(t, other *dingTalk, way int, text string) {
	g.t.Helper()
	before := len(g.Messages())
	switch way {
	case 0: // a quote
		g.says(t.human, text, g.last(t))
	case 1: // the tag
		g.says(t.human, "#"+t.tag+" "+text, "")
	case 2: // the tag as people write it in a hurry, with a quote of the same session
		g.says(t.human, strings.ToLower(t.tag)+"： "+text, g.last(t))
	case 3, 4: // chosen by a button of the card, or by the tag, and then without any hint
		g.choose(t, way == 3)
		g.goesOn(t, text)
	default: // without any hint, after somebody else has said something
		g.customerSays(other, "meanwhile before "+text)
		if other == g.pin[t.human] { // it is what they chose, and the last that they saw
			g.goesOn(other, text)
			other.said = append(other.said, text)
			return
		}
		g.says(t.human, text, "")
		question := g.told(t.human, before, "Who is this for?", "#"+t.tag+" ", "#"+other.tag+" ")
		assert.Empty(g.t, question.Tag, "a quote of it is no answer")
		g.requireUnheard(text)
		g.choose(t, true)
	}
	t.said = append(t.said, text)
	if g.pin[t.human] != t {
		g.pin[t.human] = nil
	}
}

// contradict quotes one session and names another, and then quotes the question that
// comes back: nobody can tell what is meant.
func (g *dingGroup) contradict(t, other *dingTalk, text string) {
	g.t.Helper()
	before := len(g.Messages())
	text = "#" + t.tag + " " + text
	g.says(t.human, text, g.last(other))
	question := g.told(t.human, before, "Who is this for?")
	g.requireUnheard(text)
	more := text + " as I said"
	g.says(t.human, strings.TrimPrefix(more, "#"+t.tag+" "), question.ID)
	g.requireUnheard(strings.TrimPrefix(more, "#"+t.tag+" "))
	g.choose(t, true)
	t.said = append(t.said, text, strings.TrimPrefix(more, "#"+t.tag+" "))
}

// TestTenSessionsInOneGroup interleaves ten sessions of two humans in one group at
// random, by all hints that there are. Each answer reaches its session, in order, and
// what is ambiguous is asked back.
func TestTenSessionsInOneGroup(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	g := startDingGroup(t, s)
	for i := range 10 {
		g.begin(i, i%2)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var humans sync.WaitGroup
	for human := range g.of {
		humans.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(human)))
			own := g.of[human]
			for step := range 24 {
				at := random.IntN(len(own))
				talk, other := own[at], own[(at+1+random.IntN(len(own)-1))%len(own)]
				text := fmt.Sprintf("answer %d of human %d", step, human)
				if step%8 == 7 {
					g.contradict(talk, other, text)
					continue
				}
				g.answer(talk, other, random.IntN(6), text)
			}
		})
	}
	humans.Wait()
	before := len(g.Messages())
	g.says(1, "#"+g.of[0][0].tag+" not mine", "")
	g.told(1, before, "#"+g.of[0][0].tag+" was taken by 张三")
	for human := range g.of {
		for _, talk := range g.of[human] {
			g.requireSaid(talk)
		}
	}
}

// TestAGroupIsOneAgents has a second agent use the same app: the first one's group is
// not learnt again, although its messages come to both.
func TestAGroupIsOneAgents(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	g := startDingGroup(t, s)
	config := g.Config(g.url).(*handoffv1.DingTalkConfig)
	_, err := s.admin.ConfigureProvider(t.Context(), &handoffv1.ConfigureProviderRequest{
		AgentId: "other", Settings: longSettings(), Provider: &handoffv1.ConfigureProviderRequest_Dingtalk{Dingtalk: config},
	})
	require.NoError(t, err)
	talk := g.begin(1, 0)
	before := len(g.Messages())
	g.says(0, "Hello", "")
	g.says(1, "/help", "")
	g.told(1, before, "conversation")
	talk.said = []string{"Hello"}
	g.requireSaid(talk)
	other, err := s.admin.GetProvider(t.Context(), &handoffv1.GetProviderRequest{AgentId: "other"})
	require.NoError(t, err)
	require.Empty(t, other.GetDingtalk().GetOpenConversationId())
	require.Equal(t, "INCOMPLETE", s.status("other").GetReasonCode())
	asked := 0
	for _, m := range g.Messages()[before:] {
		if m.Robot {
			asked++
		}
	}
	require.Equal(t, 1, asked, "one answer, of one agent")
}

// requireSaid checks what the customer of a session was told, and by whom.
func (g *dingGroup) requireSaid(t *dingTalk) {
	g.t.Helper()
	var got []string
	eventuallyWithin(g.t, 2*patience, func() error {
		got = nil
		for _, e := range g.agent.events(g.t, t.id) {
			if m := e.GetMessage(); m.GetAuthor() == handoffv1.Author_AUTHOR_HUMAN {
				got = append(got, m.GetText())
				assert.Equal(g.t, dingtalktest.Humans[t.human].Nick, m.GetAuthorName())
			}
		}
		if len(got) < len(t.said) {
			return &missing{"answer of " + strings.Join(t.said, ", "), strings.Join(got, "\n")}
		}
		return nil
	})
	require.Equal(g.t, t.said, got)
}

// TestDingTalkOverStreamMode has messages come over a connection that the server
// opens, which DingTalk cuts and replaces, while the server is killed twice. What was
// not acknowledged DingTalk sends again; it is there once, and in order.
func TestDingTalkOverStreamMode(t *testing.T) {
	t.Parallel()
	s := startServer(t, withFixedPort())
	g := startDingGroup(t, s)
	talk := g.begin(1, 1)
	w := &whole{t: t, s: s, agent: g.agent, id: talk.id}
	const messages = 40
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	said := make(chan bool, messages)
	go func() {
		defer close(said)
		for i := range messages {
			r, err := g.Mention(1, fmt.Sprint("message ", i), g.last(talk))
			said <- err == nil && g.Deliver(ctx, r) && (i%10 != 0 || g.Deliver(ctx, r))
			time.Sleep(50 * time.Millisecond)
		}
	}()
	taken := func(n int) {
		t.Helper()
		for range n {
			require.True(t, <-said, "message %d came through", len(talk.said))
			talk.said = append(talk.said, fmt.Sprint("message ", len(talk.said)))
		}
	}
	dingConnections := func(want int) {
		t.Helper()
		eventually(t, func() error {
			if got := g.Connections(); got != want {
				return &missing{"connection to DingTalk", fmt.Sprint(got)}
			}
			return nil
		})
	}
	taken(5)
	require.True(t, g.Ping(ctx))
	g.Cut()
	taken(5)
	w.crash(func() {})
	taken(5)
	g.Refresh(ctx, 3*time.Second)
	dingConnections(2) // the next one is there before the old one ends
	taken(5)
	dingConnections(1)
	g.Refresh(ctx, 0)
	g.Cut()
	taken(5)
	w.crash(g.Cut)
	taken(messages - 25)
	g.agent = w.agent
	g.requireSaid(talk)

	g.press(talk, 1, "close")
	g.agent.awaitState(t, talk.id, closed)
	eventually(t, func() error {
		for id, params := range g.Cards() {
			if params["state"] != "closed" {
				return &missing{"closed card", id}
			}
		}
		return nil
	})
}
